"""MIG profiles of each model, where the card was not asked: it says itself in ``nvidia-smi mig -lgip``.

Names and numbers of instances: NVIDIA Multi-Instance GPU User Guide, "Supported MIG Profiles" (A30, A100,
H100, H200, B200, RTX PRO 6000), NVIDIA/mig-parted deployments/container (the others). Ids and placements:
listings of ``nvidia-smi mig -lgip`` and ``-lgipp`` that people published of A30, A100, H100 NVL and RTX PRO
6000; all cards of eight memory slices place alike, and so do H100, H200 and B200 here. PCI ids: pci.ids.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.model.pci import PciId
from gpucloud.model.unknown import Unknown
from gpucloud.slices.mig.card import MigProfile

_NVIDIA = 0x10DE
_SHAPES_OF_SEVEN = (
    (19, "1g", 7, (0, 1, 2, 3, 4, 5, 6), 1, ""),
    (20, "1g", 1, (0, 1, 2, 3, 4, 5, 6), 1, "+me"),
    (15, "1g", 4, (0, 2, 4, 6), 2, ""),
    (14, "2g", 3, (0, 2, 4), 2, ""),
    (9, "3g", 2, (0, 4), 4, ""),
    (5, "4g", 1, (0,), 4, ""),
    (0, "7g", 1, (0,), 8, ""),
)
"""Id, compute slices, most instances, starts, memory slices and suffix of cards with seven compute slices."""
_SHAPES_OF_FOUR = (
    (14, "1g", 4, (0, 1, 2, 3), 1, ""),
    (21, "1g", 1, (0, 1, 2, 3), 1, "+me"),
    (5, "2g", 2, (0, 2), 2, ""),
    (6, "2g", 1, (0, 2), 2, "+me"),
    (0, "4g", 1, (0,), 4, ""),
)
_SHAPES_OF_RTX = (
    (14, "1g", 4, (0, 3, 6, 9), 3, ""),
    (21, "1g", 1, (0, 3, 6, 9), 3, "+me"),
    (47, "1g", 4, (0, 3, 6, 9), 3, "+gfx"),
    (65, "1g", 1, (0, 3, 6, 9), 3, "+me.all"),
    (67, "1g", 4, (0, 3, 6, 9), 3, "-me"),
    (5, "2g", 2, (0, 6), 6, ""),
    (35, "2g", 2, (0, 6), 6, "+gfx"),
    (64, "2g", 1, (0, 6), 6, "+me.all"),
    (66, "2g", 2, (0, 6), 6, "-me"),
    (0, "4g", 1, (0,), 12, ""),
    (32, "4g", 1, (0,), 12, "+gfx"),
)
_MEMORY = Unknown("the card was not asked: nvidia-smi mig -lgip says it")
_Shapes = tuple[tuple[int, str, int, tuple[int, ...], int, str], ...]


def _profiles(shapes: _Shapes, gigabytes: Mapping[tuple[str, int], int]) -> tuple[MigProfile, ...]:
    return tuple(
        MigProfile(id_, f"{slices}.{gigabytes[slices, size]}gb{suffix}", most, starts, size, _MEMORY)
        for id_, slices, most, starts, size, suffix in shapes
    )


def _seven(one: int, two: int, half: int, whole: int) -> tuple[MigProfile, ...]:
    """Profiles by the gigabytes that names have for one, two, four and eight memory slices."""
    names = {
        ("1g", 1): one,
        ("1g", 2): two,
        ("2g", 2): two,
        ("3g", 4): half,
        ("4g", 4): half,
        ("7g", 8): whole,
    }
    return _profiles(_SHAPES_OF_SEVEN, names)


_A30 = _profiles(_SHAPES_OF_FOUR, {("1g", 1): 6, ("2g", 2): 12, ("4g", 4): 24})
_RTX_PRO_6000 = _profiles(_SHAPES_OF_RTX, {("1g", 3): 24, ("2g", 6): 48, ("4g", 12): 96})
_40, _80, _94, _96 = (
    _seven(5, 10, 20, 40),
    _seven(10, 20, 40, 80),
    _seven(12, 24, 47, 94),
    _seven(12, 24, 48, 96),
)
_141, _180, _269 = _seven(18, 35, 71, 141), _seven(23, 45, 90, 180), _seven(34, 67, 135, 269)

_BY_DEVICE: Mapping[int, tuple[MigProfile, ...]] = {
    0x20B7: _A30,
    **dict.fromkeys((0x20B0, 0x20B1, 0x20F1, 0x20F6), _40),  # A100 40 GB, A800 40 GB
    **dict.fromkeys((0x20B2, 0x20B5, 0x20F3, 0x20F5), _80),  # A100 80 GB, A800 80 GB
    **dict.fromkeys((0x2330, 0x2331, 0x2322, 0x2324), _80),  # H100 SXM5 and PCIe, H800
    **dict.fromkeys((0x2321, 0x2339, 0x233A), _94),  # H100 NVL, H100 SXM5 94 GB, H800 NVL
    **dict.fromkeys((0x2329, 0x2338, 0x2342), _96),  # H20, H100 SXM5 96 GB, GH200
    **dict.fromkeys((0x2335, 0x233B), _141),  # H200 SXM5 and NVL
    0x2901: _180,  # B200
    0x3182: _269,  # B300
    **dict.fromkeys((0x2BB1, 0x2BB4, 0x2BB5), _RTX_PRO_6000),  # workstation, Max-Q, server edition
}


def profiles_of(device: PciId) -> tuple[MigProfile, ...] | None:
    """The profiles of a model; None where it has no MIG, or none that is written here."""
    return _BY_DEVICE.get(device.device) if device.vendor == _NVIDIA else None
