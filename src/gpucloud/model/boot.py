"""The files that decide how a host starts, as they lie on its disk: read only when a start is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpucloud.model.change import FileState
from gpucloud.model.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Defined:
    """A mediated device that is defined with mdevctl."""

    parent: str
    uuid: str
    type: str
    is_auto: bool
    """It is started with its parent."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Who else cuts cards at a start."""

    has_mig_manager: bool | Unknown = False
    """NVIDIA's own service for MIG is enabled."""
    defined: tuple[Defined, ...] | None | Unknown = None
    """What mdevctl has; None: it is not here."""


@dataclass(frozen=True, slots=True)
class BootFiles:
    """Files by their paths, and the folders in which they are."""

    files: Mapping[str, FileState | None | Unknown]
    """Every file that was asked for by name, and every one that matched a pattern."""
    folders: Mapping[str, tuple[str, ...] | None | Unknown]
    """Entries of every folder that was looked into; None: the folder is not there."""
    unwritable: Mapping[str, str | None | Unknown] = field(default_factory=dict)
    """GRUB's folders, with what keeps GRUB itself from writing there (``btrfs``, ``LVM``); None: nothing."""
    sealed: tuple[str, ...] = ()
    """Folders, of those that a start is made of, that are mounted read-only."""

    networks: tuple[str, ...] | Unknown = ()
    """Networks that the host is in by its cards, as ``10.0.0.0/24``."""
    hands: Hands = field(default_factory=Hands)

    def state(self, path: str) -> FileState | None | Unknown:
        """The file; None where it, or a folder above it, is not there."""
        folder, _, name = path.rpartition("/")
        names = self.folders.get(folder)
        if self.missing_folders(path) or (isinstance(names, tuple) and name not in names):
            return None
        return self.files.get(path, Unknown(f"{path} was not read"))

    def text(self, path: str) -> str | None | Unknown:
        """The file's text."""
        state = self.state(path)
        return state.text if isinstance(state, FileState) else state

    def matching(self, folder: str, suffix: str) -> tuple[str, ...] | Unknown:
        """Paths in a folder that end so, sorted; none where the folder is not there."""
        names = self.folders.get(folder, Unknown(f"{folder} was not read"))
        if isinstance(names, Unknown):
            return names
        return tuple(f"{folder}/{name}" for name in sorted(names or ()) if name.endswith(suffix))

    def missing_folders(self, path: str) -> tuple[str, ...]:
        """Folders above a file that are not there, outermost first."""
        parts = path.split("/")[:-1]
        above = ["/".join(parts[:length]) for length in range(2, len(parts) + 1)]
        return tuple(folder for folder in above if self.folders.get(folder, ()) is None)
