"""Virtual functions, as reports show them: asked for, listed, gone."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper
from gpucloud.doctor.intent import has_slices
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

_VFS = "sriov-vfs-not-enabled"
_FULL = 5
"""Functions of known kinds that any whole host has at least."""


@rule
def virtual_functions_off(case: Case) -> Answers:
    """sriov_numvfs is 0: no virtual function exists, which matters where vGPUs or VFs are wanted."""
    paper = case.paper
    if paper is None or not paper.has("sriov-off"):
        return
    wanted = paper.has("vendor-vfio", "mdev-uuid", "mdev-bus", "mdev-types-absent") or paper.request.get(
        "resources:VGPU"
    )
    yield known(
        _VFS,
        "No virtual function is enabled (sriov_numvfs is 0)",
        paper.lines("sriov-off"),
        0.88 if wanted else 0.35,
        level=Level.BLOCKER if wanted else Level.INFO,
    )


@rule
def virtual_functions_not_listed(case: Case) -> Answers:
    """A configuration asks a card for virtual functions, and a listing that would show them has none.

    They are of the card's class: the list of all display controllers would show them.
    """
    paper = case.paper
    if paper is None or not (_is_full(case) or paper.has("displays-listed")):
        return
    for address in _asked(paper):
        unit = case.host.unit_at(address)
        if unit is not None and not has_slices(unit):
            yield known(
                _VFS,
                f"{address.short} is asked for virtual functions, and the host lists none",
                paper.lines("vfs-asked"),
                0.62,
                units=(unit.address,),
            )


@rule
def virtual_function_gone(case: Case) -> Answers:
    """A guest names a virtual function that is not there: its card was reset, taken, or makes none (yet)."""
    paper = case.paper
    if paper is None or not paper.has("pve-gone") or not paper.has("vfs-mode", "vfs-asked"):
        return
    gone = [r.evidence for r in paper.said("pve-gone") if r.caught.get("function", "")[-1:] not in ("", "0")]
    if gone:
        title = "The virtual function that the guest names does not exist (any more)"
        yield known(_VFS, title, (*gone, *paper.lines("vfs-mode")), 0.8)


def _asked(paper: Paper) -> Iterator[PciAddress]:
    for remark in paper.said("vfs-asked"):
        text = remark.caught.get("function") or remark.caught.get("other")
        if text:
            yield PciAddress.parse_typed(text)


def _is_full(case: Case) -> bool:
    """Claims a listing of the whole host: it has the host bridge, and more than a few functions."""
    functions = case.host.functions
    if isinstance(functions, Unknown) or len(functions) < _FULL:
        return False
    return any(str(address).endswith(":00:00.0") for address in functions)
