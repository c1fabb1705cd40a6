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
        "wrong-kernel-module",
        "iommu-argument-ignored",
    }
)
EXPLAINS: Mapping[str, frozenset[str]] = {
    "iommu-disabled-firmware": _NO_IOMMU,
    "iommu-missing-kernel-arg": _NO_IOMMU,
    "companion-function-not-bound": frozenset({"group-not-viable"}),
    "acs-missing": frozenset({"group-not-viable"}),
    "vfio-ids-wrong": frozenset({"group-not-viable"}),
}
"""Causes that a found cause makes appear: its symptoms."""


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put findings in order, and fold symptoms under the root cause that explains them.

    A folded finding's evidence is added to that of its root.
    """
    ordered = sorted(findings, key=_weight)
    return tuple(_fold(ordered))


def _weight(finding: Finding) -> tuple[int, float]:
    return (-finding.level.weight, -finding.confidence)


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
