"""Servers for tests that ask a real kernel: one that tests share and leave as it was, or one of their own."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from tests.kinds import check_kinds

from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab

for name, examples in (("check", 40), ("thorough", 600)):
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
# `./run check` looks at few examples every time, `./run test-lab` at many.
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "check"))


def pytest_configure() -> None:
    """Let Ctrl-C be heard, also by what tests start: what a shell runs in its background ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before any is left out by its marks."""
    check_kinds(items)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A laboratory with the user's images, which are built once, and servers of its own."""
    return Lab(state=tmp_path_factory.mktemp("lab"), progress=logging.getLogger("lab").info)


@pytest.fixture(scope="session")
def card_audio(lab: Lab) -> Iterator[LabHost]:
    """A booted server with one card; whoever changes it puts it back."""
    with lab.up("card-audio", "test-card-audio") as host:
        yield host


@pytest.fixture
def server(lab: Lab) -> Iterator[Callable[[str], LabHost]]:
    """Brings up a server of a topology for one test, which may do with it what it wants."""
    with ExitStack() as stack:

        def up(topology: str) -> LabHost:
            return stack.enter_context(lab.up(topology, f"test-own-{topology}"))

        yield up
