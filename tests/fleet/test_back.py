"""What was applied on many hosts is taken back: shown first, a few at a time, the first failure stops it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.fleet.fake_cloud import FakeCloud
from tests.fleet.fleet import Fleet, stages
from tests.fleet.test_module import ansible
from tests.prepare.fake_host import BMC, card
from tests.prepare.site import Site, folder_in_memory, site_in

from gpucloud.cli.fleets.back import refuse_nameless
from gpucloud.cli.fleets.roll import can_begin
from gpucloud.cli.main import call
from gpucloud.cli.output import Shape
from gpucloud.fleet.entry import obey, serve
from gpucloud.fleet.order import Answer, Order, parse, render
from gpucloud.fleet.tally import Result, Stage
from gpucloud.model.failure import Exit, Failure

STANDING = Order("standing", (), None, "gpu01", None, is_forced=False, state="/")
UNDO = replace(STANDING, verb="undo")


@pytest.fixture
def site() -> Iterator[Site]:
    with folder_in_memory() as folder:
        yield site_in(folder, [*card(0x3B, 11), BMC])


def test_what_would_be_taken_back_is_told_the_other_way_round(site: Site) -> None:
    assert obey(STANDING, site.desk) == Answer("standing")
    site.apply("3b:00.0")
    before = site.picture()
    answer = obey(STANDING, site.desk)
    assert answer.entry == "0001"
    assert answer.changes[0].called == "bind 0000:3b:00.1 to vfio-pci"
    assert (answer.changes[0].before, answer.changes[0].after) == ("vfio-pci", None)
    assert not answer.waits_for_restart
    assert site.picture() == before


def test_it_is_taken_back_once(site: Site) -> None:
    before = site.picture()
    site.apply("3b:00.0")
    order = replace(UNDO, entry="1")
    said = io.BytesIO()
    assert serve(io.BytesIO(render(order)), said, lambda _: site.desk) == Exit.FINE
    answer = parse(Answer, said.getvalue(), "the host")
    assert (answer.has_changed, answer.entry, len(answer.changes)) == (True, "0001", 8)
    assert {path: text for path, text in site.picture().items() if path in before} == before
    assert obey(order, site.desk) == Answer("undo")
    assert obey(UNDO, site.desk) == Answer("undo")


def test_an_entry_that_is_not_there_is_said(site: Site) -> None:
    answer = obey(replace(UNDO, entry="7"), site.desk)
    assert answer.code == Exit.USAGE
    assert answer.what == "the journal has no entry '7'"


@pytest.mark.parametrize("entry", [None, "", "last", "0001\n", "--force", "\u0660\u0660\u0660\u0661"])
def test_a_host_that_names_no_entry_fails_and_is_not_passed_over(entry: str | None) -> None:
    due = Result("gpu01", Stage.PLANNED, entry=entry)
    failed = refuse_nameless(due)
    assert (failed.stage, failed.code) == (Stage.FAILED, Exit.ERROR)
    with pytest.raises(Failure, match="1 of 2 hosts failed: gpu01: its answer names no entry of its journal"):
        can_begin([failed, Result("gpu02", Stage.AS_WANTED)], [], Shape.TEXT)


@pytest.mark.parametrize(
    "result",
    [Result("gpu01", Stage.PLANNED, entry="0012"), Result("gpu02", Stage.AS_WANTED)],
    ids=lambda each: each.stage.value,
)
def test_a_host_that_names_its_entry_or_has_none_stays_as_it_is(result: Result) -> None:
    assert refuse_nameless(result) is result


# Through Ansible


@pytest.mark.proof
def test_hosts_are_given_back_one_after_the_other_and_a_second_time_nothing_is_done(fleet: Fleet) -> None:
    before = [member.drivers for member in fleet.members]
    fleet.run("rolling", fleet.wish())
    wish = fleet.wish(units=())
    assert stages(fleet.run("look", wish, verb="undone")) == {
        "gpu01": "changes pending",
        "gpu02": "changes pending",
    }
    assert [member.journal for member in fleet.members] == [["applied"], ["applied"]]
    fleet.lines.clear()
    results = fleet.run("rolling", wish, verb="undone")
    assert stages(results) == {"gpu01": "taken back", "gpu02": "taken back"}
    assert [member.drivers for member in fleet.members] == before
    lines = [json.loads(line) for line in fleet.lines]
    ends = max(n for n, line in enumerate(lines) if line.get("host") == "gpu01")
    begins = min(n for n, line in enumerate(lines) if line.get("host") == "gpu02")
    assert ends < begins
    again = fleet.run("rolling", wish, verb="undone")
    assert stages(again) == {"gpu01": "as wanted", "gpu02": "as wanted"}


@pytest.mark.proof
def test_a_host_that_has_started_with_it_is_restarted_out_of_the_cloud(fleet: Fleet) -> None:
    cloud = FakeCloud(fleet.folder / "cloud")
    cloud.make(("gpu01",))
    fleet.change("gpu01", gpucloud_nova_host="gpu01")
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", hosts="gpu01")
    fleet.run("rolling", wish, path=cloud.path)
    back = replace(wish, spec=None)
    (result,) = fleet.run("rolling", back, path=cloud.path, verb="undone")
    assert (result.stage.value, result.was_restarted, result.service) == ("taken back", True, "as before")
    assert fleet.members[0].restarts == 2
    assert fleet.members[0].journal == ["undone"]
    assert [words[1] for words in cloud.changes] == ["--disable", "--enable"] * 2


@pytest.mark.proof
def test_the_whole_way_as_it_is_typed(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(fleet.folder / "xdg"))
    where = ("--hosts", "compute", "-i", str(fleet.inventory))
    fleet.run("rolling", fleet.wish())
    with pytest.raises(Failure, match="nothing was changed: there is no terminal to ask on"):
        call(("undo", *where))
    out = capsys.readouterr().out
    assert out.startswith(
        "== gpu01, gpu02\ntake back journal entry 0001:\n1. bind 0000:3b:00.1 to vfio-pci\n"
    )
    first, second = fleet.members
    first.write_edit()
    with pytest.raises(Failure, match="1 of 2 hosts failed, 1 not touched: gpu01: somebody else has changed"):
        call(("undo", *where, "--yes"))
    assert [member.journal for member in (first, second)] == [["applied"], ["applied"]]
    capsys.readouterr()
    assert call(("undo", *where, "--yes", "--force", "--format", "json")) == Exit.FINE
    hosts = json.loads(capsys.readouterr().out)["hosts"]
    assert [(host["state"], host["entry"]) for host in hosts] == [("taken back", "0001")] * 2
    assert call(("undo", *where)) == Exit.FINE
    assert "as wanted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("undo", "3", "--hosts", "all"), "--hosts and an entry of one host's journal were given"),
        (("undo", "--list", "--hosts", "all"), "--hosts and --list were given"),
        (("undo", "-i", "multinode"), "an inventory was given, and no hosts of it"),
        (("undo", "--restart"), "--restart is for many hosts, and --hosts was not given; leave it out"),
        (("undo", "--yes"), "--yes is for many hosts"),
        (("undo", "--serial", "3"), "--serial is for many hosts"),
        (("undo", "3", "--list"), "--list and a journal entry were given"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_is_said(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Failure, match=said) as caught:
        call(words)
    assert caught.value.code is Exit.USAGE


PLAYBOOK = """\
- hosts: gpu01
  gather_facts: false
  tasks:
    - gpucloud.host.gpucloud: {spec: gpucloud.yaml, program: "{{ gpucloud_program }}"}
      register: gpus
    - gpucloud.host.gpucloud: &back
        state: undone
        entry: "{{ gpus.answer.entry }}"
        program: "{{ gpucloud_program }}"
      check_mode: true
      register: looked
    - gpucloud.host.gpucloud: *back
      register: first
    - gpucloud.host.gpucloud: *back
      register: second
    - ansible.builtin.copy:
        dest: "{{ results }}"
        content: "{{ [looked.changed, first.changed, second.changed, first.needs_restart] | to_json }}"
"""


@pytest.mark.proof
def test_the_module_takes_an_entry_back_once(fleet: Fleet) -> None:
    assert fleet.spec.exists()
    _, kept = ansible(fleet, PLAYBOOK)
    assert kept == [True, True, False, False]
    assert fleet.members[0].journal == ["undone"]
