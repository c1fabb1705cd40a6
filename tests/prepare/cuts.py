"""Where a run is cut off on an emulated server, and how it is gone on with; each takes half a minute."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

WAYS_OUT = (("undo",), ("apply", "--resume"))


def every_other(
    cuts: Sequence[tuple[int, str]], ways_out: Sequence[tuple[str, ...]]
) -> list[pytest.ParameterSet]:
    """Each cut with each way out; by turns, one of a cut is proven every time and the others in ``long``."""
    return [
        pytest.param(
            *cut,
            way_out,
            id=f"{cut[0]}-{cut[1]}-{' '.join(way_out)}",
            marks=() if turn == number % len(ways_out) else pytest.mark.long,
        )
        for number, cut in enumerate(cuts)
        for turn, way_out in enumerate(ways_out)
    ]
