"""What happened, act by act: values that the three reports print."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Act:
    """One act of the story as it was seen."""

    name: str
    seconds: float
    result: str
    """One line: what came out, or why it failed."""
    command: str = ""
    """What a user would type for it; empty where the laboratory itself acted."""
    output: str = ""
    """What the command printed."""
    is_ok: bool = True


@dataclass(slots=True)
class Story:
    """The acts so far, and the two things that the story is told for."""

    acts: list[Act] = field(default_factory=list)
    card: tuple[str, ...] = ()
    """Ids of the functions of the card that the guest was given, as ``1002:5046``."""
    guest_saw: tuple[str, ...] = ()
    """Ids of all functions that the guest's kernel printed on the guest's console, the card's first."""
    host_restored: bool | None = None
    """Whether the host is as it was; None where nobody came to look."""
    evidence: tuple[str, ...] = ()
    """Paths of what was kept of a run that failed; all in one folder."""
    not_kept: str = ""
    """Why that is not all that is kept as a rule: the server was gone, say."""

    @property
    def is_ok(self) -> bool:
        return self.host_restored is True and self.saw_card and all(act.is_ok for act in self.acts)

    @property
    def saw_card(self) -> bool:
        """Claims that the guest's kernel printed every function of the card."""
        return bool(self.card) and set(self.card) <= set(self.guest_saw)

    @property
    def seconds(self) -> float:
        return sum(act.seconds for act in self.acts)
