"""``plan``, ``apply`` and ``verify`` with ``--hosts``, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fleet.fake_program import load
from tests.fleet.fleet import Fleet, Member
from tests.prepare.site import Site
from tests.prepare.test_slices import mediated

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit, Failure

UUID = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"


@pytest.fixture
def where(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The options that name the fleet; records of runs go into its folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(fleet.folder / "xdg"))
    return ("--hosts", "compute", "-i", str(fleet.inventory))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "--hosts", "all"), "it is not said what the hosts are to be"),
        (("plan", "-i", "multinode", "--unit", "3b:00.0"), "an inventory was given, and no hosts of it"),
        (("plan", "--hosts", "all", "--unit", "3b:00.0", "--name", "gpu01"), "--name is for one host"),
        (("plan", "--hosts", "all", "--unit", "3b:00.0", "--from", "x"), "--hosts and --from were given"),
        (("apply", "plan.json", "--hosts", "all"), "--hosts and a plan file were given"),
        (("apply", "--hosts", "all", "--unit", "3b:00.0", "--serial", "none"), "--serial is 'none'"),
        (
            ("apply", "--hosts", "all", "--unit", "3b:00.0", "--serial", "9" * 5000),
            "--serial is '9{20}'; give",
        ),
        (("apply", "--hosts", "all", "--unit", "3b:00.0", "--serial", "00"), "--serial is '00'"),
        (("apply", "--unit", "3b:00.0", "--restart"), "--restart is for many hosts, and --hosts was not"),
        (("apply", "--unit", "3b:00.0", "--serial", "3"), "--serial is for many hosts"),
        (("apply", "--unit", "3b:00.0", "--hosts", ""), "--hosts is empty"),
        (("verify", "--hosts", "all", "-i", ""), "-i is empty"),
        (("vgpu", "create", "T4-4Q", "--on", "x y", "--hosts", "all"), "x y"),
        (
            ("vgpu", "create", "T4-4Q", "--on", "3b:00.0", "--hosts", "all", "--uuid", UUID),
            "--hosts and --uuid were given",
        ),
        (("vgpu", "delete", UUID, "--hosts", "all", "--name", "gpu01"), "--hosts and --name were given"),
        (("vgpu", "delete", UUID, "-i", "multinode"), "an inventory was given, and no hosts of it"),
        (("vgpu", "licence", "apply", "--token", "a.tok", "--hosts", "all"), "a licence is a guest's, not a"),
        (("verify", "3", "--unit", "3b:00.0"), "--unit and a journal entry were given"),
        (("verify", "3", "--hosts", "all"), "--hosts and an entry of one host's journal were given"),
    ],
    ids=lambda value: " ".join(value)[:80] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_is_said_before_ansible_is_run(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Failure, match=said) as caught:
        call(words)
    assert caught.value.code is Exit.USAGE


@pytest.mark.proof
def test_equal_plans_are_shown_once_and_then_the_hosts(
    fleet: Fleet, where: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = [member.picture for member in fleet.members]
    assert call(("plan", "--unit", "3b:00.0", *where, "--check")) == Exit.PENDING
    assert [member.picture for member in fleet.members] == before
    out = capsys.readouterr().out
    assert out.startswith("== gpu01, gpu02\nplan for this host: give GPU 3b:00.0 to guests; 8 changes")
    assert out.count("8. bind 0000:3b:00.1 to vfio-pci") == 1
    assert (
        "HOST   STATE            CHANGES  JOURNAL  NEXT\ngpu01  changes pending  8        -        -\n" in out
    )


@pytest.mark.proof
def test_what_a_host_refuses_is_in_the_table_and_in_the_last_line(
    where: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failure, match="2 of 2 hosts failed: gpu01: there is nothing at"):
        call(("plan", "--unit", "99:00.0", *where))
    said = capsys.readouterr()
    assert said.out.count("there is nothing at 0000:99:00.0") == 2
    assert said.err == ""


@pytest.mark.proof
def test_an_inventory_that_is_not_there_is_named(tmp_path: Path) -> None:
    nope = str(tmp_path / "nope")
    with pytest.raises(Failure, match=f"there is no inventory {nope}") as caught:
        call(("plan", "--unit", "3b:00.0", "--hosts", "compute", "-i", nope))
    assert caught.value.code is Exit.USAGE


@pytest.mark.proof
def test_the_whole_way_in_json(
    fleet: Fleet, where: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    spec = ("--spec", str(fleet.spec))
    assert call(("apply", *spec, *where, "--restart", "--yes", "--format", "json")) == Exit.FINE
    said = capsys.readouterr()
    hosts = json.loads(said.out)["hosts"]
    assert [(host["host"], host["state"], host["entry"]) for host in hosts] == [
        ("gpu01", "as planned", "0001"),
        ("gpu02", "as planned", "0001"),
    ]
    assert hosts[0]["changes"][0]["path"]
    assert "gpu01: restarts\ngpu01: as planned\ngpu02: begins\n" in said.err
    record = Path(json.loads(said.out)["record"])
    assert record.stat().st_mode & 0o77 == 0 or record.parent.stat().st_mode & 0o77 == 0
    assert '"event": "answer"' in record.read_text()

    assert call(("verify", *where)) == Exit.FINE
    assert call(("plan", *spec, *where, "--check")) == Exit.FINE
    capsys.readouterr()
    grub = fleet.members[1].root / "etc/modules-load.d/gpucloud.conf"
    grub.write_text("# nothing\n")
    with pytest.raises(Failure, match="1 of 2 hosts failed: gpu02: not as planned") as caught:
        call(("verify", *where))
    assert caught.value.code is Exit.FINDINGS


def offer_slices(member: Member) -> None:
    """The host's card offers a mediated type; so it is a host as the other tests of slices have it."""
    mediated(Site(load(member.folder), member.folder / "state"))


@pytest.mark.proof
def test_one_more_slice_on_each_host_and_one_less_where_it_is(
    fleet: Fleet, where: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    for member in fleet.members:
        offer_slices(member)
    before = [member.picture for member in fleet.members]
    create = ("vgpu", "create", "nvidia-35", "--on", "3b:00.0", *where)
    assert call((*create, "--dry-run")) == Exit.FINE
    assert [member.picture for member in fleet.members] == before
    assert capsys.readouterr().out.count("make the mediated device") == 2
    assert call((*create, "--yes", "--format", "json")) == Exit.FINE
    hosts = json.loads(capsys.readouterr().out)["hosts"]
    assert [(host["state"], host["entry"]) for host in hosts] == [("as planned", "0001")] * 2
    first, second = (made(member) for member in fleet.members)
    assert (len(first), len(second)) == (1, 1)
    assert first != second
    with pytest.raises(Failure, match=f"1 of 2 hosts failed: gpu02: {first[0]} is no slice"):
        call(("vgpu", "delete", first[0], *where, "--yes"))
    assert made(fleet.members[0]) == first
    alone = ("--hosts", "gpu01", *where[2:])
    assert call(("vgpu", "delete", first[0], *alone, "--yes")) == Exit.FINE
    assert [made(member) for member in fleet.members] == [[], second]


def made(member: Member) -> list[str]:
    folder = member.root / "sys/bus/mdev/devices"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.proof
def test_nothing_is_changed_anywhere_while_a_host_refuses(
    fleet: Fleet, where: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (fleet.members[1].root / "sys/bus/pci/devices/0000:3b:00.0").unlink()
    with pytest.raises(Failure, match="1 of 2 hosts failed: gpu02: "):
        call(("apply", "--unit", "3b:00.0", *where, "--yes"))
    assert "changes pending" in capsys.readouterr().out
    assert [member.journal for member in fleet.members] == [[], []]
