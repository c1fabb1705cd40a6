"""The acts: what is typed on the server, and what has to be seen for the story to go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gpucloud.cloud.kernel_lines import parse_kernel_lines
from gpucloud.demo import witness
from gpucloud.demo.story import Story
from gpucloud.lab.process import Completed
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciAddress

GUEST = "demo"
PLAN = "/tmp/demo-plan.json"
ACT_TIMEOUT_S = 300.0


class Server(Protocol):
    """A server on which commands can be run: the laboratory's, or a fake one in tests."""

    def run(self, argv: Sequence[str], *, timeout_s: float) -> Completed: ...


@dataclass(slots=True)
class Set:
    """What the acts hand on to each other."""

    server: Server
    story: Story
    unit: str = ""
    """Address of the GPU unit that the story is about."""
    numbers: dict[int, str] = field(default_factory=dict)
    """Its function numbers with their ids: they stay the same in the guest."""
    before: witness.Picture | None = None
    commands: list[str] = field(default_factory=list)
    """What was typed in this act."""

    def gpucloud(self, *words: str, ok: tuple[int, ...] = (0,)) -> Completed:
        """Type a gpucloud command on the server.

        Raises:
            Failure: it ended with an exit code that is not one of ``ok``.
        """
        argv = ("gpucloud", *words)
        self.commands.append(" ".join(argv))
        done = _run(self.server, argv)
        if done.code not in ok:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Failure(
                f"'{' '.join(argv)}' ended with {done.code}: {said[-1] if said else 'it said nothing'}"
            )
        return done


@dataclass(frozen=True, slots=True)
class Seen:
    """What an act saw: the line for the report, and what the command printed."""

    result: str
    output: str = ""


Play = Callable[[Set], Seen]


def _run(server: Server, argv: Sequence[str]) -> Completed:
    """Run a command; what to do about a server that is gone is not the user's: the story ends it itself."""
    try:
        return server.run(argv, timeout_s=ACT_TIMEOUT_S)
    except Failure as failure:
        raise Failure(failure.what) from failure


def _demand(claim: bool, what: str) -> None:
    if not claim:
        raise Failure(what, "this is a defect: please report it with what was kept")


def look(stage: Set) -> Seen:
    """Take the witness's first picture of the untouched server."""
    stage.before = take_picture(stage.server)
    return Seen(f"drivers, modules and {len(stage.before.files)} files noted")


def take_picture(server: Server) -> witness.Picture:
    """Look at drivers, modules and files with plain shell."""
    kernel = _shell(server, witness.drivers_script() + witness.modules_script())
    files = _shell(server, witness.files_script())
    return witness.Picture(witness.parse_lines(kernel, " "), witness.parse_lines(files, "\t"))


def _shell(server: Server, script: str) -> str:
    done = _run(server, ("sh", "-c", script))
    _demand(done.code == 0, f"the witness could not look: {done.stderr.strip()[-200:]}")
    return done.stdout


def scan(stage: Set) -> Seen:
    """Find the card with all its functions."""
    shown = stage.gpucloud("scan").stdout
    facts = json.loads(stage.gpucloud("scan", "--format", "json").stdout)
    units: list[dict[str, Any]] = [unit for unit in facts["units"] if "passthrough" in unit["uses"]]
    _demand(bool(units), "scan found no GPU that could be passed through")
    functions = max((unit["functions"] for unit in units), key=len)
    stage.unit = functions[0]["address"]
    stage.story.card = tuple(function["id"] for function in functions)
    stage.numbers = {PciAddress.parse(each["address"]).function: each["id"] for each in functions}
    drivers = ", ".join(str(function["driver"]) for function in functions)
    return Seen(
        f"one unit of {len(functions)} functions ({' '.join(stage.story.card)}), held by {drivers}", shown
    )


def doctor(stage: Set) -> Seen:
    """Say what stops the card from reaching a guest."""
    done = stage.gpucloud("doctor", "--unit", stage.unit, ok=(Exit.FINDINGS,))
    found = stage.gpucloud("doctor", "--unit", stage.unit, "--format", "json", ok=(Exit.FINDINGS,))
    findings = json.loads(found.stdout)["findings"]
    blockers = [finding["title"] for finding in findings if finding["level"] == "blocker"]
    _demand(bool(blockers), "doctor found nothing that stops a card which host drivers hold")
    return Seen(blockers[0], done.stdout)


def plan(stage: Set) -> Seen:
    """Show every change before it is made."""
    shown = stage.gpucloud("plan", "--unit", stage.unit, "--output", PLAN).stdout
    stored = _shell(stage.server, f"cat {PLAN}")
    steps = json.loads(stored)["plan"]["steps"]
    return Seen(f"{len(steps)} changes, each with its undo", shown)


def apply(stage: Set) -> Seen:
    """Make the changes, each journalled first and read back after."""
    shown = stage.gpucloud("apply", PLAN, "--yes").stdout
    return Seen("every change done and read back", shown)


def verify(stage: Set) -> Seen:
    """Look again, with fresh eyes: the host is as planned."""
    shown = stage.gpucloud("verify").stdout
    return Seen("the host is as planned", shown)


def launch(stage: Set) -> Seen:
    """Start a guest with the card and wait until it says what it sees."""
    stage.gpucloud("launch", "--gpus", "1", "--name", GUEST, "--for", "20m")
    shown = stage.gpucloud("show", GUEST, "--format", "json").stdout
    card = stage.story.card
    missing = set(card) - {function["id"] for function in json.loads(shown)["seen"]}
    _demand(not missing, f"the guest does not see {' '.join(sorted(missing))}")
    return Seen(f"the guest reports {' and '.join(card)}", shown)


def console(stage: Set) -> Seen:
    """Read what the guest's kernel itself printed as it found the card."""
    shown = stage.gpucloud("console", GUEST, "--log").stdout
    found = {address: str(id_) for address, id_ in parse_kernel_lines(shown).items()}
    card = stage.story.card
    stage.story.guest_saw = tuple(sorted(found.values(), key=lambda each: each not in card))
    silent = [each for each in card if each not in found.values()]
    _demand(not silent, f"no line of the guest's kernel on its console names {' '.join(silent)}")
    slot = _find_slot(stage.numbers, found)
    if slot is None:
        raise Failure("the guest's kernel found the card's functions, but not in one slot by their numbers")
    return Seen(f"the guest's kernel printed {' and '.join(card)}, found in slot {slot}", _once(shown))


def _find_slot(numbers: Mapping[int, str], found: Mapping[PciAddress, str]) -> str | None:
    """The slot in which each of these functions was found at its number."""
    by_slot: dict[str, dict[int, str]] = {}
    for address, id_ in found.items():
        by_slot.setdefault(address.slot, {})[address.function] = id_
    return next((slot for slot, there in by_slot.items() if numbers.items() <= there.items()), None)


def _once(log: str) -> str:
    """The log without lines that came before: the guest reports several times, should one be broken."""
    return "\n".join(dict.fromkeys(log.splitlines()))


def destroy(stage: Set) -> Seen:
    """End the guest; the card is free again."""
    shown = stage.gpucloud("destroy", GUEST).stdout
    left = json.loads(stage.gpucloud("list", "--format", "json").stdout)
    _demand(left == [], "a guest is left behind")
    return Seen("no guest is left", shown)


def undo(stage: Set) -> Seen:
    """Take everything back, newest change first."""
    shown = stage.gpucloud("undo", "last").stdout
    return Seen("every change taken back and read back", shown)


def compare(stage: Set) -> Seen:
    """Let the witness look again: drivers and files must be as they were."""
    after = take_picture(stage.server)
    before = stage.before
    if before is None:
        raise Failure("the witness took no first picture")
    changed = (
        *witness.differences(before.kernel, after.kernel),
        *witness.differences(before.files, after.files),
    )
    stage.story.host_restored = not changed
    _demand(not changed, f"{len(changed)} things are not as they were: {'; '.join(changed[:5])}")
    return Seen(f"all drivers, modules and {len(after.files)} files are as they were")


ACTS: tuple[tuple[str, Play], ...] = (
    ("look", look),
    ("scan", scan),
    ("doctor", doctor),
    ("plan", plan),
    ("apply", apply),
    ("verify", verify),
    ("launch", launch),
    ("console", console),
    ("destroy", destroy),
    ("undo", undo),
    ("compare", compare),
)
