"""The first rule that stops a request, in nova's order; what nova itself said of a failure goes before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules import (
    aggregates,
    api,
    capabilities,
    classes,
    host,
    placement,
    quota,
    scheduler,
    standing,
    told,
)
from gpucloud.cloud.openstack.explain.rules.answer import Rule, Step, citing, stops
from gpucloud.doctor.case import Blind
from gpucloud.doctor.examine import diagnose
from gpucloud.model.finding import Finding, Level
from gpucloud.model.unknown import Unknown

_SURE = 0.75
"""From here on nova's words name a cause; below they name what many causes show."""
_NO_HOST, _SCHEDULING = "No valid host", "filter-not-enabled"
_GENERAL = frozenset({"not-enough-devices", "filter-not-enabled"})
RULES: tuple[Rule, ...] = (
    *api.RULES,
    *quota.RULES,
    *classes.RULES,
    *placement.RULES,
    *standing.RULES,
    *told.RULES,
    *aggregates.RULES,
    *capabilities.RULES,
    *scheduler.RULES,
    *host.RULES,
)
_STEPS = {
    "alias-missing-on-api": Step.API,
    "alias-definition-invalid": Step.API,
    "quota": Step.QUOTA,
    "pci-in-placement": Step.PLACEMENT,
    "numa-policy-no-host": Step.SCHEDULER,
    "alias-device-type-mismatch": Step.SCHEDULER,
    "whitelist-mismatch": Step.SCHEDULER,
    "stale-pci-devices-row": Step.CLAIM,
}
"""Where causes that nova's words name stop a request; all others stop it when libvirt starts the guest."""


class State(Enum):
    """What is known of a step."""

    PASSED = "passed"
    STOPS = "stops here"
    UNSEEN = "not all of it seen"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Explained:
    """What stops a request.

    Args:
        name: what was asked about.
        has_failed: it is a server that nova has given up, or could not find another host for.
        root: the one cause; None where none was found.
        steps: what is known of each, in order.
        blind: what could not be seen on the way to it.
        words: what nova said itself, by where, as far as it is not in the cause's evidence.
    """

    name: str
    has_failed: bool
    root: Finding | None
    steps: tuple[tuple[Step, State], ...]
    blind: tuple[Blind, ...]
    words: Mapping[str, str] = field(default_factory=dict)
    refused: str | None = None
    """Of a server that runs on: the action for which nova found no other host."""
    project: str | None = None
    """Name of the project whose quota was looked at, or whose server it is; None where it is not known."""


def judge(case: Case) -> Explained:
    """Go through nova's steps until one stops the request."""
    server = case.seen.server
    runs = server is not None and server.runs
    said = None if runs else _said(case)
    blind: dict[Blind, None] = {}
    is_known = not runs and (server is None or server.wants_its_flavor)
    for rule in RULES if is_known else api.RULES:
        answers = list(rule.look(case))
        blind |= dict.fromkeys(each for each in answers if isinstance(each, Blind))
        root = next((each for each in answers if isinstance(each, Finding)), None)
        if root is not None and (said is None or _is_same(said, rule.step, root)):
            cited = citing(root, rule.source)
            if said is not None:
                cited = replace(cited, evidence=(*said[1].evidence, *cited.evidence))
            return _explained(case, cited, rule.step, {} if said is not None else blind)
    if said is None:
        words = {} if server is None or not server.has_failed else server.said
        blind |= dict.fromkeys(_unnamed(words))
        return replace(_explained(case, None, None, blind), words=words)
    return _explained(case, said[1], said[0], {})  # nova came so far: what was not seen has passed


def _unnamed(words: Mapping[str, str]) -> Iterator[Blind]:
    """What nova gave up for, where all that was looked at would let it pass."""
    if any(_NO_HOST in each for each in words.values()):
        why = "nothing that could be looked at stops it: the log of nova-scheduler names the filter"
        yield Blind("no-room-on-hosts", "why nova found no host", why)
        yield Blind(
            _SCHEDULING, "which filter left no host", "give the log of nova-scheduler: --evidence FILE"
        )
    elif words:
        yield Blind("group-not-viable", "what ended it", "nova's words name no cause that is known here")


def _is_same(said: tuple[Step, Finding], step: Step, root: Finding) -> bool:
    """Claims that a rule found what nova's words are about: that cause, or one at the guest's start."""
    return root.cause == said[1].cause or said[0] is step is Step.START


def _said(case: Case) -> tuple[Step, Finding] | None:
    """The cause that nova's own words, or pasted ones, name beyond doubt, and where it stops a request."""
    paper = case.report.paper
    if paper is None or not case.words:
        return None
    if paper.has("group-not-viable"):
        commands = ("gpucloud doctor --host HOST",)
        numbers = [
            each.caught["group"] for each in paper.said("group-not-viable") if each.caught.get("group")
        ]
        which = f"group {numbers[0]}" if numbers else "the device's group"
        title = f"vfio refuses {which}: a device in it is on a driver of the host"
        lines = paper.lines("group-not-viable")
        return Step.START, stops("group-not-viable", title, lines, confidence=0.9, commands=commands)
    for one in diagnose(case.report).findings:
        if one.level is Level.BLOCKER and one.confidence >= _SURE and one.cause not in _GENERAL:
            return _STEPS.get(one.cause, Step.START), one
    return None


def _explained(case: Case, root: Finding | None, at: Step | None, blind: dict[Blind, None]) -> Explained:
    server = case.seen.server
    has_failed = server is not None and server.has_failed
    refused = None if server is None or server.status == "ERROR" else server.refused
    states = tuple(_states(at, tuple(blind)))
    project = None if isinstance(case.seen.project, Unknown) else case.seen.project.name
    return Explained(case.seen.name, has_failed, root, states, tuple(blind), refused=refused, project=project)


def _states(at: Step | None, blind: tuple[Blind, ...]) -> Iterator[tuple[Step, State]]:
    unseen = {_STEPS_OF_BLIND.get(each.cause, Step.SCHEDULER) for each in blind}
    if Step.SCHEDULER in unseen:  # which host it is decides what comes after
        unseen |= {Step.CLAIM, Step.START}
    is_past = False
    for step in Step:
        if is_past:
            yield step, State.NOT_REACHED
        elif step is at:
            is_past = True
            yield step, State.STOPS
        else:
            yield step, State.UNSEEN if step in unseen else State.PASSED


_STEPS_OF_BLIND = {
    "alias-missing-on-api": Step.API,
    "alias-definition-invalid": Step.API,
    "quota": Step.QUOTA,
    "no-room-on-hosts": Step.PLACEMENT,
    "group-not-viable": Step.START,
}
