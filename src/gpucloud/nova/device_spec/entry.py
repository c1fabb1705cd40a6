"""One entry of device_spec as nova keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.nova.device_spec.address import Address, RegexAddress
from gpucloud.nova.device_spec.fields import ANY
from gpucloud.nova.machine import Device
from gpucloud.nova.reading import Json
from gpucloud.nova.refusal import NovaRaises, Refusal


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """An entry that nova has accepted.

    Args:
        vendor_id: four digits in lower case, or ``*``.
        product_id: the same.
        address: what it covers; None where it names an interface that the machine does not have.
        devname: the interface that it names.
        tags: all other keys, as nova copies them into the pools; booleans normalised where the release does.
        remote_managed: the release understands the key, and it says yes.
        written: the entry as it stands in nova.conf.
        value: which of the option's values it is from, from 0.
        trouble: what nova raises whenever it matches a device against this entry.
    """

    vendor_id: str
    product_id: str
    address: Address | None
    devname: Json
    tags: Mapping[str, Json]
    remote_managed: bool
    written: Mapping[str, Json]
    value: int
    trouble: Refusal | None = None

    @property
    def untried(self) -> str | None:
        """A pattern of the address that is not tried, because nova itself could take hours over it."""
        form = None if self.address is None else self.address.form
        return form.untried if isinstance(form, RegexAddress) else None

    def matches(self, device: Device) -> bool:
        """Whether the entry takes the device.

        Raises:
            NovaRaises: nova falls over the entry when it looks its interface up.
        """
        if self.trouble is not None:
            raise NovaRaises(self.trouble.exception, self.trouble.message)
        return (
            self.vendor_id in (ANY, device.vendor_id)
            and self.product_id in (ANY, device.product_id)
            and self.address is not None
            and self.address.covers(device)
            and (not self.remote_managed or bool(device.card_serial))
        )
