"""Kernel arguments that do nothing here, or not what their writer thought."""

from __future__ import annotations

from gpucloud.doctor.case import Case
from gpucloud.doctor.options import cite_argument, kernel_arguments
from gpucloud.doctor.remedy import REBOOT, remove_boot_arguments
from gpucloud.doctor.rules.iommu import maker
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Finding, Fix, Level
from gpucloud.model.unknown import Unknown

AMD_VALUES = {
    "fullflush",
    "off",
    "force_isolation",
    "force_enable",
    "pgtbl_v1",
    "pgtbl_v2",
    "irtcachedis",
    "nohugepages",
    "v2_pgsizes_only",
}
"""What ``amd_iommu=`` takes. Source: kernel-parameters.txt and parse_amd_iommu_options()."""


@rule
def argument_without_meaning(case: Case) -> Answers:
    """An IOMMU argument that this kernel ignores: ``amd_iommu=on``, or that of the other vendor."""
    if isinstance(case.host.iommu.groups, Unknown) or not case.host.iommu.groups:
        return
    idle = [argument for argument in kernel_arguments(case) if _is_idle(case, argument)]
    if not idle:
        return
    yield Finding(
        cause="iommu-argument-ignored",
        level=Level.INFO,
        title=f"{', '.join(idle)}: this kernel ignores it; the IOMMU is on without",
        evidence=tuple(cite_argument(case, argument) for argument in idle),
        why="amd_iommu= has no value `on` (the AMD IOMMU is on wherever the firmware offers it), and each "
        "vendor's argument acts only where the firmware has that vendor's table: DMAR for intel_iommu=, IVRS "
        "for amd_iommu=.",
        fix=Fix("Leave it or remove it: nothing changes.", costs="nothing"),
        confidence=0.9,
    )


@rule
def boot_isolation_given_up(case: Case) -> Answers:
    """pcie_acs_override splits groups on paper: the devices in them can still reach each other."""
    forced = [a for a in kernel_arguments(case) if a.startswith("pcie_acs_override=")]
    if forced:
        yield Finding(
            cause="acs-override",
            level=Level.INFO,
            title="pcie_acs_override splits IOMMU groups by decree: guests in them are not kept apart",
            evidence=tuple(cite_argument(case, argument) for argument in forced),
            why="The argument (of patched kernels only) makes the kernel assume an isolation that the "
            "hardware does not give; one guest can read and write another's device.",
            fix=Fix(
                "Use it for a single tenant only; else remove it and give groups away whole.",
                remove_boot_arguments(case.host.distribution, *forced),
                REBOOT,
            ),
            confidence=0.9,
        )


def _is_idle(case: Case, argument: str) -> bool:
    name, _, value = argument.partition("=")
    kind = maker(case)
    if name == "amd_iommu":
        return kind == "intel" or not set(value.split(",")) & AMD_VALUES
    return name == "intel_iommu" and kind == "amd"
