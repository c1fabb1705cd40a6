"""Devices as a list in JSON, with the names that nova itself gives their facts (``nova/pci/manager.py``).

``[{"address": "0000:3b:00.0", "vendor_id": "10de", "product_id": "1eb8", "dev_type": "type-PF",
"parent_addr": null, "numa_node": 0, "card_serial_number": null, "mdev_types": ["nvidia-35"]}]``; the first
three must be there.
"""

from __future__ import annotations

import json
import re

from gpucloud.model.failure import Failure
from gpucloud.model.pci import PciAddress
from gpucloud.nova.machine.device import NOT_SAID, Device, DeviceType, Machine
from gpucloud.nova.reading import Json

_ID = re.compile(r"[0-9a-f]{4}", re.ASCII)
_MAXIMUM = 100_000
_THEN = 'give a list like [{"address": "0000:3b:00.0", "vendor_id": "10de", "product_id": "1eb8"}]'


def parse_devices(text: str) -> Machine:
    """Read a list of devices.

    Raises:
        Failure: it is no such list; the message names the device and the key.
    """
    try:
        loaded: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Failure(f"the list of devices is not JSON: {error}", _THEN) from error
    if not isinstance(loaded, list) or len(loaded) > _MAXIMUM:
        raise Failure(f"the list of devices is not a list of at most {_MAXIMUM} devices", _THEN)
    devices = [_parse_device(item, number) for number, item in enumerate(loaded, start=1)]
    return Machine({device.address: device for device in devices})


def _parse_device(item: Json, number: int) -> Device:
    if not isinstance(item, dict):
        raise Failure(f"device {number} is not an object", _THEN)
    parent = item.get("parent_addr")
    node = item.get("numa_node")
    kind = _type(item.get("dev_type"), number)
    if parent is None and kind in (DeviceType.VF, DeviceType.VDPA):
        raise Failure(f"device {number} is of {kind} and has no parent_addr", _THEN)
    if node is not None and (isinstance(node, bool) or not isinstance(node, int)):
        raise Failure(f"device {number}: numa_node is no number", _THEN)
    return Device(
        address=_address(item.get("address"), "address", number),
        vendor_id=_id(item.get("vendor_id"), "vendor_id", number),
        product_id=_id(item.get("product_id"), "product_id", number),
        type=kind,
        parent=None if parent is None else _address(parent, "parent_addr", number),
        numa_node=None if node is None or node < 0 else node,
        card_serial=_text(item.get("card_serial_number"), "card_serial_number", number),
        mdev_types=_texts(item["mdev_types"], number) if "mdev_types" in item else NOT_SAID,
    )


def _address(value: Json, key: str, number: int) -> str:
    try:
        return str(PciAddress.parse(value if isinstance(value, str) else ""))
    except ValueError as error:
        raise Failure(f"device {number}: {key}: {error}", _THEN) from error


def _id(value: Json, key: str, number: int) -> str:
    text = value.lower().removeprefix("0x") if isinstance(value, str) else ""
    if not _ID.fullmatch(text):
        raise Failure(f"device {number}: {key} is not four hexadecimal digits", _THEN)
    return text


def _type(value: Json, number: int) -> DeviceType:
    try:
        return DeviceType.PCI if value is None else DeviceType(str(value))
    except ValueError as error:
        known = ", ".join(DeviceType)
        raise Failure(f"device {number}: dev_type is none of {known}", _THEN) from error


def _text(value: Json, key: str, number: int) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Failure(f"device {number}: {key} is no text", _THEN)
    return value


def _texts(value: Json, number: int) -> tuple[str, ...]:
    names = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    if names != value:
        raise Failure(f"device {number}: mdev_types is no list of names", _THEN)
    return tuple(names)
