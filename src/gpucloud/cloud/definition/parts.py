"""The parts a guest is put together from: what it boots, what it runs on, how it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from gpucloud.cloud.definition.record import Record
from gpucloud.cloud.definition.slots import GuestSlot
from gpucloud.cloud.definition.window import Window


@dataclass(frozen=True, slots=True)
class KernelBoot:
    """A kernel and an initramfs that QEMU hands to the guest itself: no disk, no network."""

    kernel: Path
    initramfs: Path
    arguments: str


class Firmware(Enum):
    """What starts a disk."""

    BIOS = "bios"
    UEFI = "efi"


@dataclass(frozen=True, slots=True)
class Backing:
    """The image that a guest's disk stands on. It is only read, and its owner stays."""

    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class DiskBoot:
    """A disk of the guest's own, and a small second one that tells cloud-init what to do."""

    disk: Path
    """Always qcow2."""
    backing: Backing | None
    """None where the guest's disk holds a whole copy."""
    seed: Path
    firmware: Firmware
    variables: Path
    """Where the firmware's variables are kept (UEFI only)."""


Boot = KernelBoot | DiskBoot


class Accelerator(Enum):
    """What runs the guest's instructions; the value is libvirt's domain type."""

    KVM = "kvm"
    EMULATION = "qemu"


class UserNetwork(Enum):
    """Which program connects a guest to the network without rights of its own."""

    SLIRP = "slirp"
    """Inside QEMU."""
    PASST = "passt"
    """A program of its own: QEMU of the RHEL family is built without slirp."""


class Screen(Enum):
    """How what the guest's first mediated device displays gets out of QEMU (its hw/vfio/display.c)."""

    PIXELS = "pixels"
    """Copied out of a region of the device."""
    TEXTURE = "texture"
    """By the host's GPU, which the device shares its memory with: Intel GVT-g."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything about a guest that its XML says."""

    name: str
    uuid: str
    cpus: int
    memory_mib: int
    accelerator: Accelerator
    boot: Boot
    slots: tuple[GuestSlot, ...]
    window: Window
    record: Record
    console_log: Path
    network: UserNetwork | None
    """None: the guest has no network at all."""
    vgpus: tuple[str, ...] = ()
    """UUIDs of mediated devices, each behind a root port of its own after those of the slots."""
    screen: Screen | None = None
    """None: nothing is displayed."""
    spare_ports: int = 0
    """Root ports with nothing behind them: devices that come later are plugged in there."""

    @property
    def ports(self) -> int:
        """How many root ports it has for devices of the host."""
        return len(self.slots) + len(self.vgpus) + self.spare_ports
