"""A lock that somebody else's stuck driver holds keeps nobody here waiting for ever."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.prepare.site import Site

from gpucloud.inventory.folder import read_unfollowed
from gpucloud.inventory.live import patient
from gpucloud.model.change import SetDriverOverride
from gpucloud.model.failure import Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.desk import Desk
from gpucloud.prepare.steps.override import do_override
from gpucloud.prepare.steps.seen import StepError
from gpucloud.prepare.system import LiveSystem

pytestmark = pytest.mark.proof

CARD = PciAddress.parse("0000:3b:00.0")
OVERRIDE = f"/sys/bus/pci/devices/{CARD}/driver_override"


@pytest.fixture
def locked(site: Site, tmp_path: Path) -> Iterator[LiveSystem]:
    """The host, where a read of a card's override waits for the lock of its device."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    def read(path: str) -> bytes:
        if path.endswith(f"{CARD}/driver_override"):
            gate.open("wb").close()
        return read_unfollowed(path)

    kernel = site.kernel
    yield LiveSystem(
        site.root,
        settle_s=0,
        effect=kernel.store,
        run=kernel.run,
        read_files=patient(site.root, 0.2, read=read),
    )
    os.close(os.open(gate, os.O_RDONLY | os.O_NONBLOCK))  # those who were left behind go on


def test_what_is_behind_the_lock_is_unknown_and_the_rest_is_read(locked: LiveSystem) -> None:
    answer = locked.read_text(OVERRIDE)
    assert isinstance(answer, Unknown)
    assert OVERRIDE in answer.why
    assert locked.read_text(OVERRIDE.replace("3b:00", "3c:00")) == "(null)\n"


def test_a_step_that_cannot_look_says_so(locked: LiveSystem) -> None:
    with pytest.raises(StepError, match="cannot look at the host"):
        do_override(SetDriverOverride(address=CARD, before=None, after="vfio-pci"), locked)


def test_apply_ends_and_says_why(site: Site, locked: LiveSystem) -> None:
    desk = Desk(site.host, locked, site.journal)
    outcome = desk.apply(site.plan("3b:00.0"))
    assert outcome is not None
    assert "cannot look at the host" in str(outcome.failure)


def test_verify_says_what_is_not_known(site: Site, locked: LiveSystem) -> None:
    site.apply("3b:00.0")
    mismatches = Desk(site.host, locked, site.journal).verify(None)
    assert [each.path for each in mismatches] == [OVERRIDE]
    assert mismatches[0].seen.startswith("unknown")


def test_undo_touches_nothing_that_it_cannot_look_at(site: Site, locked: LiveSystem) -> None:
    site.apply("3b:00.0")
    before = site.picture()
    with pytest.raises(Failure, match=f"{OVERRIDE}; nothing was touched"):
        Desk(site.host, locked, site.journal).undo("last", force=False)
    assert site.picture() == before
