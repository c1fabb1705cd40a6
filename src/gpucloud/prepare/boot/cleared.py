"""Files out of which is taken what was set up by hand: where the plan of a spec begins instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.model.plan import Step

if TYPE_CHECKING:
    from gpucloud.prepare.boot.wanted import New


@dataclass(frozen=True, slots=True)
class Cleared:
    """What is taken out, and what else has to be done for it."""

    files: Mapping[str, New] = field(default_factory=dict)
    in_initramfs: frozenset[str] = frozenset()
    """Those of the files of which the initramfs holds copies."""
    apart: frozenset[str] = frozenset()
    """Those of which the boot menu is not made."""
    steps: tuple[Step, ...] = ()
    """Steps that come before the files change."""

    def without(self, folders: Sequence[str]) -> Cleared:
        """The same, but for files in these folders, which a tool makes of others."""
        kept = {path: new for path, new in self.files.items() if path.rpartition("/")[0] not in folders}
        return replace(self, files=kept)

    def start(self, files: BootFiles) -> BootFiles:
        """The files as they will be when this is taken out of them."""
        return replace(
            files, files={**files.files, **{path: self._state(files, path) for path in self.files}}
        )

    def _state(self, files: BootFiles, path: str) -> FileState | None:
        text, state = self.files[path].text, files.state(path)
        if text is None or not isinstance(state, FileState):
            return None
        return replace(state, text=Content(text))

    def joined(self, wanted: Mapping[str, New]) -> dict[str, New]:
        """These and what a spec wants of files; where it wants the same one changed, both reasons."""
        both = {path: self.files[path].because for path in wanted if path in self.files}
        said = {
            path: replace(new, because=f"{both[path]}; {new.because}") if path in both else new
            for path, new in wanted.items()
        }
        return {**self.files, **said}


NOTHING = Cleared()
