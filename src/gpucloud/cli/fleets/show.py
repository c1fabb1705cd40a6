"""Many hosts, printed: what goes on, their plans, and how each of them ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gpucloud.cli.output import Shape, one_line, print_beside, print_json, say, table
from gpucloud.fleet.event import Answered, Begins, Failed, Noted
from gpucloud.fleet.tally import DISABLED, Result, Stage
from gpucloud.model.failure import Exit, Failure

if TYPE_CHECKING:
    from pathlib import Path

    from gpucloud.fleet.event import Event
    from gpucloud.fleet.order import Answer

_COLUMNS = ("HOST", "STATE", "CHANGES", "JOURNAL", "NEXT")
_BEGIN = "Reach the host"


def tell(event: Event) -> None:
    """Say what goes on."""
    match event:
        case Begins(host, task) if task.endswith(_BEGIN):
            say(f"{host}: begins")
        case Answered(host, answer) if words := _words(answer):
            say(f"{host}: {words}")
        case Noted(host, "service", value):
            say(f"{host}: nova-compute is {value}")
        case Noted(host, "restart", _):
            say(f"{host}: restarts")
        case Failed(host, _, why):
            say(f"{host}: {one_line(why)}")


def _words(answer: Answer) -> str:
    if answer.code:
        return ""
    count = f"{len(answer.changes)} change" + ("" if len(answer.changes) == 1 else "s")
    match answer.verb:
        case "plan":
            return f"{count} to make" if answer.changes else "nothing to change"
        case "apply":
            return f"{count} made and read back"
        case "verify":
            return "as planned"
        case "undo":
            return f"{count} taken back"
    return ""


def show_plans(results: Iterable[Result], shape: Shape) -> None:
    """Print the plan of each host that has one, equal ones once; beside JSON, to the user alone."""
    from gpucloud.prepare.plan import plan_lines
    from gpucloud.prepare.stored import parse_stored

    hosts: dict[tuple[str, ...], list[str]] = {}
    for result in results:
        if result.plan is not None:
            plan = parse_stored(result.plan.encode(), f"the plan of {result.host}").plan
            hosts.setdefault(tuple(plan_lines(plan)), []).append(one_line(result.host))
    for lines, names in hosts.items():
        print_beside((f"== {', '.join(names)}", *lines, ""), shape)


def show_left(results: Iterable[Result], shape: Shape) -> None:
    """Print what an earlier run has left, equal things once; beside JSON, to the user alone."""
    hosts: dict[str, list[str]] = {}
    for result in results:
        if result.stage is not Stage.PLANNED:
            due: tuple[str, ...] = ("restart it",) if result.waits_for_restart else ()
            due += ("enable its nova-compute",) if result.service == DISABLED else ()
            hosts.setdefault(" and ".join(due), []).append(one_line(result.host))
    for told, names in hosts.items():
        print_beside((f"== {', '.join(names)}", f"left by an earlier run: {told}", ""), shape)


def show_results(results: Sequence[Result], record: Path | None, shape: Shape) -> None:
    """Print how each host ended; ``record`` is what the run told, where it changed something."""
    if shape is Shape.JSON:
        print_json({"hosts": [_plain(result) for result in results], "record": record})
    else:
        table(_COLUMNS, [tuple(map(one_line, _row(result))) for result in results])
        if record is not None:
            say(f"all that was told: {record}")


def _plain(result: Result) -> dict[str, object]:
    last = next((answer for answer in reversed(result.answers) if answer.changes), None)
    return {
        "host": result.host,
        "state": result.stage,
        "changes": last.changes if last else (),
        "entry": result.entry,
        "waits_for_restart": result.waits_for_restart,
        "was_restarted": result.was_restarted,
        "nova_compute": result.service,
        "last": result.task,
        "code": result.code,
        "why": result.why or None,
        "wrong": [wrong for answer in result.answers for wrong in answer.wrong],
    }


def _row(result: Result) -> tuple[str, ...]:
    stage = "cut off" if result.stage is Stage.BEGUN else result.stage.value
    changes = str(result.changes) if result.changes else "-"
    return result.host, stage, changes, result.entry or "-", "; ".join(_next(result)) or "-"


def _next(result: Result) -> Iterable[str]:
    if result.why:
        yield result.why
    if result.stage is Stage.BEGUN:
        yield f"at: {result.task}; on the host: gpucloud undo --list, then apply --resume or undo"
    if result.waits_for_restart and not result.was_restarted and result.stage is not Stage.PLANNED:
        yield "acts until its next start" if result.stage is Stage.UNDONE else "acts from its next start on"
    if result.service is not None and result.service != "as before" and result.stage is not Stage.VERIFIED:
        yield f"nova-compute is {result.service}, until it is right and you bring it back"


def conclude(results: Sequence[Result], record: Path | None = None) -> None:
    """End as the worst host ended.

    Raises:
        Failure: a host failed, or was cut off.
    """
    bad = [result for result in results if result.code or result.stage is Stage.BEGUN]
    if not bad:
        return
    codes = {result.code for result in bad}
    worst = next(
        (code for code in (Exit.UNDO_FAILED, Exit.UNDONE, Exit.FINDINGS) if code in codes), Exit.ERROR
    )
    untouched = sum(result.stage is Stage.UNTOUCHED for result in results)
    rest = f", {untouched} not touched" if untouched else ""
    first = bad[0]
    why = first.why or f"it was cut off at: {first.task}"
    where = f"what was done on which host: {record}" if record else "put it right, then again"
    raise Failure(
        f"{len(bad)} of {len(results)} hosts failed{rest}: {first.host}: {one_line(why)}", where, code=worst
    )
