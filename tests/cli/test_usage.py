"""What cannot be understood is one line: what is wrong, and where it is written how to do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.models import TyperPath

from gpucloud.cli.main import VERBS, build, run
from gpucloud.cli.typed.paths import refuse_empty_paths
from gpucloud.cli.typed.usage import usage_line
from gpucloud.model.failure import Exit

WRONG = {
    "plan --unit foo": "plan: --unit needs a PCI address such as 3b:00.0, not 'foo'",
    "plan --unit": "plan: --unit needs a value",
    "plan --check=3": "plan: --check takes no value",
    "plan -z": "plan: there is no option -z",
    "plan --output": "plan: --output needs a value",
    "doctor --unit 3b:00": "doctor: --unit needs a PCI address such as 3b:00.0, not '3b:00'",
    "doctor --format xml": "doctor: --format 'xml' is not one of 'text', 'json'",
    "scan --frm x": "scan: there is no option --frm (is it --format or --from?)",
    "scan --zzz": "scan: there is no option --zzz",
    "explain a b c": "explain: more was given than it takes: b c",
    "launch --unit here": "launch: --unit needs a PCI address such as 3b:00.0, not 'here'",
    "launch --gpus x": "launch: --gpus needs a number, not 'x'",
    "launch --gpus -1": "launch: --gpus -1 is not in the range x>=0",
    "destroy": "destroy: NAME... is missing",
    "lab up": "lab up: TOPOLOGY is missing",
    "lab up x --nme y": "lab up: there is no option --nme (is it --name?)",
    "lab up x --timeout soon": "lab up: --timeout needs a number, not 'soon'",
    "lab nosuch": "lab: there is no command nosuch",
    "lab run x": "lab run: COMMAND... is missing",
    "lab down": "lab down: give the name of a server, or --all",
    "scn": ": there is no command scn (is it scan?)",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_was_typed_wrong_is_one_line_with_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == Exit.USAGE
    told = capsys.readouterr()
    where = f"gpucloud {WRONG[line].partition(':')[0]}".strip()
    what = WRONG[line].partition(":")[2]
    assert told.err == f"gpucloud:{what}; see {where} --help\n"
    assert told.out == ""


EMPTY = (
    ["scan", "--from", ""],
    ["scan", "--from="],
    ["doctor", "--evidence", "notes.txt", "--evidence", ""],
    ["plan", "--unit", "3b:00.0", "--output", ""],
    ["apply", ""],
    ["undo", "--state", ""],
    ["launch", "--image", ""],
    ["nova", "check", "--release", "31", "--service", "compute", ""],
    ["nova", "render", "--write", ""],
)


@pytest.mark.parametrize("words", EMPTY, ids=" ".join)
def test_an_empty_path_is_not_the_folder_where_one_stands(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == Exit.USAGE
    assert (
        " is empty: name a file or folder (is a variable not set?); see gpucloud" in capsys.readouterr().err
    )


def test_every_path_that_a_command_takes_refuses_it() -> None:
    command = typer.main.get_command(build([]))
    refuse_empty_paths(command)
    paths = [each for each in parameters_of(command) if isinstance(each.type, TyperPath)]
    assert len(paths) > len(EMPTY)
    for each in paths:
        with pytest.raises(typer.BadParameter, match="is empty"):
            each.type.convert("", None, None)


def parameters_of(command: Any) -> Iterator[Any]:
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from parameters_of(below)


@pytest.mark.parametrize("words", [[], ["lab"]])
def test_without_arguments_the_help_is_shown(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == Exit.USAGE
    told = capsys.readouterr()
    assert told.err == ""
    assert f"Usage: {' '.join(['gpucloud', *words])}" in told.out


@given(st.sampled_from(sorted(VERBS)), st.lists(st.text(max_size=20), max_size=3), st.text(max_size=200))
def test_whatever_typer_says_and_was_typed_is_one_line(verb: str, words: list[str], message: str) -> None:
    error = typer.BadParameter(message)
    line = usage_line(COMMAND, [verb, *words], error)
    assert "\n" not in line
    assert f"; see gpucloud {verb}" in line
    assert line.endswith(" --help")


COMMAND = typer.main.get_command(build([]))
