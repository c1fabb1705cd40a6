"""``gpucloud scan``: every GPU of a host as one unit, with all its functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.hosts import FromOption, HostOption, host_from
from gpucloud.cli.output import Format, print_json, print_text, table
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from gpucloud.model.gpu import GpuUnit
    from gpucloud.model.host import Host
    from gpucloud.model.pci import PciFunction

_COLUMNS = ("UNIT", "NAME", "FUNCTIONS", "GROUP", "DRIVER", "NUMA", "USED BY", "USES")


def scan(
    capture: FromOption = None,
    remote: HostOption = None,
    format_: Annotated[
        Format, typer.Option("--format", help="A table to read, or one JSON object.")
    ] = Format.TABLE,
) -> None:
    """Show every GPU of a host with all that must travel with it into a guest.

    The JSON is {"host": {...}, "units": [...]}: what could not be read is {"unknown": "why"}, never absent.

    Examples:
      gpucloud scan
      gpucloud scan --host root@gpu01
      gpucloud scan --from gpu01.tar.gz --format json
    """
    host = host_from(capture, remote)
    if format_ is Format.JSON:
        facts = {field.name: getattr(host, field.name) for field in fields(host) if field.name != "units"}
        print_json({"host": facts, "units": host.units})
        return
    if host.units:
        table(_COLUMNS, (_row(unit) for unit in host.units))
    else:
        print_text(_nothing_found(host))
    notes = list(_notes(host))
    if notes:
        print_text("\n" + "\n".join(notes))


def _row(unit: GpuUnit) -> tuple[str, ...]:
    functions = unit.functions
    return (
        unit.address.short,
        _name(unit.primary),
        "\n".join(f"{function.address.short} {_kind(function)}" for function in functions),
        ", ".join(map(str, unit.groups)) or _said(unit.primary.iommu_group, "none"),
        "\n".join(_said(function.driver, "-") for function in functions),
        _said(unit.primary.numa_node, "-"),
        "\n".join(_holders(unit)) or "-",
        ", ".join(unit.uses) or "-",
    )


def _name(function: PciFunction) -> str:
    vendor = (function.vendor_name or "").split(" ")[0]
    return f"{vendor} {function.name}".strip()


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
    return nothing if value is None else str(value)


def _holders(unit: GpuUnit) -> Iterator[str]:
    for function in unit.functions:
        if isinstance(function.holders, Unknown):
            yield "?"
            continue
        names = dict.fromkeys(
            holder.guest or f"{holder.process} ({holder.pid})" for holder in function.holders
        )
        yield from names


def _nothing_found(host: Host) -> str:
    if isinstance(host.functions, Unknown):
        return f"No GPU can be seen on {host.source}: {host.functions.why}."
    count = len(host.functions)
    return f"No GPU on {host.source}: none of its {count} PCI functions is a display or an accelerator."


def _notes(host: Host) -> Iterator[str]:
    """One line for each reason why something is unknown, with what it hides."""
    hidden: dict[str, list[str]] = {}
    for name in (field.name for field in fields(host) if field.name not in ("units", "functions")):
        _gather(name, getattr(host, name), hidden)
    if isinstance(host.functions, Unknown):
        _gather("functions", host.functions, hidden)
    for unit in host.units:
        for function in unit.functions:
            _gather(function.address.short, function, hidden)
    for why, paths in hidden.items():
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        yield f"unknown: {', '.join(paths[:3])}{more}: {why}"


def _gather(path: str, value: object, hidden: dict[str, list[str]]) -> None:
    """Find what is unknown in a value, and note its path under the reason."""
    if isinstance(value, Unknown):
        hidden.setdefault(value.why, []).append(path)
    elif is_dataclass(value):
        for field in fields(value):
            _gather(f"{path} {field.name}", getattr(value, field.name), hidden)
