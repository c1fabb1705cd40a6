"""What can be wrong between a host, its guests, nova's rows and Placement; and where nova says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_MANAGER = "nova/pci/manager.py: PciDevTracker"
_DEVICE = "nova/objects/pci_device.py"
_TRANSLATOR = "nova/compute/pci_placement_translator.py"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of disagreement.

    Args:
        id: never changes its meaning.
        why: what follows from it, in a sentence or two.
        source: nova's file, commit or bug that says so.
    """

    id: str
    why: str
    source: str


class Kinds(Enum):
    """All of them."""

    GONE_GUEST = Kind(
        "row-of-gone-guest",
        "The guest is deleted and its device is still marked as its own, so no other guest can get it",
        f"{_MANAGER}.clean_usage; nova bug 1860555",
    )
    MOVED_GUEST = Kind(
        "row-after-migration",
        "The guest lives on another host, and a device of this one is still marked as its own: a migration "
        "failed or ended without freeing it",
        f"{_MANAGER}.free_instance",
    )
    NO_OWNER = Kind(
        "row-without-guest",
        "The device is marked as taken and no guest is named, so nothing will ever free it",
        f"{_DEVICE}: PciDevice.free",
    )
    FREE_BUT_OWNED = Kind(
        "row-free-with-guest",
        "The device is marked as free and still names a guest: nova-compute refuses to remove such a row",
        f"{_DEVICE}: PciDevice.remove, PciDeviceInvalidOwner",
    )
    MISSING_DEVICE = Kind(
        "row-of-missing-device",
        "The host has no such device any more, and the row would be given to a guest, which fails when "
        "libvirt starts it",
        f"{_MANAGER}._set_hvdevs",
    )
    MOVED_DEVICE = Kind(
        "row-of-moved-device",
        "The host has the card at another address now: the row at the old one would be given to a guest, "
        "which fails when libvirt starts it",
        f"{_MANAGER}._set_hvdevs",
    )
    OTHER_DEVICE = Kind(
        "row-of-replaced-device",
        "Another card is at that address, and flavors for the old one would get it",
        f"{_MANAGER}._set_hvdevs; nova bug 1892361",
    )
    NOT_WANTED = Kind(
        "row-outside-device-spec",
        "No entry of device_spec takes the device any more: nova keeps the row while a guest has it, and "
        "before 31.2.0 gave the device away once more after that",
        f"{_MANAGER}._set_hvdevs; nova bugs 1633120, 2115729",
    )
    STUCK = Kind(
        "row-stuck",
        "A device is blocked by its physical or virtual functions, and none of them is in use: nothing will "
        "ever unblock it",
        f"{_DEVICE}: PciDevice.free; nova bug 1969496",
    )
    TOO_FREE = Kind(
        "row-free-beside-busy",
        "The device is marked as free, and its physical function or a virtual one of it is in use: both "
        "cannot be given away",
        f"{_DEVICE}: PciDevice.claim; nova bug 1969496",
    )
    HALF_REMOVED = Kind(
        "row-half-removed",
        "The row is marked as removed and was never deleted: nova counts the address as known and does not "
        "offer the device",
        f"{_DEVICE}: PciDevice.save",
    )
    LOST_HOST = Kind(
        "row-of-lost-host",
        "The compute node that the row belongs to is deleted: no nova-compute will ever look at it again",
        "nova/db/main/models.py: PciDevice.compute_node_id",
    )
    UNTRACKED_GUEST = Kind(
        "guest-without-row",
        "A guest has the device, and nova would give it to another one: before 19.0.0 a row was deleted when "
        "device_spec lost the device",
        f"{_MANAGER}._set_hvdevs; nova bug 1633120",
    )
    UNKNOWN_DEVICE = Kind(
        "device-without-row",
        "device_spec takes the device and nova has no row of it, so no guest can get it. From 34.0.0 "
        "nova-compute looks at devices only when it starts",
        "nova/virt/libvirt/driver.py: _get_pci_passthrough_devices",
    )
    GONE_CONSUMER = Kind(
        "allocation-of-gone-guest",
        "Placement counts devices as used by a guest that is not there, so no other guest can get them. "
        "nova-manage placement audit does not look at devices",
        "nova/cmd/manage.py: PlacementCommands.audit",
    )
    ENDED_MIGRATION = Kind(
        "allocation-of-ended-migration",
        "A migration that has ended still holds devices of the host that the guest was on",
        "nova/conductor/tasks/migrate.py: revert_allocation_for_migration",
    )
    OTHER_HOST = Kind(
        "allocation-on-other-host",
        "The guest lives on another host and still holds devices of this one in Placement",
        "nova/scheduler/client/report.py: remove_provider_tree_from_instance_allocation",
    )
    NO_HOST = Kind(
        "allocation-of-guest-without-host",
        "A guest that failed or was put aside is on no host, and still holds devices in Placement: "
        "nova-compute takes it for one that is still to start, so nothing frees them",
        "nova/compute/resource_tracker.py: _remove_deleted_instances_allocations",
    )
    LEFT_PROVIDER = Kind(
        "provider-left-behind",
        "nova has no row of the device, and Placement still offers it: the scheduler chooses the host, and "
        "the claim fails",
        f"{_TRANSLATOR}: PlacementView._remove_managed_rps_from_tree_not_in_view",
    )
    LEFT_HOST = Kind(
        "host-provider-left-behind",
        "No compute node is behind the provider any more: the scheduler may choose it, and a new host of "
        "that name cannot be made known to Placement",
        "nova/scheduler/client/report.py: _create_resource_provider",
    )
    OTHER_CLASS = Kind(
        "provider-of-replaced-device",
        "Placement offers the class of another card than nova's row has",
        f"{_TRANSLATOR}: PciResourceProvider._get_inventories",
    )
