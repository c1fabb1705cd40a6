"""A diagnosed case into the questions that decide most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from gpucloud.doctor.case import Case, Question
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.questions.command import Command, Topic
from gpucloud.doctor.questions.topics import TOPICS
from gpucloud.model.finding import Finding, Level
from gpucloud.model.pci import PciAddress

MOST_QUESTIONS = 5
ENOUGH = 0.7
"""A cause that is shown this surely, and does harm, is named without asking back."""
_SURER = 2
"""What a finding or a listing tells of the topic counts as so many words."""
_MENTIONED = 3
"""A topic with no more than this part of the heaviest one's words is mentioned only."""
_OTHER = re.compile(r"[^a-z0-9]+")
_LOGGED, _LOG_LINES = re.compile(r"^ {0,8}\[ {0,8}\d+\.\d{6}\] ", re.MULTILINE), 20
"""A line of the kernel's log, and how many are no excerpt."""
_TYPED = re.compile(r"^[^\n$#>]{0,60}[$#>] ?(?:sudo )?(?P<command>[^\n]{2,300})$", re.MULTILINE)
"""A command as a terminal shows it, after its prompt."""


def questions(case: Case, findings: Sequence[Finding]) -> tuple[Question, ...]:
    """At most five commands whose output would decide, most deciding first; none where a cause is shown.

    None either where the report speaks about nothing that is known. What the evidence holds is not asked for.
    """
    if case.paper is None or any(
        one.level is not Level.INFO and one.confidence >= ENOUGH for one in findings
    ):
        return ()
    told = _Told(case, case.paper)
    asked: dict[tuple[str, str], Question] = {}
    for topic, command, decides in _in_order(_topics(told, findings)):
        run = told.form(command)
        if not told.holds(command, run):
            key = (command.where, f"log of the {command.log}" if command.log else run)
            asked.setdefault(key, Question(topic.name, command.where, run, decides))
    return tuple(islice(asked.values(), MOST_QUESTIONS))


def _topics(told: _Told, findings: Sequence[Finding]) -> Sequence[Topic]:
    """What the report is about, the heaviest first: what it mentions beside that is left out."""
    weights = {topic.name: told.weight(topic, findings) for topic in TOPICS}
    least = max(weights[topic.name] for topic in TOPICS if not topic.is_general) / _MENTIONED
    about = (
        topic for topic in TOPICS if weights[topic.name] and (topic.is_general or weights[topic.name] > least)
    )
    return sorted(about, key=lambda topic: -weights[topic.name])


def _in_order(topics: Sequence[Topic]) -> Iterator[tuple[Topic, Command, str]]:
    """Questions of several topics: the first of a topic weighs as the second of the topic before it.

    General topics come after all others.
    """
    for is_general in (False, True):
        same = [topic for topic in topics if topic.is_general is is_general]
        places = (
            (rank + place, rank, topic, *ask)
            for rank, topic in enumerate(same)
            for place, ask in enumerate(topic.asks)
        )
        for _, _, topic, command, decides in sorted(places, key=lambda one: one[:2]):
            yield topic, command, decides


class _Told:
    """What a report says, made ready for looking words up."""

    def __init__(self, case: Case, paper: Paper) -> None:
        self._case, self._paper = case, paper
        opening = "\n".join(paper.opening.values())
        everything = (opening, *paper.environment.values())
        self._text = f" {_OTHER.sub(' ', ' '.join(everything).lower())} "
        self._typed = {match["command"].strip() for match in _TYPED.finditer(opening)}
        logged = "\n".join(text for key, text in paper.opening.items() if not is_guest_key(key))
        self._has_log = len(_LOGGED.findall(logged)) >= _LOG_LINES
        self._card = _card(case)

    def says(self, words: Iterable[str]) -> int:
        """How many of the words stand in the report."""
        return sum(f" {word} " in self._text for word in words)

    def weight(self, topic: Topic, findings: Iterable[Finding]) -> int:
        """How much tells that the report speaks about the topic."""
        signs = sum(one.cause in topic.causes for one in findings) + self._paper.has(*topic.phrases)
        signs += topic.is_shown is not None and topic.is_shown(self._case)
        return self.says(topic.words) + _SURER * signs

    def form(self, command: Command) -> str:
        """The command as it is to be run on what the report is about."""
        for words, run in command.instead:
            if self.says(words):
                return run
        if command.general and self._card is None:
            return command.general
        if self._card is None:
            return command.run
        return command.run.replace("{card}", self._card.short).replace("{path}", str(self._card))

    def holds(self, command: Command, run: str) -> bool:
        """Whether the evidence has the output of a command."""
        whole, _, _ = run.partition(" |")
        return (
            not self._typed.isdisjoint((run, whole))
            or (command.log == "host" and self._has_log)
            or any(key in command.keys for key in self._paper.opening)
            or self.says(command.marks) > 0
            or (command.is_shown is not None and command.is_shown(self._case))
        )


def _card(case: Case) -> PciAddress | None:
    """The card that the report is about, where it shows one only."""
    units = case.host.units
    return units[0].address if len(units) == 1 else None
