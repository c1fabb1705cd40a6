"""Root causes before their symptoms, the worst and likeliest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from gpucloud.model.finding import Evidence, Finding, Level

_NO_IOMMU = frozenset(
    {
        "interrupt-remapping-missing",
        "hostdev-check-misleading",
        "group-not-viable",
        "iommu-argument-ignored",
    }
)
EXPLAINS: Mapping[str, frozenset[str]] = {
    "iommu-disabled-firmware": _NO_IOMMU,
    "iommu-missing-kernel-arg": _NO_IOMMU,
    "companion-function-not-bound": frozenset({"group-not-viable"}),
    "acs-missing": frozenset({"group-not-viable"}),
    "vfio-ids-wrong": frozenset({"group-not-viable"}),
    "mdev-assumed": frozenset({"mdev-not-present", "vgpu-no-mdev-types"}),
}
"""Causes that a found cause makes appear: its symptoms."""
_NO_HOST = frozenset({"not-enough-devices", "alias-device-type-mismatch", "alias-definition-invalid"})
SUPPOSED: Mapping[str, frozenset[str]] = {
    "gpu-fell-off-bus": frozenset({"power-state-d3", "reset-bug", "driver-kind-or-version"}),
    "rmrr-ineligible": frozenset({"interrupt-remapping-missing"}),
    "whitelist-mismatch": _NO_HOST,
    "filter-not-enabled": _NO_HOST,
    "alias-missing-on-api": _NO_HOST,
    "alias-device-type-mismatch": _NO_HOST - {"alias-device-type-mismatch"},
    "numa-policy-no-host": _NO_HOST,
    "pci-in-placement": _NO_HOST,
    "compute-service-down": _NO_HOST,
}
"""Causes that the symptoms of a sure cause suggest as well: a card that reads as ones, a start that vfio
refuses with EPERM, "no valid host". Where they are no more than supposed they are symptoms, too."""
_SURE, _SUPPOSED = 0.8, 0.65
"""Confidence from which on something shows this cause alone, and up to which others would show the same."""
_MOST_EVIDENCE = 200
"""Lines that one finding keeps: a report can say the same thousands of times."""


def rank_host(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of a host, worst first; symptoms folded under the root cause that explains them.

    A folded finding's evidence is added to that of its root. That the host has no GPU comes before all else.
    """
    return tuple(_fold(sorted(findings, key=_place_on_host)))


def _place_on_host(finding: Finding) -> tuple[bool, int, float]:
    is_first = finding.cause == "no-gpu" and finding.level is not Level.INFO
    return (not is_first, -finding.level.weight, -finding.confidence)


def rank_report(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of a report, likeliest first, one for each cause; what is for information comes last."""
    ordered = sorted(findings, key=lambda one: (one.level is Level.INFO, -one.confidence, -one.level.weight))
    by_cause: dict[str, list[Finding]] = {}
    for finding in ordered:
        by_cause.setdefault(finding.cause, []).append(finding)
    return tuple(_fold([_joined(same) for same in by_cause.values()]))


def _joined(same: list[Finding]) -> Finding:
    """The first finding of a cause, with the evidence and units of all."""
    if len(same) == 1:
        return same[0]
    units = tuple(dict.fromkeys(unit for one in same for unit in one.units))
    return replace(same[0], evidence=_evidence(same), units=units)


def _evidence(findings: Iterable[Finding]) -> tuple[Evidence, ...]:
    lines = dict.fromkeys(line for one in findings for line in one.evidence)
    return tuple(islice(lines, _MOST_EVIDENCE))


def _fold(ordered: list[Finding]) -> list[Finding]:
    roots = [
        one
        for one in ordered
        if one.level is not Level.INFO and (one.cause in EXPLAINS or one.cause in SUPPOSED)
    ]
    symptoms = [one for one in ordered if any(_explains(root, one) for root in roots)]
    return [_with_symptoms(one, symptoms) for one in ordered if one not in symptoms]


def _explains(root: Finding, symptom: Finding) -> bool:
    if root.level is Level.INFO:
        return False
    is_supposed = root.confidence >= _SURE and symptom.confidence <= _SUPPOSED
    return symptom.cause in EXPLAINS.get(root.cause, ()) or (
        is_supposed and symptom.cause in SUPPOSED.get(root.cause, ())
    )


def _with_symptoms(root: Finding, symptoms: list[Finding]) -> Finding:
    own = [one for one in symptoms if _explains(root, one)][:_MOST_EVIDENCE]
    return replace(root, evidence=_evidence([root, *own])) if own else root
