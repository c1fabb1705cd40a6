"""What the libvirt cloud works with, gathered so that tests can bring their own of each."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from gpucloud.cloud.boot.make import BootMaker
from gpucloud.cloud.clock import CLOCK, Clock
from gpucloud.cloud.definition.parts import UserNetwork
from gpucloud.cloud.libvirt.connection import Hypervisor, connect
from gpucloud.cloud.libvirt.machine.deadline import Deadline, deadline_of_this_machine
from gpucloud.cloud.libvirt.machine.devices import Devices, LiveDevices
from gpucloud.cloud.libvirt.machine.emulator import find_user_network, has_uefi
from gpucloud.cloud.libvirt.machine.mdevs import LiveMdevs, Mdevs
from gpucloud.cloud.libvirt.machine.memory import read_free_memory_mib
from gpucloud.cloud.libvirt.machine.places import Places
from gpucloud.cloud.programs import run
from gpucloud.model.host import Host


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything outside of gpucloud that a guest on this machine needs."""

    connect: Callable[[], Hypervisor]
    read_host: Callable[[], Host]
    places: Places
    deadline: Deadline
    devices: Devices
    mdevs: Mdevs
    boots: BootMaker
    find_network: Callable[[], UserNetwork]
    free_memory_mib: Callable[[], int | None]
    clock: Clock


def tools_of_this_machine(read_host: Callable[[], Host]) -> Tools:
    """The real ones."""
    return Tools(
        connect=connect,
        read_host=read_host,
        places=Places(),
        deadline=deadline_of_this_machine(run),
        devices=LiveDevices(),
        mdevs=LiveMdevs(),
        boots=BootMaker(run, os.uname().release, has_uefi),
        find_network=find_user_network,
        free_memory_mib=read_free_memory_mib,
        clock=CLOCK,
    )
