"""NVIDIA's own service for MIG, which sets mode and instances of all cards that its configuration names.

It does so at every start, and removes what is not in it. Source: NVIDIA/mig-parted, deployments/systemd
(``service.sh``; ``WantedBy=multi-user.target``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.inventory.reader import Reader
from gpucloud.inventory.system.boot import UNIT_LINK
from gpucloud.model.change import Change, MakeGpuInstance, RemoveGpuInstance, SetMigMode
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

SERVICE = "nvidia-mig-manager.service"
_WANTS = UNIT_LINK.rpartition("/")[0]
_MASKED = "/dev/null"
_SHOWN = 4


def read_mig_manager(reader: Reader) -> bool | Unknown:
    """Whether it is enabled, and not masked."""
    names = reader.list_dir(_WANTS)
    if isinstance(names, Unknown):
        return names
    return SERVICE in (names or ()) and reader.read_link(f"/etc/systemd/system/{SERVICE}") != _MASKED


def note_on_mig_manager(cards: Sequence[PciAddress], is_enabled: bool | Unknown) -> Iterator[str]:
    """What is said of cards that both have in hand, and what ends it."""
    if isinstance(is_enabled, Unknown):
        yield f"whether {SERVICE} cuts the same cards is not known: {is_enabled.why}"
    elif is_enabled and cards:
        more = f" and {len(cards) - _SHOWN} more" if len(cards) > _SHOWN else ""
        yield (
            f"{SERVICE} is enabled: at every start it sets MIG mode and instances as its own configuration "
            f"says, and removes others, also of {', '.join(each.short for each in cards[:_SHOWN])}{more}, "
            f"which gpucloud cuts; leave them to one of both: systemctl disable --now {SERVICE}"
        )


def note_on_mig(changes: Sequence[Change], reader: Reader) -> Iterator[str]:
    """What these changes and the service come to at the next start."""
    mine = [each for each in changes if isinstance(each, SetMigMode | MakeGpuInstance | RemoveGpuInstance)]
    if mine:
        cards = list(dict.fromkeys(each.address for each in mine))
        yield from note_on_mig_manager(cards, read_mig_manager(reader))
