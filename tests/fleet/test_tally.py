"""What a run tells into where each host stands."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gpucloud.fleet.event import Answered, Begins, Event, Failed, Hosts, Noted, parse_event
from gpucloud.fleet.order import Answer, Shown
from gpucloud.fleet.tally import Result, Stage, tally
from gpucloud.model.change import Content
from gpucloud.model.failure import Exit
from gpucloud.model.plain import to_plain

CHANGE = Shown(Content("bind it"), Content("so"), Content("/sys/x"), None, Content("y"))
PLANNED = Answer("plan", changes=(CHANGE,), plan=Content("{}"))
APPLIED = Answer("apply", changes=(CHANGE,), has_changed=True, entry="0001")
UNDONE = Answer("apply", Exit.UNDONE, Content("it failed"), Content("look"), entry="0001")


def after(*events: Event) -> Result:
    return tally([Hosts(("a", "b")), *events])["a"]


def test_hosts_stand_in_their_order_and_untouched_at_first() -> None:
    assert list(tally([Hosts(("b", "a"))]).items()) == [("b", Result("b")), ("a", Result("a"))]


def test_a_host_that_is_cut_off_says_at_what() -> None:
    result = after(Answered("a", PLANNED), Begins("a", "Apply"))
    assert (result.stage, result.task) == (Stage.BEGUN, "Apply")


def test_a_host_in_the_middle_of_its_restart_is_at_no_end() -> None:
    result = after(Answered("a", Answer("plan")), Noted("a", "restart", "begun"))
    assert result.stage is Stage.BEGUN
    assert result.was_restarted


def test_a_host_that_failed_stays_so_whatever_comes_after() -> None:
    result = after(
        Answered("a", PLANNED),
        Answered("a", UNDONE),
        Failed("a", "Apply", "the task says less", is_unreachable=False),
        Noted("a", "service", "as before"),
    )
    assert result.stage is Stage.FAILED
    assert (result.code, result.why, result.entry) == (Exit.UNDONE, "it failed; look", "0001")
    assert result.service == "as before"


def test_one_that_cannot_be_reached_is_said_to_be() -> None:
    result = after(Failed("a", "Apply", "timed out", is_unreachable=True))
    assert (result.code, result.why) == (Exit.ERROR, "it cannot be reached: timed out")


def test_what_is_verified_without_a_restart_still_waits_for_it() -> None:
    waiting = Answer("apply", changes=(CHANGE,), has_changed=True, entry="1", waits_for_restart=True)
    done = Answered("a", Answer("verify"))
    assert after(Answered("a", waiting), done).waits_for_restart
    assert not after(Answered("a", waiting), Noted("a", "restart", "begun"), done).waits_for_restart


def test_the_next_play_keeps_what_is_known_of_a_host() -> None:
    assert tally([Hosts(("a",)), Answered("a", APPLIED), Hosts(("a",))])["a"].entry == "0001"


def test_an_answer_of_another_gpucloud_is_a_failure_of_its_host() -> None:
    event = parse_event('{"event": "answer", "host": "a", "answer": {"verb": "dance"}}')
    assert isinstance(event, Failed)
    assert "it runs another gpucloud" in event.why


def test_an_answer_is_read_back() -> None:
    line = json.dumps({"event": "answer", "at_s": 1.0, "host": "a", "answer": to_plain(APPLIED)})
    assert parse_event(line) == Answered("a", APPLIED)


@given(st.text() | st.text().map(lambda text: '{"event": ' + text))
def test_whatever_ansible_prints_beside_is_passed_over(line: str) -> None:
    assert parse_event(line) is None


@given(
    st.sampled_from(["hosts", "begins", "answer", "note", "failed"]),
    st.dictionaries(st.text(), st.integers()),
)
def test_no_event_ends_the_run(name: str, fields: dict[str, int]) -> None:
    parse_event(json.dumps({"event": name, **fields}))
