"""The four verbs as they are typed: what they print, and the exit codes that they promise."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.prepare.doom import dies
from tests.prepare.fake_host import build, card, drivers_of
from tests.prepare.fake_kernel import Module
from tests.prepare.site import Site

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit, Failure
from gpucloud.prepare.desk import Desk


class Said:
    """What a command printed and how it ended."""

    def __init__(self, code: int, out: str, err: str, failure: str) -> None:
        self.code, self.out, self.err, self.failure = code, out, err, failure

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Type = Callable[..., Said]


@pytest.fixture
def type_(site: Site, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type a command; the desk that it works at is the fake host's."""

    def type_words(*words: str, desk: Desk | None = None) -> Said:
        code, failure = 0, ""
        try:
            code = call(words, desk or site.desk)
        except Failure as error:
            code, failure = error.code, str(error)
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err, failure)

    return type_words


def test_a_plan_is_shown_and_nothing_is_changed(site: Site, type_: Type) -> None:
    before = site.picture()
    said = type_("plan", "--unit", "3b:00.0")
    assert said.code == Exit.FINE
    assert "unbind 0000:3b:00.0 from nvidia" in said.out
    assert site.picture() == before
    assert not site.state.exists()


def test_check_says_by_its_code_whether_something_would_change(site: Site, type_: Type) -> None:
    assert type_("plan", "--unit", "3b:00.0", "--check").code == Exit.PENDING
    site.apply("3b:00.0")
    said = type_("plan", "--unit", "3b:00.0", "--check")
    assert (said.code, said.out) == (
        Exit.FINE,
        "nothing to do: GPU 3b:00.0 is ready for guests on this host\n",
    )


def test_a_plan_as_json_is_what_output_writes(type_: Type, tmp_path: Path) -> None:
    said = type_("plan", "--unit", "3b:00.0", "--format", "json", "--output", str(tmp_path / "plan.json"))
    assert said.json == json.loads((tmp_path / "plan.json").read_text())
    assert said.json["plan"]["steps"][0]["change"]["kind"] == "load-module"


def test_a_refused_plan_is_shown_and_not_written(site: Site, type_: Type, tmp_path: Path) -> None:
    said = type_("plan", "--unit", "02:00.0", "--output", str(tmp_path / "plan.json"))
    assert said.code == Exit.ERROR
    assert "refused (last-console)" in said.out
    assert "--force" in said.failure
    assert not (tmp_path / "plan.json").exists()


def test_a_refused_plan_is_shown_as_json_too(type_: Type) -> None:
    said = type_("plan", "--unit", "02:00.0", "--format", "json")
    assert (said.code, said.json["plan"]["refusals"][0]["cause"]) == (Exit.ERROR, "last-console")
    assert said.failure.startswith("refused: ")


def test_a_plan_of_a_capture_says_whose_it_is_where_it_is_applied_elsewhere(
    site: Site, type_: Type, tmp_path: Path
) -> None:
    build(tmp_path / "other", card(0x5E, 9))
    file = str(tmp_path / "plan.json")
    assert type_("plan", "--unit", "5e:00.0", "--from", str(tmp_path / "other"), "-o", file).code == Exit.FINE
    said = type_("apply", file)
    assert said.code == Exit.USAGE
    assert said.failure.startswith(
        f"there is nothing at 0000:5e:00.0 on this host (the plan was made for {tmp_path / 'other'}); "
    )
    assert not site.journal.entries()


def test_who_may_not_read_the_journal_is_told_once_what_stops_the_plan(site: Site, type_: Type) -> None:
    site.state.mkdir()
    (site.state / "journal").write_text("no folder")
    assert "the journal cannot be read" in type_("plan", "--unit", "3b:00.0").err
    refused = type_("plan", "--unit", "02:00.0")
    assert refused.err == ""
    assert "--force" in refused.failure


def test_a_capture_can_be_planned_for(site: Site, type_: Type) -> None:
    said = type_("plan", "--unit", "3b:00.0", "--from", str(site.root), "--check")
    assert said.code == Exit.PENDING
    assert f"plan for {site.root}" in said.out


def test_plan_apply_verify_undo_as_the_readme_has_it(site: Site, type_: Type, tmp_path: Path) -> None:
    before = site.picture()
    file = str(tmp_path / "plan.json")
    planned = type_("plan", "--unit", "3b:00.0", "--output", file)
    assert (planned.code, planned.err) == (Exit.FINE, f"{file} is written; now: gpucloud apply {file}\n")
    done = type_("apply", file)
    assert done.code == Exit.FINE
    assert done.out == "done and read back: journal entry 0001; back with: gpucloud undo 0001\n"
    assert "step 8 of 8: bind 0000:3b:00.1 to vfio-pci" in done.err
    assert type_("verify").out == "the host is as planned\n"
    assert type_("apply", file).out == "nothing to do: every GPU of the plan is ready for guests\n"
    assert type_("undo", "last").out == "journal entry 0001 is taken back: the host is as before\n"
    assert site.picture() == before


def test_apply_of_a_named_card_shows_the_plan_first(type_: Type) -> None:
    said = type_("apply", "--unit", "3b:00.0", "--yes")
    assert said.code == Exit.FINE
    assert said.out.index("unbind 0000:3b:00.0") < said.out.index("done and read back")


def test_what_apply_and_undo_did_is_told_to_programs(type_: Type) -> None:
    applied = type_("apply", "--unit", "3b:00.0", "--yes", "--format", "json")
    assert applied.json == {"entry": "0001", "failure": None, "left": [], "kept": []}
    assert "unbind 0000:3b:00.0 from nvidia" in applied.err
    again = type_("apply", "--unit", "3b:00.0", "--yes", "--format", "json")
    assert again.json == {"entry": None, "failure": None, "left": [], "kept": []}
    undone = type_("undo", "--format", "json")
    assert (undone.code, undone.json["entry"]) == (Exit.FINE, "0001")


def test_a_failed_change_is_told_to_programs_too(site: Site, type_: Type) -> None:
    site.kernel.probe_errors["vfio-pci", "0000:3b:00.0"] = errno.EIO
    said = type_("apply", "--unit", "3b:00.0", "--yes", "--format", "json")
    assert said.code == Exit.UNDONE
    assert said.json["failure"].startswith("bind 0000:3b:00.0 to vfio-pci")
    assert said.json["left"] == []


def test_without_a_terminal_and_without_yes_nothing_is_done(site: Site, type_: Type) -> None:
    before = site.picture()
    said = type_("apply", "--unit", "3b:00.0")
    assert said.code == Exit.ERROR
    assert "no terminal to ask on" in said.failure
    assert "--yes" in said.failure
    assert site.picture() == before


@pytest.mark.parametrize("words", [(), ("plan.json", "--unit", "3b:00.0"), ("--resume", "--unit", "3b:00.0")])
def test_apply_takes_one_thing(type_: Type, words: tuple[str, ...]) -> None:
    assert type_("apply", *words).code == Exit.USAGE


def test_a_plan_file_that_is_not_there_is_one_line(type_: Type, tmp_path: Path) -> None:
    said = type_("apply", str(tmp_path / "nowhere.json"))
    assert "No such file or directory; make a plan" in said.failure


def test_a_plan_file_without_end_is_not_read(type_: Type, tmp_path: Path) -> None:
    with (tmp_path / "endless.json").open("wb") as file:
        file.truncate(1 << 40)
    assert "longer than any plan" in type_("apply", str(tmp_path / "endless.json")).failure


def test_a_plan_that_cannot_be_written_is_one_line(type_: Type, tmp_path: Path) -> None:
    said = type_("plan", "--unit", "3b:00.0", "--output", str(tmp_path / "no" / "plan.json"))
    assert said.code == Exit.USAGE
    assert "cannot write" in said.failure


def test_a_failed_change_is_undone_and_says_so_by_its_code(site: Site, type_: Type) -> None:
    before = site.picture()
    site.kernel.probe_errors["vfio-pci", "0000:3b:00.0"] = errno.EIO
    said = type_("apply", "--unit", "3b:00.0", "--yes")
    assert said.code == Exit.UNDONE
    assert "everything was taken back and the host is as before" in said.failure
    assert site.picture() == before


def test_a_failed_undo_says_all_that_is_left(site: Site, type_: Type) -> None:
    site.kernel.probe_errors["vfio-pci", "0000:3b:00.0"] = errno.EIO
    site.kernel.probe_errors["snd_hda_intel", "0000:3b:00.1"] = errno.EIO
    said = type_("apply", "--unit", "3b:00.0", "--yes")
    assert said.code == Exit.UNDO_FAILED
    assert "2 of its changes could not be taken back: unbind 0000:3b:00.1" in said.failure
    assert "gpucloud undo 0001" in said.failure


def test_an_interrupt_takes_everything_back(site: Site, type_: Type) -> None:
    before, handler = site.picture(), signal.getsignal(signal.SIGINT)
    site.kernel.blocked["nvidia", "0000:3b:00.0"] = lambda: os.kill(os.getpid(), signal.SIGINT)
    said = type_("apply", "--unit", "3b:00.0", "--yes")
    assert said.code == Exit.UNDONE
    assert "interrupted; everything was taken back" in said.failure
    assert site.picture() == before
    assert signal.getsignal(signal.SIGINT) == handler


def test_what_was_cut_off_is_announced_and_carried_on_with(site: Site, type_: Type) -> None:
    assert dies(site, 40, lambda doomed: doomed.apply("3b:00.0"))
    assert "entry 0001 is unfinished: gpucloud apply --resume" in type_("plan", "--unit", "3c:00.0").err
    assert "unfinished" in type_("apply", "--unit", "3c:00.0", "--yes").failure
    assert type_("apply", "--resume").code == Exit.FINE
    assert drivers_of(site.root)["0000:3b:00.1"] == "vfio-pci"


def test_what_was_cut_off_is_what_undo_takes_first(site: Site, type_: Type) -> None:
    before = site.picture()
    site.apply("3c:00.0")
    with_one = site.picture()
    assert dies(site, 40, lambda doomed: doomed.apply("3b:00.0"))
    assert "entry 0002" in type_("undo").out
    assert site.picture() == with_one
    assert "entry 0001" in type_("undo").out
    assert site.picture() == before


def test_undo_says_what_does_not_come_back(site: Site, type_: Type) -> None:
    site.kernel.modules["other_vfio_pci"] = Module(needs=("vfio_pci_core",))
    site.apply("3b:00.0")
    site.kernel.load("other_vfio_pci")
    said = type_("undo")
    assert said.code == Exit.FINE
    assert said.out.endswith("the host is as before but for what is named above\n")
    assert "vfio_pci_core stays: it is in use (1)" in said.err


def test_verify_says_by_its_code_that_something_is_not_as_planned(site: Site, type_: Type) -> None:
    said = type_("verify", "--unit", "3b:00.0", "--format", "json")
    assert said.code == Exit.FINDINGS
    assert {"path": "/sys/module/vfio_pci", "expected": "loaded", "seen": "(none)"} in said.json
    assert "planned  vfio-pci\n  is       (none)" in type_("verify", "--unit", "3b:00.0").out


def test_the_journal_is_listed(site: Site, type_: Type) -> None:
    assert type_("undo", "--list").out == "the journal is empty\n"
    site.apply("3b:00.0")
    (row,) = type_("undo", "--list", "--format", "json").json
    assert (row["id"], row["status"], row["units"]) == ("0001", "applied", ["3b:00.0"])
    assert "applied" in type_("undo", "--list").out


def test_a_hostile_device_name_cannot_drive_the_terminal(site: Site, type_: Type) -> None:
    (site.root / "proc/812/fd").mkdir(parents=True)
    (site.root / "proc/812/comm").write_text("\x1b]0;owned\x07\n")
    (site.root / "proc/812/fd/3").symlink_to("/dev/fb0")
    (site.root / "sys/devices/pci0000:00/0000:3b:00.0/graphics/fb0").mkdir(parents=True)
    assert "\x1b" not in type_("plan", "--unit", "3b:00.0").out
