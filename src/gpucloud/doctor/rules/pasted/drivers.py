"""Drivers and licences in guests, as reports show them."""

from __future__ import annotations

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.evidence.pci import SeenFunction
from gpucloud.doctor.evidence.phrase import Remark
from gpucloud.doctor.intent import cards, is_given_away
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Level
from gpucloud.slices.branch import branch_of

_MAKERS = (0x10DE, 0x1002)
_OPENED = 465
"""The first branch whose drivers run a consumer card in a guest that sees its hypervisor."""
_SECOND_START = ("host-reboot-helps", "second-start-fails", "reset-said")
_VGPU = ("vgpu-name", "virtualization-vgpu", "licence-mode-product")
_REFUSED = ("cuda-busy", "cuda-refused", "cuda-no-device")


@rule
def card_without_driver_in_guest(case: Case) -> Answers:
    """The guest lists its card with all details and no driver among them: none is bound.

    lspci -k prints ``Kernel driver in use`` for every function that has one. Source: pciutils ls-kernel.c.
    """
    paper = case.paper
    if paper is None:
        return
    idle = [one for one in paper.guests_listing.seen.values() if one.has_details and _is_idle_card(one)]
    if idle and not is_vgpu(paper):
        lines = [line for place, line in paper.guests_listing.shown.items() if str(idle[0].address) in place]
        title = f"The guest sees its card ({idle[0].name or idle[0].id}) and no driver has it"
        yield known("guest-driver-not-loaded", title, lines, 0.65)


@rule
def vgpu_refused_by_cuda(case: Case) -> Answers:
    """CUDA refuses a vGPU that nvidia-smi shows: it has no licence, or a driver of another branch.

    A vGPU that does not get its licence loses CUDA after a grace time.
    Source: NVIDIA vGPU client licensing user guide, "Effects of license enforcement".
    """
    paper = case.paper
    if paper is None or not is_vgpu(paper) or not paper.has(*_REFUSED):
        return
    lines = paper.lines(*_REFUSED, *_VGPU)
    if not paper.has("licensed"):
        yield known("vgpu-licence-missing", "CUDA refuses a vGPU: most often it has no licence", lines, 0.66)
    yield known(
        "driver-kind-or-version",
        "CUDA refuses a vGPU: its driver may be of another branch than the host's",
        lines,
        0.5,
        level=Level.WARNING,
    )


@rule
def guest_newer_than_manager(case: Case) -> Answers:
    """The guest's vGPU driver is of a newer branch than the host's manager, which knows older ones only.

    Source: NVIDIA vGPU release notes, "Releases of the vGPU manager and guest drivers that are compatible".
    """
    paper = case.paper
    if paper is None or not _speaks_of_vgpu(paper):
        return
    said = (*paper.said("manager-version", "guest-version"), *_versions_of_no_side(paper))
    guests = {int(r.caught["version"]) for r in said if _is_of_guest(r)}
    hosts = {int(r.caught["version"]) for r in said if not _is_of_guest(r)}
    if guests and hosts and branch_of(min(guests)) > branch_of(max(hosts)):
        yield known(
            "driver-kind-or-version",
            f"The guest's driver ({min(guests)}) is of a newer branch than the host's ({max(hosts)})",
            (r.evidence for r in said),
            0.82,
        )


def _versions_of_no_side(paper: Paper) -> tuple[Remark, ...]:
    """Versions that only the key places: not those in lines that say themselves whose they are."""
    placed = {
        (line.key, (line.line or 0) + below)
        for line in paper.lines("manager-version", "guest-version")
        for below in range(3)
    }
    versions = (r for r in paper.said("driver-version") if "version" in r.caught)
    return tuple(r for r in versions if (r.evidence.key, r.evidence.line) not in placed)


def _is_of_guest(remark: Remark) -> bool:
    return remark.phrase.name == "guest-version" or is_guest_key(remark.evidence.key)


@rule
def hypervisor_seen(case: Case) -> Answers:
    """The guest's driver is up and gives no handle for its card: drivers before 465 refuse so in a guest.

    Source: NVIDIA release 465: consumer cards may be passed to guests from it on.
    """
    paper = case.paper
    if paper is None or not paper.has("unhandled-fatal"):
        return
    ages = [int(r.caught["version"]) for r in paper.said("driver-version") if is_guest_key(r.evidence.key)]
    if ages and max(ages) < _OPENED:
        lines = (*paper.lines("unhandled-fatal"), *paper.lines("driver-version"))
        yield known("error-43", "The guest's driver is one that refuses under a hypervisor", lines, 0.75)


@rule
def refused_at_second_start(case: Case) -> Answers:
    """Windows stops the card at a later start, and a reboot of the host helps: it was not reset."""
    paper = case.paper
    if paper is not None and paper.has("code-43") and paper.has(*_SECOND_START):
        lines = paper.lines(*_SECOND_START, "code-43")
        title = "The card works for one start of a guest, then Windows stops it: it was not reset"
        yield known("reset-bug", title, lines, 0.82, level=Level.WARNING)


@rule
def other_version_of_functions(case: Case) -> Answers:
    """A virtual function's driver asks for a version of the interface that its host does not speak.

    It goes on with an older one where it can; then the card is set up all the same.
    """
    paper = case.paper
    if paper is not None and paper.has("vf-version") and not paper.has("drm-ready"):
        title = "The virtual function's driver is not of the version that the host's driver speaks"
        yield known("driver-kind-or-version", title, paper.lines("vf-version"), 0.75)


@rule
def card_busy_for_cuda(case: Case) -> Answers:
    """CUDA finds a whole card busy: another program has it, or it is set to one process alone."""
    paper = case.paper
    if paper is not None and paper.has("cuda-busy") and not is_vgpu(paper):
        lines = paper.lines("cuda-busy")
        yield known("gpu-in-use", "CUDA finds the card busy", lines, 0.45, level=Level.WARNING)
        title = "CUDA finds the card busy: where it is a vGPU, that is how a missing licence shows"
        yield known("vgpu-licence-missing", title, lines, 0.43, level=Level.WARNING)


@rule
def driver_not_built(case: Case) -> Answers:
    """The compiler refuses the driver's sources: each branch builds on kernels up to its own age only.

    Source: NVIDIA driver README, "Supported kernels"; the kernel has no stable interface for modules.
    """
    paper = case.paper
    if paper is None or not paper.has("build-failed"):
        return
    lines = paper.lines("build-failed", "host-package")
    if paper.has("host-package"):
        title = "The vGPU manager does not build on this kernel: too old a branch for it"
        yield known("vgpu-manager-not-loaded", title, lines, 0.8)
    else:
        title = "The driver does not build on this kernel"
        yield known("guest-driver-not-loaded", title, lines, 0.75)
    yield known("driver-kind-or-version", "The driver's branch is too old for this kernel", lines, 0.6)


@rule
def no_cuda_device(case: Case) -> Answers:
    """CUDA finds no card, and nothing says that this is a vGPU: its driver is not loaded, or not for it."""
    paper = case.paper
    if paper is not None and paper.has("cuda-no-device") and not is_vgpu(paper):
        title = "CUDA finds no card: the driver is not loaded, or does not know it"
        yield known("guest-driver-not-loaded", title, paper.lines("cuda-no-device"), 0.4, level=Level.WARNING)


@rule
def taken_by_another_driver(case: Case) -> Answers:
    """NVIDIA's driver finds every card taken: by a host driver, or by nouveau in a guest.

    Source: NVIDIA kernel-open/nvidia/nv-pci.c: the module prints this wherever no card is left for it.
    """
    paper = case.paper
    if paper is None or not paper.has("ownership-obtained", "not-probed"):
        return
    if paper.has("bound-for-guests", "vfio-added") or any(
        is_given_away(unit.primary) for unit in cards(case)
    ):
        return
    taken = paper.said("ownership-obtained")
    lines = (*(remark.evidence for remark in taken), *paper.lines("not-probed"))
    if not taken:
        if not paper.has("already-bound"):
            title = "NVIDIA's driver finds no card that is free"
            yield known("guest-driver-not-loaded", title, lines, 0.5)
    elif any(is_guest_key(line.key) for line in lines) or paper.has("guest-marks"):
        yield known("guest-driver-not-loaded", "Another driver of the guest took the card first", lines, 0.9)
    else:
        yield known("host-driver-grabbed-gpu", "Another driver took the card first", lines, 0.85)


@rule
def registers_owned(case: Case) -> Answers:
    """NVIDIA's driver cannot have the card's registers: another driver, or a framebuffer, has them."""
    paper = case.paper
    if paper is None or not paper.has("registers-owned"):
        return
    lines = paper.lines("registers-owned")
    is_guest = any(is_guest_key(line.key) for line in lines) or paper.has("guest-marks")
    cause = "guest-driver-not-loaded" if is_guest else "host-driver-grabbed-gpu"
    yield known(cause, "Another driver has the card's registers", lines, 0.65)


@rule
def manager_makes_no_vgpus(case: Case) -> Answers:
    """The host's driver says that it makes no vGPUs, and vGPUs are wanted: it is not the vGPU manager."""
    paper = case.paper
    if paper is None or not paper.has("mode-host-none"):
        return
    wanted = paper.has("vendor-vfio", "mdev-uuid", "mdev-bus") or "vgpu" in paper.about("gpu", "driver")
    if wanted:
        title = "The host's driver offers no vGPU mode: it is the common driver, not the vGPU manager"
        yield known("vgpu-manager-not-loaded", title, paper.lines("mode-host-none"), 0.6)


def is_vgpu(paper: Paper) -> bool:
    """Claims that the guest's card is a slice of one."""
    return paper.has(*_VGPU) or "vgpu" in f"{paper.about('gpu')} {paper.about('vgpu')}"


def _speaks_of_vgpu(paper: Paper) -> bool:
    told = " ".join(paper.environment.values()).lower()
    return (
        is_vgpu(paper)
        or "vgpu" in told
        or paper.has("mdev-uuid", "host-package", "vendor-vfio", "guest-version")
    )


def _is_idle_card(one: SeenFunction) -> bool:
    is_card = one.pci_class is not None and one.pci_class.is_gpu
    return is_card and one.driver is None and one.id is not None and one.id.vendor in _MAKERS
