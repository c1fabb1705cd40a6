"""Runs on a host: one order is read, done at the host's own desk, and answered in one line.

What it has begun it does to its end, also where nobody waits for the answer any more: the journal has it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, assert_never

from gpucloud.fleet.back import show_back, take_back
from gpucloud.fleet.order import LIMIT, Answer, Order, Seen, Shown, Wrong, failed, parse, render
from gpucloud.inventory.guests import running_guests
from gpucloud.model.change import Content, RunTool
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.gpu import GpuUnit
from gpucloud.model.plan import Layout, Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.desk import Desk, conclude, open_desk
from gpucloud.prepare.journal import Status
from gpucloud.prepare.kernel import read_boot
from gpucloud.prepare.layout.plan import look, place_named, with_one, without
from gpucloud.prepare.layout.shared import type_names_in
from gpucloud.prepare.plan.calling import call_change
from gpucloud.prepare.steps import preview
from gpucloud.prepare.stored import parse_stored, render_stored
from gpucloud.prepare.takeback import Outcome, Watch
from gpucloud.spec import parse_spec

_SHOWN_GUESTS = 5


def serve(orders: BinaryIO, answers: BinaryIO, open_desk_at: Callable[[Path], Desk]) -> int:
    """Read one order and answer it; gives the exit code."""
    order = parse(Order, orders.read(LIMIT + 1), "the order")
    answer = obey(order, open_desk_at(Path(order.state)))
    with contextlib.suppress(BrokenPipeError):  # whoever asked is gone; what was done is in the journal
        answers.write(render(answer))
        answers.flush()
    return answer.code


def obey(order: Order, desk: Desk) -> Answer:
    """Do what is ordered; an error is an answer, too."""
    try:
        return _obey(order, desk)
    except Failure as failure:
        return failed(order.verb, failure)


def _obey(order: Order, desk: Desk) -> Answer:
    match order.verb:
        case "plan":
            return _answer_plan(desk, _plan(order, desk))
        case "apply":
            return _apply(order, desk)
        case "verify":
            wrong = tuple(
                Wrong(Content(each.path), Content(each.expected), Content(each.seen))
                for each in (desk.verify_units(order.units) if order.units else desk.verify(None))
            )
            return _not_as_planned(wrong) if wrong else Answer("verify", units=_units(desk))
        case "standing":
            return show_back(order, desk)
        case "undo":
            return take_back(order, desk, _tell)
        case "idle":
            return _idle(desk)
        case _:
            assert_never(order.verb)


def _plan(order: Order, desk: Desk) -> Plan:
    """What was shown, or what the wishes come to now."""
    if order.plan is not None:
        return parse_stored(order.plan.encode(), "the plan that was sent").plan
    if order.create or order.delete:
        return desk.plan_cut(_one_slice(order, desk))
    if order.layout:
        return desk.plan_cut(Layout(order.layout, order.host_name, smi=order.smi))
    if order.spec is not None:
        spec = parse_spec(order.spec, "the spec that was sent")
        return desk.plan_start(spec, order.host_name, force=order.is_forced)
    return desk.plan(order.units, force=order.is_forced)


def _one_slice(order: Order, desk: Desk) -> Layout:
    """What the host's card is cut into now, and one more, or less."""
    offers = look(desk.read_host(), desk.system, order.smi, type_names_in(desk.journal))
    if order.delete:
        line, gone = without(offers, order.delete)
        return Layout((line,), order.host_name, gone=gone, smi=order.smi)
    line = with_one(offers, place_named(order.card), order.create)
    return Layout((line,), order.host_name, smi=order.smi)


def _answer_plan(desk: Desk, plan: Plan) -> Answer:
    refusal = plan.refusals[0] if plan.refusals else None
    return Answer(
        "plan",
        code=Exit.ERROR if refusal else Exit.FINE,
        what=Content(f"refused: {refusal.why}" if refusal else ""),
        then=Content(refusal.instead if refusal else ""),
        plan=Content(render_stored(plan).decode()),
        changes=_changes(plan),
        waits_for_restart=plan.needs_reboot or _is_armed(desk),
        units=_units(desk),
    )


def _apply(order: Order, desk: Desk) -> Answer:
    plan = _plan(order, desk)
    if plan.refusals:
        return failed("apply", Failure(f"refused: {plan.refusals[0].why}", plan.refusals[0].instead))
    outcome = desk.apply(plan, Watch(_tell))
    if outcome is None:
        return Answer("apply", waits_for_restart=_is_armed(desk), units=_units(desk))
    failure = _conclude(outcome)
    return Answer(
        "apply",
        code=failure.code if failure else Exit.FINE,
        what=Content(failure.what if failure else ""),
        then=Content(failure.then if failure else ""),
        changes=_changes(plan),
        has_changed=failure is None or bool(outcome.left),
        waits_for_restart=_is_armed(desk),
        entry=outcome.entry,
        left=tuple(map(Content, outcome.left)),
        kept=tuple(map(Content, outcome.kept)),
        units=_units(desk),
    )


def _conclude(outcome: Outcome) -> Failure | None:
    try:
        conclude(outcome)
    except Failure as failure:
        return failure
    return None


def _not_as_planned(wrong: tuple[Wrong, ...]) -> Answer:
    first = wrong[0]
    more = f" (and {len(wrong) - 1} more)" if wrong[1:] else ""
    what = f"not as planned: {first.path} should be {first.expected} and is {first.seen}{more}"
    return Answer(
        "verify", Exit.FINDINGS, Content(what), Content("on the host: gpucloud verify"), wrong=wrong
    )


def _idle(desk: Desk) -> Answer:
    guests = running_guests(desk.system)
    if isinstance(guests, Unknown):
        raise Failure(f"whether guests run cannot be seen: {guests.why}", "read it as root")
    if guests:
        named = ", ".join(guests[:_SHOWN_GUESTS]) + (" and more" if guests[_SHOWN_GUESTS:] else "")
        refused = failed("idle", Failure(f"guests run here: {named}", "move or stop them, then again"))
        return Answer("idle", refused.code, refused.what, refused.then, guests=tuple(map(Content, guests)))
    return Answer("idle")


def _is_armed(desk: Desk) -> bool:
    """Claims that something applied in this very start still waits for the next."""
    boot = read_boot(desk.system)
    for entry in desk.journal.entries():
        stored, progress = entry.read_whole()
        is_waiting = progress.status is Status.APPLIED and not progress.is_confirmed
        if is_waiting and stored.plan.needs_reboot and stored.boot == boot:
            return True
    return False


_NEWS = Shown(
    Content("have cards cut otherwise at every start"),
    Content("the spec says so; now, without a restart: gpucloud boot"),
    Content("cards that are cut"),
    None,
    None,
)


def _changes(plan: Plan) -> tuple[Shown, ...]:
    """What is done, in order; what only undo does is no change."""
    steps = (
        step for step in plan.steps if not isinstance(step.change, RunTool) or step.change.when == "apply"
    )
    shown = ((step, preview(step.change)) for step in steps)
    news = (_NEWS,) if plan.is_news and not plan.steps else ()
    return news + tuple(
        Shown(
            Content(call_change(step.change)),
            Content(step.because),
            Content(seen.path),
            None if seen.before is None else Content(seen.before),
            None if seen.after is None else Content(seen.after),
        )
        for step, seen in shown
    )


def _units(desk: Desk) -> tuple[Seen, ...]:
    return tuple(_seen(unit) for unit in desk.read_host().units)


def _seen(unit: GpuUnit) -> Seen:
    drivers = (function.driver for function in unit.functions)
    return Seen(
        str(unit.address),
        Content(unit.primary.name),
        tuple(map(str, unit.addresses)),
        tuple(Content(driver if isinstance(driver, str) else "") for driver in drivers),
        unit.groups,
    )


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: the work goes on
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - whoever runs this reads it


def main() -> int:
    """Answer the order on standard input with this host's desk."""
    try:
        return serve(sys.stdin.buffer, sys.stdout.buffer, open_desk)
    except Failure as failure:
        sys.stdout.buffer.write(render(failed("plan", failure)))
        return failure.code
