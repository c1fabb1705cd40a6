"""The libvirt cloud with everything around it in memory or in a temporary folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.cloud.fake_hypervisor import FakeHypervisor

from gpucloud.cloud.boot.make import BootMaker, Identity, MakeBoot
from gpucloud.cloud.clock import Clock
from gpucloud.cloud.definition.parts import Boot, DiskBoot, Firmware, KernelBoot, UserNetwork
from gpucloud.cloud.libvirt.cloud import LibvirtCloud
from gpucloud.cloud.libvirt.machine.places import Places
from gpucloud.cloud.libvirt.tools import Tools
from gpucloud.cloud.mediated import Mediated
from gpucloud.model.failure import Failure
from gpucloud.model.guest import GuestSpec
from gpucloud.model.pci import PciAddress

FREE_MEMORY_MIB = 8192


class NoBoots(BootMaker):
    """Makes boots without a kernel or an image: files of a few bytes."""

    def look(self, spec: GuestSpec) -> MakeBoot:
        if spec.image == "/images/broken":
            raise Failure("the image /images/broken does not boot")
        return _make_disk if spec.image else _make_kernel


def _make_kernel(folder: Path, identity: Identity) -> Boot:
    (folder / "kernel").write_text(identity.nonce)
    return KernelBoot(folder / "kernel", folder / "initramfs", f"gpucloud.nonce={identity.nonce}")


def _make_disk(folder: Path, identity: Identity) -> Boot:
    (folder / "seed.iso").write_text(identity.nonce)
    disk, seed, variables = (folder / name for name in ("disk.qcow2", "seed.iso", "firmware.vars"))
    return DiskBoot(disk, None, seed, Firmware.BIOS, variables)


@dataclass(slots=True)
class FakeTime:
    """Time that passes only when somebody waits."""

    seconds: float = 0.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.seconds

    def since_boot(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class FakeDeadline:
    """Remembers which guests have a time limit."""

    armed: dict[str, int] = field(default_factory=dict)

    def arm(self, name: str, uuid: str, folder: Path, log: Path, seconds: int) -> None:
        assert folder.is_dir()
        self.armed[name] = seconds

    def disarm(self, name: str, uuid: str, folder: Path) -> None:
        self.armed.pop(name, None)


@dataclass(slots=True)
class FakeDevices:
    """Functions that are vfio's and free, unless a test says otherwise."""

    drivers: dict[PciAddress, str] = field(default_factory=dict)
    held: set[PciAddress] = field(default_factory=set)
    typed: set[PciAddress] = field(default_factory=set)

    def driver(self, address: PciAddress) -> str | None:
        return self.drivers.get(address, "vfio-pci")

    def has_vgpu_type(self, address: PciAddress) -> bool:
        return address in self.typed

    def is_free(self, address: PciAddress) -> bool:
        return address not in self.held


@dataclass(slots=True)
class FakeMdevs:
    """Mediated devices that are there: none, unless a test makes some."""

    devices: list[Mediated] = field(default_factory=list)

    def is_offered(self) -> bool:
        return bool(self.devices)

    def made(self) -> tuple[Mediated, ...]:
        return tuple(self.devices)

    def is_free(self, uuid: str) -> bool:
        return all(each.is_free for each in self.devices if each.uuid == uuid)


@dataclass(slots=True)
class Machine:
    """A cloud and everything it stands on, for tests to look at."""

    cloud: LibvirtCloud
    hypervisor: FakeHypervisor
    places: Places
    deadline: FakeDeadline
    devices: FakeDevices
    time: FakeTime
    mdevs: FakeMdevs

    def leftovers(self) -> Sequence[str]:
        """Names of what is on disk of any guest; console logs are kept on purpose."""
        return [str(path) for path in self.places.guests.rglob("*")]


def machine(hypervisor: FakeHypervisor, folder: Path) -> Machine:
    places = Places(folder / "guests", folder / "logs", folder / "lock")
    deadline, devices, time = FakeDeadline(), FakeDevices(), FakeTime()
    mdevs = FakeMdevs()
    tools = Tools(
        connect=lambda: hypervisor,
        read_host=lambda: hypervisor.host,
        places=places,
        deadline=deadline,
        devices=devices,
        mdevs=mdevs,
        boots=NoBoots(_nothing_runs, "6.1", lambda: True),
        find_network=lambda: UserNetwork.SLIRP,
        free_memory_mib=lambda: FREE_MEMORY_MIB,
        clock=Clock(time.now, time.since_boot, time.wait),
    )
    return Machine(LibvirtCloud(tools), hypervisor, places, deadline, devices, time, mdevs)


def _nothing_runs(argv: Sequence[str], *, timeout_s: float = 0) -> str:
    raise AssertionError(f"{argv} was run")
