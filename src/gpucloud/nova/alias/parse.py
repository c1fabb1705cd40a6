"""Values of alias into aliases by name, or the refusal of the release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from gpucloud.nova.alias.schema import complain
from gpucloud.nova.reading import load_json, strict_yes
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_MOVED = ("name", "numa_policy", "device_type", "live_migratable")
_ONE_SPEC = (
    "have multiple specs but [filter_scheduler]pci_in_placement is True. The PCI in Placement feature only "
    "supports one spec per alias. You can assign the same resource_class to multiple [pci]device_spec "
    "matchers to allow using different devices for the same alias."
)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that flavors can ask for.

    Args:
        name: blanks around it dropped where the release does.
        numa_policy: ``legacy`` where none is written; None in releases that have no policies.
        specs: what a device must have, as nova keeps it (``device_type`` as ``dev_type``); any one suffices.
        values: for each of them, which of the option's values it is from, from 0.
    """

    name: str
    numa_policy: str | None
    specs: tuple[Mapping[str, str], ...]
    values: tuple[int, ...]


def parse_aliases(
    values: Sequence[str], release: Release, *, pci_in_placement: bool = False
) -> Mapping[str, Alias] | Refusal:
    """Read all values of the option, in order, as this release does.

    Args:
        values: the option's values under all of its names, in the order in which oslo.config adds them up.
        release: which nova.
        pci_in_placement: ``[filter_scheduler]pci_in_placement`` of the service that reads them.

    Returns:
        Aliases by name, in the order of their first mention; or what nova raises at the first value that it
        does not take.
    """
    aliases: dict[str, Alias] = {}
    for index, text in enumerate(values):
        try:
            alias = _parse_one(text, index, release)
            known = aliases.get(alias.name)
            aliases[alias.name] = alias if known is None else _joined(known, alias)
        except NovaRaises as raised:
            return raised.over(index)
        except RecursionError as error:
            return _invalid(str(error)).over(index)
    trouble = _whole(aliases, pci_in_placement) if pci.ALIAS_NEEDS_IDS.at(release) else None
    return aliases if trouble is None else Refusal("PciInvalidAlias", f"The PCI alias(es) {trouble}")


def _invalid(reason: str) -> NovaRaises:
    return NovaRaises("PciInvalidAlias", f"Invalid PCI alias definition: {reason}")


def _parse_one(text: str, index: int, release: Release) -> Alias:
    try:
        loaded = load_json(text)
    except ValueError as error:
        raise _invalid(str(error)) from error
    except NovaRaises as error:  # nova takes whatever happens here for the alias's fault
        raise _invalid(error.message) from error
    complaint = complain(loaded, release)
    if complaint is not None:
        raise _invalid(complaint)
    written = cast("dict[str, str]", loaded)  # the schema allows nothing else
    spec = {key: value for key, value in written.items() if key not in _MOVED}
    if "device_type" in written:
        spec["dev_type"] = written["device_type"]
    if "live_migratable" in written:
        spec["live_migratable"] = _live_migratable(written["live_migratable"])
    return Alias(_name(written["name"], release), _policy(written, release), (spec,), (index,))


def _name(name: str, release: Release) -> str:
    return name.strip() if pci.ALIAS_NAME_STRIPPED.at(release) else name


def _policy(written: Mapping[str, str], release: Release) -> str | None:
    return written.get("numa_policy", "legacy") if pci.NUMA_POLICIES.at(release) else None


def _live_migratable(value: str) -> str:
    try:
        return "true" if strict_yes(value) else "false"
    except ValueError as error:
        raise _invalid(str(error)) from error


def _joined(known: Alias, more: Alias) -> Alias:
    """Both definitions of one name; a device need meet only one of them."""
    if known.numa_policy != more.numa_policy:
        raise _invalid(f"NUMA policy mismatch for alias '{known.name}'")
    if "dev_type" not in known.specs[0] or "dev_type" not in more.specs[0]:
        raise _invalid("'dev_type'")  # nova looks the key up and prints the KeyError
    if known.specs[0]["dev_type"] != more.specs[0]["dev_type"]:
        raise _invalid(f"Device type mismatch for alias '{known.name}'")
    return Alias(known.name, known.numa_policy, known.specs + more.specs, known.values + more.values)


def _whole(aliases: Mapping[str, Alias], pci_in_placement: bool) -> str | None:
    """What is wrong with the aliases taken together, in nova's words after their names."""
    if pci_in_placement:
        several = [alias.name for alias in aliases.values() if len(alias.specs) > 1]
        if several:
            return f"{','.join(several)} {_ONE_SPEC}"
    nameless = sorted(alias.name for alias in aliases.values() if not _all_named(alias, pci_in_placement))
    if not nameless:
        return None
    instead = " or resource_class field set." if pci_in_placement else "."
    return f"{','.join(nameless)} does not have vendor_id and product_id fields set{instead}"


def _all_named(alias: Alias, pci_in_placement: bool) -> bool:
    return all(
        {"vendor_id", "product_id"} <= spec.keys() or (pci_in_placement and "resource_class" in spec)
        for spec in alias.specs
    )
