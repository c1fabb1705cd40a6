"""PCI devices and vGPUs in Placement: options, resource classes and traits that must agree.

Sources: nova doc admin/pci-passthrough, "PCI tracking in Placement"; nova/pci/request.py;
nova/compute/pci_placement_translator.py; nova/objects/request_spec.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.paper import Paper
from gpucloud.doctor.evidence.settings import ALIAS_NAMES, SPEC_NAMES, NovaSettings, Setting, objects
from gpucloud.doctor.rules.pasted.known import known
from gpucloud.doctor.rules.pasted.nova_settings import read_ident
from gpucloud.doctor.rules.rule import Answers, rule
from gpucloud.model.finding import Evidence, Level
from gpucloud.nova.match.placement import ask_of
from gpucloud.nova.reading import is_yes

_MANY = 6
"""From 8 devices on nova itself warns; 8 in 6 groups give 20160 candidates (nova bug 2126751)."""
_PLACEMENT, _ALIAS_INVALID = "pci-in-placement", "alias-definition-invalid"


@rule
def placement_half_configured(case: Case) -> Answers:
    """PCI in Placement is on: on one side only, or at all, which changes how devices are claimed."""
    if case.paper is None:
        return
    nova = case.paper.nova
    report = any(one.is_true for one in nova.named("report_in_placement"))
    use = any(one.is_true for one in nova.named("pci_in_placement"))
    lines = tuple(one.evidence for one in nova.named("report_in_placement", "pci_in_placement"))
    if use and not report and nova.named(*SPEC_NAMES):
        title = "The scheduler asks Placement for PCI devices, and this compute reports none there"
        yield known("pci-in-placement", title, lines, 0.85)
    elif report or use:
        level, confidence = (Level.WARNING, 0.6) if case.paper.has("no-valid-host") else (Level.INFO, 0.4)
        title = "PCI in Placement is on; in its first releases guests get more or other devices than asked"
        yield known("pci-in-placement", title, lines, confidence, level=level)


@rule
def alias_repeated_with_placement(case: Case) -> Answers:
    """With PCI in Placement an alias has one spec; a repeated name is refused."""
    if case.paper is None or not any(one.is_true for one in case.paper.nova.named("pci_in_placement")):
        return
    named: dict[object, list[Setting]] = {}
    for setting in case.paper.nova.named(*ALIAS_NAMES):
        for one in objects(setting):
            named.setdefault(one.get("name"), []).append(setting)
    for name, settings in named.items():
        if len(settings) > 1:
            title = f"The alias {name} has several specs, and PCI in Placement takes one"
            lines = [setting.evidence for setting in settings]
            yield known("alias-definition-invalid", title, lines, 0.82)
            yield known("pci-in-placement", title, lines, 0.75)


@rule
def many_candidates(case: Case) -> Answers:
    """Many devices in one request multiply the allocation candidates: the request times out or finds none."""
    if case.paper is None or not any(one.is_true for one in case.paper.nova.named("pci_in_placement")):
        return
    asked = case.paper.request.get("pci_passthrough:alias")
    if asked is not None and any(count >= _MANY for _, count in case.paper.request.aliases):
        title = "Many devices in one request through Placement: the number of candidates explodes"
        yield known("pci-in-placement", title, (asked.evidence,), 0.65, level=Level.WARNING)


@rule
def vgpu_inventory_uncapped(case: Case) -> Answers:
    """Several vGPU types without max_instances: with SR-IOV each VF reports its own inventory."""
    if case.paper is None:
        return
    nova = case.paper.nova
    types = [one for one in nova.named("enabled_mdev_types", "enabled_vgpu_types") if "," in one.value]
    if types and not nova.named("max_instances", "device_addresses"):
        yield known(
            "pci-in-placement",
            "Several vGPU types and no max_instances: with SR-IOV cards Placement counts more than the "
            "card gives",
            (types[0].evidence,),
            0.4,
            level=Level.INFO,
        )


@rule
def limits_that_do_not_count(case: Case) -> Answers:
    """Unified limits do not count devices that are asked for by an alias."""
    if case.paper is None:
        return
    for setting in case.paper.nova.named("driver"):
        if "UnifiedLimitsDriver" in setting.value:
            yield known(
                "quota",
                "Unified limits do not count devices asked for by pci_passthrough:alias (before nova 2026.2)",
                (setting.evidence,),
                0.5,
                level=Level.INFO,
            )


@rule
def device_by_name_with_placement(case: Case) -> Answers:
    """Devices named by devname: nova-compute does not start with them once it reports to Placement."""
    if case.paper is None or not _is_on(case.paper.nova, "report_in_placement"):
        return
    for setting in case.paper.nova.named(*SPEC_NAMES):
        if any("devname" in one for one in objects(setting)):
            title = "The device list names a device by devname, which PCI in Placement does not take"
            yield known(_PLACEMENT, title, (setting.evidence,), 0.94)


@rule
def class_without_placement(case: Case) -> Answers:
    """An alias asks for a resource class alone, and the scheduler does not use Placement for devices."""
    if case.paper is None or _is_on(case.paper.nova, "pci_in_placement"):
        return
    for setting in case.paper.nova.named(*ALIAS_NAMES):
        for one in objects(setting):
            if one.get("resource_class") and read_ident(one) is None:
                yield known(
                    _ALIAS_INVALID,
                    "The alias has a resource_class and no ids; without [filter_scheduler] pci_in_placement "
                    "nova wants vendor_id and product_id",
                    (setting.evidence,),
                    0.6,
                    level=Level.WARNING,
                )


@rule
def class_or_trait_not_offered(case: Case) -> Answers:
    """An alias asks for a resource class or traits that no entry of the device list gives."""
    paper = case.paper
    specs = [one for setting in paper.nova.named(*SPEC_NAMES) for one in objects(setting)] if paper else []
    if paper is None or not specs or not _uses_classes(paper, specs):
        return
    classes = {name for one in specs if (name := _class_of(one))}
    is_complete = all(_class_of(one) for one in specs)
    for setting in paper.nova.named(*ALIAS_NAMES):
        for one in objects(setting):
            wanted = _class_of(one)
            if wanted and is_complete and wanted not in classes:
                title = f"The alias asks for {wanted}; the device list gives {', '.join(sorted(classes))}"
                yield known(_PLACEMENT, title, _both(paper, setting), 0.84)
            elif missing := _missing_traits(one, specs, wanted):
                title = f"The alias asks for the trait {', '.join(missing)}, which no device of its class has"
                yield known(_PLACEMENT, title, _both(paper, setting), 0.84)


@rule
def migratable_on_one_side(case: Case) -> Answers:
    """An alias asks for devices that migrate live, and the device list marks none so, or the reverse."""
    paper = case.paper
    if paper is None:
        return
    specs = [one for setting in paper.nova.named(*SPEC_NAMES) for one in objects(setting)]
    for setting in paper.nova.named(*ALIAS_NAMES):
        asked = any(_migrates(one) for one in objects(setting))
        if asked and specs and not any(_migrates(one) for one in specs):
            title = "The alias asks for devices that migrate live; the device list marks none live_migratable"
            yield known("live-migration-unsupported", title, _both(paper, setting), 0.82)


@rule
def class_asked_past_the_alias(case: Case) -> Answers:
    """A flavor asks Placement for the class of a PCI device: without an alias the guest gets none."""
    paper = case.paper
    if paper is None or paper.request.aliases:
        return
    specs = [one for setting in paper.nova.named(*SPEC_NAMES) for one in objects(setting)]
    offered = {name for one in specs if (name := _class_of(one))}
    for name, asked in paper.request.properties.items():
        wanted = name.partition(":")[2]
        if name.startswith("resources") and (wanted in offered or wanted.startswith("CUSTOM_PCI_")):
            title = f"The flavor asks for {wanted} itself; PCI devices are asked for by pci_passthrough:alias"
            yield known(_PLACEMENT, title, (asked.evidence,), 0.8)


@rule
def nothing_offered_in_placement(case: Case) -> Answers:
    """Placement has no candidate for a request for devices: inventory, traits and class decide."""
    paper = case.paper
    if paper is None or not paper.has("no-candidates"):
        return
    lines = paper.lines("no-candidates")
    asked = list(_asked_of_placement(paper))
    if paper.request.get("resources:VGPU") is not None:
        title = "Placement has no provider with a free vGPU for the request"
        yield known("vgpu-type-or-capacity", title, (*asked, *lines), 0.62)
        yield known(_PLACEMENT, title, (*asked, *lines), 0.5)
    elif asked or (paper.request.aliases and _is_on(paper.nova, "pci_in_placement")):
        title = "Placement has no provider for what the request asks: its class, traits or free devices"
        yield known(_PLACEMENT, title, (*asked, *lines), 0.62)


def _asked_of_placement(paper: Paper) -> Iterator[Evidence]:
    for name, one in paper.request.properties.items():
        if name.startswith(("resources:VGPU", "resources:CUSTOM_", "resources:PGPU", "trait")):
            yield one.evidence


def _uses_classes(paper: Paper, specs: list[dict[str, object]]) -> bool:
    aliases = [one for setting in paper.nova.named(*ALIAS_NAMES) for one in objects(setting)]
    named = any("resource_class" in one or "traits" in one for one in (*aliases, *specs))
    return named or _is_on(paper.nova, "pci_in_placement", "report_in_placement")


def _class_of(entry: Mapping[str, object]) -> str:
    """The resource class of an entry as nova forms it; empty where its ids are not both given."""
    ident = read_ident(entry)
    if not entry.get("resource_class") and ident is None:
        return ""
    ids = {} if ident is None else {"vendor_id": f"{ident.vendor:04x}", "product_id": f"{ident.device:04x}"}
    return ask_of({**_texts(entry), **ids}).resource_class


def _missing_traits(
    alias: Mapping[str, object], specs: list[dict[str, object]], wanted: str
) -> tuple[str, ...]:
    asked = _traits(alias)
    sets = [_traits(one) for one in specs if not wanted or _class_of(one) in ("", wanted)]
    if not asked or not sets or any(asked <= given for given in sets):
        return ()
    given = {name for one in sets for name in one}
    return tuple(sorted(asked - given)) or tuple(sorted(asked))


def _traits(entry: Mapping[str, object]) -> frozenset[str]:
    return ask_of(_texts(entry)).traits


def _migrates(entry: Mapping[str, object]) -> bool:
    return is_yes(_texts(entry).get("live_migratable")) or entry.get("live_migratable") is True


def _texts(entry: Mapping[str, object]) -> dict[str, str]:
    return {key: value for key, value in entry.items() if isinstance(value, str)}


def _both(paper: Paper, setting: Setting) -> tuple[Evidence, ...]:
    return (setting.evidence, *(other.evidence for other in paper.nova.named(*SPEC_NAMES)))


def _is_on(nova: NovaSettings, *names: str) -> bool:
    return any(one.is_true for one in nova.named(*names))
