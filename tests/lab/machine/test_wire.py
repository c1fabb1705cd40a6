from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from gpucloud.lab.machine.wire import Line, Monitor, Wire
from gpucloud.model.failure import Failure


class Server:
    """The far end: answers each line it gets with the next of its answers."""

    def __init__(self, path: Path, greeting: str, answers: list[str]) -> None:
        self.heard: list[str] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._thread = threading.Thread(target=self._talk, args=(greeting, answers), daemon=True)
        self._thread.start()

    def _talk(self, greeting: str, answers: list[str]) -> None:
        connection, _ = self._listening.accept()
        with connection, connection.makefile("rw") as file:
            file.write(greeting)
            file.flush()
            for answer in answers:
                heard = file.readline()
                if not heard:
                    return
                self.heard.append(heard.rstrip("\n"))
                file.write(answer)
                file.flush()

    def close(self) -> None:
        self._thread.join(timeout=10)
        self._listening.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "wire.sock"


def test_a_socket_in_a_deep_folder_is_reached(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    short = tmp_path / "wire.sock"
    server = Server(short, "hello\n", [])
    short.rename(deep / "wire.sock")
    with Wire(deep / "wire.sock") as wire:
        assert wire.line(wire.after(10)) == "hello"
    server.close()


def test_a_socket_that_is_not_there_is_named(place: Path) -> None:
    with pytest.raises(Failure, match=r"wire\.sock does not answer"):
        Wire(place)


def test_the_line_gives_what_a_command_printed(place: Path) -> None:
    server = Server(place, "noise\r\nlab: ready\r\n", ["one\r\ntwo\r\nlab: done 0\r\n"])
    with Line(place) as line:
        line.wait_ready(10)
        assert line.do("count") == "one\ntwo"
    assert server.heard == ["count"]
    server.close()


def test_a_command_that_fails_is_told_with_its_words(place: Path) -> None:
    server = Server(place, "", ["no such disk\nlab: done 1\n"])
    with Line(place) as line, pytest.raises(Failure, match="no such disk"):
        line.do("mount")
    server.close()


def test_a_server_that_says_nothing_is_given_up_in_time(place: Path) -> None:
    told: list[str] = []
    server = Server(place, "half a line", ["never"])
    with Line(place) as line, pytest.raises(Failure, match="in time"):
        line.wait_ready(0.2, told.append, every_s=0.02)
    server.close()
    assert told
    assert all("still booting (" in line for line in told)


def test_the_monitor_leaves_events_aside(place: Path) -> None:
    greeting = json.dumps({"QMP": {}}) + "\n"
    event = json.dumps({"event": "STOP"}) + "\n"
    done = json.dumps({"return": {}}) + "\n"
    status = json.dumps({"return": {"status": "running"}}) + "\n"
    server = Server(place, greeting, [done, event + status])
    with Monitor(place) as monitor:
        assert monitor.do("query-status", a=1) == {"status": "running"}
    assert [json.loads(line)["execute"] for line in server.heard] == ["qmp_capabilities", "query-status"]
    assert json.loads(server.heard[1])["arguments"] == {"a": 1}
    server.close()


def test_what_qemu_refuses_is_told_in_its_words(place: Path) -> None:
    refusal = json.dumps({"error": {"class": "GenericError", "desc": "State blocked by amd-iommu"}}) + "\n"
    server = Server(place, "{}\n", ['{"return": {}}\n', refusal])
    with Monitor(place) as monitor, pytest.raises(Failure, match="blocked by amd-iommu"):
        monitor.do("migrate")
    server.close()


@pytest.mark.parametrize(("status", "is_refused"), [("completed", False), ("failed", True)])
def test_the_end_of_a_migration_is_waited_for(place: Path, status: str, is_refused: bool) -> None:
    events = "".join(
        json.dumps({"event": "MIGRATION", "data": {"status": one}}) + "\n" for one in ("active", status)
    )
    server = Server(place, "{}\n", ['{"return": {}}\n' + events])
    with Monitor(place) as monitor:
        if is_refused:
            with pytest.raises(Failure, match="migration failed"):
                monitor.wait_for("MIGRATION", "completed", 10)
        else:
            monitor.wait_for("MIGRATION", "completed", 10)
    server.close()
