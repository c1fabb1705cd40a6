"""``gpucloud scan``: every GPU of a host as one unit, with all its functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

from gpucloud.cli.hosts import FromOption, HostOption, host_from
from gpucloud.cli.output import Format, one_line, print_json, print_text, table
from gpucloud.cli.typed.shape import TableOption
from gpucloud.model.failure import Failure
from gpucloud.model.pci import Sriov
from gpucloud.model.units.unclassified import how_to_read_classes, say_unclassified, unclassified
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.model.gpu import GpuUnit
    from gpucloud.model.host import Host
    from gpucloud.model.pci import PciFunction

_NOT_CAPTURED = "not in the capture"
_COLUMNS = ("UNIT", "NAME", "FUNCTIONS", "GROUP", "DRIVER", "NUMA", "USED BY", "USES")


def scan(
    capture: FromOption = None,
    remote: HostOption = None,
    format_: TableOption = Format.TABLE,
) -> None:
    """Show every GPU of a host with all that must travel with it into a guest.

    The JSON is {"host": {...}, "units": [...]}: what could not be read is {"unknown": "why"}, never absent.
    A unit has its "functions", and its virtual functions, which have types of their own, as "slices";
    IOMMU groups name all other functions, and "unclassified" those whose class could not be read.

    Examples:
      gpucloud scan
      gpucloud scan --host root@gpu01
      gpucloud scan --from gpu01.tar.gz --format json
    """
    host = host_from(capture, remote)
    _insist_on_pci(host)
    if format_ is Format.JSON:
        print_json(scanned(host))
        return
    if host.units:
        table(_COLUMNS, (_row(unit, host) for unit in host.units))
    else:
        print_text(_nothing_found(host))
    notes = list(_notes(host))
    if notes:
        print_text("\n" + "\n".join(notes))


def _insist_on_pci(host: Host) -> None:
    """Refuse what shows neither functions nor groups, or no GPU among functions that were not all looked at.

    /proc alone is such a thing: its ``sys`` makes it look like a host's root. "No GPU" would be no answer.
    """
    if isinstance(host.functions, Unknown) and isinstance(host.iommu.groups, Unknown):
        raise Failure(
            f"no GPU can be looked for on {host.source}: {host.functions.why}",
            "give the directory that holds sys/bus/pci as on the host, or make one with: gpucloud capture",
        )
    if not host.units and (unread := say_unclassified(host)):
        raise Failure(f"no GPU can be told on {host.source}: {unread}", how_to_read_classes(host))


def scanned(host: Host) -> dict[str, object]:
    """What ``--format json`` prints: the host's facts, and each unit with all its functions."""
    return {"host": _facts(host), "units": [_unit(unit, host) for unit in host.units]}


def _facts(host: Host) -> dict[str, object]:
    """A host without its units, which stand beside it, and without hundreds of other functions."""
    is_left_out = {"units", "functions"} if not isinstance(host.functions, Unknown) else {"units"}
    facts = {field.name: getattr(host, field.name) for field in fields(host) if field.name not in is_left_out}
    return {**facts, "unclassified": tuple(unclassified(host))}


def _unit(unit: GpuUnit, host: Host) -> dict[str, object]:
    """A unit with the functions of its slices: NVIDIA's newer cards offer their types on these only."""
    facts: dict[str, object] = {field.name: getattr(unit, field.name) for field in fields(unit)}
    facts["functions"] = [_function(each, host) for each in unit.functions]
    return {**facts, "slices": [_function(each, host) for each in _slices(unit, host)]}


def _function(function: PciFunction, host: Host) -> dict[str, object]:
    """A function with the type of its IOMMU group, which is a fact of the group."""
    facts = {field.name: getattr(function, field.name) for field in fields(function)}
    return {**facts, "iommu_group_type": _group_type(function, host)}


def _group_type(function: PciFunction, host: Host) -> str | None | Unknown:
    number, groups = function.iommu_group, host.iommu.groups
    if number is None or isinstance(number, Unknown):
        return number
    if isinstance(groups, Unknown):
        return groups
    return groups[number].type if number in groups else Unknown(f"group {number} is not among the groups")


def _row(unit: GpuUnit, host: Host) -> tuple[str, ...]:
    functions = unit.functions
    return (
        unit.address.short,
        _name(unit.primary),
        "\n".join(f"{function.address.short} {_kind(function)}" for function in functions),
        ", ".join(map(str, unit.groups)) or _said(unit.primary.iommu_group, "none"),
        "\n".join(_said(function.driver, "-") for function in functions),
        _said(unit.primary.numa_node, "-"),
        "\n".join(dict.fromkeys(_holders(unit, host))) or "-",
        "?" if isinstance(unit.uses, Unknown) else ", ".join(unit.uses) or "-",
    )


def _name(function: PciFunction) -> str:
    vendor = function.vendor_name or ""
    brand = vendor.partition("[")[2].rstrip("]").partition("/")[0] or vendor.partition(" ")[0]
    return function.name if function.name.startswith(brand) else f"{brand} {function.name}"


def _kind(function: PciFunction) -> str:
    names = {0x0403: "audio", 0x0C03: "USB", 0x0C80: "USB-C", 0x0300: "VGA", 0x0302: "3D", 0x0380: "display"}
    if isinstance(function.pci_class, Unknown):
        return "?"
    return names.get(
        function.pci_class.kind, "accelerator" if function.is_gpu else f"class {function.pci_class}"
    )


def _said(value: object, nothing: str) -> str:
    if isinstance(value, Unknown):
        return "?"
    return nothing if value is None else one_line(str(value))


def _holders(unit: GpuUnit, host: Host) -> Iterator[str]:
    """Who has the unit or a slice of it: guests by name, else processes."""
    sriov = unit.primary.sriov
    if isinstance(sriov, Sriov) and isinstance(sriov.vfs, Unknown):
        yield "?"
    for function in (*unit.functions, *_slices(unit, host)):
        if isinstance(function.holders, Unknown):
            yield "?"
            continue
        for holder in function.holders:
            who = f"guest {holder.guest}" if holder.guest else f"{holder.process} ({holder.pid})"
            yield one_line(who if function in unit.functions else f"{who} on {function.address.short}")


def _slices(unit: GpuUnit, host: Host) -> Iterator[PciFunction]:
    sriov = unit.primary.sriov
    vfs = sriov.vfs if isinstance(sriov, Sriov) else ()
    if not isinstance(vfs, Unknown) and not isinstance(host.functions, Unknown):
        yield from (host.functions[address] for address in vfs if address in host.functions)


def _nothing_found(host: Host) -> str:
    if isinstance(host.functions, Unknown):
        return one_line(f"No GPU can be seen on {host.source}: {host.functions.why}.")
    count = len(host.functions)
    return one_line(
        f"No GPU on {host.source}: none of its {count} PCI functions is a display or an accelerator."
    )


def _notes(host: Host) -> Iterator[str]:
    """NVSwitches by name; what is unknown, by reason: facts of functions once for all GPUs."""
    yield from filter(None, (_named_switches(host), _maybe_gpus(host)))
    reasons: dict[str, dict[str, None]] = {}
    for field in fields(host):
        if field.name != "units" and not (field.name == "functions" and host.units):
            _gather(field.name, getattr(host, field.name), reasons)
    for function in (function for unit in host.units for function in unit.functions):
        for field in fields(function):
            _gather(f"a GPU's {field.name}", getattr(function, field.name), reasons)
    for why, facts in reasons.items():
        yield f"unknown ({one_line(why)}): {', '.join(facts)}"


def _named_switches(host: Host) -> str:
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    switches = [functions[address] for address in host.nvswitches if address in functions]
    names = ", ".join(dict.fromkeys(_name(each) for each in switches))
    addresses = " ".join(each.address.short for each in switches)
    return one_line(f"NVSwitches: {addresses} ({names})") if switches else ""


def _maybe_gpus(host: Host) -> str:
    unknown = " ".join(address.short for address in unclassified(host))
    return one_line(f"may be GPUs, for {say_unclassified(host)}: {unknown}") if unknown else ""


def _gather(fact: str, value: object, reasons: dict[str, dict[str, None]]) -> None:
    """Find what is unknown in a value, and note the fact under the reason."""
    if isinstance(value, Unknown):
        why = _NOT_CAPTURED if value.why.endswith(_NOT_CAPTURED) else value.why
        reasons.setdefault(why, {})[fact.replace("_", " ")] = None
    elif is_dataclass(value):
        for field in fields(value):
            _gather(f"{fact} {field.name}", getattr(value, field.name), reasons)
    elif isinstance(value, tuple):
        for each in value:
            _gather(fact, each, reasons)
