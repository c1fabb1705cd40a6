"""Two hosts through the real Ansible, one after the other, each changed by its own program on a fake host.

Ansible takes a second for each task: they are part of ``./run test``, not of every check.
"""

from __future__ import annotations

import json

import pytest
from tests.fleet.fleet import Fleet, Member, stages

from gpucloud.fleet.tally import Result
from gpucloud.model.failure import Exit, Failure

pytestmark = pytest.mark.proof

TAKEN = {"0000:3b:00.0": "vfio-pci", "0000:3b:00.1": "vfio-pci"}


def has_taken(member: Member) -> bool:
    return member.drivers.items() >= TAKEN.items()


def by_name(results: list[Result]) -> dict[str, Result]:
    return {result.host: result for result in results}


@pytest.mark.slow
def test_looking_tells_each_hosts_plan_and_changes_nothing(fleet: Fleet) -> None:
    before = [member.picture for member in fleet.members]
    results = fleet.run("look", fleet.wish())
    assert stages(results) == {"gpu01": "changes pending", "gpu02": "changes pending"}
    assert all(result.plan and result.changes for result in results)
    assert [member.picture for member in fleet.members] == before
    assert [member.journal for member in fleet.members] == [[], []]


def test_hosts_are_made_ready_one_after_the_other_and_a_second_time_nothing_is_done(fleet: Fleet) -> None:
    results = fleet.run("rolling", fleet.wish())
    assert stages(results) == {"gpu01": "as planned", "gpu02": "as planned"}
    assert [result.entry for result in results] == ["0001", "0001"]
    assert all(map(has_taken, fleet.members))
    lines = [json.loads(line) for line in fleet.lines]
    ends = max(n for n, line in enumerate(lines) if line.get("host") == "gpu01")
    begins = min(n for n, line in enumerate(lines) if line.get("host") == "gpu02")
    assert ends < begins, "the second host waits until the first is verified"

    again = fleet.run("rolling", fleet.wish())
    assert stages(again) == {"gpu01": "as wanted", "gpu02": "as wanted"}
    assert [member.journal for member in fleet.members] == [["applied"], ["applied"]]


def test_lines_of_a_layout_reach_each_host(fleet: Fleet) -> None:
    results = by_name(fleet.run("look", fleet.wish(units=(), layout=("gpu01 3b:00.0: 4 x T4-4Q",))))
    assert results["gpu01"].stage.value == "failed"
    assert "3b:00.0 cannot be cut as wanted" in results["gpu01"].why
    assert results["gpu02"].stage.value == "as wanted"


def test_the_first_failure_stops_the_rest(fleet: Fleet) -> None:
    first, second = fleet.members
    before = second.picture
    (first.root / "sys/bus/pci/drivers/vfio-pci").mkdir()  # a driver that takes no function
    (first.root / "sys/bus/pci/devices/0000:3b:00.0/driver_override").unlink()
    results = by_name(fleet.run("rolling", fleet.wish()))
    assert results["gpu01"].stage.value == "failed"
    assert results["gpu01"].why
    assert results["gpu02"].stage.value == "untouched"
    assert second.picture == before
    assert second.journal == []


@pytest.mark.slow
def test_a_failure_stops_the_rest_whatever_strategy_the_site_has(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``free`` lets each host go through by itself: others would be changed while one is failing."""
    monkeypatch.setenv("ANSIBLE_STRATEGY", "free")
    fleet.add("gpu03")
    fleet.change("gpu02", gpucloud_program=["/bin/sh", "-c", "sleep 12; exit 1"])
    found = stages(fleet.run("rolling", fleet.wish(serial="2")))
    assert found == {"gpu01": "as planned", "gpu02": "failed", "gpu03": "untouched"}


def test_a_host_that_cannot_be_reached_stops_the_rest(fleet: Fleet) -> None:
    fleet.write(
        "gpu01",
        {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": 1,
            "gpucloud_become": False,
            "gpucloud_reach_timeout": 1,
        },
    )
    results = by_name(fleet.run("rolling", fleet.wish()))
    assert results["gpu01"].stage.value == "failed"
    assert "reach the host" in results["gpu01"].why
    assert results["gpu02"].stage.value == "untouched"


def test_of_a_batch_each_host_goes_to_its_own_end(fleet: Fleet) -> None:
    third = fleet.add("gpu03")
    (fleet.members[0].root / "sys/bus/pci/devices/0000:3b:00.0/driver_override").unlink()
    results = fleet.run("rolling", fleet.wish(serial="2"))
    assert stages(results) == {"gpu01": "failed", "gpu02": "as planned", "gpu03": "untouched"}
    assert has_taken(fleet.members[1])
    assert third.journal == []


@pytest.mark.slow
def test_a_pattern_leaves_hosts_out(fleet: Fleet) -> None:
    results = fleet.run("rolling", fleet.wish(hosts="compute:!gpu01"))
    assert stages(results) == {"gpu02": "as planned"}
    assert not has_taken(fleet.members[0])


def test_what_was_shown_is_what_is_done_or_nothing(fleet: Fleet) -> None:
    plans = {result.host: result.plan or "" for result in fleet.run("look", fleet.wish())}
    first, second = fleet.members
    (second.root / "proc/sys/kernel/osrelease").write_text("6.1.0-43-amd64\n")
    results = by_name(fleet.run("rolling", fleet.wish(), plans))
    assert has_taken(first)
    assert results["gpu02"].stage.value == "failed"
    assert not has_taken(second)


@pytest.mark.slow
def test_a_plan_is_data_to_ansible_whatever_stands_in_it(fleet: Fleet) -> None:
    first = fleet.members[0]
    grub = first.root / "etc/default/grub"
    grub.write_text(grub.read_text() + "# {{ lookup('ansible.builtin.env', 'HOME') }} {% raw %}\n")
    wish = fleet.wish(units=(), spec=fleet.spec, hosts="gpu01")
    plans = {result.host: result.plan or "" for result in fleet.run("look", wish)}
    results = fleet.run("rolling", wish, plans)
    assert stages(results) == {"gpu01": "as planned"}
    assert "{{ lookup(" in grub.read_text()


@pytest.mark.slow
def test_a_pattern_that_matches_nobody_gives_nobody(fleet: Fleet) -> None:
    results = fleet.run("look", fleet.wish(hosts="gpu99"))
    assert results == []


@pytest.mark.slow
def test_an_inventory_that_is_none_is_said(fleet: Fleet) -> None:
    with pytest.raises(Failure, match="ansible-playbook did not begin"):
        fleet.run("look", fleet.wish(inventories=(str(fleet.folder / "nowhere"),), hosts="{{ nothing"))


@pytest.mark.slow
def test_a_gpu_that_is_not_there_is_refused_with_its_exit_code(fleet: Fleet) -> None:
    (result,) = fleet.run("look", fleet.wish(hosts="gpu01", units=("99:00.0",)))
    assert result.stage.value == "failed"
    assert result.code in (Exit.USAGE, Exit.ERROR)
    assert "99:00.0" in result.why
