"""The commands that are asked for.

What they print: lspci(8), Linux Documentation/ABI/testing/sysfs-bus-pci and sysfs-kernel-iommu_groups,
libvirt's virsh(1), Proxmox VE qm(1) and pvenode(1), nvidia-smi(1), AMD's rocm-smi, NVIDIA's guides of vGPU
software, MIG and the fabric manager, nova's nova/filters.py and nova/compute/resource_tracker.py, openstack(1).
"""

# A table reads best in rows.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.settings import ALIAS_NAMES, SPEC_NAMES
from gpucloud.doctor.questions.command import Command, Where
from gpucloud.model.unknown import Unknown

_PROXMOX = ("proxmox", "pve", "qm", "hostpci0")
_KOLLA = ("kolla",)
_WINDOWS = ("windows", "win10", "win11", "device manager")
_AMD = ("radeon", "amdgpu", "rocm", "rocminfo", "rocm smi", "instinct", "mi210", "mi250", "mi300x")
GUEST, CONTROLLER = Where.GUEST, Where.CONTROLLER


def _shows_drivers(case: Case) -> bool:
    functions = case.host.functions
    return not isinstance(functions, Unknown) and any(
        not isinstance(one.driver, Unknown) for one in functions.values()
    )


def _shows_groups(case: Case) -> bool:
    return not isinstance(case.host.iommu.groups, Unknown)


def _shows_arguments(case: Case) -> bool:
    return case.paper is not None and case.paper.boot.is_running_known


def _shows_domain(case: Case) -> bool:
    return case.paper is not None and (case.paper.shapes.has_domain or case.paper.shapes.has_hostdev)


def _shows_directives(case: Case) -> bool:
    return case.paper is not None and bool(case.paper.boot.directives)


def _shows_devices_of_nova(case: Case) -> bool:
    nova = case.paper.nova if case.paper is not None else None
    return nova is not None and bool(nova.named(*SPEC_NAMES)) and bool(nova.named(*ALIAS_NAMES))


def _shows_filters(case: Case) -> bool:
    paper = case.paper
    names = ("enabled_filters", "scheduler_default_filters")
    return paper is not None and bool(paper.nova.named(*names))


def _shows_request(case: Case) -> bool:
    return case.paper is not None and bool(case.paper.request.properties)


def _shows_pools(case: Case) -> bool:
    return case.paper is not None and case.paper.has("pools-shown", "pools-none")


def _shows_guests_card(case: Case) -> bool:
    return case.paper is not None and bool(case.paper.guests_listing.seen)


def _shows_types(case: Case) -> bool:
    return case.paper is not None and case.paper.has("mdev-types", "mdev-types-absent")


def _shows_topology(case: Case) -> bool:
    return case.paper is not None and bool(case.paper.shapes.topology)


DRIVER = Command("lspci -nnk -s {card}", general="lspci -nnk", marks=("kernel driver in use",), is_shown=_shows_drivers)
GROUPS = Command("find /sys/kernel/iommu_groups -type l", keys=("iommu_groups",), marks=("adding to iommu group",), is_shown=_shows_groups)
ARGUMENTS = Command("cat /proc/cmdline", keys=("cmdline",), marks=("proc cmdline",), is_shown=_shows_arguments)
IOMMU_LOG = Command("dmesg | grep -iE 'DMAR|AMD-Vi|IOMMU'", log="host", keys=("dmesg",), marks=("dmar drhd", "dmar iommu", "amd vi amd"))
VFIO_LOG = Command("dmesg | grep -iE 'vfio|BAR |AER'", log="host", keys=("dmesg", "journal"), marks=("vfio pci 0000",))
FAILED_START_LOG = Command("dmesg | tail -n 100", log="host", keys=("dmesg", "journal"), marks=("vfio pci 0000",))
RESET_LOG = Command("dmesg | grep -iE 'reset|not ready|D3|vfio'", log="host", keys=("dmesg", "journal"), marks=("vfio pci 0000", "ms after flr"))
DISPLAY_LOG = Command("dmesg | grep -iE 'efifb|simpledrm|vgaarb|BAR .*reserve|ROM'", log="host", keys=("dmesg",), marks=("vgaarb", "can t reserve", "invalid pci rom"))
HOST_BAR_LOG = Command("dmesg | grep -iE 'BAR [0-9]'", log="host", keys=("dmesg",), marks=("no space for", "failed to assign", "bar 0"))
REVISION = Command("lspci -vv -s {card}", general="lspci -vv", keys=("lspci_vv", "lspci_verbose"), marks=("lnksta", "flreset"))
DEFINITION = Command("virsh dumpxml GUEST", instead=((_PROXMOX, "qm config VMID"),), keys=("libvirt_xml", "qemu_cmdline", "vm_config", "qm_config"), marks=("hostdev mode", "device vfio pci", "hostpci0"), is_shown=_shows_domain)
QEMU_LOG = Command("tail -n 50 /var/log/libvirt/qemu/GUEST.log", instead=((_PROXMOX, "pvenode task list --errors 1 --vmid VMID; pvenode task log UPID"),), keys=("qemu_error", "qemu_log", "libvirt_error"), marks=("qemu exited", "qemu system x86 64", "device vfio pci"))
LIBVIRT_LOG = Command("journalctl -b -u libvirtd -u virtqemud", instead=((_PROXMOX, "journalctl -b -u pvedaemon"),), keys=("libvirt_error", "libvirt_log", "journal"), marks=("internal error",))
REFUSALS = Command("journalctl -kb | grep -iE 'apparmor=.DENIED|avc: *denied'", keys=("audit",), marks=("apparmor denied", "avc denied"))
MODPROBE = Command("grep -rE 'vfio|blacklist|softdep' /etc/modprobe.d", keys=("modprobe",), is_shown=_shows_directives)
BOOT_IMAGE = Command("lsinitramfs /boot/initrd.img-$(uname -r) | grep vfio", instead=((("fedora", "rhel", "rocky", "alma", "centos", "suse"), "lsinitrd | grep vfio"), (("arch", "manjaro"), "lsinitcpio /boot/initramfs-linux.img | grep vfio")))
USERS = Command("fuser -v /dev/nvidia* /dev/dri/* /dev/vfio/*", keys=("fuser", "lsof"), marks=("lsof", "fuser"))
RESET_METHOD = Command("cat /sys/bus/pci/devices/{path}/reset_method", general="grep -H . /sys/bus/pci/devices/*/reset_method", marks=("reset method",))
BOOT_DISPLAY = Command("grep -H 1 /sys/bus/pci/devices/*/boot_vga", marks=("boot vga",))
MEMORY_MAP = Command("grep -iE 'fb|framebuffer' /proc/iomem", keys=("iomem",), marks=("proc iomem", "bootfb"))
VIRTUAL_FUNCTIONS = Command("grep -H . /sys/bus/pci/devices/*/sriov_{totalvfs,numvfs}", marks=("sriov totalvfs", "sriov numvfs"))
SRIOV_LOG = Command("dmesg | grep -iE 'sr-?iov|VF'", log="host", keys=("dmesg",), marks=("not enough mmio resources",))
FILTER_LOG = Command("grep -hE 'returned 0 hosts|Filter results' /var/log/nova/nova-scheduler.log", CONTROLLER, instead=((_KOLLA, "grep -hE 'returned 0 hosts|Filter results' /var/log/kolla/nova/nova-scheduler.log"),), marks=("returned 0 hosts", "filter results", "filtering removed all hosts"))
NOVA_DEVICES = Command(r"grep -rhE '^\s*(device_spec|passthrough_whitelist|alias|\w+_in_placement)' /etc/nova", instead=((_KOLLA, r"grep -rhE '^\s*(device_spec|passthrough_whitelist|alias|\w+_in_placement)' /etc/kolla"),), is_shown=_shows_devices_of_nova)
NOVA_FILTERS = Command("grep -rh enabled_filters /etc/nova", CONTROLLER, instead=((_KOLLA, "grep -rh enabled_filters /etc/kolla"),), marks=("enabled filters",), is_shown=_shows_filters)
FLAVOR = Command("openstack flavor show FLAVOR -c properties", CONTROLLER, keys=("flavor",), is_shown=_shows_request)
COMPUTE_POOLS = Command("grep 'Final resource view' /var/log/nova/nova-compute.log | tail -n 1", instead=((_KOLLA, "grep 'Final resource view' /var/log/kolla/nova/nova-compute.log | tail -n 1"),), marks=("final resource view", "pci stats"), is_shown=_shows_pools)
COMPUTE_LOG = Command("grep -E 'ERROR|WARNING' /var/log/nova/nova-compute.log | tail -n 50", instead=((_KOLLA, "grep -E 'ERROR|WARNING' /var/log/kolla/nova/nova-compute.log | tail -n 50"),), keys=("nova_log", "nova_compute_log"), marks=("error nova compute", "error nova virt"))
ROWS = Command("mysql nova -e 'SELECT address,product_id,dev_type,status,instance_uuid FROM pci_devices WHERE deleted=0'", CONTROLLER, marks=("dev type", "instance uuid status"))
FAULT = Command("openstack server show SERVER -c fault", CONTROLLER, marks=("fault code", "code 500"))
VGPU_TYPES = Command("mdevctl types; grep -H . /sys/bus/pci/devices/*/nvidia/creatable_vgpu_types", keys=("mdevctl", "mdev_types"), marks=("creatable vgpu types", "available instances"), is_shown=_shows_types)
VGPU_MODE = Command("nvidia-smi -q | grep -iE 'host vgpu mode|driver version'", marks=("host vgpu mode",))
VGPUS = Command("nvidia-smi vgpu", marks=("nvidia smi vgpu", "vgpu id"))
NVIDIA_LOG = Command("dmesg | grep -iE 'NVRM|nvidia|Xid'", log="host", keys=("dmesg",), marks=("nvrm",))
MIG_MODE = Command("nvidia-smi --query-gpu=index,mig.mode.current,mig.mode.pending --format=csv", marks=("mig mode current",))
MIG_ROOM = Command("nvidia-smi mig -lgip", marks=("gpu instance profiles", "instances free total"))
MIG_THERE = Command("nvidia-smi mig -lgi", marks=("gpu instances", "no gpu instances found"))
LICENCE_STATE = Command("nvidia-smi -q | grep -iA2 licen", GUEST, marks=("license status", "licensed product"))
LICENCE_LOG = Command("journalctl -b -u nvidia-gridd", GUEST, marks=("gridd",))
LICENCE_TOKEN = Command("ls -l /etc/nvidia/ClientConfigToken", GUEST, marks=("clientconfigtoken", "client configuration token"))
GUEST_LOG = Command("dmesg | grep -iE 'NVRM|nouveau|amdgpu|xe |BAR '", GUEST, log="guest", instead=((_WINDOWS, "Get-PnpDevice -Class Display | Get-PnpDeviceProperty -KeyName DEVPKEY_Device_ProblemCode"),), keys=("guest_dmesg", "guest_log"), marks=("nvrm", "amdgpu 0000", "devpkey device problemcode"))
GUEST_DRIVER = Command("lspci -nnk", GUEST, keys=("guest_lspci",), is_shown=_shows_guests_card, instead=((_WINDOWS, "Get-PnpDevice -Class Display | Format-List FriendlyName,InstanceId,Status"),))
GUEST_VERSION = Command("nvidia-smi", GUEST, instead=((_AMD, "rocm-smi --showdriverversion"),), keys=("guest_nvidia_smi",), marks=("cuda version",))
GUEST_BAR_LOG = Command("dmesg | grep -iE 'BAR |root bus resource'", GUEST, log="guest", keys=("guest_dmesg",), marks=("root bus resource",))
LINK = Command("lspci -vv -s {card} | grep -i lnksta:", general="lspci -vv | grep -iE '^[0-9a-f]|lnksta:'", marks=("lnksta",))
CLOCKS = Command("nvidia-smi -q -d PERFORMANCE,CLOCK", GUEST, instead=((_AMD, "rocm-smi"),), marks=("clocks throttle reasons", "clocks event reasons"))
TOPOLOGY = Command("nvidia-smi topo -m", GUEST, instead=((_AMD, "rocm-smi --showtopo"),), marks=("gpu0 x",), is_shown=_shows_topology)
PEERS = Command("nvidia-smi topo -p2p r", GUEST, marks=("topo p2p",))
FABRIC_STATE = Command("nvidia-smi -q | grep -iA3 fabric", marks=("fabric state", "fabric status"))
FABRIC_SERVICE = Command("systemctl status nvidia-fabricmanager", marks=("nvidia fabricmanager service", "fabricmanager service"))
SWITCHES = Command("lspci -nnk -d 10de::0680", is_shown=lambda case: bool(case.host.nvswitches))
HUGE_PAGES = Command("grep -H . /sys/devices/system/node/node*/hugepages/hugepages-*/{nr,free}_hugepages", marks=("hugepages free", "free hugepages", "nr hugepages"))
CARD_NODE = Command("cat /sys/bus/pci/devices/{path}/numa_node", general="grep -H . /sys/bus/pci/devices/*/numa_node", marks=("numa node s", "numa node 0", "numa node 1"))
MEMORY_LIMIT = Command("free -m; virsh dominfo GUEST; ulimit -l", instead=((_PROXMOX, "free -m; qm config VMID"),), marks=("ulimit l", "buff cache"))
