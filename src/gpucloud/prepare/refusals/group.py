"""Reasons that lie in the IOMMU group: VFIO gives a guest the whole group or nothing of it."""

from __future__ import annotations

from gpucloud.doctor.causes import Cause

_VFIO_DOC = "Linux Documentation/driver-api/vfio.rst"
_OWNER = "Linux drivers/iommu/iommu.c: iommu_group_claim_dma_owner()"

GROUP = (
    Cause(
        "group-shared",
        "Another GPU lives in the same IOMMU group",
        "VFIO gives a guest the whole group or nothing of it, and a GPU that was not asked for is never "
        "taken "
        "silently.",
        ("`gpucloud scan` shows the same group number at two GPUs",),
        (
            "Give them together: name each with --unit",
            "Move one card under another root port, or turn ACS on in the firmware",
        ),
        "nothing where both may go; else a restart of the host",
        (_VFIO_DOC, _OWNER),
    ),
    Cause(
        "peer-is-vital",
        "The host's disk or network lives in the same IOMMU group",
        "The group also holds a device that carries the root disk or the default route of the host. "
        "Taking the "
        "whole group would take that from the host, so it is never done, not with --force either.",
        ("`gpucloud scan --format json` lists the device under `vital`",),
        ("Move the GPU or the other device to another slot", "Turn ACS on in the firmware"),
        "a restart of the host",
        (_VFIO_DOC, _OWNER),
    ),
    Cause(
        "bridge-driver",
        "A bridge in the group has a driver that uses DMA",
        "VFIO leaves bridges of a group alone whose driver does no DMA of its own (pcieport). This one has "
        "another driver, so the kernel refuses the group.",
        ("`lspci -nnk` shows a driver other than pcieport at a bridge of the group",),
        ("Take the driver off the bridge: the refusal has the line",),
        "what that driver gave, such as hot plug of the slots below",
        (_OWNER, "Linux drivers/pci/pcie/portdrv.c: driver_managed_dma"),
    ),
    Cause(
        "no-iommu-group",
        "A function of the card has no IOMMU group",
        "Without a group there is nothing that VFIO could give away: the IOMMU is off in the firmware, "
        "or the "
        "kernel was not asked for it.",
        ("/sys/kernel/iommu_groups is empty", "vfio-pci: `probe of ... failed with error -22`"),
        ("`gpucloud doctor` says which of the two it is, and what to do",),
        "a restart of the host",
        (_VFIO_DOC, "Linux drivers/vfio/vfio_main.c: vfio_group_find_or_alloc() gives EINVAL"),
    ),
)
