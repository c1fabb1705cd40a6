"""Changes of a host as data, each with what was there before.

Each change holds enough to be done, looked at again and taken back without asking the host twice.
``kind`` tells the changes apart in stored plans and journals; a kind never changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gpucloud.model.file import Content as Content  # noqa: PLC0414 - a word of changes
from gpucloud.model.file import FileState as FileState  # noqa: PLC0414 - a word of changes
from gpucloud.model.pci import PciAddress, Place

SMI = "nvidia-smi"  # NVIDIA's program, where it is on the path


@dataclass(frozen=True, slots=True)
class LoadModule:
    """Load a kernel module that is not loaded now. Undo removes it again if nothing uses it."""

    kind: Literal["load-module"] = field(default="load-module", kw_only=True)
    module: str
    brings: tuple[str, ...] = ()
    """Modules that come with it and are not loaded now, in the order in which they can be removed."""
    did_without: tuple[int, ...] = ()
    """IOMMU groups that VFIO has now, without this module: they do not need it after undo either."""
    options: tuple[str, ...] = ()
    """``name=value``: said after what the host's configuration says of the module, so these hold."""


@dataclass(frozen=True, slots=True)
class DetachConsole:
    """Take the text consoles from a console driver; the one before it (dummy or VGA) takes over.

    Undo gives them back. Source: Documentation/fb/fbcon.rst, section C.
    """

    kind: Literal["detach-console"] = field(default="detach-console", kw_only=True)
    console: str
    """``vtcon1``: its number can be another one after undo, so undo looks for the driver."""
    driver: str
    """``frame buffer device``: the console driver's own description."""


@dataclass(frozen=True, slots=True)
class ReleaseFramebuffer:
    """Take a boot-time framebuffer (a platform device) from its driver, which frees the BAR.

    Undo gives it back, where the kernel kept the device.
    """

    kind: Literal["release-framebuffer"] = field(default="release-framebuffer", kw_only=True)
    device: str
    driver: str


@dataclass(frozen=True, slots=True)
class SetDriverOverride:
    """Say which driver alone may take a function; ``None`` is no override.

    Source: Documentation/ABI/testing/sysfs-bus-pci, ``driver_override``.
    """

    kind: Literal["set-driver-override"] = field(default="set-driver-override", kw_only=True)
    address: PciAddress
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class UnbindDriver:
    """Take a function from the driver that has it. Undo gives it back to that very driver."""

    kind: Literal["unbind-driver"] = field(default="unbind-driver", kw_only=True)
    address: PciAddress
    driver: str
    override: str | None
    """The override that stood while the driver had it, and stands again after undo."""


@dataclass(frozen=True, slots=True)
class BindDriver:
    """Give a function that has no driver to one. Undo leaves it without driver again."""

    kind: Literal["bind-driver"] = field(default="bind-driver", kw_only=True)
    address: PciAddress
    driver: str


@dataclass(frozen=True, slots=True)
class SetVfs:
    """Make as many virtual functions of a card, instead of those that it has.

    Source: Documentation/ABI/testing/sysfs-bus-pci, ``sriov_numvfs``.
    """

    kind: Literal["set-vfs"] = field(default="set-vfs", kw_only=True)
    address: PciAddress
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SwitchVfs:
    """Let NVIDIA's own tool make all virtual functions of a card, or take them away.

    Its driver refuses ``sriov_numvfs``. Source: NVIDIA vGPU software documentation, ``sriov-manage``.
    """

    kind: Literal["switch-vfs"] = field(default="switch-vfs", kw_only=True)
    address: PciAddress
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SetMigMode:
    """Let a card be cut into MIG instances, or not any more. Source: nvidia-smi(1), ``-mig``."""

    kind: Literal["set-mig-mode"] = field(default="set-mig-mode", kw_only=True)
    address: PciAddress
    before: bool
    after: bool
    tool: str = SMI
    """NVIDIA's program, by its name or its absolute path."""


@dataclass(frozen=True, slots=True)
class SetMixedSizes:
    """Let vGPUs of a card have several sizes. Source: NVIDIA's vGPU user guide, mixed size."""

    kind: Literal["set-mixed-sizes"] = field(default="set-mixed-sizes", kw_only=True)
    address: PciAddress
    before: bool
    after: bool
    tool: str = SMI


@dataclass(frozen=True, slots=True)
class MakeGpuInstance:
    """Make a MIG GPU instance at its place, with one compute instance that has all of it.

    It is known by its place: the number that the driver gives it can be another one each time. Source:
    nvidia-smi mig --help, ``-cgi`` and ``-C``.
    """

    kind: Literal["make-gpu-instance"] = field(default="make-gpu-instance", kw_only=True)
    address: PciAddress
    profile: int
    """The profile's id, as ``-cgi`` takes it."""
    name: str
    """The profile's name: ``3g.20gb``."""
    start: int
    """The first of its memory slices."""
    size: int
    """Memory slices that it has."""
    tool: str = SMI


@dataclass(frozen=True, slots=True)
class RemoveGpuInstance:
    """Remove a MIG GPU instance with its compute instances.

    Undo makes it again at its place with as many of the same profiles; numbers and UUIDs are given anew by
    the driver. Source: nvidia-smi mig --help, ``-dci`` and ``-dgi``.
    """

    kind: Literal["remove-gpu-instance"] = field(default="remove-gpu-instance", kw_only=True)
    address: PciAddress
    id: int
    """Its number when the plan was made, for the line to type: the instance at this place goes."""
    profile: int
    name: str
    start: int
    size: int
    compute: tuple[int, ...] | None = None
    """Profile ids of its compute instances, by their places; None: nothing told of them."""
    tool: str = SMI


@dataclass(frozen=True, slots=True)
class SetVgpuType:
    """Make a vGPU of a virtual function that NVIDIA's own VFIO interface serves; 0 is none.

    Source: NVIDIA vGPU software documentation, ``current_vgpu_type``. A card that is full lists no ``name``.
    """

    kind: Literal["set-vgpu-type"] = field(default="set-vgpu-type", kw_only=True)
    address: PciAddress
    before: int
    after: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class MakeMdev:
    """Make a mediated device of a type that the function offers.

    Source: Documentation/ABI/testing/sysfs-bus-vfio-mdev, ``create`` and ``remove``.
    """

    kind: Literal["make-mdev"] = field(default="make-mdev", kw_only=True)
    address: Place
    """The function that it is cut from."""
    type: str
    uuid: str


@dataclass(frozen=True, slots=True)
class RemoveMdev:
    """Remove a mediated device. Undo makes it again: of the same function, type and UUID.

    Source: Documentation/ABI/testing/sysfs-bus-vfio-mdev, ``remove``.
    """

    kind: Literal["remove-mdev"] = field(default="remove-mdev", kw_only=True)
    address: Place
    """The function that it is cut from."""
    type: str
    uuid: str


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Write a file whole, or in place of another; a crash leaves the one or the other."""

    kind: Literal["write-file"] = field(default="write-file", kw_only=True)
    path: str
    before: FileState | None
    """None: it is not there."""
    after: FileState
    folders: tuple[str, ...] = ()
    """Folders that have to be made for it, outermost first; undo removes those that are empty again."""


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Remove a file that gpucloud wrote earlier and that is not wanted any more."""

    kind: Literal["remove-file"] = field(default="remove-file", kw_only=True)
    path: str
    before: FileState


@dataclass(frozen=True, slots=True)
class EnableUnit:
    """Let systemd start a unit, or not any more, by the link that ``systemctl enable`` makes."""

    kind: Literal["enable-unit"] = field(default="enable-unit", kw_only=True)
    path: str
    """The link, in the ``.wants`` folder of a target."""
    unit: str
    """Path of the unit's file, to which it leads."""
    is_on: bool = True
    """False: the link goes."""
    folders: tuple[str, ...] = ()
    """Folders that have to be made for it, outermost first."""


@dataclass(frozen=True, slots=True)
class RunTool:
    """Let a tool of the distribution make anew what it makes of its configuration: boot menu, initramfs.

    A plan names it twice: first with ``when`` ``undo``, which does nothing until undo comes there, after all
    files are restored; and last with ``apply``, to which undo does nothing.
    """

    kind: Literal["run-tool"] = field(default="run-tool", kw_only=True)
    argv: tuple[str, ...]
    when: Literal["apply", "undo"]
    makes: str
    """What it makes, in words: ``the initramfs of every kernel``."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A driver's package as it is installed, and what installs it."""

    name: str
    """As the package manager calls it; of a .run ``nvidia``."""
    version: str
    """Of the driver in it: ``550.90.05``."""
    file: str
    """The package, by its absolute path."""


@dataclass(frozen=True, slots=True)
class InstallPackage:
    """Install an operator's package of a driver, in place of an earlier one, through what keeps packages.

    Undo installs the earlier one again from its own package, or removes the new one. Both act from the next
    start on: until then the kernel has the modules that it has loaded.
    """

    kind: Literal["install-package"] = field(default="install-package", kw_only=True)
    by: Literal["deb", "rpm", "run"]
    before: Installed | None
    """None: there is none of it."""
    after: Installed
    sha256: str
    """Of the package that is installed: another file is not what was looked at."""


@dataclass(frozen=True, slots=True)
class EnableService:
    """Let systemd start a service at every start, whose unit a package brings. Source: systemctl(1)."""

    kind: Literal["enable-service"] = field(default="enable-service", kw_only=True)
    name: str
    was_on: bool


@dataclass(frozen=True, slots=True)
class SetGrubVariable:
    """Set a variable in GRUB's environment block, in which GRUB and others keep theirs, too.

    So the file is never restored whole: at every start some of it is changed by somebody else.
    """

    kind: Literal["set-grub-variable"] = field(default="set-grub-variable", kw_only=True)
    path: str
    """The environment block."""
    variable: str
    before: str | None
    """None: the block does not name it."""
    after: str | None


@dataclass(frozen=True, slots=True)
class KeepOldStart:
    """Keep the way in which the host starts now as a boot entry, which is taken while the change is made.

    Undo takes the entry away, last of all: until everything else is as before, a start takes it. Source of
    the mechanism: GRUB's manual, "The GRUB environment block"; grub.d/41_custom reads ``config`` at every
    start.
    """

    kind: Literal["keep-old-start"] = field(default="keep-old-start", kw_only=True)
    initramfs: str
    """The initramfs that starts the running kernel."""
    copy: str
    """Where it is kept; the path is free."""
    config: str
    """GRUB's own drop-in file, with the entry in it afterwards."""
    before: FileState | None
    """None: it is not there."""
    after: FileState
    environment: str
    """GRUB's environment block: it says which entry is taken."""


@dataclass(frozen=True, slots=True)
class TryNewStart:
    """Let the boot loader take the new way to start so many times; after that, and with 0, the old entry.

    Undo lets it take the new one as many times as ``before``.
    """

    kind: Literal["try-new-start"] = field(default="try-new-start", kw_only=True)
    environment: str
    tries: int
    before: int = 0


Cut = (
    SetVfs
    | SwitchVfs
    | SetMigMode
    | SetMixedSizes
    | MakeGpuInstance
    | RemoveGpuInstance
    | SetVgpuType
    | MakeMdev
    | RemoveMdev
)
"""Changes that cut a card into slices."""

AtRunTime = (
    LoadModule | DetachConsole | ReleaseFramebuffer | SetDriverOverride | UnbindDriver | BindDriver | Cut
)
"""Changes of the running kernel: a restart ends them."""

OnDisk = (
    WriteFile
    | RemoveFile
    | EnableUnit
    | RunTool
    | InstallPackage
    | EnableService
    | SetGrubVariable
    | KeepOldStart
    | TryNewStart
)
"""Changes that stay over a restart, and mostly begin to act with it."""

Change = AtRunTime | OnDisk
