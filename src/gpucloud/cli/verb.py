"""Where commands are, as data: only the module of the one that is called gets loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

import typer


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb's command is, and the heading it stands under in ``--help``."""

    module: str
    command: str
    panel: str


@dataclass(frozen=True, slots=True)
class Group:
    """A verb of several commands, by their names: each as ``MODULE.NAME`` below ``gpucloud.cli``."""

    help: str
    commands: Mapping[str, str]


def loaded(module: str, name: str, arguments: Sequence[str]) -> typer.Typer | Callable[..., object]:
    """The function, or the application, of that name; of a group what the arguments call.

    Args:
        module: below ``gpucloud.cli``.
        name: what of it.
        arguments: what was typed after the verb. Where the first names none of a group's commands (none,
            an option, a slip) all are loaded: for ``--help``, or for the name that was meant.
    """
    target: Group | typer.Typer | Callable[..., object]
    target = getattr(import_module(f"gpucloud.cli.{module}"), name)
    return _application(target, arguments) if isinstance(target, Group) else target


def _application(group: Group, arguments: Sequence[str]) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help=group.help)
    app.callback()(_keep_the_name)
    called = arguments[0] if arguments and arguments[0] in group.commands else None
    for name, place in group.commands.items():
        if called in (None, name):
            module, _, what = place.rpartition(".")
            target = loaded(module, what, arguments[1:])
            if isinstance(target, typer.Typer):
                app.add_typer(target, name=name)
            else:
                app.command(name)(target)
    return app


def _keep_the_name() -> None:
    """Keep the name of the only command: typer would drop it."""
