"""Files of nova.conf drawn at random: options under right, old and wrong names, anywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator

_SPECS = (
    '{"vendor_id": "10de", "product_id": "1eb8"}',
    '{"address": "0000:25:00.4", "managed": "no", "resource_class": "CUSTOM_A"}',
    '{"vendor_id": "0x10de"}',
    '[{"vendor_id": "10de"}, {"vendor_id": "1002"}]',
    '{"address": {"bus": "^25$", "slot": "0$"}}',
    '{"vendor_id": "10de", "one_time_use": "true"}',
    '{"vendor_id": "10de", "managed": "maybe"}',
    "{'vendor_id': '10de'}",
    '{"vendor_id": "10deX"}',
    '{"vendor_id": "10de"}, {"vendor_id": "1002"}',
    '{\u201cvendor_id\u201d: "10de"}',
    '{"vendor_id":\n   "10de",\n   "product_id": "1eb8"}',
    '"{"vendor_id": "10de"}"',
    '{"vendor_id": "$vendor"}',
    '{"vendor_id": "$$"}',
    '{"physical_network": "${nobody}"}',
    "",
)
_ALIASES = (
    '{"name": "t4", "vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PF"}',
    '{"name": "t4", "vendor_id": "10de", "product_id": "1db4", "device_type": "type-PF"}',
    '{"name": "a16", "resource_class": "CUSTOM_A16"}',
    '{"name": "x", "vendor_id": "0x10de"}',
    '{"name": "mi", "vendor_id": "1002", "product_id": "74b5", "numa_policy": "socket"}',
    '{"name": "v", "vendor_id": "10de", "product_id": "25b6", "live_migratable": "yes"}',
    "{'name': 'v'}",
    '{"name": "$nobody"}',
    '{"name": "${nobody.knows}"}',
    "[]",
)
_BOOLEANS = ("true", "True", "1", "yes", "on", "false", "No", "maybe", "", '"true"', "t")
_NUMBERS = ("1", "0", "-1", "64", "x", "", " 3 ", "1.5", "1e3")
_FILTERS = (
    "ComputeFilter,PciPassthroughFilter",
    "ComputeFilter, PciPassthroughFilter,",
    "RetryFilter,RamFilter,AvailabilityZoneFilter,ComputeFilter",
    "PCIPassthroughFilter",
    "ComputeFilter,,ImagePropertiesFilter",
    "TrustedFilter,ExactRamFilter,JsonFilter",
    "",
)
_AVAILABLE = (
    "nova.scheduler.filters.all_filters",
    "nova.scheduler.filters.compute_filter.ComputeFilter",
    "nova.scheduler.filters.pci_passthrough_filter.PciPassthroughFilter",
)
_TYPES = ("nvidia-35", "nvidia-35,nvidia-36", "nvidia-35, i915-GVTg_V5_4", "")
_ADDRESSES = ("0000:84:00.0", "0000:84:00.0,0000:85:00.0", "85:00.0", "0000:8A:00.0", "")
_CLASSES = ("VGPU", "CUSTOM_X", "custom_x", "")

_NAMED = (
    "$allow_resize_to_same_host",
    "$nope",
    "$DEFAULT.my_ip",
    "$my_ip",
    "$pci.report_in_placement",
    "$filter_scheduler.nope",
    "$pci",
    "$cpu_allocation_ratio",
    "$quota_cores",
    "ComputeFilter,$host",
    '{"name": "$alias", "vendor_id": "10de", "product_id": "1eb8"}',
    '{"name": "h", "vendor_id": "$host", "product_id": "1eb8"}',
    '{"name": "c", "vendor_id": "10de", "product_id": "1eb8$cpu_allocation_ratio"}',
    "$api.max_limit",
    "$debug",
    "$PCI.alias",
    "$compute_monitors",
)

_OPTIONS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("pci", "PCI", "DEFAULT"),
        ("device_spec", "passthrough_whitelist", "pci_passthrough_whitelist", "dev_spec"),
        _SPECS,
    ),
    (("pci", "DEFAULT", "default"), ("alias", "pci_alias"), _ALIASES),
    (("pci", "pci", "filter_scheduler"), ("report_in_placement",), _BOOLEANS),
    (("filter_scheduler", "Filter_Scheduler", "pci"), ("pci_in_placement",), _BOOLEANS),
    (
        ("filter_scheduler", "filter_scheduler", "DEFAULT"),
        ("enabled_filters", "scheduler_default_filters"),
        _FILTERS,
    ),
    (
        ("filter_scheduler", "DEFAULT"),
        ("available_filters", "scheduler_available_filters"),
        _AVAILABLE,
    ),
    (
        ("filter_scheduler",),
        ("pci_weight_multiplier", "host_subset_size", "max_instances_per_host", "ram_weight_multiplier"),
        _NUMBERS,
    ),
    (("libvirt",), ("num_pcie_ports", "live_migration_downtime", "swtpm_enabled", "cpu_mode"), _NUMBERS),
    (("libvirt",), ("cpu_mode", "virt_type"), ("host-passthrough", "kvm", "none", "host_passthrough")),
    (("DEFAULT", "quota"), ("quota_cores", "cores", "scheduler_host_subset_size"), _NUMBERS),
    (("devices",), ("enabled_mdev_types", "enabled_vgpu_types", "mdev_enabled_types"), _TYPES),
    (("mdev_nvidia-35", "vgpu_nvidia-35", "mdev_i915-GVTg_V5_4"), ("device_addresses",), _ADDRESSES),
    (("mdev_nvidia-35", "vgpu_nvidia-35", "mdev_nvidia-36"), ("mdev_class",), _CLASSES),
    (("mdev_nvidia-35", "vgpu_nvidia-35", "mdev_nvidia-36"), ("max_instances",), ("1", "0", "x", "")),
    (("DEFAULT",), ("my_ip", "vendor"), ("10de", "10.0.0.1")),
    (("DEFAULT",), ("host", "cert", "my_ip"), ("$my_ip", "10de", "$cert", "$host")),
    (
        ("DEFAULT", "vnc", "api", "filter_scheduler", "pci"),
        ("allow_resize_to_same_host", "enabled", "max_limit", "enabled_filters", "pci_in_placement", "alias"),
        _NAMED,
    ),
    (("pci",), ("alias", "device_spec", "report_in_placement"), _NAMED),
    (("vnc", "spice", "serial_console", "DEFAULT"), ("enabled", "agent_enabled"), _BOOLEANS),
    (("neutron", "cinder", "glance"), ("http_retries", "num_retries", "timeout"), _NUMBERS),
    (("oslo_messaging_rabbit", "api_database"), ("heartbeat_rate", "max_pool_size"), _NUMBERS),
)
_HOST = "[DEFAULT]\nmy_ip = 10de\nhost = 10DE\n"
_BROKEN = ("[pci\n", "= x\n", "nothing\n", "  indented\n", "[]\n", "# a note\n", "\n", "; one more\n")


def random_files(seed: int, count: int) -> Iterator[tuple[str, ...]]:
    """So many cases, each the texts of one to three files; all distinct, and the same for a seed."""
    draw = random.Random(seed)  # noqa: S311 - the same cases each time
    seen: set[tuple[str, ...]] = set()
    while len(seen) < count:
        case = _with_host(tuple(_file(draw) for _ in range(draw.choice((1, 1, 1, 2, 3)))))
        if case not in seen:
            seen.add(case)
            yield case


def _with_host(case: tuple[str, ...]) -> tuple[str, ...]:
    """Options that only a host knows are set where others name them: this host is no case."""
    named = any(name in text for text in case for name in ("$host", "$my_ip"))
    return (_HOST + case[0], *case[1:]) if named else case


def _file(draw: random.Random) -> str:
    return "".join(_piece(draw) for _ in range(draw.choice((0, 1, 2, 2, 3, 4, 6))))


def _piece(draw: random.Random) -> str:
    if draw.random() < 0.03:
        return draw.choice(_BROKEN)
    sections, names, values = draw.choice(_OPTIONS)
    sign = draw.choice((" = ", "=", ": "))
    value = values[0] if draw.random() < 0.45 else draw.choice(values)
    return f"[{draw.choice(sections)}]\n{draw.choice(names)}{sign}{value}\n"
