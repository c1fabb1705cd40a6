"""PCI functions into entries of device_spec, and pools into aliases, as one release reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import NovaSettings, Placement, Pool
from gpucloud.nova.machine import DeviceType
from gpucloud.nova.match.standard import normal_class
from gpucloud.nova.releases import options, pci
from gpucloud.nova.releases.release import Release
from gpucloud.nova.render.settings import Entry
from gpucloud.nova.render.taken import Given

_UNSAFE = frozenset("${}%#\\")
"""What oslo.config, Jinja2 or a shell would read otherwise in a name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cloud that is written for.

    Args:
        release: which nova.
        placement: how far PCI devices are tracked in Placement.
    """

    release: Release
    placement: Placement

    def check(self) -> None:
        """Refuse a step of Placement that the release does not have.

        Raises:
            Failure: it does not.
        """
        step = options.REPORT_IN_PLACEMENT if self.placement is Placement.REPORT else options.PCI_IN_PLACEMENT
        if self.placement is not Placement.OFF and step.at(self.release) is None:
            raise Failure(
                f"nova {self.release} cannot do placement: {self.placement.value}",
                "write placement: off in gpucloud.yaml",
            )

    @property
    def reports(self) -> bool:
        return self.placement is not Placement.OFF

    @property
    def schedules(self) -> bool:
        return self.placement is Placement.SCHEDULE

    def knows(self, key: str) -> bool:
        """Claims that a device_spec's key means something in this release."""
        return key in pci.DEVICE_SPEC_KEYS.at(self.release)


def entry_of(given: Given, wanted: Wanted) -> Entry:
    """The entry that tracks the function.

    Raises:
        Failure: what is wanted of the function needs a later release, or cannot be had at all.
    """
    device = given.device
    remark = f"{given.pool.name}: {device.address}, {device.type.value}"
    if given.companions:
        remark += (
            f"; {', '.join(given.companions)} on vfio-pci with it, not listed: nova would offer it alone"
        )
    written = {
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
        "address": _address(given, wanted),
        **tags_of(given, wanted),
    }
    return Entry(written, device.address, remark)


def _address(given: Given, wanted: Wanted) -> str:
    """The full address; a wildcard where nova would take that for the function's VFs alone (13, 14.0.x)."""
    device = given.device
    if device.type is DeviceType.PF and not pci.PF_MATCHES_ITSELF.at(wanted.release):
        return f"{device.address.rpartition('.')[0]}.*"
    return device.address


def tags_of(given: Given, wanted: Wanted) -> Mapping[str, str]:
    """Keys besides ids and address.

    Raises:
        Failure: see ``entry_of``.
    """
    nova, tags = given.pool.nova, {}
    if wanted.reports and wanted.knows("resource_class"):
        if given.resource_class is not None:
            tags["resource_class"] = given.resource_class
        if nova.traits:
            tags["traits"] = ",".join(nova.traits)
    if _is_unmanaged(given, wanted):
        tags["managed"] = "no"
    if nova.live_migratable and wanted.knows("live_migratable"):
        tags["live_migratable"] = "yes"
    if nova.one_time_use:
        _check_one_time_use(given, wanted)
        tags["one_time_use"] = "yes"
    return tags


def _is_unmanaged(given: Given, wanted: Wanted) -> bool:
    managed = given.pool.nova.managed
    if given.is_vendor_vfio and managed:
        raise Failure(
            f"pool {given.pool.name}: libvirt would take {given.device.address} from the vendor's driver, "
            "which crashes hosts",
            "write nova: {managed: false}, or leave it out",
            code=Exit.USAGE,
        )
    if not given.is_vendor_vfio and managed is not False:
        return False
    if not wanted.knows("managed"):
        raise Failure(
            f"pool {given.pool.name}: {given.device.address} must stay with its driver, and nova "
            f"{wanted.release} has libvirt rebind it",
            "there is no key managed in its device_spec",
        )
    return True


def _check_one_time_use(given: Given, wanted: Wanted) -> None:
    pool = given.pool.name
    if not wanted.knows("one_time_use"):
        raise Failure(
            f"pool {pool}: nova {wanted.release} would give the device on without anybody cleaning it",
            "it does not know one_time_use",
        )
    if not wanted.reports:
        raise Failure(
            f"pool {pool}: one_time_use needs Placement",
            "write openstack: {placement: report}",
            code=Exit.USAGE,
        )
    if given.device.type is DeviceType.VF:
        raise Failure(
            f"pool {pool}: {given.device.address} is a virtual function, which cannot have one_time_use",
            "leave it out",
            code=Exit.USAGE,
        )


def alias_name(pool: Pool) -> str:
    """What flavors ask for.

    Raises:
        Failure: the name has characters that nova.conf or a deployment tool reads otherwise.
    """
    name = pool.nova.alias or pool.name
    if _UNSAFE & set(name) or not name.isascii():
        raise Failure(
            f"the alias {name!r} has a character that nova.conf or a template reads otherwise",
            "use letters, digits, '-', '_' and '.'",
            code=Exit.USAGE,
        )
    return name


def aliases_of(given: Sequence[Given], wanted: Wanted) -> tuple[dict[str, str], ...]:
    """The aliases of all hosts together, each once.

    Raises:
        Failure: one name would stand for what nova does not take together.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for each in given:
        alias = _alias(each, wanted)
        known = found.setdefault(alias["name"], [])
        if alias not in known:
            known.append(alias)
    return tuple(alias for name, several in found.items() for alias in _together(name, several, wanted))


def _alias(given: Given, wanted: Wanted) -> dict[str, str]:
    device = given.device
    _check_device_type(given)
    return {
        "name": alias_name(given.pool),
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
        "device_type": device.type.value,
        **alias_tags(given.pool.nova, given.resource_class, wanted),
    }


def alias_tags(nova: NovaSettings, resource_class: str | None, wanted: Wanted) -> Mapping[str, str]:
    """Keys besides name, ids and type."""
    known, tags = pci.ALIAS_KEYS.at(wanted.release), {}
    if nova.numa_policy in pci.NUMA_POLICIES.at(wanted.release):
        tags["numa_policy"] = str(nova.numa_policy)
    if wanted.schedules and "resource_class" in known:
        if resource_class is not None:
            tags["resource_class"] = normal_class(resource_class)
        if nova.traits:
            tags["traits"] = ",".join(nova.traits)
    if nova.live_migratable and "live_migratable" in known:
        tags["live_migratable"] = "yes"
    return tags


def _check_device_type(given: Given) -> None:
    said = given.pool.nova.device_type
    if said is not None and said != given.device.type:
        raise Failure(
            f"pool {given.pool.name} says {said}, and {given.device.address} is of {given.device.type}: its "
            "alias would match nothing",
            "leave device_type out",
            code=Exit.USAGE,
        )


def _together(name: str, several: list[dict[str, str]], wanted: Wanted) -> Iterator[dict[str, str]]:
    """Definitions of one name: any of them for nova, but one alone for Placement."""
    shared = ("device_type", "numa_policy")
    if any(each.get(key) != several[0].get(key) for each in several for key in shared):
        raise Failure(
            f"alias {name} would stand for devices of several types or NUMA policies, which nova refuses",
            "give each kind a pool of its own",
            code=Exit.USAGE,
        )
    if len(several) == 1 or not wanted.schedules:
        yield from several
        return
    bare = [{key: value for key, value in each.items() if not key.endswith("_id")} for each in several]
    if "resource_class" not in bare[0] or any(each != bare[0] for each in bare):
        raise Failure(
            f"alias {name} stands for several vendor and device ids, which Placement cannot look for at once",
            f"give them one class: nova: {{resource_class: CUSTOM_{name.upper().replace('-', '_')}}}",
            code=Exit.USAGE,
        )
    yield bare[0]


def losses_of(pool: Pool, wanted: Wanted, *, is_mediated: bool) -> Iterator[str]:
    """What the pool asks for, and does not get from this release or this step of Placement."""
    nova, release = pool.nova, wanted.release
    if not is_mediated and (nova.resource_class or nova.traits) and not wanted.reports:
        yield f"pool {pool.name}: resource_class and traits are left out: they need placement: report"
    if nova.numa_policy and nova.numa_policy not in pci.NUMA_POLICIES.at(release) and not is_mediated:
        yield f"pool {pool.name}: numa_policy {nova.numa_policy} is left out: nova {release} lacks it"
    if nova.live_migratable and not is_mediated and not wanted.knows("live_migratable"):
        yield f"pool {pool.name}: live_migratable is left out: nova {release} moves no guests with devices"
