"""What a guest prints about its own PCI list, and whether that is all it was given.

The guest frames its report on the serial console and marks every line with a nonce of its launch:
text of an earlier launch, or of a program in the guest that knows no nonce, is not taken for it.
The console is hostile input: lines are matched strictly and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from gpucloud.cloud.definition.slots import GuestSlot
from gpucloud.model.guest import SeenFunction
from gpucloud.model.pci import Bar, PciAddress, PciClass, PciFunction, PciId
from gpucloud.model.units.virtual import has_vgpu_type

MARK = "gpucloud-report"
MAX_FUNCTIONS = 4096
_VIRTIO, _BRIDGE = 0x1AF4, 0x0604
"""A vendor (docs/specs/pci-ids.rst of QEMU), and a class."""
BARS = 6
"""A function has at most six BARs: resources 0 to 5 of the kernel's ``resource`` file."""

REPORT_SCRIPT = r"""
gpucloud_report() {
  echo "gpucloud-report $1 begin"
  count=0
  for at in /sys/bus/pci/devices/*; do
    [ -e "$at/vendor" ] || continue
    read -r vendor <"$at/vendor"; read -r device <"$at/device"; read -r class <"$at/class"
    bars= index=0
    while [ "$index" -lt 6 ] && read -r start end flags; do
      [ $((start)) -eq 0 ] || bars="$bars $index=$((end - start + 1))"
      index=$((index + 1))
    done <"$at/resource"
    echo "gpucloud-report $1 function ${at##*/} ${vendor#0x}:${device#0x} ${class#0x}$bars"
    count=$((count + 1))
  done
  echo "gpucloud-report $1 end $count"
}
gpucloud_reports() {
  for pause in 0 2 5 10 20 40 60 120; do sleep "$pause"; gpucloud_report "$1"; done
}
"""
"""POSIX shell that prints the report, several times: a line of the kernel can break one frame.

A BAR for which the kernel found no room starts at 0 (drivers/pci/setup-res.c) and is left out.
"""

_LINE = re.compile(rf"(?:^|\W){MARK} (?P<nonce>[0-9a-f]{{32}}) (?P<rest>[ -~]{{1,400}})", re.ASCII)
_FUNCTION = re.compile(
    r"function (?P<at>[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])"
    r" (?P<vendor>[0-9a-f]{4}):(?P<device>[0-9a-f]{4}) (?P<code>[0-9a-f]{6})"
    r"(?P<bars>(?: [0-5]=[0-9]{1,20})*)",
    re.ASCII,
)
_END = re.compile(r"end ([0-9]{1,4})", re.ASCII)


def parse_report(text: str, nonce: str) -> tuple[SeenFunction, ...] | None:
    """Read the last whole report with this nonce out of console text; None where there is none.

    A report is whole if it has as many functions between ``begin`` and ``end`` as ``end`` says,
    each at an address of its own. Anything else on the console is passed over.
    """
    whole: tuple[SeenFunction, ...] | None = None
    frame: dict[PciAddress, SeenFunction] = {}
    for line in text.splitlines():
        match = _LINE.search(line)
        if match is None or match["nonce"] != nonce:
            continue
        rest = match["rest"].rstrip()
        if rest == "begin":
            frame = {}
        elif function := _parse_function(rest):
            frame[function.address] = function
        elif (end := _END.fullmatch(rest)) and 0 < len(frame) == int(end[1]) <= MAX_FUNCTIONS:
            whole = tuple(frame[address] for address in sorted(frame))
    return whole


def _parse_function(text: str) -> SeenFunction | None:
    match = _FUNCTION.fullmatch(text)
    if match is None:
        return None
    sizes = [0] * BARS
    for bar in match["bars"].split():
        index, _, size = bar.partition("=")
        sizes[int(index)] = int(size)
    return SeenFunction(
        PciAddress.parse(match["at"]),
        PciId(int(match["vendor"], 16), int(match["device"], 16)),
        PciClass(int(match["code"], 16)),
        tuple(sizes),
    )


def find_missing(given: Sequence[GuestSlot], seen: Sequence[SeenFunction]) -> tuple[str, ...]:
    """Say what of the given functions the guest does not see, or cannot use, one sentence each.

    The guest's bus numbers are its firmware's choice, so a given slot is found by what is in it:
    every function with its id at its number, in one guest slot, each guest slot taken once.
    """
    by_slot: dict[str, dict[int, SeenFunction]] = {}
    for function in seen:
        by_slot.setdefault(function.address.slot, {})[function.address.function] = function
    lacks: list[str] = []
    for slot in given:
        at = max(by_slot, key=lambda name: _alike(slot, by_slot[name]), default=None)
        there = by_slot.pop(at) if at is not None and _alike(slot, by_slot[at]) else {}
        lacks += _missing_in(slot, there)
    return tuple(lacks)


def find_strangers(given: Sequence[GuestSlot], seen: Sequence[SeenFunction]) -> tuple[SeenFunction, ...]:
    """What of a report is neither a given function nor QEMU's own: mediated devices, whose ids no host tells.

    On bus 0 is the chipset; behind ports gpucloud puts nothing of QEMU's but virtio.
    """
    known = Counter(function.id for slot in given for _, function in slot.functions)
    strangers: list[SeenFunction] = []
    for function in seen:
        is_bridge = function.pci_class.kind == _BRIDGE
        if function.address.bus == 0 or function.id.vendor == _VIRTIO or is_bridge:
            continue
        if known[function.id] > 0:
            known[function.id] -= 1
        else:
            strangers.append(function)
    return tuple(strangers)


def _alike(slot: GuestSlot, there: dict[int, SeenFunction]) -> int:
    """Count the functions that are where they should be."""
    return sum(number in there and there[number].id == given.id for number, given in slot.functions)


def _missing_in(slot: GuestSlot, there: dict[int, SeenFunction]) -> list[str]:
    lacks: list[str] = []
    for number, given in slot.functions:
        seen = there.get(number)
        if seen is None or seen.id != given.id:
            lacks.append(f"{given.address} ({given.id}) is not in its PCI list")
        else:
            lacks += (_no_room(given, bar) for bar in _unplaced(given, seen))
    return lacks


def _unplaced(given: PciFunction, seen: SeenFunction) -> list[Bar]:
    """Memory BARs of the host's function that the guest has not placed at their size.

    A vGPU over its vendor's VFIO has those that its driver makes up. I/O ports are left out: guests may
    leave them unplaced behind a PCIe port, and no GPU needs them.
    """
    if not isinstance(given.bars, tuple) or not seen.bar_bytes or has_vgpu_type(given):
        return []
    memory = (bar for bar in given.bars if not bar.is_io and bar.index < BARS)
    return [bar for bar in memory if seen.bar_bytes[bar.index] != bar.size_bytes]


def _no_room(given: PciFunction, bar: Bar) -> str:
    return f"{given.address} ({given.id}) has no room for its BAR {bar.index} of {bar.size_bytes >> 20} MiB"
