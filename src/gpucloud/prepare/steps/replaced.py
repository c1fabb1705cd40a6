"""Files that cannot be replaced as they are, and brought back: refused before one of them is written.

A file is replaced by renaming a new one into its place, so that a crash leaves the old or the new: rename(2).
The further names of a file with hard links would then keep the old content, for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpucloud.model.change import RemoveFile, WriteFile
from gpucloud.model.plan import Refusal, Step


def refusals_of_files(steps: Iterable[Step]) -> Iterator[Refusal]:
    """Why files of these steps stay as they are, by path; nothing where all can be written."""
    changes = (step.change for step in steps)
    for change in (each for each in changes if isinstance(each, WriteFile | RemoveFile)):
        path, before = change.path, change.before
        if before is not None and before.names > 1:
            why = f"{path} lies under {before.names} names (hard links), and only this one would be changed"
            do = (
                f"give it a file of its own, then plan again: cp -a {path} {path}.own && mv {path}.own {path}"
            )
            yield Refusal(None, "file-has-links", why, do)
        if before is not None and before.is_fixed:
            why = f"{path} is immutable or only to be added to: the administrator keeps it as it is"
            yield Refusal(None, "file-immutable", why, f"chattr -i -a {path}, then plan again")
