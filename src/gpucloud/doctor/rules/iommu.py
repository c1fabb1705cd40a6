"""Is the IOMMU on, and if not, who left it off: the firmware or the kernel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpucloud.doctor.case import Blind, Case
from gpucloud.doctor.options import cite_argument, kernel_arguments
from gpucloud.doctor.remedy import REBOOT, remove_boot_arguments, set_boot_arguments
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Finding, Fix, Level
from gpucloud.model.pci import IommuGroup
from gpucloud.model.unknown import Unknown

FIRMWARE = "iommu-disabled-firmware"
ARGUMENT = "iommu-missing-kernel-arg"
_TABLES = "/sys/firmware/acpi/tables"
_SWITCHES = ("intel_iommu", "amd_iommu", "iommu")


@dataclass(frozen=True, slots=True)
class _Verdict:
    cause: str
    confidence: float
    why: str


_UNPROTECTED = (
    "vfio's no-IOMMU mode (vfio.enable_unsafe_noiommu_mode) makes groups of its own, which no guest can "
    "have: nothing translates a guest's DMA there."
)


@rule
def without_iommu(case: Case) -> Answers:
    """A GPU is in a group that vfio made in its no-IOMMU mode, on a host whose IOMMU has groups of others."""
    groups = case.host.iommu.groups
    if isinstance(groups, Unknown) or not groups:
        return
    for unit in case.host.units:
        held = [one for one in case.host.iommu.unprotected if not set(one.members).isdisjoint(unit.addresses)]
        if held:
            yield Finding(
                cause=FIRMWARE,
                level=Level.BLOCKER,
                title=f"GPU {unit.address.short} is in a group that vfio made without an IOMMU",
                evidence=_made_by_vfio(held),
                why=f"{_UNPROTECTED} The IOMMU has groups of other devices, so the firmware's table leaves "
                "this one out.",
                fix=_fix(case, FIRMWARE),
                confidence=0.8,
                units=(unit.address,),
            )


@rule
def iommu_off(case: Case) -> Answers:
    """No device has an IOMMU group: says whether the firmware or the kernel arguments are to blame."""
    groups = case.host.iommu.groups
    if isinstance(groups, Unknown):
        yield Blind(FIRMWARE, "IOMMU groups", groups.why)
        return
    if groups:
        return
    verdict = _judge(case)
    arguments = case.host.kernel.arguments
    if isinstance(arguments, Unknown):
        yield Blind(verdict.cause, "kernel arguments", arguments.why)
        verdict = replace(verdict, confidence=min(verdict.confidence, 0.6))
    yield Finding(
        cause=verdict.cause,
        level=Level.BLOCKER,
        title="The IOMMU is off: no device has an IOMMU group, so no guest can have a GPU",
        evidence=_evidence(case),
        why=f"{verdict.why} {_UNPROTECTED}" if case.host.iommu.unprotected else verdict.why,
        fix=_fix(case, verdict.cause),
        confidence=verdict.confidence,
    )


def maker(case: Case) -> str | Unknown:
    """Whose IOMMU the host has, as ``cpu.vendor`` names it: the firmware's table decides.

    Each driver looks for its own table and never at the processor (detect_intel_iommu() in
    drivers/iommu/intel/dmar.c, amd_iommu_detect() in drivers/iommu/amd/init.c): QEMU gives an AMD processor
    Intel's IOMMU where it is told to. Where not just one table is seen, the processor is the best guess.
    """
    has_dmar, has_ivrs = case.host.iommu.has_dmar is True, case.host.iommu.has_ivrs is True
    if has_dmar != has_ivrs:
        return "intel" if has_dmar else "amd"
    return case.host.cpu.vendor


def _judge(case: Case) -> _Verdict:
    kind = maker(case)
    if case.host.iommu.has_dmar is False and case.host.iommu.has_ivrs is False and kind != "arm":
        return _judge_no_table(kind)
    if kind == "intel":
        return _judge_intel(case)
    if kind == "amd":
        return _judge_amd(case)
    if kind == "arm":
        why = (
            "On Arm the kernel turns the SMMU on by itself wherever the firmware's IORT table or device tree "
            "names it; no argument does."
        )
        return _Verdict(FIRMWARE, 0.75, why)
    if is_asked(case, "intel_iommu"):
        return _Verdict(FIRMWARE, 0.7, "The kernel was asked for the IOMMU and found none.")
    if case.paper is not None and case.paper.has("iommu-off-said"):
        return _Verdict(FIRMWARE, 0.6, "The report says that the IOMMU is off in the firmware.")
    return _Verdict(ARGUMENT, 0.5, "Nothing shows that the kernel was asked for the IOMMU.")


def _judge_no_table(processor: str | Unknown) -> _Verdict:
    neither = "The firmware gives the kernel neither a DMAR nor an IVRS table"
    names = {"intel": "VT-d on this processor", "amd": "AMD-Vi on this processor"}
    if not isinstance(processor, str) or processor not in names:
        return _Verdict(FIRMWARE, 0.9, f"{neither}.")
    return _Verdict(
        FIRMWARE, 0.95, f"{neither}: the IOMMU ({names[processor]}) is off in its setup, or absent."
    )


def _judge_intel(case: Case) -> _Verdict:
    if case.host.iommu.has_dmar is False:
        return _Verdict(
            FIRMWARE, 0.95, "The firmware gives no DMAR table: VT-d is off in its setup, or absent."
        )
    if is_turned_off(case):
        return _Verdict(ARGUMENT, 0.95, "A kernel argument turns the IOMMU off.")
    if is_asked(case, "intel_iommu"):
        return _Verdict(
            FIRMWARE,
            0.75,
            "The kernel was asked for the IOMMU with intel_iommu=on and still found none: VT-d is off in "
            "the firmware, or this processor, board or kernel build has no IOMMU support.",
        )
    why = (
        "On Intel the kernel turns VT-d on only when asked (intel_iommu=on), unless it was built with "
        "CONFIG_INTEL_IOMMU_DEFAULT_ON; iommu=pt alone turns nothing on."
    )
    if is_asked(case, "amd_iommu"):
        why += (
            " amd_iommu= is for AMD's IOMMU, and the firmware has Intel's: the GPU's vendor does not count."
        )
    return _Verdict(ARGUMENT, 0.9 if case.host.iommu.has_dmar is True else 0.7, why)


def _judge_amd(case: Case) -> _Verdict:
    if case.host.iommu.has_ivrs is False:
        return _Verdict(
            FIRMWARE, 0.95, "The firmware gives no IVRS table: AMD-Vi (IOMMU) is off in its setup."
        )
    if is_turned_off(case):
        return _Verdict(ARGUMENT, 0.95, "A kernel argument turns the IOMMU off.")
    return _Verdict(
        FIRMWARE,
        0.75,
        "The kernel turns the AMD IOMMU on by itself wherever the firmware offers it; there is no argument "
        "to turn it on (amd_iommu=on does not exist), so the firmware keeps it off.",
    )


def is_asked(case: Case, name: str) -> bool:
    """Claims that the kernel was given ``name=on``, and not ``off`` after it.

    Other words (``sm_on``, ``igfx_off``, ``strict``) turn nothing on or off: intel_iommu_setup() in
    drivers/iommu/intel/iommu.c.
    """
    said = _words(case, name, "on", "off")[-1:]
    if not said and name == "intel_iommu" and case.paper is not None:
        return case.paper.has("dmar-asked")  # The kernel's echo of the argument.
    return said == ["on"]


def is_turned_off(case: Case) -> bool:
    """Claims that an argument switches the IOMMU off.

    Intel's ``on`` after it takes it back; AMD and ``iommu=`` have no such word (parse_amd_iommu_options(),
    iommu_setup() in arch/x86/kernel/pci-dma.c).
    """
    if _words(case, "iommu", "off"):
        return True
    if maker(case) == "amd":
        return bool(_words(case, "amd_iommu", "off"))
    return _words(case, "intel_iommu", "on", "off")[-1:] == ["off"]


def _words(case: Case, name: str, *wanted: str) -> list[str]:
    """These words among the values of an argument, in the order in which the kernel reads them."""
    values = (a.partition("=")[2] for a in kernel_arguments(case) if a.startswith(f"{name}="))
    return [word for value in values for word in value.split(",") if word in wanted]


def switches(case: Case) -> tuple[Evidence, ...]:
    """The kernel arguments that speak of the IOMMU."""
    return tuple(
        cite_argument(case, argument)
        for argument in kernel_arguments(case)
        if argument.partition("=")[0] in _SWITCHES
    )


def _evidence(case: Case) -> tuple[Evidence, ...]:
    shown = [case.cite("/sys/kernel/iommu_groups", "no groups"), *_made_by_vfio(case.host.iommu.unprotected)]
    if isinstance(case.host.iommu.has_dmar, bool):
        state = "DMAR is there" if case.host.iommu.has_dmar else "no DMAR"
        shown.append(case.cite(f"{_TABLES}/DMAR", state))
    if isinstance(case.host.iommu.has_ivrs, bool):
        state = "IVRS is there" if case.host.iommu.has_ivrs else "no IVRS"
        shown.append(case.cite(f"{_TABLES}/IVRS", state))
    asked = switches(case)
    if not asked and not isinstance(case.host.kernel.arguments, Unknown):
        place = " before --" if "--" in case.host.kernel.arguments else ""
        asked = (case.cite("/proc/cmdline", f"no intel_iommu=, amd_iommu= or iommu={place}"),)
    return (*shown, *asked)


def _made_by_vfio(groups: Iterable[IommuGroup]) -> tuple[Evidence, ...]:
    """Groups of vfio's no-IOMMU mode, which look like the IOMMU's."""
    return tuple(
        Evidence(f"/sys/kernel/iommu_groups/{group.number}/name", "vfio-noiommu: made without an IOMMU")
        for group in groups
    )


def offs(case: Case) -> tuple[str, ...]:
    """The arguments that turn the IOMMU off, as they are written."""
    names = ("iommu", "intel_iommu", "amd_iommu")
    pairs = ((argument, *argument.partition("=")[::2]) for argument in kernel_arguments(case))
    return tuple(argument for argument, name, value in pairs if name in names and "off" in value.split(","))


def _fix(case: Case, cause: str) -> Fix:
    if case.host.cpu.is_virtual is True:
        return Fix(
            "This host is itself a guest: give it a virtual IOMMU (QEMU: -device intel-iommu,intremap=on "
            "with the machine q35; libvirt: <iommu model='intel'>), then boot it again.",
            costs="this guest is down while its definition changes",
        )
    if cause == FIRMWARE:
        return Fix(
            "Turn VT-d (Intel), AMD-Vi/IOMMU (AMD) or SMMU (Arm) on in the firmware setup, then boot again.",
            costs=f"{REBOOT}, and somebody at the console or its remote management",
        )
    commands = set_boot_arguments(case.host.distribution, "intel_iommu=on", "iommu=pt")
    if maker(case) == "amd" or is_turned_off(case):
        return Fix(
            "Remove the argument that turns the IOMMU off, then boot again.",
            (*remove_boot_arguments(case.host.distribution, *offs(case)), "reboot"),
            REBOOT,
        )
    return Fix("Ask the kernel for the IOMMU, then boot again.", (*commands, "reboot"), REBOOT)
