"""What is known before a start of cards that are to be cut: it cannot be, or nobody can tell yet."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.host import Host
from gpucloud.model.plan import Refusal
from gpucloud.model.spec import Spec, Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state.card import Card
from gpucloud.prepare.boot.state.instances import misfit, untold
from gpucloud.prepare.boot.state.parent import parents_unfit
from gpucloud.prepare.boot.state.plan import cards_at_start
from gpucloud.prepare.boot.state.vfs import no_vfs
from gpucloud.prepare.plan.wording import call_unit

_NAMED = "gpucloud boot names it if it is not as wanted then"


def impossible(host: Host, spec: Spec, host_name: str | Unknown) -> Iterator[Refusal]:
    """Cards that are to have virtual functions or MIG instances and cannot.

    The kernel shows ``sriov_totalvfs`` of every physical function (drivers/pci/pci-sysfs.c,
    ``sriov_pf_attrs_are_visible``), with its driver or without.

    Raises:
        Failure: as ``pool_of``.
    """
    for card in cards_at_start(host, spec, host_name):
        if card.pool.use is Use.SRIOV and card.unit.primary.sriov is None:
            why = f"{call_unit(card.unit)} shows no SR-IOV capability (no sriov_totalvfs)"
            instead = (
                f"take it out of pool {card.pool.name}, or give it whole: use: passthrough; "
                "where the card has SR-IOV: switch it on, then plan again"
            )
            yield Refusal(
                card.unit.address, "no-sriov", f"{why}, so pool {card.pool.name} cannot cut it", instead
            )
        elif card.pool.mig and (misfits := misfit(card)) is not None:
            instead = f"change mig of pool {card.pool.name}; gpucloud vgpu plan shows what a mix comes to"
            yield Refusal(card.unit.address, "mig-misfit", f"{call_unit(card.unit)}: {misfits}", instead)


def foreseen(host: Host, spec: Spec, host_name: str | Unknown) -> Iterator[str]:
    """What a start may not bring of what pools want of cards, one line each.

    Raises:
        Failure: as ``pool_of``.
    """
    for card in cards_at_start(host, spec, host_name):
        why = next(iter(no_vfs(card).lacks), None) if card.pool.use is Use.SRIOV else _no_vgpus(card)
        if why is not None:
            yield f"{call_unit(card.unit)}, pool {card.pool.name}: {why}"
    yield from parents_unfit(host, spec, host_name)


def _no_vgpus(card: Card) -> str | None:
    if card.pool.mig and (why := untold(card)) is not None:
        return f"{why}; {_NAMED}"
    if not card.pool.vgpu_types and card.pool.mig:
        return None
    if not card.pool.vgpu_types:
        return "no vgpu_types are named, so a start makes no vGPUs of it"
    if any(not isinstance(kinds, Unknown) and kinds for kinds in _kinds(card)):
        return None
    if card.unseen is not None:
        return f"{card.unseen}, nor what vGPU types they offer; {_NAMED}"
    return (
        "it shows no vGPU types now, so what a start makes of it is not known before the vendor's vGPU "
        f"manager runs; {_NAMED}"
    )


def _kinds(card: Card) -> Iterator[object]:
    for function in (card.unit.primary, *card.vfs):
        yield function.mdev_types
        yield function.vendor_vfio_types
