"""Ctrl-C at every step of a launch or run: a guest that is left is one that its owner knows of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from dis import opname
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.cloud.builders import card, host
from tests.cloud.fake_hypervisor import FakeHypervisor, stays_silent
from tests.cloud.here import FakeTime, machine
from tests.cloud.openstack.flaky import Flaky
from tests.cloud.openstack.server_state import Made, ServersState, prints_report, servers_state

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud
from gpucloud.cloud.protocol import Cloud, Patience
from gpucloud.cloud.run.run import run_in_guests
from gpucloud.cloud.run.several import Guests
from gpucloud.model.failure import Failure
from gpucloud.model.guest import GuestCommand, GuestSpec

pytestmark = pytest.mark.proof

COMMAND = GuestCommand(("true",), "0123456789abcdef" * 2)
SPEC = GuestSpec("one", 1, image="ubuntu")
TWO = (SPEC, replace(SPEC, name="two"))
INTERRUPTED = ("several.py", "run.py", "undo.py", "launch.py")
"""The files in which an interrupt is tried everywhere: those that own guests, and hand them over."""
LOOKS = ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD")

Act = Callable[[Cloud], "Guests | None"]


@contextmanager
def interrupt_at(step: int) -> Iterator[list[int]]:
    """Raise Ctrl-C at one of the places in those files where the interpreter looks for signals, once.

    These are the begins of functions, and the ends of calls and of turns of loops (RESUME, CALL and
    JUMP_BACKWARD in CPython's bytecodes, which check its eval breaker). Gives how many there were.
    """
    steps, before = [0], dict[FrameType, int]()

    def look(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if Path(code.co_filename).name not in INTERRUPTED:
            return None
        frame.f_trace_opcodes = True
        looks = event == "call" or (event == "opcode" and opname[code.co_code[before.get(frame, 0)]] in LOOKS)
        before[frame] = frame.f_lasti
        steps[0] += looks
        if looks and steps[0] == step:
            raise KeyboardInterrupt  # which ends the tracing, too
        return look

    traced = sys.gettrace()
    sys.settrace(look)
    try:
        yield steps
    finally:
        sys.settrace(traced)


def launches(cloud: Cloud) -> Guests:
    guests = Guests(cloud, lambda _: None)
    with suppress(KeyboardInterrupt, Failure), guests, guests:
        guests.launch(TWO, Patience(60))
        guests.keep()
    return guests


def runs(cloud: Cloud) -> None:
    specs = [replace(spec, command=COMMAND) for spec in TWO]
    with suppress(KeyboardInterrupt, Failure):
        run_in_guests(cloud, specs, Patience(60), lambda _: None, lambda *_: None)


def _prints(server: Made) -> str:
    return f"{prints_report(server)}gpucloud-run {COMMAND.nonce} end 0 0\n"


def _names(state: ServersState) -> list[str]:
    return [server.name for server in state.made.values() if server.id != "s-0"]


@pytest.mark.parametrize("act", [launches, runs])
@pytest.mark.parametrize("free_gpus", [2, 1], ids=["all is well", "the second fails"])
def test_in_a_cloud_each_guest_that_is_left_is_known(act: Act, free_gpus: int) -> None:
    for step in count(1):
        state, time = servers_state(), FakeTime()
        state.prints, state.free_gpus, state.becomes, state.looks_to_go = _prints, free_gpus, ("ACTIVE",), 0
        clock = Clock(time.now, time.since_boot, time.wait)
        with interrupt_at(step) as steps:
            owned = act(OpenStackCloud(Flaky(state, ()), clock=clock))
        assert _names(state) == ([] if owned is None or not owned.is_kept else ["one", "two"]), step
        if steps[0] < step:
            return


@pytest.mark.parametrize("is_well", [True, False], ids=["all is well", "it fails"])
def test_here_each_guest_that_is_left_is_known(tmp_path: Path, *, is_well: bool) -> None:
    for step in count(1):
        hypervisor = FakeHypervisor(host(card("3b:00", group=1), card("5e:00", group=2)))
        hypervisor.behaviour = hypervisor.behaviour if is_well else stays_silent
        folder = tmp_path / str(step)
        folder.mkdir()
        here = machine(hypervisor, folder)
        with interrupt_at(step) as steps:
            owned = launches(here.cloud)
        names = [domain.name for domain in hypervisor.domains()]
        assert names == (["one", "two"] if owned.is_kept else []), step
        assert sorted(here.deadline.armed) == []
        assert bool(here.leftovers()) == owned.is_kept
        if steps[0] < step:
            assert owned.is_kept == is_well
            return
