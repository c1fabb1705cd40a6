"""The tables of ``nvidia-smi mig``: ``-lgip``, ``-lgipp``, ``-lgi`` and ``-lci``, alone or together.

Columns were added over the years and more will be, so that a row is told by how it begins; rows of anything
else are none. Cards are numbered as nvidia-smi numbers them: by their PCI addresses, those with its driver
only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from gpucloud.slices.mig.card import COMPUTE_UNASKED, GpuInstance
from gpucloud.slices.mig.listed import Listed

_NAME = r"MIG\s{1,8}(?P<name>[1-9]g\.[0-9]{1,4}gb(?:[+-][a-z.]{1,12})?)"
_ROW = r"\s{0,8}\|{1,2}\s{0,12}(?P<gpu>[0-9]{1,3})\s{1,40}"
_OFFERED = re.compile(
    _ROW + _NAME + r"\s{1,40}(?P<id>[0-9]{1,5})\s{1,40}(?P<free>[0-9]{1,3})/(?P<total>[0-9]{1,3})"
    r"\s{1,40}(?P<gib>[0-9]{1,5}(?:\.[0-9]{1,3})?)\b",
    re.ASCII,
)
_PLACES = re.compile(
    r"\s{0,8}GPU\s{1,8}(?P<gpu>[0-9]{1,3})\s{1,8}Profile ID\s{1,8}(?P<id>[0-9]{1,5})"
    r"\s{1,8}Placements?\s{0,4}:\s{0,8}\{(?P<starts>[0-9]{1,3}(?:,[0-9]{1,3}){0,63})\}:(?P<size>[0-9]{1,3})",
    re.ASCII,
)
_INSTANCE = re.compile(
    _ROW + _NAME + r"\s{1,40}(?P<profile>[0-9]{1,5})\s{1,40}(?P<id>[0-9]{1,5})"
    r"\s{1,40}(?P<start>[0-9]{1,3}):(?P<size>[0-9]{1,3})\b",
    re.ASCII,
)
_COMPUTE = re.compile(
    _ROW + r"(?P<gi>[0-9]{1,5})\s{1,40}MIG\s{1,8}\S{1,24}\s{1,40}(?P<profile>[0-9]{1,5})\*?\s{1,40}"
    r"(?P<id>[0-9]{1,5})\b"
    r"(?:\s{1,40}(?P<start>[0-9]{1,3}):[0-9]{1,3}\b)?",
    re.ASCII,
)
_MOST_SLICES = 16
"""Memory slices of a card: no model has more than twelve."""
_LINES = 20_000


def parse_tables(text: str) -> Mapping[int, Listed]:
    """Read the tables in a text by the number of the card; what is no row of them is passed over."""
    found: dict[int, Listed] = defaultdict(Listed)
    for line in text.splitlines()[:_LINES]:
        _take(line, found)
    return dict(found)


def _take(line: str, found: dict[int, Listed]) -> None:
    if match := _PLACES.match(line):
        starts = tuple(sorted({int(each) for each in match["starts"].split(",")}))
        size = int(match["size"])
        if size > 0 and starts[-1] + size <= _MOST_SLICES:
            found[int(match["gpu"])].places[int(match["id"])] = (starts, size)
    elif match := _OFFERED.match(line):
        mib = round(float(match["gib"]) * 1024)
        row = (match["name"], int(match["free"]), int(match["total"]), mib)
        found[int(match["gpu"])].offered[int(match["id"])] = row
    elif match := _INSTANCE.match(line):
        if int(match["start"]) + int(match["size"]) <= _MOST_SLICES:
            found[int(match["gpu"])].instances[int(match["id"])] = GpuInstance(
                id=int(match["id"]),
                profile=int(match["profile"]),
                name=match["name"],
                start=int(match["start"]),
                size=int(match["size"]),
                compute_instances=COMPUTE_UNASKED,
            )
    elif match := _COMPUTE.match(line):
        listed = found[int(match["gpu"])]
        listed.compute[int(match["gi"])].append(int(match["id"]))
        place = (int(match["start"] or 0), int(match["profile"]))
        listed.compute_profiles[int(match["gi"])].append(place)
