"""``nvidia-smi -q`` of a guest: which licence each GPU has.

    GPU 00000000:02:01.0
        Product Name                          : GRID A100-4C
        GPU Virtualization Mode
            Virtualization Mode               : VGPU
        vGPU Software Licensed Product
            Product Name                      : NVIDIA Virtual Compute Server
            License Status                    : Licensed (Expiry: 2022-5-27 0:8:28 GMT)

Before vGPU software 11 the section is called ``GRID Licensed Product``; the first drivers print ``Licensed``
alone. A GPU of another driver has no such section. It is a guest's text: bounded, matched strictly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from gpucloud.model.unknown import Unknown

MOST_GPUS = 64
_MOST_CHARS = 4 * 1024 * 1024
_GPU = re.compile(r"GPU (?P<address>[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])\s*", re.ASCII)
_FIELD = re.compile(
    r"(?P<indent> {4,40})(?P<name>[A-Za-z][ -9;-~]{0,60}?) *: (?P<value>[ -~]{0,200})", re.ASCII
)
_SECTION = re.compile(r"    (?:vGPU Software|GRID) Licensed Product\s*", re.ASCII)
_OTHER_SECTION = re.compile(r" {4}[A-Za-z][ -~]{0,80}", re.ASCII)
_STATUS = re.compile(
    r"(?P<state>Licensed|Unlicensed)"
    r"(?: \((?:(?P<kind>Unrestricted|Restricted)|Expiry: (?P<expiry>[ -~]{1,60}?))\))?",
    re.ASCII,
)
_EXPIRY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?: GMT| UTC)?", re.ASCII)
_FOREVER = ("Permanent", "N/A")


class State(StrEnum):
    """What nvidia-smi says of a GPU's licence."""

    LICENSED = "licensed"
    UNLICENSED = "unlicensed"
    GRACE = "unlicensed, not yet restricted"
    RESTRICTED = "unlicensed, restricted"


@dataclass(frozen=True, slots=True)
class LicensedGpu:
    """One GPU of a guest.

    Args:
        address: in the guest, as nvidia-smi prints it.
        name: of the vGPU's type, or of the card; None where it is not printed.
        mode: ``VGPU``, ``Pass-Through`` and so on; None where it is not printed.
        product: what it has a licence of, or asks for; None where it is not printed.
        state: None: its driver knows of no licences; Unknown: words that nobody has documented.
        expiry: when the licence ends, by the licence server's clock; None: never, or not said.
    """

    address: str
    name: str | None = None
    mode: str | None = None
    product: str | None = None
    state: State | None | Unknown = None
    expiry: datetime | None | Unknown = None


def parse_smi(text: str) -> tuple[LicensedGpu, ...]:
    """The GPUs of an output, in its order; empty where there is none.

    Raises:
        ValueError: it is longer than any output, or has more GPUs than a guest can.
    """
    if len(text) > _MOST_CHARS:
        raise ValueError(f"the output is longer than {_MOST_CHARS} characters")
    found: list[LicensedGpu] = []
    is_licence = False
    for line in text.splitlines():
        if match := _GPU.fullmatch(line):
            found.append(LicensedGpu(match["address"].lower()))
            is_licence = False
            if len(found) > MOST_GPUS:
                raise ValueError(f"the output has more than {MOST_GPUS} GPUs")
        elif _SECTION.fullmatch(line):
            is_licence = True
        elif found and (match := _FIELD.fullmatch(line.rstrip())):
            is_licence = is_licence and len(match["indent"]) > 4
            found[-1] = _told(found[-1], match["name"], match["value"].strip(), is_licence, match["indent"])
        elif _OTHER_SECTION.fullmatch(line):
            is_licence = False
    return tuple(found)


def _told(gpu: LicensedGpu, name: str, value: str, is_licence: bool, indent: str) -> LicensedGpu:
    """The GPU with one more line of it."""
    if is_licence and name == "Product Name":
        return replace(gpu, product=value)
    if is_licence and name == "License Status":
        state, expiry = _status(value)
        return replace(gpu, state=state, expiry=expiry)
    if name == "Product Name" and len(indent) == 4:
        return replace(gpu, name=value)
    if name == "Virtualization Mode":
        return replace(gpu, mode=value)
    return gpu


def _status(value: str) -> tuple[State | Unknown, datetime | None | Unknown]:
    match = _STATUS.fullmatch(value)
    if match is None:
        return Unknown(f"nvidia-smi says {value!r}"), None
    if match["state"] == "Licensed":
        return State.LICENSED, _expiry(match["expiry"])
    kinds = {"Unrestricted": State.GRACE, "Restricted": State.RESTRICTED}
    return kinds.get(match["kind"] or "", State.UNLICENSED), None


def _expiry(text: str | None) -> datetime | None | Unknown:
    if text is None or text in _FOREVER:
        return None
    match = _EXPIRY.fullmatch(text)
    try:
        return Unknown(f"its end {text!r} is no time") if match is None else _time(match)
    except ValueError:
        return Unknown(f"its end {text!r} is no time")


def _time(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(each) for each in match.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
