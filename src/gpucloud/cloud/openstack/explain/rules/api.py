"""nova-api: the flavor's extra specs, and the aliases that it names."""

from __future__ import annotations

from difflib import get_close_matches

from gpucloud.cloud.openstack.explain.case import Case
from gpucloud.cloud.openstack.explain.rules.answer import Answers, Rule, Step, stops
from gpucloud.doctor.case import Blind
from gpucloud.model.finding import Evidence
from gpucloud.nova.properties import Judged, Verdict, judge_flavor
from gpucloud.nova.refusal import Refusal

_ALIAS_KEY = "pci_passthrough:alias"
_MEANS_DEVICE = "is it pci_passthrough:alias?"
_UNDEFINED = "PciRequestAliasNotDefined"
_CAUSES = (
    ("pci_passthrough", "alias-definition-invalid"),
    ("hw:pci_numa", "numa-policy-no-host"),
    ("resources", "pci-in-placement"),
    ("trait", "pci-in-placement"),
)
"""Beginnings of keys to what a wrong value of them is."""


def flavor_keys(case: Case) -> Answers:
    """Keys of the flavor that nova refuses, or that look like the one for devices and are not."""
    if not case.given.is_release_said:
        newest = f"not said with --release: judged as {case.given.release}"
        yield Blind("alias-definition-invalid", "the release of nova", newest)
    for judged in judge_flavor(case.seen.flavor.extra_specs, case.given.release):
        cause = _cause_of(judged)
        if cause is None:
            continue
        line = Evidence(f"flavor {case.seen.flavor_name}", f"{judged.name}={judged.value}")
        name = case.seen.flavor_name
        title = f"Flavor {name}: {judged.name}={judged.value}: {judged.why}"
        undo = f"openstack flavor unset --property {judged.name} {name}"
        yield stops(cause, title, (line,), commands=(undo, *_right(judged, name)))


def _cause_of(judged: Judged) -> str | None:
    if judged.why.endswith(_MEANS_DEVICE):
        return "alias-definition-invalid"
    if judged.verdict is not Verdict.REFUSED:
        return None
    return next((cause for begin, cause in _CAUSES if judged.name.startswith(begin)), None)


def _right(judged: Judged, flavor: str) -> tuple[str, ...]:
    if not judged.why.endswith(_MEANS_DEVICE):
        return ()
    return (f"openstack flavor set --property {_ALIAS_KEY}={judged.value} {flavor}",)


def alias_defined(case: Case) -> Answers:
    """Aliases of the flavor that nova-api does not have. That a server was made shows that it had them."""
    text = case.seen.aliases
    if text is None or case.seen.server is not None:
        return
    api, found = case.given.api, case.given.requests(text, case.numa_policy)
    if api is None:
        why = "no API tells it: give nova.conf of the API's host with --config"
        yield Blind("alias-missing-on-api", "[pci]alias of nova-api", why)
    elif isinstance(found, Refusal):
        asked = Evidence(f"flavor {case.seen.flavor_name}", f"{_ALIAS_KEY}={text}")
        lines = [Evidence(one.file, f"alias = {one.value}", one.line) for one in api.alias_settings]
        if found.exception == _UNDEFINED:
            yield stops("alias-missing-on-api", _undefined(found, case), (asked, *lines))
        else:
            yield stops("alias-definition-invalid", f"nova-api: {found.message}", (asked, *lines))


def _undefined(found: Refusal, case: Case) -> str:
    """Nova's message, and the alias that was meant."""
    api = case.given.api
    names = [] if api is None or isinstance(api.aliases, Refusal) else list(api.aliases)
    asked = found.message.removeprefix("PCI alias ").removesuffix(" is not defined")
    near = get_close_matches(asked, names, n=1, cutoff=0.6)
    has = f"is it {near[0]}?" if near else f"it has {', '.join(names) or 'none'}"
    return f"nova-api answers: {found.message}; {has}"


RULES = (
    Rule(Step.API, "nova/api/validation/extra_specs/, nova/pci/request.py", flavor_keys),
    Rule(Step.API, "nova/pci/request.py: _translate_alias_to_requests()", alias_defined),
)
