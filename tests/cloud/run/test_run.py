"""Commands in guests of a cloud: what they leave is told, and no guest is left, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cloud.here import FakeTime
from tests.cloud.openstack.flaky import FAULTS, Flaky
from tests.cloud.openstack.server_state import Made, ServersState, prints_report, servers_state

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud
from gpucloud.cloud.openstack.servers.record import end_metadata
from gpucloud.cloud.protocol import Patience
from gpucloud.cloud.run.result import Result
from gpucloud.cloud.run.run import run_in_guests
from gpucloud.cloud.run.several import Guests
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import GuestCommand, GuestSpec

COMMAND = GuestCommand(("nvidia-smi", "-L"), "0123456789abcdef" * 2)
SPEC = GuestSpec("one", 1, image="ubuntu", lifetime_s=3600, command=COMMAND)
TWO = (SPEC, replace(SPEC, name="two"))
HELLO = f"gpucloud-run {COMMAND.nonce} begin\ngpucloud-run {COMMAND.nonce} 0 aGVsbG8K\n"


def prints(code: int) -> object:
    return lambda server: f"{prints_report(server)}{HELLO}gpucloud-run {COMMAND.nonce} end 6 {code}\n"


def run_in(
    state: ServersState, specs: Iterable[GuestSpec] = TWO, script: Iterable[str] = ()
) -> dict[str, Result]:
    time, told = FakeTime(), dict[str, Result]()
    clock = Clock(time.now, time.since_boot, time.wait)
    cloud = OpenStackCloud(Flaky(state, script), clock=clock)
    run_in_guests(
        cloud,
        tuple(specs),
        Patience(60),
        lambda _: None,
        lambda guest, result: told.update({guest.name: result}),
    )
    return told


def left(state: ServersState) -> list[str]:
    return [server.name for server in state.made.values() if server.id != "s-0"]


def test_each_guest_tells_its_result_and_is_ended() -> None:
    state = servers_state()
    state.prints = prints(3)  # type: ignore[assignment]
    assert run_in(state) == dict.fromkeys(("one", "two"), Result(3, b"hello\n", 0))
    assert (left(state), state.free_gpus) == ([], 2)


def test_the_command_is_in_the_user_data() -> None:
    state = servers_state()
    state.prints = prints(0)  # type: ignore[assignment]
    sent: list[str] = []
    state.seen_user_data = sent.append
    run_in(state, [SPEC])
    assert '"nvidia-smi",\n   "-L"' in sent[0]
    assert COMMAND.nonce in sent[0]


def test_if_one_guest_cannot_be_had_there_is_none() -> None:
    state = servers_state()
    state.prints = prints(0)  # type: ignore[assignment]
    with pytest.raises(Failure, match="could not make guest three: No valid host was found"):
        run_in(state, (*TWO, replace(SPEC, name="three")))
    assert (left(state), state.free_gpus) == ([], 2)


def test_a_guest_that_ends_before_its_command_does_is_said_with_its_last_words() -> None:
    state = servers_state()
    state.prints = lambda server: prints_report(server) + HELLO + "[  9.9] Out of memory\n"
    state.becomes = ("ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF")
    with pytest.raises(Failure, match=r"guest one ended before its command did; .*Out of memory"):
        run_in(state, [SPEC])
    assert left(state) == []


def test_a_command_that_takes_too_long_is_ended() -> None:
    state = servers_state()
    state.prints = lambda server: prints_report(server) + HELLO
    with pytest.raises(Failure, match="the time of guest one is over, and its command still runs"):
        run_in(state, [SPEC])
    assert left(state) == []


def test_a_guest_that_was_given_more_time_is_waited_for() -> None:
    state, time = servers_state(), FakeTime()
    clock = Clock(time.now, time.since_boot, time.wait)
    ends = int(time.now()) + 7200

    def shows(server: Made) -> str:
        server.metadata.update(end_metadata(ends))  # as `gpucloud extend` from elsewhere
        done = f"gpucloud-run {COMMAND.nonce} end 6 0\n" if time.seconds > 5000 else ""
        return f"{prints_report(server)}{HELLO}{done}"

    state.prints = shows
    told: list[Result] = []
    cloud = OpenStackCloud(Flaky(state, ()), clock=clock)
    run_in_guests(cloud, [SPEC], Patience(60), lambda _: None, lambda _, result: told.append(result))
    assert told == [Result(0, b"hello\n", 0)]


@given(st.integers(0, 40), st.lists(st.sampled_from(FAULTS), max_size=12))
def test_whatever_the_cloud_does_no_guest_is_left_that_is_not_named(well: int, faults: list[str]) -> None:
    state = servers_state()
    state.prints = prints(0)  # type: ignore[assignment]
    try:
        told = run_in(state, TWO, ["ok"] * well + faults)
    except (Failure, KeyboardInterrupt) as error:
        named = str(error) if getattr(error, "code", None) is Exit.UNDO_FAILED else ""
        assert all(f"guest {name} " in named for name in left(state))
    else:
        assert len(told) == 2
        assert (left(state), state.free_gpus) == ([], 2)


def test_a_guest_that_cannot_be_ended_is_named() -> None:
    state = servers_state()
    state.prints = _ends_badly(state)  # type: ignore[assignment]
    with pytest.raises(Failure, match=r"guest one .* may still run") as caught:
        run_in(state, [SPEC])
    assert caught.value.code is Exit.UNDO_FAILED


def _ends_badly(state: ServersState) -> object:
    def printed(server: Made) -> str:
        state.faults = [("DELETE", "servers", 409)]
        return str(prints(0)(server))  # type: ignore[operator]

    return printed


def test_of_several_guests_a_taken_name_is_refused_before_any_is_made() -> None:
    state = servers_state()
    cloud = OpenStackCloud(Flaky(state, ()))
    cloud.launch(TWO[1], Patience(60), lambda _: None)
    with pytest.raises(Failure, match="there is a guest two already"):
        Guests(cloud, lambda _: None).launch(TWO, Patience(60))
    assert left(state) == ["two"]


@pytest.mark.parametrize(
    ("argv", "says"),
    [((), "no command"), (("a\0",), "null character"), (("x" * 9000,), "at most 8192 bytes")],
)
def test_what_no_cloud_can_carry_is_no_command(argv: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        GuestCommand(argv, COMMAND.nonce)


def test_a_guest_that_has_the_name_by_now_is_not_ended() -> None:
    state = servers_state()
    time = FakeTime()
    cloud = OpenStackCloud(Flaky(state, ()), clock=Clock(time.now, time.since_boot, time.wait))
    guests = Guests(cloud, lambda _: None)
    (mine,) = guests.launch((replace(SPEC, command=None),), Patience(60))
    guests.made = [replace(mine, id="an earlier one")]
    with guests:
        pass
    assert left(state) == ["one"]
    guests.made = [mine]
    with guests:
        pass
    assert left(state) == []
