"""Entries and aliases that do not fit each other, or a card that is well known: seen in the files alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gpucloud.model.finding import Level
from gpucloud.model.pci import PciId
from gpucloud.nova.check.case import Case, Entry
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import alias_lines, spec_lines
from gpucloud.nova.check.repair import WIDTHS, plain_id
from gpucloud.nova.check.rules import alias as aliases
from gpucloud.nova.device_spec import DeviceSpec
from gpucloud.nova.device_spec.address import GlobAddress
from gpucloud.nova.machine.sriov import has_sriov
from gpucloud.nova.reading import Json, is_yes
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import pci

_TRANSLATOR = "nova/compute/pci_placement_translator.py"
_FIRST_VF = 4
"""Function of the first VF of NVIDIA's cards; below may be a card's sound."""
_ID = re.compile("[0-9a-f]{4}")
_CAPITALS = re.compile(r"(?<!\\)[A-F]")

SAME_CARD = Kind(
    "nova-entries-of-one-card",
    Level.WARNING,
    "Entries for a function and, it seems, its VFs",
    "With report_in_placement nova-compute does not start where a physical function and one of its VFs are "
    "both given away. Function 0 and others of one slot are mostly these.",
    ("`Configuring both ... and ... in [pci]device_spec is not supported.`",),
    ("Keep the entry of the function, or those of the VFs",),
    (_TRANSLATOR,),
)
ONE_TIME_VF = Kind(
    "nova-one-time-use-vf",
    Level.WARNING,
    "one_time_use on what seems a VF",
    "Only physical functions and cards without SR-IOV may have the key: on a VF even a no stops the report "
    "to Placement. VFs have functions other than 0.",
    ("`Only type-PCI and type-PF devices may set one_time_use and ... does not qualify`",),
    ("Leave the key out",),
    (_TRANSLATOR,),
)
NO_ENTRY = Kind(
    "nova-alias-no-entry",
    Level.INFO,
    "An alias for which these files give no device away",
    "No entry of device_spec in the same files can match its ids. That is right where other hosts have "
    "the device.",
    ("`No valid host was found`, where no other host has it",),
    ("Compare the ids of entry and alias with lspci -nn",),
    ("nova/pci/stats.py",),
)
WRONG_TYPE = Kind(
    "nova-alias-type-of-card",
    Level.WARNING,
    "type-PCI for a card that has SR-IOV",
    "libvirt says of a card with the SR-IOV capability that it is a physical function, even with no VFs on: "
    "nova makes it type-PF, and type-PCI never matches.",
    ("`No valid host was found`, and nothing else",),
    ('Write "device_type": "type-PF", or "type-VF" for its functions',),
    ("nova/virt/libvirt/host.py: _get_device_type", "nova/pci/stats.py"),
)
ONLY_VFS = Kind(
    "nova-address-only-vfs",
    Level.INFO,
    "A whole address takes only the VFs of a card with SR-IOV",
    "In 13, and in 14 before 14.0.3, the whole address of a physical function matches its VFs and never "
    "the function itself.",
    ("no pool of the card",),
    ("Name the card by vendor_id and product_id, or with a wildcard: 0000:25:00.*",),
    ("nova/pci/devspec.py: PciAddress.match",),
)
REGEX_CAPITALS = Kind(
    "nova-address-regex-capitals",
    Level.WARNING,
    "An expression in capitals",
    "The kernel writes addresses in small letters, and nova compares expressions with case: it matches "
    "no device.",
    ("no pools of the device",),
    ("Write the expression in small letters",),
    ("nova/pci/devspec.py: PciAddressRegexSpec",),
)
REMOTE = Kind(
    "nova-remote-managed-alias",
    Level.WARNING,
    "remote_managed keeps aliases away",
    "A device that is remote_managed is for neutron's ports on SmartNICs: no alias of a flavor gets it.",
    ("`No valid host was found`, and nothing else",),
    ("Leave remote_managed out for GPUs",),
    ("nova/pci/stats.py: _filter_pools_for_remote_managed_devices",),
)


def same_card(case: Case) -> Iterator[Finding]:
    """Function 0 and higher functions of one slot; a host that is known says it better."""
    if not case.reports_in_placement or case.machine is not None:
        return
    placed = [(_slot_of(spec), spec) for spec in _specs(case)]
    parents = {slot[0] for slot, _ in placed if slot is not None and slot[1] == 0}
    for slot, spec in placed:
        if slot is not None and slot[1] >= _FIRST_VF and slot[0] in parents:
            what = f"{slot[0]}.{slot[1]} stands beside {slot[0]}.0"
            yield SAME_CARD.at(case.spec_settings[spec.value], what)


def one_time_vf(case: Case) -> Iterator[Finding]:
    """one_time_use on a function that is not the first."""
    if not case.reports_in_placement or case.machine is not None:
        return
    if "one_time_use" not in pci.DEVICE_SPEC_KEYS.at(case.release):
        return
    for spec in _specs(case):
        slot = _slot_of(spec)
        if "one_time_use" in spec.written and slot is not None and slot[1] > 0:
            kept = {key: value for key, value in spec.written.items() if key != "one_time_use"}
            what = f"{slot[0]}.{slot[1]} has one_time_use"
            yield ONE_TIME_VF.at(case.spec_settings[spec.value], what, fix=spec_lines(case.release, kept))


def no_entry(case: Case) -> Iterator[Finding]:
    """An alias whose ids no entry of the same files can match."""
    specs = _specs(case)
    if not specs or isinstance(case.aliases, Refusal):
        return
    for alias in case.alias_entries:
        has_ids = all(isinstance(alias.written.get(key), str) for key in ("vendor_id", "product_id"))
        if has_ids and not any(_fits(spec, alias) for spec in specs):
            what = f"no entry here is for {alias.written['vendor_id']}:{alias.written['product_id']}"
            yield NO_ENTRY.at(alias.setting, f"alias {alias.written.get('name')}: {what}")


def wrong_type(case: Case) -> Iterator[Finding]:
    """type-PCI for a well-known card with SR-IOV; a host that is known says it better."""
    if case.machine is not None:
        return
    for alias in case.alias_entries:
        ident = _ident(alias)
        if ident is not None and has_sriov(ident) and without_pf(alias.written) is WRONG_TYPE:
            fix = alias_lines(case.release, {**alias.written, "device_type": "type-PF"})
            what = f"alias {alias.written.get('name')}: {ident} has SR-IOV"
            yield WRONG_TYPE.at(alias.setting, what, fix=fix)


def without_pf(alias: Mapping[str, object]) -> Kind | None:
    """What it is that an alias never gets a physical function; None where it asks for another type.

    Without a type it still matches virtual functions, and with type-PCI nothing of a card with SR-IOV.
    """
    if "device_type" not in alias:
        return aliases.NO_TYPE
    return WRONG_TYPE if alias["device_type"] == "type-PCI" else None


def only_vfs(case: Case) -> Iterator[Finding]:
    """A whole address where that leaves the function itself out."""
    if pci.PF_MATCHES_ITSELF.at(case.release) or case.machine is not None:
        return
    for spec in _specs(case):
        if _slot_of(spec) is not None:
            what = f"{spec.written['address']}: of a card with SR-IOV nova {case.release} takes its VFs alone"
            yield ONLY_VFS.at(case.spec_settings[spec.value], what)


def regex_capitals(case: Case) -> Iterator[Finding]:
    """Capital digits in an expression, outside of classes that have both."""
    for entry in case.spec_entries if pci.REGEX_ADDRESS.at(case.release) else ():
        address = entry.written.get("address")
        if not isinstance(address, dict):
            continue
        parts = {key: part for key, part in address.items() if key in WIDTHS and isinstance(part, str)}
        wrong = [part for part in parts.values() if _CAPITALS.search(part) and "[" not in part]
        if wrong and not any("(?" in part for part in wrong):
            lowered: dict[str, Json] = {key: part.lower() for key, part in parts.items()}
            fixed: dict[str, Json] = {**entry.written, "address": lowered}
            fix = spec_lines(case.release, fixed)
            yield REGEX_CAPITALS.at(entry.setting, f"{', '.join(wrong)} matches no address", fix=fix)


def remote(case: Case) -> Iterator[Finding]:
    """A remote-managed entry that an alias is for."""
    for spec in _specs(case):
        named = [alias for alias in case.alias_entries if _is_for(spec, alias)]
        if is_yes(spec.written.get("remote_managed")) and spec.remote_managed and named:
            kept = {key: value for key, value in spec.written.items() if key != "remote_managed"}
            what = f"alias {named[0].written.get('name')} never gets devices of this entry"
            yield REMOTE.at(case.spec_settings[spec.value], what, fix=spec_lines(case.release, kept))


def _specs(case: Case) -> tuple[DeviceSpec, ...]:
    return () if isinstance(case.specs, Refusal) else case.specs


def _slot_of(spec: DeviceSpec) -> tuple[str, int] | None:
    """``dddd:bb:ss`` and the function of a whole address; None for any other."""
    form = None if spec.address is None else spec.address.form
    if not isinstance(form, GlobAddress) or "*" in form.parts:
        return None
    return ":".join(form.parts[:3]), int(form.parts[3], 16)


def _ident(alias: Entry) -> PciId | None:
    vendor, product = (plain_id(alias.written.get(key)) for key in ("vendor_id", "product_id"))
    are_ids = _ID.fullmatch(vendor) is not None and _ID.fullmatch(product) is not None
    return PciId(int(vendor, 16), int(product, 16)) if are_ids else None


def _fits(spec: DeviceSpec, alias: Entry) -> bool:
    pairs = ((spec.vendor_id, "vendor_id"), (spec.product_id, "product_id"))
    return all(mine == "*" or mine == plain_id(alias.written.get(key)) for mine, key in pairs)


def _is_for(spec: DeviceSpec, alias: Entry) -> bool:
    return spec.product_id != "*" and _fits(spec, alias)


RULES = (same_card, one_time_vf, no_entry, wrong_type, only_vfs, regex_capitals, remote)
