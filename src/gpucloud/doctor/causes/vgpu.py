"""Causes in vGPU and SR-IOV."""

from __future__ import annotations

from gpucloud.doctor.causes.cause import Cause, Heading

_RESTART = "nova services are restarted; guests go on"
_VGPU = "nova docs: admin/virtual-gpu"
_NVIDIA = "NVIDIA vGPU user guide"

VGPU = Heading(
    "vGPU and SR-IOV",
    (
        Cause(
            "vgpu-licence-missing",
            "No vGPU licence",
            "The guest has no licence, or its licence service does not run: after a grace time it is "
            "throttled.",
            (
                "nvidia-smi -q: `License Status : Unlicensed`",
                "nvidia-gridd: `Failed to acquire license`, `Valid GRID license not found`",
                "CUDA fails on a vGPU: `devices are busy or unavailable`, `CUDA_ERROR_DEVICE_NOT_LICENSED`",
            ),
            (
                (
                    "Client token in /etc/nvidia/ClientConfigToken, FeatureType in gridd.conf, start "
                    "nvidia-gridd"
                ),
                "Check the way to the licence server and the clock",
            ),
            "nothing",
            ("NVIDIA vGPU client licensing user guide",),
        ),
        Cause(
            "vgpu-manager-not-loaded",
            "The vGPU manager is not loaded",
            "The host has no vGPU manager: the package is absent, a guest or data-centre driver is "
            "installed instead, or "
            "its module or services failed.",
            (
                "nvidia-gridd runs on the host: `Licensing not supported for GPUs in the system`",
                "no nvidia_vgpu_vfio module, no nvidia-vgpud and nvidia-vgpu-mgr services",
                "`NVRM: Ignoring probe for VF`",
                "sriov-manage is not there; `[nvidia-vgpu-vfio] ... start failed. status: 0x0 Timeout`",
                "its sources do not compile on this kernel",
            ),
            ("Install the vGPU host package (vgpu-kvm), nouveau off, reboot, look for the services",),
            "one reboot of the host",
            (_NVIDIA, "NVIDIA open-gpu-kernel-modules kernel-open/nvidia/nv-pci.c"),
        ),
        Cause(
            "vgpu-unsupported-board",
            "The board has no vGPU support",
            "The card is none of those that the vGPU manager knows, or is in display mode.",
            (
                "nvidia-vgpud: `no vGPU types`, `GPU not supported by vGPU`",
                "nvidia-smi vgpu: `No supported devices in vGPU mode`",
            ),
            (
                "Use the card whole, or a board from the list of supported ones",
                "A40, RTX A5000 and the like: displaymodeselector to compute mode",
            ),
            "one reboot of the host to change the mode",
            ("NVIDIA vGPU: supported products",),
        ),
        Cause(
            "vgpu-no-mdev-types",
            "No mdev types",
            "sysfs shows no mediated device types for the card. Why is the cause: vendor VFIO in place "
            "of mdev, VFs not "
            "enabled, no vGPU manager.",
            ("/sys/class/mdev_bus is empty",),
            ("See mdev-assumed, sriov-vfs-not-enabled, vgpu-manager-not-loaded",),
            "nothing",
            ("Linux Documentation/ABI/testing/sysfs-bus-vfio-mdev",),
        ),
        Cause(
            "mdev-assumed",
            "A mediated device is looked for where there is none",
            "Kernel and driver use the vendor's own VFIO interface (current_vgpu_type on each VF), or "
            "the card is given "
            "whole: there are no mdev types to find.",
            (
                "VFs with nvidia/creatable_vgpu_types and no mdev_supported_types",
                "`Directory '/sys/class/mdev_bus/...' does not exist`",
                "`no parent devices found for GPU at index`",
            ),
            (
                (
                    "Enable VFs, write the type to current_vgpu_type, pass the VF as a PCI device with "
                    "managed=no"
                ),
                (
                    "nova 31 and later: device_spec with managed=no; whole cards: a PCI alias, not "
                    "resources:VGPU"
                ),
            ),
            _RESTART,
            (_VGPU, "Linux 6.8 and NVIDIA vGPU 17: vendor-specific VFIO framework"),
        ),
        Cause(
            "mdev-not-present",
            "The mediated device does not exist",
            "The mediated device that the guest names is not there now (they do not survive a reboot "
            "unless defined), or "
            "mdevctl is absent where libvirt runs.",
            (
                "`mediated device '...' not found`",
                "`Cannot find 'mdevctl' in path`",
                "`iommu_group: No such file or directory`",
            ),
            (
                "Start it: mdevctl start -u UUID, or virsh nodedev-start; define it with autostart",
                "Install mdevctl where libvirt runs",
            ),
            "nothing",
            ("mdevctl(8)", "libvirt src/util/virmdev.c, src/node_device"),
        ),
        Cause(
            "vgpu-type-or-capacity",
            "No room for a vGPU of this type",
            "Another profile size runs on the card, or all instances of the type are used.",
            (
                "`No space left on device` on create",
                "available_instances is 0",
                "`Failed to add vgpu create request: 0x38`",
                "nova is told a type that the card does not offer",
            ),
            (
                "Use the type that runs already, or remove vGPUs",
                "Mixed sizes need a card and manager that allow them (time-sliced mixed mode)",
            ),
            "guests that have vGPUs end",
            (_NVIDIA, "Linux Documentation/ABI/testing/sysfs-bus-vfio-mdev"),
        ),
        Cause(
            "sriov-vfs-not-enabled",
            "The virtual functions are not there",
            "VFs were not created, not yet, or MIG and SR-IOV were set up in an order that the driver "
            "refuses.",
            (
                "sriov_numvfs is 0",
                "`No driver bound to device; cannot configure SR-IOV`",
                "sriov-manage fails at boot",
                "`not enough MMIO resources for SR-IOV`",
                "sriov_totalvfs is 0; `Cannot modify SR-IOV while VFs are assigned`",
            ),
            (
                (
                    "Enable VFs after the driver has started: /usr/lib/nvidia/sriov-manage -e ADDRESS; a "
                    "unit that tries again"
                ),
                "VFs first, then MIG, then vGPU types, then nova-compute",
            ),
            "guests with VFs of the card end",
            ("Linux Documentation/PCI/pci-iov-howto.rst, drivers/pci/iov.c", _NVIDIA),
        ),
        Cause(
            "fabric-manager-missing",
            "The NVSwitch fabric is not ready",
            "On NVSwitch boards CUDA starts only when the fabric manager runs, is of the driver's "
            "version and the "
            "partition is active; or the switches were not passed with the GPUs.",
            (
                "CUDA error 802, `system not yet initialized`",
                "nvidia-smi topo -m shows PHB in place of NV18",
                "`Fabric State : In Progress`",
            ),
            (
                "Install and start nvidia-fabricmanager of the driver's version",
                (
                    "Pass all NVSwitches (class 0680) with their GPUs, or activate the partition before the "
                    "guest starts"
                ),
            ),
            "guests of the board end",
            ("NVIDIA Fabric Manager user guide",),
        ),
    ),
)
