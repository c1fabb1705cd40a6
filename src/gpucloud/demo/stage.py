"""The story told from the first act to the last, or to the one that failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gpucloud.demo.acts import ACTS, Play, Seen, Server, Set
from gpucloud.demo.story import Act, Story
from gpucloud.model.failure import Failure

Clock = Callable[[], float]


class Audience(Protocol):
    """Who is told how the story goes while it goes."""

    def begins(self, name: str, purpose: str) -> None: ...

    def ended(self, act: Act) -> None: ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was kept of a server: paths of files, and why that is not everything."""

    files: tuple[str, ...]
    missing: str = ""


class Theatre(Protocol):
    """Where the story is played: gives a server that is up, and takes it away again."""

    def prepare(self) -> str:
        """Make what a server starts from; gives a line on what was made or found."""
        ...

    def open(self) -> Server:
        """Start the server and wait until it takes commands."""
        ...

    def keep_evidence(self) -> Evidence:
        """Save logs, journal and plan of the server, as far as they can be had."""
        ...

    def close(self) -> None:
        """End the server; safe to call at any time, more than once."""
        ...


class Teller:
    """Plays acts one after the other, times them and tells the audience."""

    def __init__(self, story: Story, audience: Audience, clock: Clock) -> None:
        self._story, self._audience, self._clock = story, audience, clock

    def tell(self, name: str, purpose: str, play: Callable[[], Seen], stage: Set | None = None) -> bool:
        """Play one act and keep what was seen, good or bad; tells whether it went well."""
        self._audience.begins(name, purpose)
        began = self._clock()
        seen, is_ok = Seen("interrupted"), False
        try:
            seen, is_ok = play(), True
        except Failure as failure:
            seen = Seen(str(failure))
        except OSError as error:
            seen = Seen(f"{error.filename or 'the laboratory'}: {error.strerror or error}")
        except (ValueError, LookupError, TypeError) as error:  # a command's output is not what it should be
            what = f"{type(error).__name__}: {error}"
            seen = Seen(f"what the server printed is not understood ({what}); please report it")
        finally:
            act = Act(name, self._clock() - began, seen.result, _typed(stage), seen.output, is_ok)
            self._story.acts.append(act)
        self._audience.ended(act)
        return is_ok


def _typed(stage: Set | None) -> str:
    """The commands of the act that ends; the next one begins with none."""
    commands = "\n".join(stage.commands) if stage else ""
    if stage:
        stage.commands.clear()
    return commands


def play_story(
    theatre: Theatre,
    audience: Audience,
    acts: Sequence[tuple[str, Play]] = ACTS,
    clock: Clock = time.monotonic,
    story: Story | None = None,
) -> Story:
    """Tell the whole story; the first act that fails is the last, and its evidence is kept.

    Args:
        theatre: where it is played.
        audience: who is told while it is played.
        acts: what is done on the server that is up.
        clock: seconds.
        story: an empty one, for a caller who wants what was told before an interrupt, too.
    """
    told = story or Story()
    teller = Teller(told, audience, clock)
    try:
        if not _play_on(theatre, teller, told, acts):
            _keep_evidence(theatre, told)
    finally:
        theatre.close()
    return told


def _keep_evidence(theatre: Theatre, story: Story) -> None:
    try:
        evidence = theatre.keep_evidence()
    except (Failure, OSError) as error:
        story.not_kept = f"evidence could not be kept: {error}"
    else:
        story.evidence, story.not_kept = evidence.files, evidence.missing


def _play_on(theatre: Theatre, teller: Teller, story: Story, acts: Sequence[tuple[str, Play]]) -> bool:
    opened: list[Server] = []

    def boot() -> Seen:
        opened.append(theatre.open())
        return Seen("the server takes commands")

    if not teller.tell("image", "Build or find the server's disk image.", lambda: Seen(theatre.prepare())):
        return False
    if not teller.tell("boot", "Boot a server with a card and an IOMMU.", boot):
        return False
    stage = Set(opened[0], story)
    return all(teller.tell(name, _purpose(play), partial(play, stage), stage) for name, play in acts)


def _purpose(play: Play) -> str:
    return (play.__doc__ or "").strip().splitlines()[0]
