"""Guests as people read them. Pure, but for the local time zone."""

from __future__ import annotations

from datetime import datetime

from gpucloud.cloud.amounts import format_memory
from gpucloud.model.guest import Guest

COLUMNS = ("NAME", "STATE", "GPUS", "CPUS", "MEMORY", "ENDS")


def row_of(guest: Guest) -> tuple[str, ...]:
    """One line of the table with `COLUMNS`."""
    return (
        guest.name,
        guest.state.value,
        "\n".join([*map(str, guest.units), *guest.vgpus]) or str(guest.gpus or "none"),
        str(guest.cpus),
        format_memory(guest.memory_mib),
        _time(guest.ends_at_s),
    )


def text_of(guest: Guest) -> str:
    """Everything about one guest."""
    units = ", ".join(map(str, guest.units))
    facts = {
        "state": guest.state.value if guest.failure is None else f"{guest.state.value}: {guest.failure}",
        "gpus": f"{units} ({len(guest.functions)} functions)" if units else str(guest.gpus or "none"),
        **({"vgpus": ", ".join(guest.vgpus)} if guest.vgpus else {}),
        "cpus": str(guest.cpus),
        "memory": format_memory(guest.memory_mib),
        "boots": guest.image or "the check guest",
        "started": _time(guest.started_at_s),
        "ends": _time(guest.ends_at_s),
        "console": guest.console_log or "none",
    }
    lines = [f"guest {guest.name}", *(f"  {name:<8} {value}" for name, value in facts.items())]
    if guest.seen is not None:
        lines.append("  its own kernel sees")
        lines += (f"    {seen.address.short}  {seen.id}  class {seen.pci_class}" for seen in guest.seen)
    return "\n".join(lines)


def _time(at_s: float | None) -> str:
    if at_s is None:
        return "when destroyed"
    return datetime.fromtimestamp(at_s).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
