from __future__ import annotations

from pathlib import Path

from gpucloud.lab.evidence import did_not_come_up, keep_answers, keep_logs, tail
from gpucloud.model.failure import Failure


def test_logs_are_kept_under_the_servers_name_and_the_time(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_text("panic\n")
    kept = keep_logs(tmp_path, tmp_path / "failed", "twins", clock=lambda: 0.0)
    assert kept == tmp_path / "failed/twins-19700101-000000"
    assert (kept / "console.log").read_text() == "panic\n"


def test_what_a_server_answers_is_kept(tmp_path: Path) -> None:
    keep_answers(tmp_path, lambda question: b"seen" if question == "dmesg" else b"")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("dmesg.txt", b"seen")]


def test_a_server_that_does_not_answer_is_written_down(tmp_path: Path) -> None:
    def ask(question: str) -> bytes:
        raise Failure("no answer")

    keep_answers(tmp_path, ask)
    assert "no answer" in (tmp_path / "not-asked.txt").read_text()


def test_the_error_shows_the_end_of_the_console_and_names_the_logs(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_text("one\ntwo\n\nthree\nfour\n")
    error = did_not_come_up(tmp_path, "twins", Failure("no answer in time"), Path("/kept"))
    assert "no answer in time; its console ends with: two | three | four" in str(error)
    assert "/kept" in str(error)


def test_a_console_that_said_nothing_is_told_so(tmp_path: Path) -> None:
    error = did_not_come_up(tmp_path, "twins", Failure("no answer"), Path("/kept"))
    assert "its console said nothing" in str(error)


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    (tmp_path / "console.log").write_bytes(b"\xff" * 200_000 + b"\nlast\n")
    assert tail(tmp_path / "console.log", 1) == "last"
    assert tail(tmp_path / "none", 1) == ""
