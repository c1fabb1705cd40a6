"""The table: what a report can speak about -> what to run -> what that decides.

Why a command decides is how the parts work: Linux Documentation/driver-api/vfio.rst (all of a group goes to one
user), drivers/pci/pci.c (how a device is reset), drivers/pci/iov.c; QEMU hw/vfio/pci.c (ROM, display); nova
admin guides pci-passthrough and virtual-gpu; NVIDIA's guides of vGPU, MIG, licensing and the fabric manager.
"""

# A table reads best in rows.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.case import Case
from gpucloud.doctor.questions import commands as run
from gpucloud.doctor.questions.command import Topic


def _has_options(case: Case) -> bool:
    return case.paper is not None and bool(case.paper.nova.settings)


def _has_switches(case: Case) -> bool:
    return bool(case.host.nvswitches)


_GROUP_CAUSES = (
    "group-not-viable",
    "acs-missing",
    "acs-override",
    "companion-function-not-bound",
    "viommu-group-split",
)
_BINDING_CAUSES = ("host-driver-grabbed-gpu", "vfio-ids-wrong", "bind-before-unbind", "config-file-not-read",
                   "initramfs-not-updated", "wrong-kernel-module", "gpu-in-use", "secure-boot")
_IOMMU_CAUSES = ("iommu-disabled-firmware", "iommu-missing-kernel-arg", "interrupt-remapping-missing", "iommu-argument-ignored",
                 "rmrr-ineligible", "iommu-address-width", "unsafe-interrupts")
_NOVA_CAUSES = ("whitelist-mismatch", "filter-not-enabled", "alias-missing-on-api", "alias-definition-invalid", "not-enough-devices",
                "alias-device-type-mismatch", "pci-in-placement", "quota", "no-room-on-hosts", "compute-service-down")
_VGPU_CAUSES = ("vgpu-manager-not-loaded", "vgpu-unsupported-board", "vgpu-no-mdev-types", "mdev-assumed", "mdev-not-present",
                "vgpu-type-or-capacity", "vgpu-request-unsupported")
_GUEST_CAUSES = (
    "error-43",
    "guest-driver-not-loaded",
    "driver-kind-or-version",
    "gpu-fell-off-bus",
    "msi-not-enabled",
)

TOPICS: tuple[Topic, ...] = (
    Topic(
        "MIG",
        (
            (run.MIG_MODE, "whether MIG is on, or waits for a reset of the card"),
            (run.MIG_ROOM, "which instances the card can still take"),
            (run.MIG_THERE, "which instances are there: they end with MIG mode and with each start"),
            (run.USERS, "what holds the card: MIG mode changes only when nothing does"),
            (run.NVIDIA_LOG, "what the driver says of it"),
        ),
        words=("mig", "multi instance gpu", "gpu instance", "gpu instances", "compute instance", "1g 10gb", "1g 5gb"),
        phrases=("mig-busy", "mig-full", "mig-unsupported", "vfs-mig"),
    ),
    Topic(
        "licence",
        (
            (run.LICENCE_STATE, "whether the guest has its licence, and of which product"),
            (run.LICENCE_LOG, "why the licence service got none: token, clock, or a server not reached"),
            (run.LICENCE_TOKEN, "whether a token is there that the service can read"),
            (run.GUEST_VERSION, "whether the guest's driver is one of vGPU, of the manager's branch"),
        ),
        words=("licence", "license", "licensed", "unlicensed", "licensing", "gridd", "dls", "cls", "nls"),
        causes=("vgpu-licence-missing",),
    ),
    Topic(
        "NVLink fabric",
        (
            (run.FABRIC_STATE, "whether each card has joined the fabric: without it CUDA does not start"),
            (run.FABRIC_SERVICE, "whether the fabric manager runs, and is of the driver's version"),
            (run.TOPOLOGY, "whether the cards reach each other over NVLink, a PCIe switch, or the processor"),
            (run.SWITCHES, "whether the switches are seen, and which driver holds them"),
            (run.DEFINITION, "which cards and switches the guest has"),
        ),
        words=("nvlink", "nvswitch", "nvswitches", "fabric", "fabric manager", "fabricmanager", "hgx"),
        causes=("fabric-manager-missing",), is_shown=_has_switches,
    ),
    Topic(
        "cards that reach each other",
        (
            (run.TOPOLOGY, "whether the cards reach each other over NVLink, a PCIe switch, or the processor"),
            (run.PEERS, "whether the driver lets the cards read each other"),
            (run.DEFINITION, "where the guest's bus has the cards: apart, each behind a port of its own"),
            (run.LINK, "at which speed and width each card is linked"),
            (run.CARD_NODE, "on which node each card is"),
        ),
        words=("p2p", "peer to peer", "nccl", "nccl tests", "rccl", "all reduce", "allreduce", "multi gpu", "gpudirect", "topo"),
    ),
    Topic(
        "vGPU",
        (
            (run.VGPU_TYPES, "which types the host offers, and how many of each are left"),
            (run.VGPU_MODE, "whether the host's driver is the vGPU manager, and in which mode the card is"),
            (run.VIRTUAL_FUNCTIONS, "whether the virtual functions are made, on which newer cards put vGPUs"),
            (run.VGPUS, "which vGPUs run: on most cards all are of one size"),
            (run.NVIDIA_LOG, "what the manager says of the card"),
        ),
        words=("vgpu", "vgpus", "mdev", "mdevs", "mdevctl", "mdev supported types", "grid", "gvt g", "vgpu manager"),
        causes=_VGPU_CAUSES,
    ),
    Topic(
        "SR-IOV",
        (
            (run.VIRTUAL_FUNCTIONS, "how many virtual functions the card has, and how many are made"),
            (run.SRIOV_LOG, "why the kernel or the driver makes none: memory, bus numbers, the card's mode"),
            (run.DRIVER, "which driver holds the card: only some make virtual functions"),
            (run.ARGUMENTS, "whether the kernel was told to give the bus what the firmware did not"),
        ),
        words=("sr iov", "sriov", "virtual function", "virtual functions", "vfs", "sriov numvfs", "sriov totalvfs"),
        causes=("sriov-vfs-not-enabled",),
    ),
    Topic(
        "devices in nova's records",
        (
            (run.ROWS, "which devices nova counts as free, and to which instances it has given the others"),
            (run.COMPUTE_POOLS, "what nova-compute itself sees on its host"),
            (run.COMPUTE_LOG, "whether it refuses to drop or to take a device, and why"),
            (run.NOVA_DEVICES, "whether the device list names the cards that are there"),
        ),
        words=("pci devices", "pci devices table", "stale", "nova database", "still allocated", "pci device pools"),
        causes=("stale-pci-devices-row",),
    ),
    Topic(
        "scheduling in nova",
        (
            (run.FILTER_LOG, "which filter leaves no host"),
            (run.NOVA_DEVICES, "whether device list and alias name the same cards, on compute and controller"),
            (run.COMPUTE_POOLS, "whether nova-compute has the card, free, and as which device type"),
            (run.FLAVOR, "which alias, class or trait the flavor asks for, and how many"),
            (run.NOVA_FILTERS, "whether PciPassthroughFilter is among the filters"),
            (run.FAULT, "whether the scheduler or a host refused the instance"),
        ),
        words=("nova", "openstack", "no valid host", "novalidhost", "flavor", "alias", "device spec", "pci passthrough whitelist",
               "passthrough whitelist", "nova compute", "nova scheduler", "scheduler", "placement", "resource class"),
        causes=_NOVA_CAUSES, phrases=("no-valid-host", "retries", "filter-pci", "host-skipped-pci", "no-candidates"), is_shown=_has_options,
    ),
    Topic(
        "hugepages and NUMA",
        (
            (run.HUGE_PAGES, "whether the node has pages of that size left for the guest"),
            (run.CARD_NODE, "on which node the card is"),
            (run.DEFINITION, "which nodes, pages and processors the guest is bound to"),
            (run.MEMORY_LIMIT, "whether memory and its locking suffice: with a device all of it is pinned"),
            (run.QEMU_LOG, "what QEMU says of the memory"),
        ),
        words=("hugepages", "hugepage", "huge pages", "1g pages", "numa", "numatune", "memlock", "locked memory", "cannot allocate memory", "oom"),
        causes=("memlock-limit", "host-memory-short", "numa-policy-no-host"),
    ),
    Topic(
        "room for BARs",
        (
            (run.GUEST_BAR_LOG, "how large the guest's window is, and which BAR does not fit"),
            (run.HOST_BAR_LOG, "whether the host has given every BAR its place"),
            (run.DEFINITION, "machine, firmware and memory of the guest, which decide where its window lies"),
            (run.REVISION, "how large the BARs are"),
        ),
        words=("bar", "bars", "above 4g", "above 4g decoding", "resizable bar", "rebar", "mmio", "pci hole64", "aperture"),
        causes=("bar-allocation", "guest-mmio-window"),
    ),
    Topic(
        "reset",
        (
            (run.RESET_LOG, "whether the card came back from its reset when the guest ended or began again"),
            (run.RESET_METHOD, "which resets the kernel has for the card: without flr it takes the bus's"),
            (run.REVISION, "whether the card answers at all: rev ff is one that does not"),
            (run.DRIVER, "which driver has the card between two guests"),
            (run.DEFINITION, "which functions of the card the guest has: all are reset together"),
        ),
        words=("reset", "resets", "second start", "second boot", "reboot the host", "restart the host", "flr", "d3", "d3cold", "power state",
               "after shutdown", "stuck"),
        causes=("reset-bug", "power-state-d3"),
    ),
    Topic(
        "ROM and display",
        (
            (run.BOOT_DISPLAY, "on which card the firmware started: its ROM is used, and a framebuffer lies in it"),
            (run.DISPLAY_LOG, "whether a framebuffer keeps the card, or its ROM cannot be read"),
            (run.DEFINITION, "firmware of the guest, its other display, and a ROM file"),
            (run.MEMORY_MAP, "who owns memory in the card's BARs"),
            (run.DRIVER, "which driver holds the card"),
        ),
        words=("rom", "vbios", "romfile", "black screen", "no picture", "no display", "no signal", "no output", "blank screen", "monitor",
               "efifb", "framebuffer", "single gpu", "only gpu", "boot display", "picture"),
        causes=("vbios-rom", "boot-framebuffer-holds-gpu", "uefi-needed-by-guest"),
    ),
    Topic(
        "driver in the guest",
        (
            (run.GUEST_LOG, "what the guest's driver says of the card"),
            (run.GUEST_DRIVER, "whether the guest sees the card, and which driver has it"),
            (run.VFIO_LOG, "what the host says at that time: faults, resets, BARs"),
            (run.DEFINITION, "what the guest sees of its hypervisor, and where the card is put"),
            (run.GUEST_VERSION, "which version of the driver runs"),
        ),
        words=("code 43", "error 43", "code 10", "code 12", "rminitadapter", "xid", "nvrm", "nvidia smi", "no devices were found",
               "guest driver", "device manager", "cuda", "rocm", "rocminfo", "rocm smi", "bsod", "blue screen"),
        causes=_GUEST_CAUSES, phrases=("guest-marks",),
    ),
    Topic(
        "performance",
        (
            (run.LINK, "at which speed and width the card is linked: read it while the card works"),
            (run.DEFINITION, "whether processors are pinned and memory is on the card's node"),
            (run.CARD_NODE, "on which node the card is"),
            (run.CLOCKS, "whether the card is held back by power or heat"),
            (run.TOPOLOGY, "how the cards reach each other"),
        ),
        words=("slow", "slower", "performance", "stutter", "stuttering", "latency", "fps", "bandwidth", "throughput", "lag", "half the speed"),
    ),
    Topic(
        "IOMMU groups",
        (
            (run.GROUPS, "what shares the card's group: all of it goes to one guest"),
            (run.DRIVER, "which driver holds each function of the group"),
            (run.ARGUMENTS, "whether the kernel was told to split groups that the hardware does not"),
            (run.VFIO_LOG, "which group is refused"),
        ),
        words=("iommu group", "iommu groups", "acs", "same group", "not viable", "viable", "own group", "group"),
        causes=_GROUP_CAUSES, phrases=("group-shared",),
    ),
    Topic(
        "IOMMU",
        (
            (run.IOMMU_LOG, "whether the firmware offers an IOMMU, and the kernel runs it"),
            (run.ARGUMENTS, "what the running kernel was told"),
            (run.GROUPS, "whether there are groups: without an IOMMU there are none"),
        ),
        words=("iommu", "vt d", "vtd", "amd vi", "dmar", "ivrs", "interrupt remapping"),
        causes=_IOMMU_CAUSES,
    ),
    Topic(
        "driver binding",
        (
            (run.DRIVER, "which driver holds the card"),
            (run.MODPROBE, "which ids vfio-pci is given, and whether it is loaded before the others"),
            (run.BOOT_IMAGE, "whether the boot image knows of vfio"),
            (run.USERS, "which program keeps the card from being let go"),
            (run.ARGUMENTS, "which ids the kernel was told at its start"),
        ),
        words=("nouveau", "bind", "bound", "unbind", "blacklist", "blacklisted", "driverctl", "driver override", "ids", "initramfs", "modprobe",
               "vfio conf", "snd hda intel", "kernel driver in use", "grabs", "rmmod"),
        causes=_BINDING_CAUSES,
    ),
    Topic(
        "start of the guest",
        (
            (run.QEMU_LOG, "at which step QEMU gives up, and why"),
            (run.FAILED_START_LOG, "what the kernel says at the same moment"),
            (run.DEFINITION, "what the guest is given"),
            (run.REFUSALS, "whether AppArmor or SELinux refuses a file or a device"),
            (run.LIBVIRT_LOG, "what stands before QEMU: permissions, limits, devices not there"),
        ),
        words=("libvirt", "qemu", "virsh", "virt manager", "does not start", "won t start", "doesn t start", "fails to start", "failed to start",
               "start failed", "error starting domain", "unable to start", "qm start"),
        causes=("mac-denied", "hostdev-check-misleading", "kvm-unavailable", "guest-port-missing"),
    ),
    Topic(
        "passthrough of a card",
        (
            (run.DRIVER, "which driver holds the card"),
            (run.GROUPS, "whether the IOMMU runs, and what shares the card's group"),
            (run.QEMU_LOG, "at which step the start of the guest fails, and why"),
            (run.IOMMU_LOG, "whether the firmware offers an IOMMU, and the kernel runs it"),
            (run.DEFINITION, "what the guest is given"),
        ),
        words=("passthrough", "pass through", "passed through", "passing through", "pcie passthrough", "vfio", "vfio pci", "hostdev", "gpu", "gpus",
               "graphics card", "video card", "nvidia", "radeon", "geforce", "quadro", "tesla", "instinct", "rtx", "gtx", "t4", "l4", "l40", "l40s",
               "p40", "v100", "a10", "a16", "a30", "a40", "a100", "h100", "h200", "b200", "mi210", "mi250", "mi300x"),
        is_general=True,
    ),
)
"""Topics, the particular before the general."""
