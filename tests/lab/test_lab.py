from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.lab.lab import Lab
from gpucloud.lab.record import Record, State, write_record
from gpucloud.lab.topology.parse import load_topology
from gpucloud.model.failure import Exit, Failure


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(cache=tmp_path / "cache", state=tmp_path / "state")


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """A server whose QEMU has ended, with what it left."""
    folder = tmp_path / "state/hosts/gone"
    folder.mkdir(parents=True)
    write_record(folder, Record("twins", "abc", "tcg", 0.0, "cold", port=2222))
    (folder / "topology.toml").write_text(load_topology("twins").source)
    (folder / "console.log").write_text("Kernel panic\n")
    (folder / "qemu.pid").write_text("99999999")
    return folder


def test_a_laboratory_nobody_used_has_no_servers(lab: Lab) -> None:
    assert lab.hosts() == ()


def test_a_server_that_is_not_there_is_named(lab: Lab, dead: Path) -> None:
    for use in (lab.host, lab.down):
        with pytest.raises(Failure, match=r"no server is named here; there are: gone") as caught:
            use("here")
        assert caught.value.code == Exit.USAGE


def test_a_server_whose_qemu_has_ended_is_shown_as_dead_and_not_used(lab: Lab, dead: Path) -> None:
    (host,) = lab.hosts()
    assert (host.name, host.state) == ("gone", State.DEAD)
    with pytest.raises(Failure, match="has ended; gpucloud lab down gone"):
        lab.host("gone")


def test_clearing_a_dead_server_away_keeps_its_logs(lab: Lab, dead: Path) -> None:
    kept = lab.down("gone")
    assert kept
    assert (kept / "console.log").read_text() == "Kernel panic\n"
    assert not dead.exists()
    assert lab.hosts() == ()


def test_a_dead_server_with_broken_files_can_still_be_cleared_away(lab: Lab, dead: Path) -> None:
    (dead / "host.json").write_text("{")
    (dead / "topology.toml").unlink()
    assert lab.down("gone") is None
    assert not dead.exists()


@pytest.mark.parametrize("name", ["../state", "", "Gone"])
def test_a_name_never_leads_out_of_the_laboratory(lab: Lab, name: str) -> None:
    for use in (lab.host, lab.down):
        with pytest.raises(Failure, match="cannot be the name of a server"):
            use(name)
