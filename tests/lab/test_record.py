from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpucloud.lab.record import (
    Record,
    State,
    check_name,
    listed,
    look,
    read_record,
    write_record,
)
from gpucloud.model.failure import Failure

RECORD = Record(topology="twins", image="abc", accelerator="tcg", started_at=1.5, start="saved")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert read_record(tmp_path) == RECORD


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"topology": "x", "more": 1}'])
def test_a_record_that_is_not_whole_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "host.json").write_text(content)
    assert read_record(tmp_path) is None


def test_a_server_whose_process_is_gone_is_dead(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_record(tmp_path / "a", RECORD)
    (tmp_path / "a/qemu.pid").write_text("99999999")
    assert look(tmp_path, "a").state is State.DEAD


def test_the_list_shows_only_what_can_be_a_server(tmp_path: Path) -> None:
    for name in ("b", "a", ".a.lock", "Not A Name"):
        (tmp_path / name).mkdir()
    assert [host.name for host in listed(tmp_path)] == ["a", "b"]
    assert listed(tmp_path / "none") == ()


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "A", "a" * 41, "a\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(Failure):
        check_name(name)


def test_a_record_is_plain_json(tmp_path: Path) -> None:
    write_record(tmp_path, RECORD)
    assert json.loads((tmp_path / "host.json").read_text())["port"] is None
