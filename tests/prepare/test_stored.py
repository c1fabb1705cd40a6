"""Plans in files: read back as they were written, and anything else is refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.change import (
    BindDriver,
    DetachConsole,
    LoadModule,
    ReleaseFramebuffer,
    SetDriverOverride,
    UnbindDriver,
)
from gpucloud.model.failure import Failure
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Fact, Plan, Refusal, Step
from gpucloud.prepare.stored import _hash, parse_stored, render_stored

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_ .:()é", min_size=1, max_size=20).filter(str.strip)
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,15}", fullmatch=True)
ADDRESSES = st.builds(
    PciAddress, st.integers(0, 0xFFFFFFFF), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7)
)
CHANGES = st.one_of(
    st.builds(LoadModule, NAMES, st.lists(NAMES, max_size=3).map(tuple), st.just((7, 19))),
    st.builds(DetachConsole, NAMES, NAMES),
    st.builds(ReleaseFramebuffer, NAMES, NAMES),
    st.builds(SetDriverOverride, ADDRESSES, st.none() | NAMES, st.none() | NAMES),
    st.builds(UnbindDriver, ADDRESSES, NAMES, st.none() | NAMES),
    st.builds(BindDriver, ADDRESSES, NAMES),
)
PLANS = st.builds(
    Plan,
    host=WORDS,
    units=st.lists(ADDRESSES, max_size=3).map(tuple),
    is_forced=st.booleans(),
    facts=st.lists(st.builds(Fact, WORDS, WORDS), max_size=4).map(tuple),
    steps=st.lists(st.builds(Step, CHANGES, WORDS, ADDRESSES), max_size=6).map(tuple),
    refusals=st.lists(st.builds(Refusal, ADDRESSES, WORDS, WORDS, WORDS), max_size=2).map(tuple),
)

PLAN = Plan(
    host="this host",
    units=(PciAddress(0, 0x3B, 0, 0),),
    is_forced=False,
    facts=(Fact("driver", "nvidia"),),
    steps=(
        Step(
            UnbindDriver(address=PciAddress(0, 0x3B, 0, 0), driver="nvidia", override=None),
            "why",
            PciAddress(0, 0x3B, 0, 0),
        ),
    ),
)

Edit = Callable[[dict[str, Any]], Any]


@given(PLANS, st.none() | WORDS)
def test_a_plan_reads_back_as_it_was_written(plan: Plan, boot: str | None) -> None:
    stored = parse_stored(render_stored(plan, boot), "plan.json")
    assert (stored.plan, stored.boot) == (plan, boot)


def edited(edit: Edit, *, is_sealed: bool) -> bytes:
    """The plan's file, changed by hand; sealed with a fingerprint that fits or not."""
    fields = json.loads(render_stored(PLAN))
    edit(fields)
    if is_sealed:
        fields["fingerprint"] = _hash(fields["plan"])
    return json.dumps(fields).encode()


def step(fields: dict[str, Any]) -> dict[str, Any]:
    change: dict[str, Any] = fields["plan"]["steps"][0]["change"]
    return change


def test_a_plan_that_was_edited_is_refused() -> None:
    data = edited(lambda fields: step(fields).update(driver="nvme"), is_sealed=False)
    with pytest.raises(Failure, match=r"plan\.json was changed since it was written; make the plan anew"):
        parse_stored(data, "plan.json")


def test_a_plan_of_an_earlier_release_lacks_what_has_a_default() -> None:
    data = edited(lambda fields: fields["plan"].pop("wanted"), is_sealed=True)
    assert parse_stored(data, "plan.json").plan == PLAN


HOSTILE: dict[str, Edit] = {
    "another kind of change": lambda fields: step(fields).update(kind="write-file"),
    "no kind": lambda fields: step(fields).pop("kind"),
    "a kind that is no text": lambda fields: step(fields).update(kind=["bind-driver"]),
    "one more key": lambda fields: step(fields).update(command="rm"),
    "one more key above": lambda fields: fields["plan"].update(hook="x"),
    "a missing key": lambda fields: step(fields).pop("driver"),
    "a number for a name": lambda fields: step(fields).update(driver=5),
    "a path for a name": lambda fields: step(fields).update(driver="../../../etc"),
    "a folder for a name": lambda fields: step(fields).update(driver=".."),
    "nothing for a name": lambda fields: step(fields).update(driver=""),
    "a newline in a name": lambda fields: step(fields).update(driver="nvidia\nvfio-pci"),
    "an escape code in a reason": lambda fields: fields["plan"]["steps"][0].update(because="\x1b]0;x\x07"),
    "an address that is none": lambda fields: step(fields).update(address="3b:00.0"),
    "an address that is a number": lambda fields: step(fields).update(address=7),
    "text for a list": lambda fields: fields["plan"].update(steps="none"),
    "text for a truth": lambda fields: fields["plan"].update(is_forced="yes"),
    "another format": lambda fields: fields.update(format=2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_plan_is_refused(name: str) -> None:
    with pytest.raises(Failure, match=r"plan\.json is not a plan that gpucloud wrote"):
        parse_stored(edited(HOSTILE[name], is_sealed=True), "plan.json")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b'"text"', b"\xff\xfe", b"[" * 200000, b'{"format": 1}', b'{"a":' * 90000],
)
def test_a_file_that_is_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(Failure, match="is not a plan that gpucloud wrote"):
        parse_stored(data, "plan.json")


@given(st.binary(max_size=300))
def test_no_file_breaks_it(data: bytes) -> None:
    with pytest.raises(Failure):
        parse_stored(data, "plan.json")
