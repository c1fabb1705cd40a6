"""What the check says, and what is known of each thing that it can say."""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.model.finding import Level
from gpucloud.nova.config import Setting
from gpucloud.nova.service import Service


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or not as it seems.

    Args:
        kind: what it is.
        level: how much it weighs here.
        what: what stands there, in a sentence.
        fix: exact lines for this release and service, or the kind's own steps.
        file: where; None where it is something that stands nowhere.
        line: from 1.
    """

    kind: Kind
    level: Level
    what: str
    fix: tuple[str, ...]
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding. Its id never changes its meaning."""

    id: str
    level: Level
    title: str
    what: str
    """Why it matters: what nova does with it."""
    how_it_shows: tuple[str, ...]
    fix: tuple[str, ...]
    sources: tuple[str, ...]
    """Where it is written how this works: files, commits and bugs of nova and oslo.config."""
    costs: str = "the service is restarted; guests go on"
    reader: Service | None = None
    """Whose option it is, whichever service the files are checked for; None where it is that one's."""

    def at(
        self, where: Setting | None, what: str, *, fix: tuple[str, ...] = (), level: Level | None = None
    ) -> Finding:
        """A finding of this kind at a setting."""
        file, line = (where.file, where.line) if where is not None else (None, None)
        return Finding(self, level or self.level, what, fix or self.fix, file, line)
