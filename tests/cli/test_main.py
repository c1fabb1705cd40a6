"""Every error is one line with a documented exit code; every verb explains itself with examples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer
from tests.prepare.fake_host import card
from tests.prepare.site import site_in
from typer.core import TyperGroup

from gpucloud.cli.main import VERBS, build, run
from gpucloud.cli.output import has_colours
from gpucloud.cli.verb import Verb
from gpucloud.model.failure import Exit, Failure

pytestmark = pytest.mark.proof


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Put one command in place of all verbs, under the name ``act``."""

    def put(command: Callable[[], None]) -> None:
        module = ModuleType("gpucloud.cli.acting")
        module.__dict__["act"] = command
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(VERBS, "act", Verb("acting", "act", "Test"))

    return put


def test_a_failure_is_one_line_with_its_code(
    verb: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def act() -> None:
        raise Failure("gpu 3b:00.0 is not there", "see gpucloud scan", code=Exit.UNDONE)

    verb(act)
    assert run(["act"]) == Exit.UNDONE
    assert capsys.readouterr().err == "gpucloud: gpu 3b:00.0 is not there; see gpucloud scan\n"


def test_a_defect_is_one_line_too(
    verb: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def act() -> None:
        raise ZeroDivisionError("one\x1b[31m two")

    verb(act)
    assert run(["act"]) == Exit.ERROR
    said = capsys.readouterr().err
    assert "defect: ZeroDivisionError: one?[31m two" in said
    assert "Traceback" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["scan", "--from", "no\nsuch"], "no?such"),
        (["undo", "a\nb", "--state", "/nowhere"], "a?b"),
        (["explain", "a\tb\nc", "--format", "json"], "a"),
    ],
)
def test_what_was_typed_cannot_make_two_lines_of_an_error(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(words)
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, typer.Abort])
def test_an_interrupt_has_its_own_code_also_where_a_question_is_asked(
    interrupt: type[BaseException],
    verb: Callable[[Callable[[], None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def act() -> None:
        raise interrupt

    verb(act)
    assert run(["act"]) == Exit.INTERRUPTED
    assert capsys.readouterr().err == "gpucloud: interrupted\n"


_INTERRUPTED_AT = """
import signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Finder())
from gpucloud.cli import main
main()
"""
"""The program, interrupted at the moment when it looks for a module."""


@pytest.mark.parametrize("module", ["gpucloud.cli.main", "typer", "gpucloud.cli.output", "gpucloud.cli.scan"])
def test_an_interrupt_while_the_program_loads_itself_is_one_line_too(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED_AT, module], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (Exit.INTERRUPTED, "gpucloud: interrupted\n")


def test_nothing_is_loaded_before_an_interrupt_is_one_line() -> None:
    """What the entry point imports first is all that can still end in a traceback of the program's own."""
    look = "import sys; before = {*sys.modules}; import gpucloud.cli; print(*sorted({*sys.modules} - before))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["gpucloud", "gpucloud.cli"]


def test_a_reader_that_went_away_before_the_code_was_known_has_a_code_of_its_own(
    verb: Callable[[Callable[[], None]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def act() -> None:
        raise BrokenPipeError

    verb(act)
    assert run(["act"]) == Exit.READER_LEFT
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (PermissionError(13, "Permission denied", "/x"), "run it as a user who may use that"),
        (FileNotFoundError(2, "No such file or directory", "/x"), "look whether the path is as you mean it"),
    ],
)
def test_an_error_of_the_system_that_no_verb_foresaw_has_a_next_step(
    error: OSError,
    then: str,
    verb: Callable[[Callable[[], None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def act() -> None:
        raise error

    verb(act)
    run(["act"])
    assert capsys.readouterr().err.startswith(f"gpucloud: /x: {error.strerror}; {then}")


def test_an_exit_code_chosen_by_a_verb_is_kept(verb: Callable[[Callable[[], None]], None]) -> None:
    def act() -> None:
        raise typer.Exit(Exit.PENDING)

    verb(act)
    assert run(["act"]) == Exit.PENDING


@pytest.mark.parametrize("words", [["no-such-verb"], ["scan", "--no-such-option"]])
def test_usage_errors_have_code_2(words: list[str]) -> None:
    assert run(words) == Exit.USAGE


def _commands() -> Iterator[str]:
    """All commands, those of groups with the group's name before them."""
    for name, command in typer.main.get_group(build([])).commands.items():
        yield from _below(name, command)


def _below(path: str, command: object) -> Iterator[str]:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _below(f"{path} {name}", inner)
    else:
        yield path


@pytest.mark.parametrize("command", list(_commands()))
def test_every_command_has_help_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == Exit.FINE
    said = capsys.readouterr().out
    assert "Examples" in said
    assert f"gpucloud {command}" in said


@pytest.mark.parametrize("words", [["-h"], ["lab", "-h"], ["lab", "up", "-h"], ["plan", "-h"]])
def test_help_has_its_short_form_everywhere(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == Exit.FINE
    assert f"Usage: {' '.join(['gpucloud', *words[:-1]])}" in capsys.readouterr().out


def test_the_help_names_every_verb_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == Exit.FINE
    said = capsys.readouterr().out
    assert all(name in said for name in VERBS)
    assert "6 the undo failed" in " ".join(said.split())


def _loaded_by(*words: str) -> set[str]:
    """Modules that the program has loaded when the command has failed for want of a host."""
    typed = [*words, "--from", "/nowhere"]
    look = f"import sys; from gpucloud.cli.main import run; run({typed!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def test_scan_starts_without_the_heavy_libraries() -> None:
    loaded = _loaded_by("scan")
    assert "gpucloud.inventory" in loaded
    assert not loaded & {"rich", "libvirt", "gpucloud.prepare", "gpucloud.cloud", "gpucloud.lab"}


def test_a_command_of_a_group_starts_without_the_others() -> None:
    loaded = _loaded_by("vgpu", "types")
    assert "gpucloud.cli.vgpu.kinds" in loaded
    assert not loaded & {"gpucloud.cli.vgpu.change", "gpucloud.model.change", "gpucloud.model.plan"}


def test_a_slip_in_a_group_is_met_with_the_name_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["vgpu", "typs"]) == Exit.USAGE
    assert "types" in capsys.readouterr().err


def test_a_folder_that_takes_no_reports_is_refused_before_the_demo_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(["demo", "--output", str(tmp_path / "file" / "reports")]) == Exit.USAGE
    error = capsys.readouterr().err
    assert "cannot be made: Not a directory; name another with --output" in error
    assert error.count("\n") == 1


GPUCLOUD = Path(sys.executable).with_name("gpucloud")


@pytest.mark.parametrize("words", ["explain acs-missing", "scan --from x", "doctor --from x", "--help"])
def test_a_closed_standard_output_is_one_line(words: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" {words} >&-', GPUCLOUD],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr.count("\n")) == (Exit.ERROR, 1)
    assert "standard output is closed" in done.stderr


def without_reader(*words: str) -> subprocess.CompletedProcess[bytes]:
    """The program, whose output nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([GPUCLOUD, *words], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    return done


def test_a_reader_of_the_help_that_goes_away_is_no_error() -> None:
    done = without_reader("--help")
    assert (done.returncode, done.stderr) == (Exit.FINE, b"")


EVIDENCE = "dmesg: caf\u00e9\nNVRM: GPU 0000:3b:00.0: RmInitAdapter failed! (0x62:0x40:1861)\n"


@pytest.fixture
def evidence(tmp_path: Path) -> str:
    """A log with a finding."""
    path = tmp_path / "caf\u00e9.log"
    path.write_text(EVIDENCE)
    return str(path)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_goes_away_changes_no_code_that_is_known(form: str, evidence: str) -> None:
    done = without_reader("doctor", "--evidence", evidence, "--format", form, "--level", "info")
    assert (done.returncode, done.stderr) == (Exit.FINDINGS, b"")


def test_a_character_that_the_encoding_lacks_ends_nothing(evidence: str) -> None:
    done = subprocess.run(
        [GPUCLOUD, "doctor", "--evidence", evidence, "--level", "info"],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (Exit.FINDINGS, b"")
    assert rb"caf\xe9" in done.stdout


def in_shell(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A line for a shell, whose ``$0`` is the program."""
    return subprocess.run(
        ["sh", "-c", line, GPUCLOUD], capture_output=True, text=True, check=False, timeout=60, cwd=cwd
    )


def test_what_is_to_be_said_on_a_closed_standard_error_is_not_put_into_the_result(tmp_path: Path) -> None:
    done = in_shell('"$0" explain acs-missing --format json 2>&-; "$0" explain no-such 2>&-', tmp_path)
    assert json.loads(done.stdout)["id"] == "acs-missing"
    assert done.returncode == Exit.USAGE


def test_a_file_that_is_written_takes_no_stream_that_is_closed(tmp_path: Path) -> None:
    site = site_in(tmp_path, [*card(0x3B, 11)])
    line = f'exec "$0" plan --unit 3b:00.0 --from {site.root} --output plan.json --format json'
    done = in_shell(f"{line} <&- 2>&-", tmp_path)
    assert done.returncode == Exit.FINE
    assert json.loads(done.stdout) == json.loads((tmp_path / "plan.json").read_text())


def test_colours_are_for_terminals_whose_user_has_not_declined_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colours()
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert not has_colours()
