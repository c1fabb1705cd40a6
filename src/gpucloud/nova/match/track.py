"""Which devices nova-compute tracks, and by which entry: the first that takes a device has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.nova.device_spec import DeviceSpec
from gpucloud.nova.device_spec.fields import DOMAIN, read_hex
from gpucloud.nova.machine import Device, Machine
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.release import Release


@dataclass(frozen=True, slots=True)
class Tracked:
    """What becomes of one device.

    Args:
        device: the device.
        entry: the entry that tracks it; None where none takes it.
        hidden: entries that would take it too, but stand later: their tags do not count for it.
        passed_over: why nova leaves it out with a line in the debug log, whatever the entries say.
    """

    device: Device
    entry: DeviceSpec | None
    hidden: tuple[DeviceSpec, ...] = ()
    passed_over: str | None = None


def track(specs: Sequence[DeviceSpec], machine: Machine, release: Release) -> tuple[Tracked, ...] | Refusal:
    """All devices of the machine, by address; or what stops nova-compute when it looks at them."""
    tracked: list[Tracked] = []
    for address in sorted(machine.devices):
        device = machine.devices[address]
        try:
            tracked.append(track_device(specs, device, release))
        except NovaRaises as raised:
            if not _is_survived(raised, release):
                return raised.over(None)
            tracked.append(Tracked(device, None, passed_over=raised.message))
    return tuple(tracked)


def track_device(specs: Sequence[DeviceSpec], device: Device, release: Release) -> Tracked:
    """What becomes of one device.

    Raises:
        NovaRaises: nova falls over the device, or over an entry when it looks its interface up.
    """
    _check_domain(specs, device, release)
    first: DeviceSpec | None = None
    hidden: list[DeviceSpec] = []
    for spec in specs:
        if first is None:
            first = spec if spec.matches(device) else None
        elif spec.trouble is None and spec.matches(device):
            hidden.append(spec)
    return Tracked(device, first, tuple(hidden))


def _check_domain(specs: Sequence[DeviceSpec], device: Device, release: Release) -> None:
    """Domains above ffff (VMD, Hyper-V) do not pass the reader that nova also uses for its options."""
    asked = any(spec.address is not None for spec in specs)
    if asked and pci.WIDE_DOMAIN.at(release) != "nothing":
        read_hex(device.address.partition(":")[0], DOMAIN, release)


def _is_survived(raised: NovaRaises, release: Release) -> bool:
    skips = pci.WIDE_DOMAIN.at(release) == "skipped"
    return skips and raised.exception == pci.INVALID_SPEC.at(release)[0]
