"""Hosts that have to be restarted: out of the cloud first, and back when they are as planned.

The restart is imitated (``restart.yml``), and so is the cloud (``fake_cloud``); what is between them is real.
They take a minute of Ansible's time, so they are part of ``./run test`` and not of every check.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from tests.fleet.fake_cloud import FakeCloud
from tests.fleet.fleet import Fleet, stages

from gpucloud.fleet.run import find_program
from gpucloud.prepare.boot.own.unit import NOVA_COMPUTE

pytestmark = pytest.mark.proof

HOSTS = ("gpu01", "gpu02")
OURS = "gpucloud: it is restarted"


@pytest.fixture
def cloud(fleet: Fleet) -> FakeCloud:
    """A cloud that has both hosts by their names in the inventory."""
    for member in fleet.members:
        fleet.change(member.name, gpucloud_nova_host=member.name)
    cloud = FakeCloud(fleet.folder / "cloud")
    cloud.make(HOSTS)
    return cloud


def test_each_host_leaves_the_cloud_restarts_and_comes_back_when_it_is_as_planned(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab")
    results = fleet.run("rolling", wish, path=cloud.path)
    assert stages(results) == {"gpu01": "as planned", "gpu02": "as planned"}
    assert [member.restarts for member in fleet.members] == [1, 1]
    assert all(result.was_restarted and not result.waits_for_restart for result in results)
    off, on = ("--disable", "--disable-reason", OURS), ("--enable",)
    assert cloud.changes == [
        ["set", *words, host, "nova-compute"] for host in HOSTS for words in (off, on)
    ], "the second leaves when the first is back"


def test_a_guest_keeps_its_host_from_a_restart_and_nothing_is_changed(fleet: Fleet, cloud: FakeCloud) -> None:
    first, second = fleet.members
    first.add_guest("instance-0000002a")
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab")
    results = fleet.run("rolling", wish, path=cloud.path)
    assert stages(results) == {"gpu01": "failed", "gpu02": "untouched"}
    assert results[0].why == "guests run here: instance-0000002a; move or stop them, then again"
    assert first.journal == []
    assert first.restarts == second.restarts == 0
    assert cloud.status("gpu01") == ("enabled", None), "it is as it was, so it serves as it did"
    assert results[0].service == "as before"


def test_a_guest_that_is_started_while_the_host_is_changed_keeps_it_from_its_restart(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    """The owner of a stopped instance may start it on a host whose nova-compute takes no new ones."""
    fleet.members[0].add_guest("instance-0000002a", later=True)
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", hosts="gpu01")
    (result,) = fleet.run("rolling", wish, path=cloud.path)
    assert result.why == "guests run here: instance-0000002a; move or stop them, then again"
    assert (fleet.members[0].journal, fleet.members[0].restarts) == (["applied"], 0)
    assert cloud.status("gpu01") == ("disabled", OURS), "it waits for its restart"


@pytest.mark.slow
def test_an_instance_that_the_cloud_knows_keeps_its_host_from_a_restart(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    servers = [{"Name": "web", "Status": "MIGRATING"}, {"Name": "old", "Status": "SHUTOFF"}]
    cloud.make_servers("gpu01", servers)
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", hosts="gpu01")
    (result,) = fleet.run("rolling", wish, path=cloud.path)
    assert "instances are active here: web;" in result.why
    assert cloud.status("gpu01") == ("enabled", None)


def test_a_start_that_goes_wrong_leaves_the_host_out_of_the_cloud_and_stops_the_rest(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    first, second = fleet.members
    (first.folder / "broken").touch()
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab")
    results = fleet.run("rolling", wish, path=cloud.path)
    assert stages(results) == {"gpu01": "failed", "gpu02": "untouched"}
    assert first.journal == ["undone"], "gpucloud-boot took it back"
    assert cloud.status("gpu01") == ("disabled", OURS)
    assert results[0].service == "disabled in the cloud"
    assert second.restarts == 0


@pytest.mark.slow
def test_a_host_that_does_not_come_back_stops_the_rest_when_its_batch_has_ended(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    third = fleet.add("gpu03")
    fleet.change("gpu01", gpucloud_restart_tasks=str(Path(__file__).with_name("restart_lost.yml")))
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", serial="2")
    results = fleet.run("rolling", wish, path=cloud.path)
    assert stages(results) == {"gpu01": "failed", "gpu02": "as planned", "gpu03": "untouched"}
    assert results[0].why.startswith("it cannot be reached: ")
    assert cloud.status("gpu01") == ("disabled", OURS)
    assert cloud.status("gpu02") == ("enabled", None)
    assert third.journal == []


@pytest.mark.slow
def test_a_host_that_an_administrator_has_disabled_stays_so(fleet: Fleet, cloud: FakeCloud) -> None:
    cloud.disable("gpu01", "bad fan")
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", hosts="gpu01")
    (result,) = fleet.run("rolling", wish, path=cloud.path)
    assert result.stage.value == "as planned"
    assert cloud.status("gpu01") == ("disabled", "bad fan")


SYSTEMCTL = """\
#!/bin/sh
echo "$@" >>"{calls}"
for asked; do
    [ "$1/$asked" != list-units/kolla-nova_compute-container.service ] || echo "$asked loaded active"
done
[ "$1" != is-system-running ] || echo running
"""
"""Stands for systemd on a host of Kolla's, and notes each call."""


@pytest.mark.slow
def test_without_a_cloud_nova_compute_is_stopped_and_started_on_the_host(fleet: Fleet) -> None:
    folder, calls = fleet.folder / "programs", fleet.folder / "calls"
    folder.mkdir()
    (folder / "systemctl").write_text(SYSTEMCTL.format(calls=calls))
    (folder / "systemctl").chmod(0o755)
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, hosts="gpu01")
    (result,) = fleet.run("rolling", wish, path=f"{folder}:{os.environ['PATH']}")
    assert result.stage.value == "as planned"
    assert result.service == "as before"
    unit = "kolla-nova_compute-container.service"
    said = calls.read_text().splitlines()
    assert [line for line in said if not line.startswith("list-units")] == [
        f"stop {unit}",
        "is-system-running",
        f"start {unit}",
    ]


SUDO = """#!/bin/sh
echo "$@" >> {log}
exit 1
"""
"""Stands for sudo: notes who asks for it, and gives it to nobody."""


@pytest.mark.slow
def test_the_cloud_is_asked_as_oneself_whatever_the_inventory_says_of_becoming_root(
    fleet: Fleet, cloud: FakeCloud
) -> None:
    """A variable for all hosts goes before the keyword, also on this machine, which has the clouds.yaml."""
    log = fleet.folder / "sudo.log"
    (cloud.folder / "sudo").write_text(SUDO.format(log=log))
    (cloud.folder / "sudo").chmod(0o755)
    (fleet.folder / "group_vars").mkdir()
    (fleet.folder / "group_vars/all.yml").write_text("ansible_become: true\n")
    for member in fleet.members:
        fleet.change(member.name, ansible_become=False)
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", hosts="gpu01")
    (result,) = fleet.run("rolling", wish, path=cloud.path)
    assert result.stage.value == "as planned", result.why
    assert not log.exists()
    assert cloud.changes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "more", "service"),
    [
        ("edpm_nova_compute.service", (), "as before"),
        ("own-nova.service", ("own-nova.service",), "as before"),
        ("own-nova.service", (), "not found here"),
    ],
)
def test_without_a_cloud_every_known_unit_is_looked_for_and_none_is_said(
    unit: str, more: tuple[str, ...], service: str, fleet: Fleet
) -> None:
    folder, calls = fleet.folder / "programs", fleet.folder / "calls"
    folder.mkdir()
    shown = SYSTEMCTL.format(calls=calls).replace("kolla-nova_compute-container.service", unit)
    (folder / "systemctl").write_text(shown)
    (folder / "systemctl").chmod(0o755)
    if more:
        fleet.change("gpu01", gpucloud_nova_units=list(more))
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, hosts="gpu01")
    (result,) = fleet.run("rolling", wish, path=f"{folder}:{os.environ['PATH']}")
    assert (result.stage.value, result.service) == ("as planned", service)


def test_the_playbook_knows_nova_compute_by_the_names_that_the_start_waits_for() -> None:
    names = yaml.safe_load(files("gpucloud.fleet").joinpath("ansible/playbooks/vars/nova.yml").read_text())
    assert sorted(names["gpucloud_units_of_nova"]) == sorted(NOVA_COMPUTE.split())


def test_without_being_asked_no_host_is_restarted_and_a_later_run_does_it(fleet: Fleet) -> None:
    wish = fleet.wish(units=(), spec=fleet.spec, hosts="gpu01")
    (result,) = fleet.run("rolling", wish)
    assert result.stage.value == "as planned"
    assert result.waits_for_restart
    assert fleet.members[0].restarts == 0

    later = fleet.wish(units=(), spec=fleet.spec, hosts="gpu01", is_restarting=True)
    (result,) = fleet.run("rolling", later)
    assert fleet.members[0].restarts == 1
    assert result.stage.value == "as planned"
    assert not result.waits_for_restart


@pytest.mark.slow
def test_the_cloud_is_asked_in_vain_for_a_host_that_it_does_not_know(
    fleet: Fleet, cloud: FakeCloud, tmp_path: Path
) -> None:
    fleet.change("gpu01", gpucloud_nova_host="gpu01.example.org")
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab", hosts="gpu01")
    (result,) = fleet.run("rolling", wish, path=cloud.path)
    assert "the cloud lab has no nova-compute on gpu01.example.org" in result.why
    assert cloud.changes == []


@pytest.mark.slow
def test_in_check_mode_the_playbook_goes_through_and_changes_nothing(fleet: Fleet, cloud: FakeCloud) -> None:
    program = fleet.folder / "checking"
    program.write_text(f'#!/bin/sh\nexec {find_program()} --check "$@"\n')
    program.chmod(0o755)
    wish = fleet.wish(units=(), spec=fleet.spec, is_restarting=True, cloud="lab")
    results = fleet.run("rolling", wish, path=cloud.path, program=str(program))
    assert "failed" not in stages(results).values()
    assert [(member.journal, member.restarts) for member in fleet.members] == [([], 0)] * 2
    assert cloud.changes == []
