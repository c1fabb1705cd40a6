"""The guest's definition, as libvirt or QEMU was given it."""

from __future__ import annotations

import re

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper
from gpucloud.doctor.intent import cards
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level

_CONSUMER = re.compile(r"geforce|gtx|\brtx [2-5]0\d0|titan", re.IGNORECASE)
_WINDOWS = re.compile(r"windows|win ?1[01]|win ?7", re.IGNORECASE)


@rule
def vgpu_in_guest(case: Case) -> Answers:
    """The guest lists its vGPU and no driver has it: it takes the guest driver of its manager only."""
    paper = case.paper
    if paper is None or "vgpu" not in f"{paper.about('gpu')} {paper.about('vgpu')}":
        return
    seen = paper.guest_listing.seen.values()
    idle = [one for one in seen if one.pci_class is not None and one.pci_class.is_gpu and one.driver is None]
    if idle:
        yield known(
            "driver-kind-or-version",
            "The guest lists its vGPU and no driver on it; a vGPU takes the guest driver of its "
            "manager's branch",
            paper.guest_listing.shown.values(),
            0.4,
            level=Level.INFO,
        )


@rule
def hypervisor_visible(case: Case) -> Answers:
    """A Windows guest with a consumer NVIDIA card sees its hypervisor: old drivers refuse (code 43)."""
    paper = case.paper
    if paper is None or not paper.shapes.definition or paper.has("hidden-hypervisor"):
        return
    if _is_consumer(case, paper) and _WINDOWS.search(paper.about("guest", "os", "vm")):
        yield known(
            "error-43",
            "The guest's definition does not hide the hypervisor; NVIDIA's consumer drivers before 465 "
            "refuse that",
            paper.shapes.definition[:1],
            0.5,
            level=Level.WARNING,
        )


@rule
def legacy_firmware(case: Case) -> Answers:
    """The guest's definition has a GPU and no UEFI: some cards do not start with a legacy BIOS."""
    paper = case.paper
    if paper is None or not paper.shapes.has_domain or not paper.shapes.has_hostdev:
        return
    if not paper.shapes.has_uefi and paper.shapes.is_closed:
        title = "The guest boots with a legacy BIOS; many cards need UEFI, large BARs always"
        yield known("uefi-needed-by-guest", title, paper.shapes.definition[:1], 0.35, level=Level.INFO)


def _is_consumer(case: Case, paper: Paper) -> bool:
    names = [unit.primary.name for unit in cards(case)]
    return any(_CONSUMER.search(text) for text in (*names, paper.about("gpu")))
