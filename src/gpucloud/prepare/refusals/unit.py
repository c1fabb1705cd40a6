"""Reasons that lie in the card itself."""

from __future__ import annotations

from gpucloud.doctor.causes import Cause

UNIT = (
    Cause(
        "unit-is-vital",
        "The card carries the host's disk or network",
        "A function of the card, its USB controller say, carries the root disk or the default route. A "
        "card goes "
        "whole, so the host would lose that; it is never done, not with --force either. Of an IPv4 default "
        "route over several network cards (multipath) the kernel shows gpucloud the first alone: look at "
        "`ip route` before you give away a card that carries another of them.",
        ("`gpucloud scan --format json` lists the function under `vital`",),
        ("Plug what hangs on it into another controller",),
        "nothing",
        ("Linux Documentation/driver-api/vfio.rst",),
    ),
    Cause(
        "virtual-functions-enabled",
        "The card has virtual functions",
        "Virtual functions vanish when the driver of their physical function is taken, and with them "
        "the cards "
        "of every guest that has one.",
        ("`gpucloud scan --format json` shows sriov.enabled above 0",),
        (
            "End the guests that use them",
            "Switch them off: echo 0 > /sys/bus/pci/devices/ADDRESS/sriov_numvfs",
        ),
        "the guests that use them stop",
        ("Linux Documentation/PCI/pci-iov-howto.rst",),
    ),
    Cause(
        "no-sriov",
        "The card shows no SR-IOV capability",
        "A pool with `use: sriov` cuts cards into virtual functions, and this one can have none. The kernel "
        "shows `sriov_totalvfs` of every card that can.",
        (
            "`gpucloud scan` does not list `sriov` under USES",
            "`lspci -vvv` shows no `Single Root I/O Virtualization (SR-IOV)`",
        ),
        (
            "Take the card out of the pool, or give it whole: `use: passthrough`",
            "Where it has SR-IOV: switch that on, in the firmware's setup or by NVIDIA's displaymodeselector",
        ),
        "nothing",
        ("Linux drivers/pci/pci-sysfs.c and iov.c: sriov_pf_attrs_are_visible()",),
    ),
    Cause(
        "mig-misfit",
        "The MIG instances of a pool do not fit its card",
        "A pool's `mig` names what each of its cards is cut into. A card has a number of memory slices, each "
        "profile takes some of them from certain places on, and some profiles can be there once.",
        (
            "`gpucloud vgpu types` lists the profiles of the card",
            "`nvidia-smi mig -lgipp` shows their places",
        ),
        ("Ask for less, or other profiles; try a mix: `gpucloud vgpu plan '3b:00.0: 3g.20gb, 2g.10gb'`",),
        "nothing",
        ("NVIDIA Multi-Instance GPU User Guide, Supported MIG Profiles",),
    ),
    Cause(
        "mediated-devices-there",
        "The card has mediated devices",
        "Mediated devices (vGPUs of NVIDIA, Intel's GVT-g) vanish when the driver of their card is taken: "
        "the unbind waits for each guest that has one, or takes it from the guest. `undo` does not make them "
        "again, so they are not taken, whether a guest has them now or not.",
        (
            "`gpucloud scan --format json` shows them under mdevs",
            "`ls /sys/bus/mdev/devices` names those of all cards",
        ),
        (
            "End the guests that use them",
            "Remove each: echo 1 > /sys/bus/mdev/devices/UUID/remove",
        ),
        "the guests that use them stop",
        ("Linux Documentation/driver-api/vfio-mediated-device.rst", "drivers/vfio/mdev/mdev_core.c"),
    ),
)
