"""What ``nvidia-smi -q -x`` says of MIG and vGPUs of each card.

Elements: nvsmi_device_v12.dtd, as the tool prints them. The text may come from anywhere: entities are
refused, and its length is bounded by whoever reads it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_BEGINS = "<nvidia_smi_log"
_ENDS = "</nvidia_smi_log>"
_MODES = {"Enabled": True, "Disabled": False}
_COUNT = re.compile(r"[0-9]{1,5}", re.ASCII)
_MOST = 1024
"""GPUs of a host, and MIG devices of a GPU, that are looked at."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What the log says of one card."""

    address: PciAddress
    has_mig: bool
    """Claims that the card has MIG: the tool says N/A of others."""
    is_on: bool | Unknown
    pending: bool | Unknown
    devices: dict[int, tuple[int, ...]] | Unknown
    """Compute instances by GPU instance; empty ones are not in the log."""
    is_mixed: bool | Unknown
    attached: int | None = None
    """Cards that nvidia-smi has, of which the log may be about some (``-i``); None: it does not say."""


def parse_log(text: str) -> tuple[Logged, ...]:
    """Read the log that is in a text, between whatever else is; none where there is no log.

    Raises:
        ValueError: there is one and it cannot be read.
    """
    begin = text.find(_BEGINS)
    if begin < 0:
        return ()
    end = text.find(_ENDS, begin)
    if end < 0:
        raise ValueError("the output of nvidia-smi -q -x is cut off")
    if "<!" in text[begin:end]:
        raise ValueError("the output of nvidia-smi -q -x holds declarations, which the tool does not write")
    from xml.etree import ElementTree as ET

    try:
        root = ET.fromstring(text[begin : end + len(_ENDS)])  # noqa: S314 - without a DTD nothing expands
    except ET.ParseError as error:
        raise ValueError(f"the output of nvidia-smi -q -x is no XML: {error}") from None
    return tuple(_gpus(root))


def _gpus(root: Element) -> Iterator[Logged]:
    attached = root.findtext("attached_gpus", "").strip()
    for gpu in root.findall("gpu")[:_MOST]:
        try:
            address = PciAddress.parse(gpu.get("id", "").lower())
        except ValueError:
            continue
        current = gpu.findtext("mig_mode/current_mig", "")
        yield Logged(
            address=address,
            has_mig=current.strip() in _MODES,
            is_on=_mode(current, "MIG mode"),
            pending=_mode(gpu.findtext("mig_mode/pending_mig", ""), "pending MIG mode"),
            devices=_devices(gpu),
            is_mixed=_mode(
                gpu.findtext("gpu_virtualization_mode/vgpu_heterogeneous_mode", ""),
                "whether vGPUs of several sizes may be mixed",
            ),
            attached=int(attached) if _COUNT.fullmatch(attached) else None,
        )


def _mode(text: str, what: str) -> bool | Unknown:
    """Compared whole: "Not Supported" holds "Supported", too."""
    said = text.strip()
    return _MODES.get(said, Unknown(f"nvidia-smi says {said[:40] or 'nothing'} of {what}"))


def _devices(gpu: Element) -> dict[int, tuple[int, ...]] | Unknown:
    found: dict[int, list[int]] = defaultdict(list)
    for device in gpu.findall("mig_devices/mig_device")[:_MOST]:
        ids = [device.findtext(name, "").strip() for name in ("gpu_instance_id", "compute_instance_id")]
        if not all(each.isascii() and each.isdecimal() and len(each) < 6 for each in ids):
            return Unknown("nvidia-smi -q -x names a MIG device without its ids")
        found[int(ids[0])].append(int(ids[1]))
    return {id_: tuple(sorted(each)) for id_, each in sorted(found.items())}
