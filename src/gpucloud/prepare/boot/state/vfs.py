"""Virtual functions that a pool wants of a card: through sysfs, or by the tool that its driver wants."""

from __future__ import annotations

from gpucloud.model.change import SetVfs, SwitchVfs
from gpucloud.model.pci import Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.card import Card, Todo

_OFFERS = "offers virtual functions of"
_OWN_WAY = {"gim": "gim makes virtual functions when it is loaded: options gim vf_num=N in /etc/modprobe.d"}
"""Drivers that take their number from somewhere else (AMD's MxGPU-Virtualization, ``vf_num``)."""


def plan_vfs(card: Card) -> Todo:
    """As many as the pool says, or as the card can have."""
    none = no_vfs(card)
    if none.lacks:
        return none
    sriov = card.unit.primary.sriov
    if not isinstance(sriov, Sriov) or not isinstance(sriov.total, int) or not isinstance(sriov.enabled, int):
        return Todo()
    now = 0 if card.is_anew else sriov.enabled
    wanted = sriov.total if card.pool.vfs is None or card.is_nvidias else card.pool.vfs
    if now == wanted:
        return Todo()
    if card.is_nvidias:
        switch = SwitchVfs(address=card.unit.address, before=now, after=wanted)
        return Todo([card.step(switch, _OFFERS, _all(card, wanted))])
    driver = card.unit.primary.driver
    if isinstance(driver, str) and driver in _OWN_WAY:
        return Todo(missing=[f"it has {now} virtual functions, not {wanted}: {_OWN_WAY[driver]}"])
    return Todo([card.step(SetVfs(address=card.unit.address, before=now, after=wanted), _OFFERS)])


def _all(card: Card, made: int) -> str:
    if card.pool.vfs in (None, made):
        return ""
    return f"; NVIDIA's tool makes all {made} of a card, not vfs: {card.pool.vfs}"


def no_vfs(card: Card) -> Todo:
    """Why the card cannot have those virtual functions; nothing where it can."""
    sriov, wanted = card.unit.primary.sriov, card.pool.vfs
    if isinstance(sriov, Unknown):
        return Todo(missing=[f"its virtual functions are not known ({sriov.why})"])
    if sriov is None:
        return Todo(never=["it has no virtual functions"])
    if isinstance(sriov.total, Unknown) or isinstance(sriov.enabled, Unknown):
        return Todo(missing=["its virtual functions cannot be read"])
    if wanted is not None and wanted > sriov.total:
        return Todo(never=[f"it can have {sriov.total} virtual functions, not {wanted}"])
    if card.unit.primary.driver is None:
        return Todo(missing=["it has no driver that could make virtual functions"])
    return Todo()
