"""What is known of MIG on each card of a host, out of all that tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gpucloud.model.pci import PciAddress, PciFunction, PciId
from gpucloud.model.unknown import Unknown
from gpucloud.slices.mig.card import COMPUTE_UNASKED, GpuInstance, MigCard
from gpucloud.slices.mig.listed import Listed
from gpucloud.slices.mig.log import Logged, parse_log
from gpucloud.slices.mig.models import profiles_of

_NONE = "No GPU instances found"
_ANSWERS = (
    _NONE,
    "No compute instances found",
    "No MIG-enabled devices found",
    "No MIG-supported devices found",
)
"""What nvidia-smi mig says in place of a table."""
_NOT_ASKED = Unknown("nvidia-smi was not asked")
_CONTRADICTED = Unknown(
    "nvidia-smi said that there are no GPU instances, and some are there: print it anew, nvidia-smi mig -lgi"
)
_NOT_LISTED = Unknown("nvidia-smi mig -lgi was not asked")
Instances = Mapping[int, tuple[int, ...]]
"""Compute instances by GPU instance."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read of MIG."""

    logged: Mapping[PciAddress, Logged] = field(default_factory=dict)
    listed: Mapping[PciAddress, Listed] = field(default_factory=dict)
    shown: Mapping[PciAddress, Instances | Unknown] | Unknown = field(default_factory=dict)
    """By the driver in /proc (``read``)."""
    has_none: bool = False
    """``nvidia-smi mig -lgi`` said that there are no instances, of all cards or of one."""
    is_whole: bool = False
    """``nvidia-smi mig -lci`` was asked of all cards: a GPU instance that it does not name is empty."""
    unasked: Unknown = _NOT_ASKED
    """Why nvidia-smi says nothing, where it was not asked or could not be."""
    type_names: Mapping[str, str] = field(default_factory=dict)
    """Of NVIDIA's types by their numbers: a full card lists none, and each of its functions has a number."""


def parse_evidence(
    texts: Sequence[str],
    cards: Sequence[PciAddress],
    shown: Mapping[PciAddress, Instances | Unknown] | Unknown,
    *,
    is_whole: bool = False,
) -> Evidence:
    """Read what nvidia-smi printed.

    Args:
        texts: outputs of ``nvidia-smi -q -x`` and ``nvidia-smi mig``, in any order, each alone or not.
        cards: the host's cards that NVIDIA's driver has, or may have.
        shown: what the driver shows of itself.
        is_whole: the texts are all that ``Evidence`` names, of all cards.

    Raises:
        ValueError: a log cannot be read, a log or a table is about a card that the host does not have, or it
            cannot be told which cards the tables are about.
    """
    if not texts:
        return Evidence(shown=shown)
    from gpucloud.slices.mig.tables import parse_tables

    logs = {each.address: each for text in texts for each in parse_log(text)}
    strange = next((address for address in logs if address not in cards), None)
    if strange is not None:
        raise ValueError(f"a log is about {strange}, where the host has no card of NVIDIA's driver")
    listed: dict[PciAddress, Listed] = {}
    for number_of_text, text in enumerate(texts, 1):
        tables = parse_tables(text)
        if not tables and not parse_log(text) and not says_none(text):
            raise ValueError(f"text {number_of_text} of nvidia-smi holds none of its logs and tables")
        order = _order(logs, cards) if tables else ()
        for number, table in tables.items():
            if number >= len(order):
                raise ValueError(f"a table is about GPU {number}, and there are {len(order)}")
            _add(listed.setdefault(order[number], Listed()), table)
    is_none = any(_NONE in text for text in texts) and not any(each.instances for each in listed.values())
    return Evidence(logs, listed, shown, is_none, is_whole)


def _order(logs: Mapping[PciAddress, Logged], cards: Sequence[PciAddress]) -> Sequence[PciAddress]:
    """The cards as nvidia-smi numbers them (``tables``); logs name them where they are of all that it has."""
    counts = {each.attached for each in logs.values()} - {None}
    if not counts:
        return sorted(cards)
    if counts != {len(logs)}:
        said = " or ".join(sorted(map(str, counts)))
        raise ValueError(
            f"which cards tables are about cannot be told: logs are of {len(logs)} of {said} GPUs"
        )
    return sorted(logs)


def says_none(text: str) -> bool:
    """Claims that nvidia-smi mig says that there is nothing of what it was asked for."""
    return any(answer in text for answer in _ANSWERS)


def _add(whole: Listed, part: Listed) -> None:
    whole.offered |= part.offered
    whole.places |= part.places
    whole.instances |= part.instances
    for id_, places in part.compute_profiles.items():
        whole.compute_profiles[id_] += places
    for id_, compute in part.compute.items():
        whole.compute[id_] += compute


def mig_of(function: PciFunction, evidence: Evidence) -> MigCard | None | Unknown:
    """What is known of MIG on a card; None where it has none, or nothing says that it has."""
    address = function.address
    logged, listed = evidence.logged.get(address), evidence.listed.get(address, Listed())
    if logged is not None and not logged.has_mig:
        return None
    known = () if isinstance(function.id, Unknown) else profiles_of(function.id) or ()
    if not (known or listed.offered or logged):
        return function.id if isinstance(function.id, Unknown) else None
    instances = _instances(listed, logged, evidence, address)
    if evidence.has_none:
        instances = _CONTRADICTED if _names_one(logged, _shown(address, evidence)) else ()
    return MigCard(
        is_on=_is_on(logged, instances, evidence.unasked),
        pending=evidence.unasked if logged is None else logged.pending,
        profiles=listed.profiles(known) if listed.offered else known or _no_profiles(function.id),
        instances=instances,
    )


def mixes(card: PciAddress, evidence: Evidence) -> bool | Unknown:
    """Whether NVIDIA's driver takes vGPUs of several sizes on a card, with MIG or without it."""
    logged = evidence.logged.get(card)
    return evidence.unasked if logged is None else logged.is_mixed


def _names_one(logged: Logged | None, shown: Instances | Unknown) -> bool:
    """Claims that the log or the driver names an instance of the card."""
    told = (shown, _NOT_ASKED if logged is None else logged.devices)
    return any(isinstance(each, Mapping) and bool(each) for each in told)


def _no_profiles(id_: PciId | Unknown) -> Unknown:
    return Unknown(f"profiles of {id_ if isinstance(id_, PciId) else 'the card'}: nvidia-smi mig -lgip")


def _shown(address: PciAddress, evidence: Evidence) -> Instances | Unknown:
    shown = evidence.shown
    return shown if isinstance(shown, Unknown) else shown.get(address, _NOT_ASKED)


def _is_on(
    logged: Logged | None, instances: tuple[GpuInstance, ...] | Unknown, unasked: Unknown
) -> bool | Unknown:
    if logged is not None and not isinstance(logged.is_on, Unknown):
        return logged.is_on
    return True if isinstance(instances, tuple) and instances else unasked


def _instances(
    listed: Listed, logged: Logged | None, evidence: Evidence, address: PciAddress
) -> tuple[GpuInstance, ...] | Unknown:
    """Instances with their places where ``-lgi`` tells them; else those that are known to be there."""
    shown = _shown(address, evidence)
    said = logged.devices if logged is not None else _NOT_ASKED
    inner = dict(listed.compute) or (said if isinstance(said, dict) else shown)
    if listed.instances:
        profiles = (
            listed.compute_profiles if evidence.is_whole or listed.compute_profiles else COMPUTE_UNASKED
        )
        return tuple(_with_compute(each, inner, profiles) for each in listed.instances.values())
    if logged is not None and logged.is_on is False:
        return ()
    there = shown if isinstance(shown, Mapping) else said
    if isinstance(there, Unknown):
        return there
    return tuple(
        GpuInstance(id_, _NOT_LISTED, _NOT_LISTED, _NOT_LISTED, _NOT_LISTED, compute)
        for id_, compute in there.items()
    )


def _with_compute(
    each: GpuInstance,
    inner: Mapping[int, Sequence[int]] | Unknown,
    places: Mapping[int, Sequence[tuple[int, int]]] | Unknown,
) -> GpuInstance:
    if not isinstance(inner, Unknown):
        each = replace(each, compute_instances=tuple(sorted(inner.get(each.id, ()))))
    if not isinstance(places, Unknown):
        each = replace(each, compute_profiles=tuple(kind for _, kind in sorted(places.get(each.id, ()))))
    return each
