"""Reads through another process: results, errors, and what never ends."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.inventory.build import NAMES, function

from gpucloud.inventory import read_host
from gpucloud.inventory.collect.envoy import Envoy, read_file, sift
from gpucloud.inventory.live import LiveReader, patient
from gpucloud.inventory.system.network import parse_fib_trie
from gpucloud.model.unknown import Unknown

STUCK = "stuck\n"


def by_text(path: str) -> bytes:
    """Read a file; one that says so waits, as for a lock that nobody gives back."""
    data = read_file(path)
    if data == STUCK.encode():
        (Path(path).parent / "gate").open("wb").close()
    if data == b"die":
        os._exit(1)
    return data


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A pipe at which readers wait until the test has ended."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    yield path
    os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def written(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


@pytest.mark.parametrize("data", [b"", b"(null)\n", bytes(range(256)) * 4096])
def test_what_a_file_holds_arrives_as_it_is(tmp_path: Path, data: bytes) -> None:
    assert Envoy().read(written(tmp_path, "file", data)) == data


def test_errors_come_back_with_their_numbers_among_other_answers(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "a", b"1"),
        str(tmp_path / "none"),
        str(tmp_path),
        written(tmp_path, "b", b"2"),
    ]
    one, missing, folder, two = Envoy().read_all(paths)
    assert (one, two) == (b"1", b"2")
    assert isinstance(missing, OSError)
    assert missing.errno == errno.ENOENT
    assert isinstance(folder, OSError)
    assert folder.errno == errno.EINVAL


def test_what_takes_too_long_is_left_behind_and_the_rest_is_read(gate: Path, tmp_path: Path) -> None:
    envoy = Envoy(by_text, 0.2)
    paths = [
        written(tmp_path, name, text) for name, text in (("a", b"1"), ("b", STUCK.encode()), ("c", b"3"))
    ]
    first, stuck, last = envoy.read_all(paths)
    assert (first, last) == (b"1", b"3")
    assert isinstance(stuck, OSError)
    assert stuck.errno == errno.ETIMEDOUT
    assert "took longer than 0.2 s" in str(stuck)
    assert gate.exists()


@pytest.mark.proof
def test_once_one_has_taken_too_long_others_have_less_time(gate: Path, tmp_path: Path) -> None:
    envoy = Envoy(by_text, 0.6)
    stuck = [written(tmp_path, name, STUCK.encode()) for name in ("a", "b")]
    assert [str(answer).rpartition("than ")[2] for answer in envoy.read_all(stuck)] == ["0.6 s", "0.5 s"]
    assert gate.exists()


def test_a_reader_that_dies_is_an_error_and_the_next_read_has_another(tmp_path: Path) -> None:
    envoy = Envoy(by_text)
    dead, alive = envoy.read_all([written(tmp_path, "a", b"die"), written(tmp_path, "b", b"2")])
    assert isinstance(dead, OSError)
    assert dead.errno == errno.EIO
    assert alive == b"2"


def test_an_envoy_that_is_not_needed_any_more_ends(tmp_path: Path) -> None:
    tasks = Path(f"/proc/self/task/{os.getpid()}/children")
    before = tasks.read_text()
    envoy = Envoy()
    envoy.read(written(tmp_path, "file", b"1"))
    assert tasks.read_text() != before
    del envoy
    assert tasks.read_text() == before


FORKED = """
import os, sys
from gpucloud.inventory.collect.envoy import Envoy
envoy = Envoy()
envoy.read(sys.argv[1])
if other := os.fork():
    os.waitpid(other, 0)
del envoy
"""


def test_a_forked_process_does_not_wait_for_the_envoy_of_its_parent(tmp_path: Path) -> None:
    words = [sys.executable, "-c", FORKED, written(tmp_path, "file", b"1")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_stuck_device_leaves_one_fact_unknown_and_the_scan_goes_on(gate: Path, tmp_path: Path) -> None:
    tree = HostTree(tmp_path / "host")
    tree.function("0000:3b:00.0", "10de:1db4", "0302", driver_override=STUCK.strip())
    tree.function("0000:3c:00.0", "10de:1db4", "0302", driver_override="vfio-pci")
    os.link(gate, tree.root / tree.place("0000:3b:00.0") / "gate")
    reader = LiveReader(tree.root, read_files=patient(tree.root, 0.2, read=by_text))
    host = read_host(reader, NAMES)
    override = function(host, "0000:3b:00.0").driver_override
    assert isinstance(override, Unknown)
    assert override.why.startswith(
        "took longer than 0.2 s: /sys/bus/pci/devices/0000:3b:00.0/driver_override"
    )
    assert function(host, "0000:3b:00.0").numa_node == 0
    assert function(host, "0000:3c:00.0").driver_override == "vfio-pci"


def test_a_patient_reader_sees_what_a_plain_one_sees(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.function("0000:3b:00.0", "10de:1db4", "0302", driver="nvidia", group=7)
    tree.write("proc/cmdline", "ro quiet")
    patiently = read_host(LiveReader(tmp_path, read_files=patient(tmp_path)), NAMES)
    assert patiently == read_host(LiveReader(tmp_path), NAMES)


_TABLE = "Id 10:\n  +-- 0.0.0.0/0 2 0 2\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
_ROUTE = "     |-- 198.51.100.0\n        /24 universe UNICAST\n"
_KEPT = b"Main:\nId 10:\n        /0 universe UNICAST\n"


def test_default_routes_are_found_in_a_table_longer_than_any_file_read(tmp_path: Path) -> None:
    path = tmp_path / "proc/net/fib_trie"
    path.parent.mkdir(parents=True)
    path.write_text("Main:\n" + _ROUTE * (17 * 2**20 // len(_ROUTE)) + _TABLE)
    assert path.stat().st_size > 16 * 2**20
    assert read_file(str(path)) == _KEPT
    assert parse_fib_trie(read_file(str(path)).decode()) == ["10"]


@given(
    st.lists(st.sampled_from(("Main:", "Local:", "Id 7:", "  /0 universe UNICAST", "  /24 link UNICAST", "")))
)
def test_what_is_kept_of_a_table_says_the_same(lines: list[str]) -> None:
    text = "\n".join(lines)
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        kept = sift(file.fileno(), 16 * 2**20).decode()
    assert parse_fib_trie(kept) == parse_fib_trie(text)


def test_a_table_of_one_endless_line_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "proc/net/fib_trie"
    path.parent.mkdir(parents=True)
    path.write_bytes(b" " * 2**20)
    with pytest.raises(OSError, match="longer than"):
        read_file(str(path))


@pytest.mark.parametrize("shell", [["sh"], ["busybox", "sh"]])
def test_a_shell_alone_keeps_as_much_of_it(shell: list[str], tmp_path: Path) -> None:
    path = tmp_path / "proc/net/fib_trie"
    path.parent.mkdir(parents=True)
    path.write_text(f"Main:\n{_ROUTE}{_TABLE}")
    collector = Path(read_file.__code__.co_filename).with_name("collector.sh")
    script = f"root={tmp_path}; . {collector}; file /proc/net/fib_trie"
    found = subprocess.run([*shell, "-c", script], stdout=subprocess.PIPE, check=True).stdout
    assert found == b"F/proc/net/fib_trie\n" + b"".join(b"+" + line for line in _KEPT.splitlines(True))
