"""A cloud's own time is in its answers; where it is not, this machine's is taken, and that is said."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.here import FakeTime

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.openstack.time import CloudTime, clock_of

HERE = FakeTime()


@given(st.integers(0, 2**33), st.floats(0, 1e6))
def test_time_goes_on_from_what_the_last_answer_said(said: int, later_s: float) -> None:
    here = FakeTime()
    there = CloudTime(here.since_boot)
    there.hear("Sun, 06 Nov 1994 08:49:37 GMT")
    here.wait(5)
    there.hear(format_datetime(datetime.fromtimestamp(said, UTC), usegmt=True))
    here.wait(later_s)
    assert there.now() == pytest.approx(said + later_s)


@pytest.mark.parametrize(
    "date", [None, "", "soon", "Sun, 99 Nov 1994 08:49:37 GMT", "1 Jan 99999999 0:0:0 GMT"]
)
def test_what_is_no_date_says_nothing(date: str | None) -> None:
    there = CloudTime(HERE.since_boot)
    there.hear(date)
    assert there.now() is None


@given(st.text(max_size=60))
def test_whatever_comes_as_a_date_breaks_nothing(date: str) -> None:
    CloudTime(HERE.since_boot).hear(date)


def test_where_the_cloud_says_no_time_this_machines_is_taken_and_that_is_said_once() -> None:
    here, said = FakeTime(), list[str]()
    clock = clock_of(CloudTime(here.since_boot), Clock(here.now, here.since_boot, here.wait), said.append)
    assert clock.now() == here.now()
    here.wait(1)
    assert clock.now() == here.now()
    (line,) = said
    assert "no Date" in line
