"""PCI functions into entries of device_spec, as one release reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Pool
from gpucloud.nova.machine import DeviceType
from gpucloud.nova.releases import pci, platform
from gpucloud.nova.render.settings import Entry
from gpucloud.nova.render.taken import Given
from gpucloud.nova.render.wanted import Wanted

_QUIET_VFS_SINCE = 20


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


def losses_of(pool: Pool, wanted: Wanted, *, is_mediated: bool) -> Iterator[str]:
    """What the pool asks for, and does not get from this release or this step of Placement."""
    nova, release = pool.nova, wanted.release
    classes = nova.resource_class or any(choice.resource_class for choice in pool.vgpu_types)
    if not is_mediated and (classes or nova.traits) and not wanted.reports:
        yield f"pool {pool.name}: resource_class and traits are left out: they need placement: report"
    if nova.numa_policy and nova.numa_policy not in pci.NUMA_POLICIES.at(release) and not is_mediated:
        yield f"pool {pool.name}: numa_policy {nova.numa_policy} is left out: nova {release} lacks it"
    if nova.live_migratable and not is_mediated and wanted.knows("live_migratable"):
        yield f"pool {pool.name}: with live_migratable nova-compute needs libvirt 10.0.0, QEMU 8.2.2"
    elif nova.live_migratable and not is_mediated:
        yield f"pool {pool.name}: live_migratable is left out: nova {release} moves no guests with devices"
    if nova.one_time_use:
        yield (
            f"pool {pool.name}: after each guest its device stays reserved in Placement until you let it "
            "back: openstack resource provider inventory set --amend --resource CLASS:reserved=0 PROVIDER"
        )


def troubles_of(given: Sequence[Given], wanted: Wanted) -> Iterator[str]:
    """Faults of the release that functions like these meet."""
    if not any(each.device.type is DeviceType.VF for each in given):
        return
    if wanted.release.number < _QUIET_VFS_SINCE:
        yield (
            f"nova {wanted.release} looks for a network interface of every VF: nova-compute logs errors "
            f"(gone in {_QUIET_VFS_SINCE}, commit e7ae6c65cd)"
        )
    if wanted.schedules and platform.TOO_MANY_VFS.at(wanted.release):
        yield f"nova {wanted.release} may give a guest more VFs than asked for (LP 2098496): take a later one"
