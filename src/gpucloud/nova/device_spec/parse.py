"""Values of device_spec into entries, or the refusal of the release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.model.unknown import Unknown
from gpucloud.nova.device_spec.address import Address, GlobAddress, parse_address
from gpucloud.nova.device_spec.entry import DeviceSpec
from gpucloud.nova.device_spec.fields import ANY, PRODUCT_ID, VENDOR_ID, invalid_spec, read_hex
from gpucloud.nova.machine import ELSEWHERE, Machine
from gpucloud.nova.reading import Json, is_yes, load_json, strict_yes
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release

_BOTH = "Invalid PCI Whitelist: The PCI whitelist can specify devname or address, but not both"
_NOT_PRESENT = (
    'Invalid PCI Whitelist: A device specified as "remote_managed" is not actually present on the host'
)
_NOT_TAGS = ("vendor_id", "product_id", "devname", "address")


def parse_device_specs(
    values: Sequence[str],
    release: Release,
    *,
    machine: Machine = ELSEWHERE,
    report_in_placement: bool = False,
) -> tuple[DeviceSpec, ...] | Refusal:
    """Read all values of the option, in order, as this release does when it starts on this machine.

    Args:
        values: the option's values under all of its names, in the order in which oslo.config adds them up.
        release: which nova.
        machine: where it reads them: nova asks sysfs whether an address is a physical function, and which
            device an interface is.
        report_in_placement: ``[pci]report_in_placement``.

    Returns:
        The entries, one for each JSON object; or what nova raises at the first value it does not take.
    """
    entries: list[DeviceSpec] = []
    for index, text in enumerate(values):
        try:
            for written in _objects(text, release):
                entry = _parse_entry(written, index, release, machine)
                _check(entry, release, report_in_placement)
                entries.append(entry)
        except NovaRaises as raised:
            return raised.over(index)
        except RecursionError as error:  # nova prints or copies what is nested too deep
            return Refusal("RecursionError", str(error), index)
    return tuple(entries)


def _objects(text: str, release: Release) -> Iterator[dict[str, Json]]:
    try:
        loaded = load_json(text)
    except ValueError as error:
        raise invalid_spec(f"Invalid entry: '{text}'", release) from error
    if not isinstance(loaded, dict | list):
        raise invalid_spec(f"Invalid entry: '{text}'; Expecting list or dict", release)
    for item in [loaded] if isinstance(loaded, dict) else loaded:
        if not isinstance(item, dict):
            raise invalid_spec(f"Invalid entry: '{item}'; Expecting dict", release)
        yield item


def _parse_entry(written: dict[str, Json], index: int, release: Release, machine: Machine) -> DeviceSpec:
    vendor = written.get("vendor_id", ANY)
    if not isinstance(vendor, str):
        raise NovaRaises("AttributeError", f"'{type(vendor).__name__}' object has no attribute 'strip'")
    vendor_id = read_hex(vendor.strip(), VENDOR_ID, release)
    product_id = read_hex(written.get("product_id", ANY), PRODUCT_ID, release)
    address, trouble = _where(written, index, release, machine)
    return DeviceSpec(
        vendor_id=vendor_id,
        product_id=product_id,
        address=address,
        devname=written.get("devname"),
        tags=_tags(written, release),
        remote_managed=pci.REMOTE_MANAGED.at(release) and is_yes(written.get("remote_managed")),
        written=written,
        value=index,
        trouble=trouble,
    )


def _where(
    written: dict[str, Json], index: int, release: Release, machine: Machine
) -> tuple[Address | None, Refusal | None]:
    """What the entry covers, and what nova will raise when it matches."""
    devname, address = written.get("devname"), written.get("address")
    if not devname:
        return parse_address(address or "*:*:*.*", release, machine), None
    if address:
        raise NovaRaises("PciDeviceInvalidDeviceName", _BOTH)
    when = pci.DEVNAME_READ.at(release)
    if isinstance(machine.interfaces, Unknown):
        return None, None
    target = machine.interfaces.get(str(devname))
    if target is None:
        if when == "parse":
            raise NovaRaises("PciDeviceNotFoundById", f"PCI device {devname} not found")
        return None, None
    try:
        return parse_address(target, release, machine), None
    except NovaRaises as raised:
        if when != "match":
            raise
        return None, raised.over(index)


def _tags(written: dict[str, Json], release: Release) -> dict[str, Json]:
    tags = {key: value for key, value in written.items() if key not in _NOT_TAGS}
    for key in pci.STRICT_BOOLEANS.at(release):
        if tags.get(key) is not None:
            try:
                tags[key] = "true" if strict_yes(tags[key]) else "false"
            except ValueError as error:
                raise invalid_spec(f"Cannot parse tag '{key}': {error}", release) from error
    return tags


def _check(entry: DeviceSpec, release: Release, report_in_placement: bool) -> None:
    one_time = "one_time_use"
    if (
        one_time in pci.STRICT_BOOLEANS.at(release)
        and entry.tags.get(one_time) == "true"
        and not report_in_placement
    ):
        raise invalid_spec("one_time_use=true requires pci.report_in_placement to be enabled", release)
    if not entry.remote_managed:
        return
    if entry.address is None:
        raise NovaRaises("PciDeviceRemoteManagedNotPresent", _NOT_PRESENT)
    if entry.address.is_pf:
        raise NovaRaises("PciDeviceNotFoundById", f"PCI device {_as_nova_prints(entry)} not found")


def _as_nova_prints(entry: DeviceSpec) -> str:
    """The address in the refusal of a remote-managed physical function.

    Nova means to look at the function's ids, and fails before: it prints an object where the address was
    typed, and asks sysfs for a file ``product`` that no kernel has where the interface was.
    """
    form = entry.address.form if entry.address is not None else None
    if entry.devname:
        return "{}:{}:{}.{}".format(*form.parts) if form is not None else ""
    kind = "Glob" if isinstance(form, GlobAddress) else "Regex"
    return f"<nova.pci.devspec.PciAddress{kind}Spec object at 0x...>"
