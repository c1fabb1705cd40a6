"""Guests on the command line: wrong words are usage errors before anything is asked of the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.cloud.builders import card, host
from tests.cloud.fake_cloud import FakeCloud

from gpucloud.cli.main import run
from gpucloud.cloud.protocol import Patience
from gpucloud.cloud.show import COLUMNS, row_of, text_of
from gpucloud.model.failure import Exit
from gpucloud.model.guest import Guest, GuestSpec, GuestState


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--name", "Not_A_Name"], "'Not_A_Name' is no name for a guest"),
        (["--memory", "4"], "'4' is no amount of memory: write 512M, 4G or 1T"),
        (["--for", "soon"], "'soon' is no time: write 90s, 20m, 2h or 1d12h"),
        (["--timeout", "5"], "'5' is no time"),
        (["--name", ""], "'' is no name for a guest"),
        (["--vgpu", "T4 4Q"], "'T4 4Q' is neither the UUID of a mediated device nor the id of a type"),
        (
            ["--vgpu", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", "--count", "2"],
            "a mediated device is one guest's; name its type, or leave --count out",
        ),
        (["--screen"], "the screen of a guest is that of its first vGPU, and it has none"),
        (
            ["--vgpu", "1145"],
            (
                "--vgpu 1145: a type that is a number is no mediated device, but a virtual function's; "
                "give --unit ADDRESS of one: gpucloud vgpu list"
            ),
        ),
        (["--vgpu", "mtty-1", "--cloud", "far"], "a guest of a cloud has the vGPUs of its flavor"),
        (
            ["--gpus", "2", "--unit", "3b:00.0", "--unit", "0000:3b:00.0"],
            "1 units are named, but 2 GPUs are asked for",
        ),
    ],
)
def test_wrong_words_are_a_usage_error(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["launch", *words]) == Exit.USAGE
    told = capsys.readouterr().err
    assert told.startswith(f"gpucloud: {says}")
    assert told.count("\n") == 1


@pytest.mark.parametrize("verb", ["attach", "detach"])
def test_a_slice_is_named_by_uuid_or_type(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["vgpu", verb, "desk", "../T4"]) == Exit.USAGE
    assert "'../T4' is neither" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["launch", "list", "show", "console", "destroy", "extend", "reap"])
def test_every_verb_of_guests_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == Exit.FINE
    assert "Examples" in capsys.readouterr().out


@pytest.fixture
def guest() -> Guest:
    spec = GuestSpec("train", 1, lifetime_s=60, memory_mib=4096)
    return FakeCloud(host(card("3b:00"))).launch(spec, Patience(), lambda _: None)


def test_a_guest_is_one_row_of_the_table(guest: Guest) -> None:
    row = dict(zip(COLUMNS, row_of(guest), strict=True))
    assert row | {"ENDS": ""} == {
        "NAME": "train",
        "STATE": "running",
        "GPUS": "0000:3b:00.0",
        "CPUS": "1",
        "MEMORY": "4G",
        "ENDS": "",
    }
    assert row["ENDS"].startswith("1970-01-0")


def test_a_guest_shows_what_its_own_kernel_sees(guest: Guest) -> None:
    lines = text_of(guest).splitlines()
    assert lines[0] == "guest train"
    assert lines[-2:] == ["    3b:00.0  10de:1db4  class 0300", "    3b:00.1  10de:10f2  class 0403"]


def test_a_guest_shows_its_mediated_devices(guest: Guest) -> None:
    uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
    with_one = replace(guest, vgpus=(uuid,))
    assert f"vgpus    {uuid}" in text_of(with_one)
    assert row_of(with_one)[COLUMNS.index("GPUS")] == f"0000:3b:00.0\n{uuid}"


def test_a_guest_that_was_kept_says_why_it_failed(guest: Guest) -> None:
    failed = replace(guest, state=GuestState.FAILED, failure="it did not report", seen=None)
    assert "state    failed: it did not report" in text_of(failed)
