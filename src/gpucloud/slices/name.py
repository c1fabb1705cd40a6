"""Names of slice types read: NVIDIA's, which hold what a type is, and what Intel's say of themselves.

NVIDIA's grammar: ``[GRID|NVIDIA] BOARD-[SLICES-]MEMORY[SERIES]``, as in ``GRID T4-4Q``, ``NVIDIA A100-3-20C``
and ``NVIDIA RTX Pro 6000 Blackwell DC-1-24Q``; names of all types: NVIDIA/open-gpu-kernel-modules,
src/nvidia/generated/g_nv_name_released.h; series and editions: NVIDIA vGPU software documentation, "Virtual
GPU Types". Intel's: drivers/gpu/drm/i915/gvt/kvmgt.c, ``description_show``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID, uuid5

from gpucloud.model.pci import Place

_TYPE = re.compile(
    r"(?:(?:GRID|NVIDIA) )?(?P<board>\S.{0,60}?)-(?:(?P<slices>[1-9])-)?(?P<memory>[0-9]{1,3})"
    r"(?P<series>[QBAC]?)(?P<rest>[0-9]?)(?P<engines>(?:ME|NOME|MEALL|GFX)?)",
    re.ASCII,
)
_SIZE = re.compile(r"(?P<key>[a-z_]{1,30}):\s{0,4}(?P<mib>[0-9]{1,7})\s{0,2}MB", re.ASCII)
_EDITIONS = {"Q": "vWS", "B": "vPC", "A": "vApps", "C": "vGPU for Compute"}
_SPACE = UUID("6f1f5f3e-2f6b-4a57-9d0e-0c9d6a3f1b52")
_HALF_MIB = 512
"""The smallest types are called ``-0B`` and ``-0Q``: half a gigabyte."""


@dataclass(frozen=True, slots=True)
class TypeName:
    """What the name of one of NVIDIA's vGPU types says."""

    board: str
    short: str
    """Without maker: ``T4-4Q``."""
    memory_mib: int
    """Nominal: what a guest sees is a little less."""
    mig_slices: int | None
    """Compute slices of the GPU instance that it is cut from; None: it shares the card by time."""
    series: str
    """``Q``, ``B``, ``A``, ``C``; empty for gaming."""
    edition: str | None
    """The licence that a guest needs; None where the series has none of its own."""
    engines: str
    """``ME`` and the like: which media engines it has besides."""


def parse_type_name(name: str) -> TypeName | None:
    """Read a name; None where it is none of NVIDIA's grammar."""
    match = _TYPE.fullmatch(name.strip())
    if match is None:
        return None
    memory = int(match["memory"])
    slices = match["slices"]
    return TypeName(
        board=match["board"],
        short=name.strip().removeprefix("GRID ").removeprefix("NVIDIA "),
        memory_mib=memory * 1024 or _HALF_MIB,
        mig_slices=int(slices) if slices else None,
        series=match["series"],
        edition=_EDITIONS.get(match["series"]),
        engines=match["engines"],
    )


def parse_gvt_memory(description: str) -> int | None:
    """Graphics memory of a GVT-g type in MiB: the mappable part (``low_gm_size``) and the rest together."""
    sizes = {match["key"]: int(match["mib"]) for match in _SIZE.finditer(description[:4096])}
    low, high = sizes.get("low_gm_size"), sizes.get("high_gm_size")
    return None if low is None or high is None else low + high


def mdev_name(host: str | None, parent: Place, kind: str, number: int) -> str:
    """The UUID of a mediated device that gpucloud makes: the same after every start, another on every host.

    Args:
        host: its name; None: it is not known.
        parent: the function, or other parent, that it is cut from.
        kind: id of its type.
        number: counts those of the type on that function, from 0.
    """
    return str(uuid5(_SPACE, f"{host or ''} {parent} {kind} {number}"))
