"""The script that gives functions to vfio-pci, by address, before any other driver is loaded.

Ids on the kernel's command line would take every equal card. An override names one function, and the kernel
obeys it whichever driver is loaded when (drivers/pci/pci-driver.c, ``pci_match_device``). The address alone
is not enough either: a card that was moved leaves its address to another device, which must not be taken from
the host; so vendor and device are compared first. Without an IOMMU nothing is taken: vfio-pci would refuse
the card, and nobody would have it. ``gpucloud=off`` on the kernel's command line, typed at the boot menu,
leaves all cards with the host. What was done stands in the kernel's log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpucloud.model.pci import PciAddress, PciId
from gpucloud.prepare.boot.own.paths import HEADER

_SCRIPT = """\
case "$1" in prereqs) exit 0 ;; esac
read -r arguments < "${GPUCLOUD_PROC:-/proc}/cmdline"
case " $arguments " in *" gpucloud=off "*) exit 0 ;; esac
sys=${GPUCLOUD_SYS:-/sys}
pci=$sys/bus/pci
set -- "$sys"/class/iommu/*
[ -e "$1" ] || exit 0

claim() { # address vendor device
    place=$pci/devices/$1
    [ -e "$place/driver_override" ] || return 0
    read -r vendor < "$place/vendor"
    read -r device < "$place/device"
    [ "$vendor $device" = "$2 $3" ] || return 0
    echo vfio-pci > "$place/driver_override"
    [ -e "$pci/drivers/vfio-pci/$1" ] && return 0
    [ ! -e "$place/driver" ] || echo "$1" > "$place/driver/unbind"
    claimed="$claimed $1"
}

"""
_END = """
modprobe vfio-pci
for address in $claimed; do
    [ -e "$pci/devices/$address/driver" ] || echo "$address" > "$pci/drivers_probe"
    how="is with vfio-pci"
    [ -e "$pci/drivers/vfio-pci/$address" ] || how="was not taken by vfio-pci"
    echo "gpucloud: $address $how" > "${GPUCLOUD_LOG:-/dev/kmsg}"
done
exit 0
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One function that vfio-pci gets, if it is still that device.

    No names: the device's changes with every pci.ids, and the pool's is nobody's business in a capture.
    """

    address: PciAddress
    id: PciId


def render_claim(claims: Sequence[Claim]) -> str:
    """The script, for any POSIX shell without other programs than modprobe."""
    lines = "".join(
        f"claim {claim.address} 0x{claim.id.vendor:04x} 0x{claim.id.device:04x}\n" for claim in claims
    )
    return f"#!/bin/sh\n{HEADER}{_SCRIPT}{lines}{_END}"
