"""A run that failed on the way is repeated: in the end it is as after one that went through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fleet.fake_cloud import FakeCloud
from tests.fleet.fleet import RESTART, Fleet, stages
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import site_of

from gpucloud.cli.fleets.roll import is_due
from gpucloud.cli.fleets.show import show_left
from gpucloud.cli.main import call
from gpucloud.cli.output import Shape
from gpucloud.fleet.entry import obey
from gpucloud.fleet.order import Answer, Order
from gpucloud.fleet.tally import DISABLED, Result, Stage
from gpucloud.fleet.wish import Wish
from gpucloud.model.failure import Exit, Failure
from gpucloud.prepare.apply import apply

OURS = "gpucloud: it is restarted"
LATE, NEVER = (str(Path(__file__).with_name(f"restart_{name}.yml")) for name in ("late", "never"))


@pytest.fixture
def cloud(fleet: Fleet) -> FakeCloud:
    fleet.change("gpu01", gpucloud_nova_host="gpu01")
    cloud = FakeCloud(fleet.folder / "cloud")
    cloud.make(("gpu01", "gpu02"))
    return cloud


# What a host tells of what was taken back


def start_anew(site: Site, boot: str) -> None:
    (site.root / "proc/sys/kernel/random/boot_id").write_text(f"{boot}\n")


def test_a_host_runs_with_what_was_taken_back_until_its_next_start(tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, "debian-12")
    standing = Order("standing", (), None, "gpu01", None, is_forced=False, state="/")
    assert apply(plan, site.system, site.journal).failure is None
    start_anew(site, "second")
    assert obey(standing, site.desk).entry == "0001"
    site.desk.undo("last", force=False)
    assert obey(standing, site.desk) == Answer("standing", waits_for_restart=True)
    assert obey(replace(standing, entry="none"), site.desk) == Answer("standing", waits_for_restart=True)
    assert obey(replace(standing, verb="undo", entry="none"), site.desk).waits_for_restart
    start_anew(site, "third")
    assert obey(standing, site.desk) == Answer("standing")


def test_what_is_taken_back_before_any_start_had_it_needs_none(tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, "debian-12")
    assert apply(plan, site.system, site.journal).failure is None
    site.desk.undo("last", force=False)
    order = Order("standing", (), None, "gpu01", None, is_forced=False, state="/")
    assert obey(order, site.desk) == Answer("standing")


def test_to_take_nothing_back_leaves_what_stands(tmp_path: Path) -> None:
    site, plan = site_of(tmp_path, "debian-12")
    apply(plan, site.system, site.journal)
    order = Order("undo", (), None, "gpu01", None, is_forced=False, state="/", entry="none")
    assert not obey(order, site.desk).has_changed
    assert site.journal.entry("1").read_progress().status.value == "applied"


@pytest.mark.parametrize(
    ("result", "is_restarting", "is_wanted"),
    [
        (Result("a", Stage.AS_WANTED), True, False),
        (Result("a", Stage.AS_WANTED, service=DISABLED), True, True),
        (Result("a", Stage.UNDONE, waits_for_restart=True), True, True),
        (Result("a", Stage.UNDONE, waits_for_restart=True), False, False),
    ],
)
def test_what_an_earlier_run_has_left_is_due(result: Result, is_restarting: bool, is_wanted: bool) -> None:
    assert is_due(result, Wish((), "all", is_restarting=is_restarting)) is is_wanted


def test_what_is_left_is_said_once_for_equal_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    left = [Result(name, Stage.AS_WANTED, service=DISABLED) for name in ("a", "b")]
    both = Result("c", Stage.UNDONE, waits_for_restart=True, service=DISABLED)
    show_left([*left, both, Result("d", Stage.PLANNED)], Shape.TEXT)
    assert capsys.readouterr().out == (
        "== a, b\nleft by an earlier run: enable its nova-compute\n\n"
        "== c\nleft by an earlier run: restart it and enable its nova-compute\n\n"
    )


# Through Ansible


def typed(fleet: Fleet, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, words: Sequence[str]) -> None:
    """Type it, with the fake cloud's command on PATH."""
    monkeypatch.setenv("XDG_STATE_HOME", str(fleet.folder / "xdg"))
    monkeypatch.setenv("PATH", cloud.path)
    where = ("--hosts", "gpu01", "-i", str(fleet.inventory), "--restart", "--os-cloud", "lab", "--yes")
    assert call((*words, *where)) == Exit.FINE


@pytest.mark.proof
def test_a_host_that_came_back_late_is_verified_and_serves_again(
    fleet: Fleet, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    apply_it, undo_it = ("apply", "--spec", str(fleet.spec)), ("undo",)
    for words, told in ((apply_it, "as planned"), (undo_it, "taken back")):
        fleet.change("gpu01", gpucloud_restart_tasks=LATE)
        with pytest.raises(Failure, match="the host was not back in time"):
            typed(fleet, cloud, monkeypatch, words)
        assert cloud.status("gpu01") == ("disabled", OURS)
        capsys.readouterr()
        fleet.change("gpu01", gpucloud_restart_tasks=str(RESTART))
        restarts = fleet.members[0].restarts
        typed(fleet, cloud, monkeypatch, words)
        said = capsys.readouterr().out
        assert "left by an earlier run: enable its nova-compute" in said
        assert told in said
        assert cloud.status("gpu01") == ("enabled", None)
        assert fleet.members[0].restarts == restarts, "it has started already"


@pytest.mark.proof
def test_a_host_that_did_not_go_down_is_restarted_by_the_next_run(
    fleet: Fleet, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(fleet, cloud, monkeypatch, ("apply", "--spec", str(fleet.spec)))
    fleet.change("gpu01", gpucloud_restart_tasks=NEVER)
    with pytest.raises(Failure, match="the host did not go down"):
        typed(fleet, cloud, monkeypatch, ("undo",))
    assert fleet.members[0].journal == ["undone"]
    assert cloud.status("gpu01") == ("disabled", OURS)
    fleet.change("gpu01", gpucloud_restart_tasks=str(RESTART))
    typed(fleet, cloud, monkeypatch, ("undo",))
    assert fleet.members[0].restarts == 2
    assert cloud.status("gpu01") == ("enabled", None)


@pytest.mark.proof
def test_what_an_administrator_disabled_stays_so_and_a_guest_keeps_what_was_left_out(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", hosts="gpu01")
    cloud.disable("gpu01", "bad fan")
    (looked,) = fleet.run("look", wish, path=cloud.path)
    assert looked.service is None
    cloud.disable("gpu01", OURS)
    (looked,) = fleet.run("look", wish, path=cloud.path)
    assert (looked.stage, looked.service) == (Stage.PLANNED, DISABLED)
    fleet.members[0].add_guest("instance-0000002a")
    (result,) = fleet.run("rolling", wish, path=cloud.path)
    assert stages([result]) == {"gpu01": "failed"}
    assert cloud.status("gpu01") == ("disabled", OURS), "whoever left it so did not see it right"


@pytest.mark.proof
def test_a_cloud_that_does_not_answer_is_said_before_anything_is_changed(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="other")
    results = fleet.run("look", wish, path=cloud.path)
    assert all("the cloud other does not say which hosts take instances" in each.why for each in results)
