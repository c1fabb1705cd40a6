"""Interrupt remapping: without it a guest with a device can send interrupts to the host at will."""

from __future__ import annotations

from shlex import quote

from gpucloud.doctor.case import Blind, Case
from gpucloud.doctor.options import Option, kernel_arguments, module_options
from gpucloud.doctor.remedy import REBOOT, rebuild_initramfs, remove_boot_arguments
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.unknown import Unknown

MISSING = "interrupt-remapping-missing"
_X86 = ("intel", "amd")
_TRUE = ("1", "y", "t", "on")
"""How a value begins that means yes. Source: Linux lib/kstrtox.c kstrtobool()."""
_IN_REPORTS = "/sys/class/iommu"
"""Under this place pasted evidence keeps what a kernel log says of remapping."""
_READ_HERE = Evidence("/proc/interrupts", "no interrupt chip has IR- before its name")


@rule
def interrupt_remapping_missing(case: Case) -> Answers:
    """The IOMMU is on without interrupt remapping: vfio then refuses every device."""
    host = case.host
    if host.cpu.vendor not in _X86 or isinstance(host.iommu.groups, Unknown) or not host.iommu.groups:
        return
    remapping = host.iommu.has_interrupt_remapping
    if isinstance(remapping, Unknown):
        yield Blind(MISSING, "interrupt remapping", remapping.why)
    elif not remapping:
        unsafe = _unsafe(case)
        yield Finding(
            cause=MISSING,
            level=Level.BLOCKER if unsafe is None else Level.WARNING,
            title="The kernel runs without interrupt remapping: vfio refuses devices"
            if unsafe is None
            else "Interrupt remapping is missing and vfio was told to go on without: guests are not kept "
            "apart",
            evidence=(
                case.shown.get(_IN_REPORTS) or _READ_HERE,
                *([] if unsafe is None else [unsafe.evidence]),
            ),
            why="vfio_iommu_type1 attaches a device only where the IOMMU can isolate its interrupts; "
            "without, "
            "a guest can forge interrupts of the host.",
            fix=_fix(case),
            confidence=0.9,
        )


@rule
def unsafe_interrupts(case: Case) -> Answers:
    """allow_unsafe_interrupts is set although remapping works: a protection given up for nothing."""
    unsafe = _unsafe(case)
    remapping = case.host.iommu.has_interrupt_remapping
    if unsafe is None or remapping is False:
        return
    if isinstance(remapping, Unknown):
        yield Blind("unsafe-interrupts", "interrupt remapping", remapping.why)
        return
    yield Finding(
        cause="unsafe-interrupts",
        # What somebody reports has another reason: with the option guests start all the same.
        level=Level.WARNING if case.paper is None else Level.INFO,
        title="allow_unsafe_interrupts is set, but interrupt remapping works: guests may forge interrupts",
        evidence=(unsafe.evidence,),
        why="The option lets vfio attach devices whose interrupts are not isolated. This host isolates them, "
        "so the option only removes the check that would notice when it stops doing so.",
        fix=Fix(
            "Remove the option where it is written, write the boot image again and reboot.",
            (*_remove(case, unsafe), "reboot"),
            REBOOT,
        ),
        confidence=0.95,
    )


def _remove(case: Case, option: Option) -> tuple[str, ...]:
    """Lines that take the option away from where it is written: a file of modprobe, or the command line."""
    distribution = case.host.distribution
    name = f"{option.module}.{option.name}"
    given = [one for one in kernel_arguments(case) if one.replace("-", "_").startswith(f"{name}=")]
    if given:
        return remove_boot_arguments(distribution, *given)
    is_alone = len(option.evidence.text.split()) == len(("options", "module", "option"))
    script = f"/{option.name}/d" if is_alone else f"s/ *{option.name}=[^ ]*//"
    return (f"sed -i '{script}' {quote(option.evidence.key)}", *rebuild_initramfs(distribution))


def _unsafe(case: Case) -> Option | None:
    """The option that turns the check off; None where it is not given, or a later one turns it on again."""
    given = [
        option
        for option in module_options(case)
        if option.module == "vfio_iommu_type1" and option.name == "allow_unsafe_interrupts"
    ]
    return given[-1] if given and given[-1].value.strip("\"'").lower().startswith(_TRUE) else None


def _fix(case: Case) -> Fix:
    off = [one for one in kernel_arguments(case) if one in ("nointremap", "intremap=off")]
    return Fix(
        "Turn interrupt remapping on: x2APIC and VT-d or AMD-Vi in the firmware (update it where the "
        "switch is "
        "missing), no nointremap or intremap=off among the kernel arguments. On a board that has none, a "
        "single-tenant host may accept the risk with vfio_iommu_type1.allow_unsafe_interrupts=1.",
        remove_boot_arguments(case.host.distribution, *off) if off else (),
        REBOOT,
    )
