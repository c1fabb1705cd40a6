"""What a card offers as slices, and the slices that are cut of it: the same words for every interface."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gpucloud.model.finding import Finding
from gpucloud.model.pci import PciAddress, Place
from gpucloud.model.unknown import Unknown
from gpucloud.slices.mig.card import MigCard


class Interface(Enum):
    """Through what the host cuts a card. Sources stand in ``interface``, which recognises them."""

    MDEV = "mdev"
    """Mediated devices of the card itself: NVIDIA before Ampere."""
    MDEV_OF_VFS = "mdev-of-vfs"
    """One mediated device on each virtual function: NVIDIA since Ampere, on kernels without the next one."""
    VENDOR_VFIO = "vendor-vfio"
    """A type written into each virtual function: NVIDIA on newer kernels."""
    GVT_G = "gvt-g"
    """Mediated devices of an Intel processor's GPU."""
    MDEV_OF_PARENT = "mdev-of-parent"
    """Mediated devices of a parent that is no PCI function: of the kernel's sample drivers."""
    VFS = "vfs"
    """The virtual functions themselves: AMD, Intel."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of slice that a card can be cut into."""

    id: str
    """As the interface takes it: ``nvidia-230``, ``1145``, ``i915-GVTg_V5_4``, ``19``; ``vf``."""
    name: str
    memory_mib: int | None | Unknown
    """None: the interface gives slices no memory of their own that it would tell of."""
    edition: str | None
    """NVIDIA's licence edition that a guest needs; None: none."""
    mig_slices: int | None
    """Compute slices of the MIG instance that it is, or is cut from; None: it is no matter of MIG."""
    is_mig: bool
    """It is a MIG instance itself: for containers, and to cut MIG-backed vGPUs from."""
    fits: int | Unknown
    """How many more could be made now."""
    is_at_most: bool
    """Each virtual function tells of itself alone: the card may be full before so many are made."""
    rules: tuple[str, ...]
    """What limits where and beside what it can be, in words."""
    places: tuple[Place, ...]
    """Functions that would take one now."""


_GPU_INSTANCE = "GI "


def gpu_instance_name(id_: int) -> str:
    """What a MIG instance is called on its card: ``GI 2``."""
    return f"{_GPU_INSTANCE}{id_}"


def is_gpu_instance_name(name: str) -> bool:
    """Claims that a slice of that name is a MIG instance."""
    return name.startswith(_GPU_INSTANCE)


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice that is there."""

    place: Place
    """The function or other parent it is of, or the function it is."""
    name: str
    """UUID of a mediated device, address of a virtual function, ``GI 2`` of a MIG instance."""
    profile: str | None | Unknown
    """``Profile.id``."""
    profile_name: str | None | Unknown
    used_by: tuple[str, ...] | Unknown
    """Guests by name, else processes; empty: nobody has it open. Of MIG instances this is not told."""

    @property
    def is_gpu_instance(self) -> bool:
        """Claims a MIG instance: vGPUs are cut from it, or programs use it."""
        return is_gpu_instance_name(self.name)


@dataclass(frozen=True, slots=True)
class Offer:
    """A card with all that can be cut of it, and all that is."""

    unit: Place
    """The card's address; of what is no PCI function the parent's name."""
    name: str
    driver: str | None | Unknown
    users: tuple[str, ...] | Unknown
    """Who has the card itself open, as of `Slice`."""
    interface: Interface | None | Unknown
    profiles: tuple[Profile, ...]
    slices: tuple[Slice, ...] | Unknown
    vfs: tuple[PciAddress, ...] | Unknown
    """Virtual functions that are on."""
    most_vfs: int | Unknown
    """Virtual functions that it could have."""
    mig: MigCard | None | Unknown
    """What is known of MIG; None: it has none."""
    why_none: Finding | Unknown | None
    """Why there is no interface; None where there is one."""
    is_mixed: bool | Unknown = Unknown("nvidia-smi was not asked whether vGPUs of several sizes may be mixed")
    """vGPUs that share the card by time may have several sizes (``vGPU Heterogeneous Mode``)."""

    def profile(self, id_: str) -> Profile | None:
        """The profile of that id."""
        return next((profile for profile in self.profiles if profile.id == id_), None)
