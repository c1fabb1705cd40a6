"""What was typed wrong, in one line: what is wrong with it, and where it is written how to do it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import typer

_WORDINGS = (
    (
        r"No such option: (?P<name>\S+) \(Possible options: (?P<near>.+)\)",
        "there is no option {name} (is it {near}?)",
    ),
    (r"No such option: (?P<name>\S+)", "there is no option {name}"),
    (
        r"No such command (?P<name>'.*')\. Did you mean (?P<near>.+)\?",
        "there is no command {name} (is it {near}?)",
    ),
    (r"No such command (?P<name>'.*')\.", "there is no command {name}"),
    (r"Missing command\.", "a command is missing"),
    (r"Option (?P<name>'.+') requires an argument\.", "{name} needs a value"),
    (r"Option (?P<name>'.+') does not take a value\.", "{name} takes no value"),
    (r"Got unexpected extra argument\(s\) \((?P<said>.+)\)", "more was given than it takes: {said}"),
    (r"Missing (?:argument|option) (?P<name>'[^']+').*", "{name} is missing"),
    (
        r"Invalid value for (?P<name>.+?): (?P<said>.+) is not a valid (?:int|float)(?: range)?\.",
        "{name} needs a number, not {said}",
    ),
    (r"Invalid value for (?P<name>.+?): (?P<said>.+)", "{name} {said}"),
    (r"Invalid value: (?P<said>.+)", "{said}"),
)
"""What typer says, and how it is said here. Of what is not listed typer's own words are shown."""


def usage_line(command: object, arguments: Sequence[str], error: typer.TyperException) -> str:
    """One line for a command line that cannot be understood.

    Args:
        command: the whole program as typer builds it.
        arguments: what was typed after its name.
        error: what typer says of it.
    """
    path = _path(command, arguments)
    return f"{_what(' '.join(error.format_message().split()))}; see {path} --help"


def _path(command: object, arguments: Sequence[str]) -> str:
    """The command that was meant, as far as it can be told: ``gpucloud lab up``."""
    path = "gpucloud"
    for word in arguments:
        commands = getattr(command, "commands", {})
        if word not in commands:
            break
        command, path = commands[word], f"{path} {word}"
    return path


def _what(message: str) -> str:
    for pattern, says in _WORDINGS:
        if found := re.fullmatch(pattern, message):
            parts = {"name": "", "near": "", "said": "", **found.groupdict()}
            name, near = (parts[key].replace("'", "") for key in ("name", "near"))
            return says.format(name=name, near=near.replace(", ", " or "), said=parts["said"]).rstrip(".")
    return message.rstrip(".")
