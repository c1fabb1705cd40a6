"""A run that is stopped: asked once the hosts at work go to their end, asked twice it is broken off."""

from __future__ import annotations

import pytest
from tests.fleet.fleet import Fleet, stages

from gpucloud.fleet.event import Answered, Begins, Event, parse_event
from gpucloud.fleet.run import Runner, find_program
from gpucloud.fleet.tally import Result, Tally, count, tally

pytestmark = pytest.mark.proof


def stopped_at(fleet: Fleet, task: str, times: int) -> list[Result]:
    """Run, and ask to stop so many times when the first host begins with a task."""
    state: Tally = {}
    with Runner(find_program(), fleet.lines.append).run("rolling", fleet.wish()) as (events, stop):
        for event in events:
            state = count(state, event)
            if stop.times == 0 and isinstance(event, Begins) and event.task.endswith(task):
                for _ in range(times):
                    stop.ask()
    return list(state.values())


def test_asked_once_the_host_at_work_is_finished_and_the_next_is_not_begun(fleet: Fleet) -> None:
    results = stopped_at(fleet, "Plan", 1)
    assert stages(results) == {"gpu01": "as planned", "gpu02": "untouched"}
    assert [member.journal for member in fleet.members] == [["applied"], []]


def test_asked_twice_it_is_broken_off_and_said_where(fleet: Fleet) -> None:
    results = stopped_at(fleet, "Plan", 2)
    assert stages(results) == {"gpu01": "begun", "gpu02": "untouched"}
    assert results[0].task == "Plan"
    assert fleet.members[1].journal == []


def test_the_record_alone_tells_the_same(fleet: Fleet) -> None:
    results = stopped_at(fleet, "Plan", 1)
    events: list[Event] = [event for line in fleet.lines if (event := parse_event(line))]
    assert list(tally(events).values()) == results
    assert any(isinstance(event, Answered) for event in events)
