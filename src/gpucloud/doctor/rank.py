"""Root causes before their symptoms, the worst and likeliest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpucloud.model.finding import Finding, Level

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


def rank_host(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of a host, worst first; symptoms folded under the root cause that explains them.

    A folded finding's evidence is added to that of its root.
    """
    return tuple(_fold(sorted(findings, key=lambda one: (-one.level.weight, -one.confidence))))


def rank_report(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of a report, likeliest first, one for each cause; what is for information comes last."""
    ordered = sorted(findings, key=lambda one: (one.level is Level.INFO, -one.confidence, -one.level.weight))
    merged: dict[str, Finding] = {}
    for finding in ordered:
        first = merged.setdefault(finding.cause, finding)
        if first is not finding:
            merged[finding.cause] = _with_evidence(first, finding)
    return tuple(_fold(list(merged.values())))


def _with_evidence(first: Finding, other: Finding) -> Finding:
    units = tuple(dict.fromkeys((*first.units, *other.units)))
    return replace(first, evidence=tuple(dict.fromkeys((*first.evidence, *other.evidence))), units=units)


def _fold(ordered: list[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in ordered:
        place = next((i for i, root in enumerate(ordered) if _explains(root, finding)), None)
        if place is None:
            kept.append(finding)
    return [_with_symptoms(root, ordered) for root in kept]


def _with_symptoms(root: Finding, ordered: list[Finding]) -> Finding:
    extra = [line for other in ordered if _explains(root, other) for line in other.evidence]
    return replace(root, evidence=tuple(dict.fromkeys((*root.evidence, *extra)))) if extra else root


def _explains(root: Finding, symptom: Finding) -> bool:
    return root.level is not Level.INFO and symptom.cause in EXPLAINS.get(root.cause, frozenset())
