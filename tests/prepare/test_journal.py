"""What the journal says after any sequence of events, torn lines and damage."""

from __future__ import annotations

import errno
import json
import os
import resource
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.site import Site

from gpucloud.model.failure import Failure
from gpucloud.prepare.journal import Event, Journal, Kind, Progress, Status
from gpucloud.prepare.journal.disk import RealDisk
from gpucloud.prepare.journal.log import fold, parse_log, render_event
from gpucloud.prepare.listing import list_entries

STEPS = st.integers(0, 30)
_WHOLE = (Kind.RESUMED, Kind.DONE, Kind.CONFIRMED, Kind.WRONG, Kind.UNDONE)
"""Events that tell of the whole plan, not of a step."""
EVENTS = st.builds(
    Event,
    st.floats(0, 4e9).map(lambda at: round(at, 3)),
    st.sampled_from([kind for kind in Kind if kind not in _WHOLE]),
    STEPS,
    st.none() | st.text(max_size=40),
    st.none() | st.just("4711 123"),
) | st.builds(Event, st.just(1.0), st.sampled_from(_WHOLE), boot=st.none() | st.text(max_size=40))


def told(*words: str) -> Progress:
    """What events come to, each written as ``doing 3``."""
    events = []
    for word in words:
        kind, _, step = word.partition(" ")
        events.append(Event(1.0, Kind(kind), int(step) if step else None))
    return fold(events)


@given(st.lists(EVENTS, max_size=12))
def test_a_log_reads_back_as_it_was_written(events: list[Event]) -> None:
    assert list(parse_log(b"".join(map(render_event, events)))) == events


@given(st.lists(EVENTS, min_size=1, max_size=5), st.data())
def test_a_torn_last_line_says_nothing(events: list[Event], data: st.DataObject) -> None:
    log = b"".join(map(render_event, events))
    last = len(render_event(events[-1]))
    torn = log[: -data.draw(st.integers(1, last - 1))]
    assert list(parse_log(torn)) == events[:-1]


@given(st.lists(EVENTS, max_size=30))
def test_any_sequence_of_events_comes_to_something(events: list[Event]) -> None:
    progress = fold(events)
    assert set(progress.kept) <= set(progress.present) | set(progress.kept)
    assert progress.next_step >= 0


@given(st.binary(max_size=200))
def test_garbage_is_damage_and_nothing_else(garbage: bytes) -> None:
    with pytest.raises(Failure, match="damaged"):
        parse_log(b"x" + garbage + b"\n")


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "[]",
        "null",
        '{"at_s": 1, "kind": "doing"}',
        '{"at_s": 1, "kind": "doing", "step": -1}',
        '{"at_s": 1, "kind": "doing", "step": true}',
        '{"at_s": 1, "kind": "done", "step": 1}',
        '{"at_s": "now", "kind": "done"}',
        '{"at_s": 1, "kind": "sung", "step": 1}',
        '{"at_s": 1, "kind": "doing", "step": 1, "more": 1}',
        '{"at_s": 1, "kind": "doing", "step": 1, "why": 5}',
        "[" * 100000,
    ],
)
def test_a_line_that_is_no_event_is_damage(line: str) -> None:
    with pytest.raises(Failure, match="damaged"):
        parse_log(line.encode() + b"\n")


def test_the_last_step_begun_may_have_happened() -> None:
    assert told("doing 0", "doing 1") == Progress(Status.APPLYING, (0, 1))
    assert told("doing 0", "doing 1").next_step == 1


def test_a_step_is_taken_back_once_the_next_event_says_so() -> None:
    assert told("doing 0", "doing 1", "done", "undoing 1").present == (0, 1)
    assert told("doing 0", "doing 1", "done", "undoing 1", "undoing 0").present == (0,)
    assert told("doing 0", "doing 1", "done", "undoing 1", "undoing 0", "undone") == Progress(
        Status.UNDONE, ()
    )


def test_what_was_left_stays_to_be_taken_back() -> None:
    progress = told("doing 0", "doing 1", "failed 1", "undoing 1", "left 1", "undoing 0", "undone")
    assert progress == Progress(Status.LEFT, (1,))
    assert progress.status.is_unfinished
    assert (
        told("doing 0", "failed 0", "undoing 0", "left 0", "undone", "undoing 0", "undone").status
        == Status.UNDONE
    )


def test_a_step_that_is_left_without_a_try_does_not_hide_the_one_before_it() -> None:
    assert told("doing 0", "doing 1", "doing 2", "failed 2", "undoing 2", "left 1", "undone").present == (
        0,
        1,
    )


def test_what_was_kept_is_no_hindrance_and_remembered() -> None:
    assert told("doing 0", "done", "undoing 0", "kept 0", "undone") == Progress(Status.UNDONE, (0,), (0,))


def test_nothing_yet_is_begun() -> None:
    assert told() == Progress(Status.BEGUN, ())
    assert Status.BEGUN.can_go_on


def test_entries_count_up_and_are_for_root_alone(site: Site) -> None:
    site.apply("3b:00.0")
    site.apply("3c:00.0")
    assert [entry.id for entry in site.journal.entries()] == ["0001", "0002"]
    assert (site.state / "journal").stat().st_mode & 0o777 == 0o700
    assert (site.state / "journal/0001/log").stat().st_mode & 0o777 == 0o600
    assert (site.state / "journal/0001/plan.json").stat().st_mode & 0o777 == 0o600


def test_what_was_being_made_when_the_power_went_is_cleared_away(site: Site) -> None:
    (site.state / "journal/new-0001").mkdir(parents=True)
    (site.state / "journal/new-0001/plan.json").write_text("{")
    assert site.journal.entries() == ()
    site.apply("3b:00.0")
    assert [path.name for path in (site.state / "journal").iterdir()] == ["0001"]


def test_a_damaged_entry_is_named_in_the_list_and_stops_changes(site: Site) -> None:
    site.apply("3b:00.0")
    log = site.state / "journal/0001/log"
    log.write_bytes(b"damage\n" + log.read_bytes())
    assert list_entries(site.journal)[0].status.startswith("damaged: ")
    with pytest.raises(Failure, match=r"entry 0001: line 1 .*damaged.*move this folder away"):
        site.apply("3c:00.0")


def test_a_log_of_another_plan_is_damage(site: Site) -> None:
    site.apply("3b:00.0")
    site.journal.entry("1").note(Kind.DOING, 99)
    with pytest.raises(Failure, match="its log does not belong to its plan"):
        site.desk.undo("1", force=True)


def test_the_list_tells_what_happened(site: Site) -> None:
    site.apply("3b:00.0")
    site.desk.undo("last", force=False)
    (row,) = list_entries(site.journal)
    assert (row.status, row.units, row.steps) == ("undone", ("3b:00.0",), 8)
    assert row.at.startswith("1970-01-01T00:00:")


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_done(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = site.picture()
    desk = Site(site.kernel, tmp_path / "file" / "state").desk
    with pytest.raises(Failure, match="journal cannot be"):
        desk.apply(site.plan("3b:00.0"))
    assert site.picture() == before


def test_where_nothing_was_ever_applied_no_folder_is_made_to_find_that_out(site: Site) -> None:
    for nothing in (site.desk.resume, site.desk.confirm, lambda: site.desk.undo("last", force=False)):
        with pytest.raises(Failure, match="see gpucloud undo --list"):
            nothing()
    assert [site.desk.turn_back(), site.desk.keep(), site.desk.look_at_start()] == [None, None, None]
    assert not site.state.exists()


def test_a_lock_that_is_something_else_is_one_line(site: Site) -> None:
    site.state.mkdir()
    (site.state / "lock").symlink_to("/etc/passwd")
    with pytest.raises(Failure, match="the journal cannot be written"):
        site.apply("3b:00.0")


@pytest.mark.parametrize("state", ["/dev/null", "/dev/null/below"])
def test_root_is_asked_for_only_where_somebody_else_may_not(state: str) -> None:
    journal = Journal(Path(state), lambda: 0.0)
    for use in (journal.entries, journal.lock):
        with pytest.raises(Failure, match=r"cannot be (read|written): (Not a dir|File exists)") as caught:
            use()
        assert caught.value.then == "look at it, or name another folder with --state"


def test_an_entry_of_any_number_of_digits_is_one_that_is_not_there(site: Site) -> None:
    site.apply("3b:00.0")
    assert site.journal.entry("1").id == site.journal.entry("00001").id == "0001"
    with pytest.raises(Failure, match=r"the journal has no entry '9{20}'"):
        site.journal.entry("9" * 5000)


def test_a_full_disk_is_said_before_anything_is_done(site: Site) -> None:
    class NoRoom(RealDisk):
        def create(self, path: Path, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    before = site.picture()
    with pytest.raises(Failure, match="the journal cannot be written: No space left on device"):
        Site(site.kernel, site.state, NoRoom()).apply("3b:00.0")
    assert site.picture() == before
    assert site.journal.entries() == ()


def test_a_full_disk_does_not_keep_the_way_back_locked(site: Site) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    site.state.mkdir()
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (0, hard)
    )  # every file that grows is refused, as on a full disk
    try:
        with site.journal.lock():
            assert (site.state / "lock").read_text() == ""
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_start_waits_for_another_run_to_end(site: Site) -> None:
    first = site.journal.lock()
    first.__enter__()
    ended = threading.Timer(0.5, first.__exit__, (None, None, None))
    ended.start()
    with site.journal.lock(patience_s=60):
        assert ended.finished.is_set()


def test_who_has_the_lock_for_too_long_is_named(site: Site) -> None:
    with (
        site.journal.lock(),
        pytest.raises(Failure, match=rf"process {os.getpid()}"),
        site.journal.lock(patience_s=0.3),
    ):
        raise AssertionError


def test_the_log_is_one_json_object_per_line(site: Site) -> None:
    site.apply("3b:00.0")
    lines = (site.state / "journal/0001/log").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["doing"] * 8 + ["done"]


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert Journal(tmp_path / "nowhere", lambda: 0.0).entries() == ()
