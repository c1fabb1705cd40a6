"""From the command line to one verb: only the module of the verb that is called gets loaded."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from inspect import cleandoc
from itertools import pairwise
from typing import Annotated, NoReturn

import typer

from gpucloud import __version__
from gpucloud.cli.output import one_line, say
from gpucloud.cli.output.document import begin_output, print_error
from gpucloud.cli.output.streams import drop, escape_what_is_not_encodable, hold_streams
from gpucloud.cli.typed.paths import refuse_empty_paths
from gpucloud.cli.typed.usage import usage_line
from gpucloud.cli.verb import Verb, loaded
from gpucloud.model.failure import Exit, Failure, code_of

_NAME = "gpucloud"
_COMPLETION = "_GPUCLOUD_COMPLETE"
"""Set by the shell while it completes a command line (typer's name for it)."""


_OBJECTS = 100_000
"""Objects made before the next search for circles."""

_LOOK, _CHANGE, _GUESTS = "Look and judge", "Make a host ready", "Guests"
_NOVA, _LAB = "OpenStack", "Without hardware"

VERBS = {
    "scan": Verb("scan", "scan", _LOOK),
    "capture": Verb("capture", "capture", _LOOK),
    "doctor": Verb("doctor", "doctor", _LOOK),
    "explain": Verb("explain", "explain", _LOOK),
    "status": Verb("guests.status", "status", _LOOK),
    "vgpu": Verb("vgpu", "GROUP", _LOOK),
    "plan": Verb("plans.plan", "plan", _CHANGE),
    "apply": Verb("plans.apply", "apply", _CHANGE),
    "verify": Verb("plans.verify", "verify", _CHANGE),
    "undo": Verb("plans.undo", "undo", _CHANGE),
    "confirm": Verb("plans.boot", "confirm", _CHANGE),
    "boot": Verb("plans.boot", "boot", _CHANGE),
    "collection": Verb("fleets.collection", "collection", _CHANGE),
    "launch": Verb("guests.launch", "launch", _GUESTS),
    "list": Verb("guests.guest", "list_guests", _GUESTS),
    "show": Verb("guests.guest", "show", _GUESTS),
    "console": Verb("guests.guest", "console", _GUESTS),
    "destroy": Verb("guests.guest", "destroy", _GUESTS),
    "run": Verb("guests.run", "run", _GUESTS),
    "extend": Verb("guests.time", "extend", _GUESTS),
    "reap": Verb("guests.time", "reap", _GUESTS),
    "image": Verb("images", "GROUP", _GUESTS),
    "nova": Verb("nova", "GROUP", _NOVA),
    "publish": Verb("publish", "publish", _NOVA),
    "cloud": Verb("clouds", "GROUP", _NOVA),
    "lab": Verb("lab", "app", _LAB),
    "demo": Verb("demo", "demo", _LAB),
}


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"gpucloud {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn servers that hold GPUs into a GPU cloud, and keep that cloud healthy.

    Look, judge, plan, show, do, check, undo: start with `gpucloud scan` and `gpucloud doctor`.

    Exit codes: 0 fine; 1 it failed, is refused, or there is nothing to do it to; 2 what was typed, or written
    into gpucloud.yaml, cannot be meant, or names what is not there; 3 findings at or above the asked level,
    or not as planned; 4 changes pending (plan --check); 5 a change failed and was undone; 6 the undo failed
    too; 130 interrupted; 141 who read the output left (`| head`) before the code was known. Every error is
    one line on standard error; with --format json, where there is no result, standard output has
    {"error": that line, "code": the exit code}.

    On a terminal prose is broken to fit its width; diffs, files and commands are not. In a pipe no line is.
    """


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line for these arguments: one verb if the first names one, else all of them."""
    app = typer.Typer(
        name=_NAME,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    called = [arguments[0]] if arguments and arguments[0] in VERBS else list(VERBS)
    for name in called:
        _add(app, name, VERBS[name], arguments[1:])
    return app


def _add(app: typer.Typer, name: str, verb: Verb, arguments: Sequence[str]) -> None:
    target = loaded(verb.module, verb.command, arguments)
    if isinstance(target, typer.Typer):
        _write_help(target)
        app.add_typer(target, name=name, rich_help_panel=verb.panel)
    else:
        app.command(name, help=_help(target), rich_help_panel=verb.panel)(target)


def _write_help(group: typer.Typer) -> None:
    for command in group.registered_commands:
        command.help = _help(command.callback)
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            _write_help(inner.typer_instance)


def _help(command: object) -> str:
    """The docstring with its examples as a list: as a paragraph they would run into one line."""
    text, found, examples = cleandoc(command.__doc__ or "").partition("Examples:\n")
    items = "\n".join(f"* `{line.strip()}`" for line in examples.splitlines() if line.strip())
    return f"{text}\b\nExamples:\n{items}" if found else text


def _fail(arguments: Sequence[str], why: str, code: Exit) -> int:
    """Say why it ends, in one line whatever was typed; to a program that asked for JSON as a document too."""
    line = one_line(why)
    say(f"{_NAME}: {line}")
    if _is_json_asked_for(arguments) and sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):  # it may be the output that failed
            print_error(line, code)
            sys.stdout.flush()
    return code


def _is_json_asked_for(arguments: Sequence[str]) -> bool:
    """Claims ``--format json`` of this command; what follows ``lab run NAME`` or ``--`` is another's."""
    own = arguments[:3] if tuple(arguments[:2]) == ("lab", "run") else arguments
    own = own[: own.index("--")] if "--" in own else own
    return "--format=json" in own or ("--format", "json") in pairwise(own)


def _then(error: OSError) -> str:
    """What helps against an error of the system that no verb has foreseen, where it is told by its kind."""
    if isinstance(error, PermissionError):
        return "; run it as a user who may use that, and with that user's own HOME"
    return "; look whether the path is as you mean it" if code_of(error) is Exit.USAGE else ""


def run(arguments: Sequence[str], obj: object = None) -> int:
    """Run the command line and give its exit code; every error becomes one line.

    Args:
        arguments: what was typed after the program's name.
        obj: as of ``call``.
    """
    begin_output()
    escape_what_is_not_encodable()
    if sys.stdout is None:  # so it is where the shell closed it
        return _fail((), "standard output is closed: open it, or send it to /dev/null", Exit.ERROR)
    code: int = Exit.READER_LEFT
    try:
        code = call(arguments, obj)
        sys.stdout.flush()
    except Failure as failure:
        return _fail(arguments, str(failure), failure.code)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(arguments, "interrupted", Exit.INTERRUPTED)
    except BrokenPipeError:
        drop(sys.stdout)
    except SystemExit as exit_:
        if isinstance(exit_.__context__, BrokenPipeError):  # rich ends the program where the reader went away
            return Exit.FINE
        raise
    except OSError as error:
        line = f"{error.filename or 'output'}: {error.strerror or error}{_then(error)}"
        code = _fail(arguments, line, code_of(error))
        drop(sys.stdout)
    except Exception as error:
        if os.environ.get("GPUCLOUD_TRACEBACK"):
            raise
        return _fail(
            arguments,
            f"defect: {type(error).__name__}: {error}; please report it with the output of "
            "the same command run with GPUCLOUD_TRACEBACK=1",
            Exit.ERROR,
        )
    return code


def call(arguments: Sequence[str], obj: object = None) -> int:
    """Call the verb that the arguments name, and give its exit code.

    Args:
        arguments: what was typed after the program's name.
        obj: what the verb finds as ``context.obj``: tests put a fake host in its place.

    Raises:
        Failure: the verb cannot do what was asked.
    """
    app = build(arguments)
    if os.environ.get(_COMPLETION):
        app(prog_name=_NAME)
    command = typer.main.get_command(app)
    refuse_empty_paths(command)
    try:
        with command.make_context(_NAME, list(arguments), obj=obj) as context:
            command.invoke(context)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.TyperException as error:
        if error.format_message():  # nothing to say: the help was asked for by giving no arguments
            return _fail(arguments, usage_line(command, arguments, error), Exit.USAGE)
        return Exit.USAGE
    return Exit.FINE


def main() -> NoReturn:
    """The ``gpucloud`` program.

    What a command reads lives until its end: to search all of it for circles again and again, and once more
    at the exit, takes a tenth of a scan.
    """
    hold_streams()
    gc.freeze()
    gc.set_threshold(_OBJECTS)
    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)
