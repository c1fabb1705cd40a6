"""Lines for nova's configuration and for OpenStack's command line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from gpucloud.doctor.case import Case
from gpucloud.doctor.intent import cards
from gpucloud.doctor.lines.make import Lines, Make, fixed
from gpucloud.doctor.remedy import restart_nova
from gpucloud.doctor.rules.pasted.nova_check import release_told
from gpucloud.model.finding import Finding
from gpucloud.model.pci import PciId
from gpucloud.nova.releases import scheduler
from gpucloud.nova.releases.release import SERIES

_FEW = 4


def _nova(*lines: str) -> Make:
    return lambda case, _finding: _in_nova(case, *lines)


def _in_nova(case: Case, *lines: str) -> Lines:
    is_kolla = _is_kolla(case)
    place = "/etc/kolla/config/nova.conf" if is_kolla else "/etc/nova/nova.conf"
    return (f"# in {place}", *lines, *restart_nova(case.host.distribution, is_kolla=is_kolla))


def _is_kolla(case: Case) -> bool:
    told = "" if case.paper is None else case.paper.about("deploy", "openstack", "os", "kolla")
    return "kolla" in told or "kolla" in case.host.source


def _filters(case: Case, finding: Finding) -> Lines:
    """The release's defaults, what the report's list has beyond them, and the filter."""
    lists = (line.text.partition("=")[2] for line in finding.evidence if "filters" in line.text)
    written = next((text for text in lists if text.strip()), "").split(",")
    told = None if case.paper is None else release_told(case.paper)
    default = scheduler.DEFAULT_FILTERS.at(told or SERIES[-1])
    names = dict.fromkeys((*default, *(name.strip() for name in written), "PciPassthroughFilter"))
    filters = ",".join(name for name in names if name)
    return _in_nova(case, "[filter_scheduler]", f"enabled_filters = {filters}")


def _device_spec(case: Case, _finding: Finding) -> Lines:
    specs = (
        f'device_spec = {{ "vendor_id": "{vendor}", "product_id": "{product}" }}'
        for vendor, product in _products(case)
    )
    return (*_look_up(case), *_in_nova(case, "[pci]", *specs))


def _products(case: Case) -> list[tuple[str, str]]:
    """Vendor and product of the report's cards; words to fill in where it shows none."""
    idents = {unit.primary.id for unit in cards(case) if isinstance(unit.primary.id, PciId)}
    pairs = [(f"{one.vendor:04x}", f"{one.device:04x}") for one in sorted(idents)[:_FEW]]
    return pairs or [("VENDOR", "PRODUCT")]


def _look_up(case: Case) -> Lines:
    has_ids = any(isinstance(unit.primary.id, PciId) for unit in cards(case))
    return () if has_ids else (r"lspci -nn | grep -E '\[03|\[12'  # the last brackets: vendor:product",)


def _alias(case: Case, finding: Finding) -> Lines:
    """The alias of the report, as it has to be; an example where none can be read."""
    asked = re.search(r"as (type-(?:PF|VF|PCI))", finding.title)
    for line in finding.evidence:
        alias = _object(line.text.partition("=")[2]) if "alias" in line.text else None
        if alias is not None and asked is not None:
            return _in_nova(case, "[pci]", f"alias = {json.dumps({**alias, 'device_type': asked[1]})}")
    examples = (
        f'alias = {{ "name": "NAME", "vendor_id": "{vendor}", "product_id": "{product}", '
        '"device_type": "type-PF" }'
        for vendor, product in _products(case)
    )
    note = "# type-PF where lspci -v shows SR-IOV, type-VF for a virtual function, else type-PCI"
    return (*_look_up(case), *_in_nova(case, "[pci]", *examples, note))


def _object(text: str) -> dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


NOVA: Mapping[str, Make] = {
    "whitelist-mismatch": _device_spec,
    "filter-not-enabled": _filters,
    "alias-missing-on-api": _alias,
    "alias-definition-invalid": _alias,
    "alias-device-type-mismatch": _alias,
    "numa-policy-no-host": fixed(
        "openstack flavor set --property hw:pci_numa_affinity_policy=preferred FLAVOR"
    ),
    "not-enough-devices": fixed(
        "gpucloud scan", "openstack allocation candidate list --resource CUSTOM_CLASS=COUNT"
    ),
    "compute-service-down": fixed(
        "openstack compute service list --service nova-compute",
        "openstack compute service set --enable HOST nova-compute",
    ),
    "no-room-on-hosts": fixed(
        "openstack resource provider list", "openstack resource provider inventory list PROVIDER"
    ),
    "quota": fixed(
        "openstack quota show PROJECT", "openstack quota set --cores N --ram N --instances N PROJECT"
    ),
    "pci-in-placement": _nova(
        "[pci]",
        "report_in_placement = true  # on computes",
        "[filter_scheduler]",
        "pci_in_placement = true  # on schedulers, once every compute reports",
    ),
    "stale-pci-devices-row": _nova("nova-manage placement heal_allocations --dry-run"),
    "device-lost": fixed("openstack server reboot --hard SERVER"),
    "live-migration-unsupported": fixed(
        "openstack server migrate SERVER", "openstack server resize confirm SERVER"
    ),
}
