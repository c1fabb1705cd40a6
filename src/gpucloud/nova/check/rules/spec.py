"""Entries of device_spec: keys, ids, addresses, and what an entry takes that was not meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case, Entry
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import alias_lines, spec_lines
from gpucloud.nova.check.repair import WIDTHS, is_open, nearest, plain_address, plain_id, right_vendor
from gpucloud.nova.check.start import reads_specs_at_start
from gpucloud.nova.reading import Json, is_yes
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.fact import Since

_DEVSPEC = "nova/pci/devspec.py"

REFUSED = Kind(
    "nova-device-spec-refused",
    Level.BLOCKER,
    "Nova refuses the list of devices",
    "nova-compute parses it when it starts, and so does each process that talks to neutron: nova-api and "
    "nova-conductor. The scheduler falls over it with each request.",
    ("`Invalid [pci]device_spec config: ...`", "`Invalid PCI devices Whitelist config: ...`"),
    ("Correct the value that the message names",),
    (_DEVSPEC, "nova/pci/whitelist.py", "nova/network/neutron.py: API.__init__"),
)
KEY_IGNORED = Kind(
    "nova-device-spec-key",
    Level.WARNING,
    "A key of device_spec that does nothing here",
    "Nova takes any key as a tag of the pool and says nothing: one that is misspelt, belongs to an alias, "
    "or came with a later release has no effect, but to part pools.",
    ("nothing in any log", "`managed: no` and the domain still has managed='yes' (before 31)"),
    ("Leave it out, or correct it",),
    (f"{_DEVSPEC}: PciDeviceSpec", "nova/pci/stats.py: _create_pool_keys_from_dev"),
)
TAKES_ALL = Kind(
    "nova-device-spec-takes-all",
    Level.WARNING,
    "An entry that takes every PCI device",
    "An entry without ids and address matches each PCI function of the host: network cards, disks, bridges.",
    ("pools of devices that nobody meant to give away",),
    ("Name vendor_id and product_id as lspci -nn shows them",),
    (f"{_DEVSPEC}: PciAddress", "nova/pci/whitelist.py"),
)
WHOLE_VENDOR = Kind(
    "nova-device-spec-whole-vendor",
    Level.INFO,
    "An entry that takes all that a maker made",
    "vendor_id alone takes sound and USB functions of the cards, switches and bridges, and a card together "
    "with its virtual functions, with which nova-compute does not start once it reports to Placement.",
    ("`Configuring both ... and ... in [pci]device_spec is not supported.`", "pools of sound functions"),
    ("Name the product_id, too, as lspci -nn shows it",),
    ("nova/compute/pci_placement_translator.py", _DEVSPEC),
)
VENDOR = Kind(
    "nova-vendor-mistyped",
    Level.BLOCKER,
    "A vendor that is one digit from a maker of GPUs",
    "NVIDIA is 10de, AMD 1002, Intel 8086. An entry or alias with 11de, as some guides print it, "
    "matches nothing.",
    ("no devices in the pools, `No valid host was found`",),
    ("Write the id that lspci -nn shows",),
    ("The PCI ID Repository",),
)
ID_FORM = Kind(
    "nova-id-form",
    Level.INFO,
    "An id or address in another form than nova compares",
    "device_spec takes 0x10de and 10DE from 15 on, an alias refuses 0x and matches upper case only from "
    "18. One form fits everywhere: digits in lower case without 0x, four for an id.",
    ("`does not match '^([\\\\da-fA-F]{4})$'` when the value is copied into an alias",),
    ("Write four hexadecimal digits in lower case, without 0x",),
    (f"{_DEVSPEC}: get_pci_dev_info", "nova/pci/request.py: _ALIAS_SCHEMA"),
)
REGEX = Kind(
    "nova-address-prefix",
    Level.WARNING,
    "A regular expression that covers more than it says, or nothing",
    'Each part of an address object matches a prefix: "2" covers buses 2f and 25, too. Keys other than '
    "domain, bus, slot and function are ignored, and those left out match all. The kernel writes no 0x: an "
    "expression with it matches nothing.",
    ("devices of other slots in the pools",),
    ("End each expression with $: ^25$",),
    (f"{_DEVSPEC}: PciAddressRegexSpec (re.match)",),
)
DEVNAME = Kind(
    "nova-device-spec-devname",
    Level.WARNING,
    "A device by the name of its interface",
    "devname is for network cards: nova looks the interface up in sysfs on the host that reads the file; "
    "with report_in_placement nova-compute refuses it. A GPU has no interface.",
    ("`PCI Placement reporting does not support 'devname' based device specification`",),
    ("Name the address instead",),
    (_DEVSPEC, "nova/compute/pci_placement_translator.py: ensure_no_dev_spec_with_devname"),
)
NOT_MIGRATABLE = Kind(
    "nova-live-migratable-no",
    Level.WARNING,
    "live_migratable is set to no",
    "nova-compute looks only whether the key is there: with libvirt before 10.0.0 or QEMU before 8.2.2 "
    "even a no stops it. In an alias, no matches only devices that say no.",
    ("`PCI device spec is configured for live_migratable but it's not supported by libvirt.`",),
    ("Leave the key out",),
    ("nova/virt/libvirt/driver.py: _check_pci_whitelist", "nova/pci/stats.py"),
)
MANAGED = Kind(
    "nova-managed-missing",
    Level.WARNING,
    "A function that migrates without managed: no",
    "Live migration needs the vendor's variant driver on the virtual function. Unless the entry says "
    "managed: no, libvirt takes the function from that driver and binds vfio-pci.",
    ("`may result in compute node crashes` (nova's guide)", "the guest starts, and cannot move"),
    ('Add "managed": "no" where the function keeps its variant driver',),
    ("nova docs: admin/pci-passthrough (variant drivers)", "nova/virt/libvirt/config.py"),
)

_SINCE: Mapping[str, str] = {
    "trusted": "18.0.0",
    "remote_managed": "25.0.0",
    "resource_class": "26.0.0",
    "traits": "26.0.0",
    "managed": "31.0.0",
    "live_migratable": "31.0.0",
    "one_time_use": "32.0.0",
}
_ID = re.compile(r"[0-9a-f]{4}")
_SHOWN = 16
"""Strange keys of one entry that are told."""
_OF_ALIAS = ("name", "device_type", "numa_policy", "capability_type")


def refused(case: Case) -> Iterator[Finding]:
    """The list of devices that nova does not take."""
    if isinstance(case.specs, Refusal) and case.spec_settings:
        setting = case.spec_settings[case.specs.value or 0]
        level = Level.BLOCKER if reads_specs_at_start(case) else Level.WARNING
        yield REFUSED.at(setting, f"{case.specs.exception}: {case.specs.message}", level=level)


def key_ignored(case: Case) -> Iterator[Finding]:
    """A key that this release does not know."""
    known = pci.DEVICE_SPEC_KEYS.at(case.release)
    for entry in case.spec_entries:
        strange = (key for key in entry.written if key not in known)
        for key in islice(strange, _SHOWN):
            yield _ignored(case, entry, key, known)


def takes_all(case: Case) -> Iterator[Finding]:
    """An entry that every device matches."""
    for entry in case.spec_entries:
        ids = [entry.written.get(key, "*") for key in ("vendor_id", "product_id")]
        if (
            ids == ["*", "*"]
            and not entry.written.get("devname")
            and _is_anywhere(entry.written.get("address"))
        ):
            yield TAKES_ALL.at(entry.setting, f"{dict(entry.written)} matches every PCI device of the host")


def whole_vendor(case: Case) -> Iterator[Finding]:
    """An entry with a vendor, and nothing that narrows it."""
    for entry in case.spec_entries:
        has_vendor = (
            entry.written.get("vendor_id", "*") != "*" and entry.written.get("product_id", "*") == "*"
        )
        if has_vendor and not entry.written.get("devname") and _is_anywhere(entry.written.get("address")):
            level = Level.WARNING if case.reports_in_placement else Level.INFO
            fix = _narrowed(case, entry)
            what = f"every function of vendor {entry.written['vendor_id']} matches"
            yield WHOLE_VENDOR.at(entry.setting, what, fix=fix, level=level)


def vendor(case: Case) -> Iterator[Finding]:
    """11de for 10de, in entries and aliases."""
    for lines, entries in ((spec_lines, case.spec_entries), (alias_lines, case.alias_entries)):
        for entry in entries:
            right = right_vendor(entry.written.get("vendor_id"))
            if right is not None:
                what = f"vendor_id {entry.written['vendor_id']} is no maker of GPUs; is it {right}?"
                yield VENDOR.at(entry.setting, what, fix=lines(case.release, entry.written))


def id_form(case: Case) -> Iterator[Finding]:
    """0x and capitals in the ids of an entry."""
    for entry in case.spec_entries:
        changed = [
            f"{key} is written {value!r}"
            for key in ("vendor_id", "product_id")
            if isinstance(value := entry.written.get(key), str) and _is_odd(value)
        ]
        address = entry.written.get("address")
        if isinstance(address, str) and plain_address(address) != address:
            changed.append(f"the address is written {address!r}")
        if changed:
            yield ID_FORM.at(entry.setting, ", ".join(changed), fix=spec_lines(case.release, entry.written))


def _is_odd(value: str) -> bool:
    """Whether it is an id, and in another form than nova compares."""
    plain = plain_id(value)
    return plain != value and _ID.fullmatch(plain) is not None


def regex(case: Case) -> Iterator[Finding]:
    """Regular expressions that cover more than they say."""
    if not pci.REGEX_ADDRESS.at(case.release):
        return
    for entry in case.spec_entries:
        address = entry.written.get("address")
        if not isinstance(address, dict):
            continue
        said = [f"{key} is no part of an address and is ignored" for key in address if key not in WIDTHS]
        said += [
            f"{key} {address[key]!r} matches every text that begins so"
            for key in WIDTHS
            if isinstance(part := address.get(key), str) and is_open(key, part)
        ]
        said += [
            f"{key} {part!r} matches nothing: addresses have no 0x"
            for key in WIDTHS
            if isinstance(part := address.get(key), str) and plain_address(part) != part
        ]
        if said:
            yield REGEX.at(entry.setting, "; ".join(said), fix=spec_lines(case.release, entry.written))


def devname(case: Case) -> Iterator[Finding]:
    """An entry by the name of an interface."""
    for entry in case.spec_entries:
        if entry.written.get("devname"):
            level = Level.BLOCKER if case.reports_in_placement else Level.INFO
            yield DEVNAME.at(
                entry.setting, f"the entry names the interface {entry.written['devname']}", level=level
            )


def not_migratable(case: Case) -> Iterator[Finding]:
    """live_migratable with a no."""
    if "live_migratable" not in pci.DEVICE_SPEC_KEYS.at(case.release):
        return
    for lines, entries in ((spec_lines, case.spec_entries), (alias_lines, case.alias_entries)):
        for entry in entries:
            if "live_migratable" in entry.written and not is_yes(entry.written["live_migratable"]):
                fix = lines(case.release, entry.written)
                yield NOT_MIGRATABLE.at(entry.setting, "live_migratable says no", fix=fix)


def managed(case: Case) -> Iterator[Finding]:
    """A function that is to migrate, and that libvirt would take from its driver."""
    if "managed" not in pci.DEVICE_SPEC_KEYS.at(case.release):
        return
    for entry in case.spec_entries:
        if is_yes(entry.written.get("live_migratable")) and "managed" not in entry.written:
            fix = spec_lines(case.release, entry.written)
            yield MANAGED.at(entry.setting, "live_migratable without managed", fix=fix)


def _narrowed(case: Case, entry: Entry) -> tuple[str, ...]:
    """The entry for each product of its vendor on the host; nothing where the host is not known."""
    vendor = plain_id(entry.written.get("vendor_id"))
    devices = case.machine.devices.values() if case.machine is not None else ()
    products = sorted({device.product_id for device in devices if device.vendor_id == vendor})
    if not products:
        return ()
    return spec_lines(case.release, *({**entry.written, "product_id": each} for each in products))


def _ignored(case: Case, entry: Entry, key: str, known: tuple[str, ...]) -> Finding:
    near = nearest(key, known)
    if key in _SINCE and not Since.parse(_SINCE[key]).holds_for(case.release):
        what = f"nova {case.release} ignores {key}, which came with {_SINCE[key]}"
    elif key in _OF_ALIAS:
        what = f"{key} belongs to an alias; in {case.spec_option} it does nothing"
    else:
        what = f"nova has no key {key}" + (f"; is it {near}?" if near else "")
    return KEY_IGNORED.at(entry.setting, what, fix=spec_lines(case.release, entry.written))


def _is_anywhere(address: Json) -> bool:
    if isinstance(address, dict):
        return all(address.get(key, ".*") == ".*" for key in WIDTHS)
    return not address or (isinstance(address, str) and not address.strip("*:. "))


RULES = (
    refused,
    key_ignored,
    takes_all,
    whole_vendor,
    vendor,
    id_form,
    regex,
    devname,
    not_migratable,
    managed,
)
