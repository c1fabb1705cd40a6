"""One row of ``pci_devices`` against its guest and its host: at most one disagreement for each."""

from __future__ import annotations

from gpucloud.cloud.openstack.audit.case import Case, Where
from gpucloud.cloud.openstack.audit.disagreement import Blocked, Disagreement, Forget, Remedy, SetStatus
from gpucloud.cloud.openstack.audit.kinds import Kinds
from gpucloud.cloud.openstack.audit.observed import Node, Row
from gpucloud.model.finding import Evidence
from gpucloud.model.unknown import Unknown

AVAILABLE = "available"
_HALF = ("removed", "deleted")
_RETURN = "put its entry back into device_spec and restart nova-compute, or migrate or delete the guest"
_ASK = "name the cloud with --cloud, as its admin"
_LEAVE = "migrate the guest away or delete it; then run the audit again"


def judge_row(case: Case, row: Row) -> Disagreement | None:
    """What is wrong with a row; the guest that it names comes first, then the host's device."""
    node = case.node_of(row)
    if node is None:
        return _of_lost_host(case, row)
    if row.status in _HALF and row.owner is None:
        title = f"{row.address} on {node.host} is marked as {row.status}, and its row is still there"
        return _found(case, row, node, Kinds.HALF_REMOVED, title, Forget(row))
    if row.is_taken or row.owner is not None:
        return _of_guest(case, row, node)
    return _of_device(case, row, node)


def _of_lost_host(case: Case, row: Row) -> Disagreement | None:
    old = case.nodes.get(row.node)
    name = old.host if old is not None else f"compute node {row.node}"
    title = f"{row.address} belongs to {name}, which is deleted"
    evidence = (
        case.tell_row(row),
        Evidence(f"compute_nodes id {row.node}", "deleted" if old else "no such row"),
    )
    remedy: Remedy | Blocked = Forget(row)
    if row.owner is not None and case.may_be_of(row.owner, old):
        why = f"guest {case.known_as(row.owner)} is there, and may be on {name} to nova"
        remedy = Blocked(why, "evacuate or delete the guest first")
    return Disagreement(Kinds.LOST_HOST.value, None, title, evidence, remedy, row.address)


def _of_guest(case: Case, row: Row, node: Node) -> Disagreement | None:
    """A row that is taken, or names a guest."""
    if row.owner is None:
        title = f"{row.address} on {node.host} is {row.status}, and no guest is named"
        return _found(case, row, node, Kinds.NO_OWNER, title, _freed(case, row))
    where = case.where(row.owner, node)
    if where is Where.BUSY:
        return None
    if where is Where.HERE:
        return _of_living(case, row, node)
    known = case.known_as(row.owner)
    told = (case.tell_guest(row.owner),)
    if where is Where.UNTOLD:
        title = f"{row.address} on {node.host} is {row.status} for guest {known}, which the database lacks"
        remedy = Blocked("it may be a guest of another cell: nova-api was not asked", _ASK)
        return _found(case, row, node, Kinds.GONE_GUEST, title, remedy, told)
    if not row.is_taken:
        title = f"{row.address} on {node.host} is {row.status} and still names guest {known}"
        return _found(case, row, node, Kinds.FREE_BUT_OWNED, title, _freed(case, row), told)
    if where is Where.GONE:
        title = f"{row.address} on {node.host} is {row.status} for guest {known}, which is deleted"
        return _found(case, row, node, Kinds.GONE_GUEST, title, _freed(case, row), told)
    instance = case.instance(row.owner)
    place = instance.host if instance is not None and instance.host else "no host"
    title = f"{row.address} on {node.host} is {row.status} for guest {known}, which is on {place}"
    return _found(case, row, node, Kinds.MOVED_GUEST, title, _freed(case, row), told)


def _of_living(case: Case, row: Row, node: Node) -> Disagreement | None:
    """A row whose guest lives on the host: nothing is taken from it."""
    told = () if row.owner is None else (case.tell_guest(row.owner),)
    whose = f"guest {case.known_as(row.owner or '')} on {node.host}"
    if not row.is_taken:
        title = f"{row.address} is {row.status}, and {whose} is named as its owner"
        then = "restart nova-compute; if the row stays so, migrate or delete the guest"
        remedy = Blocked("the guest may use the device", then)
        return _found(case, row, node, Kinds.FREE_BUT_OWNED, title, remedy, told)
    trouble = _trouble(case, row, node)
    if trouble is None:
        return None
    kind, what, shown = trouble
    then = _RETURN if kind is Kinds.NOT_WANTED else _LEAVE
    remedy = Blocked(f"nova says that {whose} has it", then)
    return _found(case, row, node, kind, f"{what}; {whose} has it", remedy, (*shown, *told))


def _of_device(case: Case, row: Row, node: Node) -> Disagreement | None:
    """A row that no guest has, against the host's devices.

    Virtual functions of a physical one that a guest has are gone from the host, and nova keeps their rows.
    """
    if _went_with_its_card(case, row, node):
        return None
    guests = case.guests_on(row)
    if not isinstance(guests, Unknown) and guests and row.status == AVAILABLE:
        names = ", ".join(each.guest or f"process {each.pid}" for each in guests)
        title = f"{row.address} on {node.host} is {row.status}, and {names} has it open"
        then = "end that guest, or set the host's nova-compute to disabled until it has ended"
        remedy = Blocked(f"{names} uses the device", then)
        return _found(case, row, node, Kinds.UNTRACKED_GUEST, title, remedy, _holders(case, row))
    trouble = _trouble(case, row, node)
    if trouble is None:
        return None
    kind, what, shown = trouble
    return _found(case, row, node, kind, what, Forget(row), shown)


def _went_with_its_card(case: Case, row: Row, node: Node) -> bool:
    """Whether a guest that lives here, or may, has the physical function of a virtual one."""
    physical = None if row.parent is None else case.by_node.get(row.node, {}).get(row.parent)
    if physical is None or not physical.is_taken or physical.owner is None:
        return False
    return case.where(physical.owner, node) in (Where.HERE, Where.BUSY, Where.UNTOLD)


def _trouble(case: Case, row: Row, node: Node) -> tuple[Kinds, str, tuple[Evidence, ...]] | None:
    """What the host says against a row: the device is not there, is another, or is not wanted."""
    device, wanted = case.device(row), case.is_wanted(row)
    host = case.given(node)
    source = host.source if host is not None else node.host
    if device is None:
        none = Evidence(source, f"no device at {row.address}")
        other = _moved_to(case, row, node)
        if other is not None:
            moved = Evidence(source, f"{row.ids} at {other}, of which nova has no row")
            what = f"{row.address} is not on {node.host} any more; an equal card is at {other}"
            return Kinds.MOVED_DEVICE, what, (none, moved)
        return Kinds.MISSING_DEVICE, f"{row.address} ({row.ids}) is not on {node.host} any more", (none,)
    if not isinstance(device, Unknown) and f"{device.vendor_id}:{device.product_id}" != row.ids:
        now = f"{device.vendor_id}:{device.product_id}"
        what = f"{row.address} on {node.host} is {now} now, not {row.ids}"
        return Kinds.OTHER_DEVICE, what, (Evidence(source, f"{row.address} {now} {device.type}"),)
    if not isinstance(wanted, Unknown) and not wanted:
        shown = (Evidence(f"device_spec of {node.host}", f"no entry takes {row.address}"),)
        return Kinds.NOT_WANTED, f"{row.address} on {node.host} is in no entry of device_spec", shown
    return None


def _moved_to(case: Case, row: Row, node: Node) -> str | None:
    """Where an equal card is that nova wants and has no row of; each is taken for that of one missing row."""
    host, rows = case.given(node), case.by_node.get(row.node, {})
    devices = {} if host is None else host.machine.devices
    equal = (at for at, device in devices.items() if f"{device.vendor_id}:{device.product_id}" == row.ids)
    new = sorted(set(equal) - rows.keys())
    if host is not None and not isinstance(host.wanted, Unknown):
        new = [each for each in new if each in host.wanted]
    lost = (each for at, each in rows.items() if at not in devices)
    missing = sorted(each.address for each in lost if each.ids == row.ids)
    return dict(zip(missing, new, strict=False)).get(row.address)


def _freed(case: Case, row: Row) -> Remedy:
    """A row without its guest: free, or deleted where the host does not offer the device."""
    node = case.node_of(row)
    if node is not None and _trouble(case, row, node) is not None:
        return Forget(row)
    return SetStatus(row, AVAILABLE)


def _holders(case: Case, row: Row) -> tuple[Evidence, ...]:
    found = case.guests_on(row)
    if isinstance(found, Unknown):
        return ()
    return tuple(Evidence(each.node, f"open in {each.process} (process {each.pid})") for each in found)


def _found(
    case: Case,
    row: Row,
    node: Node,
    kind: Kinds,
    title: str,
    remedy: Remedy | Blocked,
    shown: tuple[Evidence, ...] = (),
) -> Disagreement:
    evidence = (case.tell_row(row), *shown)
    return Disagreement(kind.value, node.host, title, evidence, remedy, row.address)
