"""Registers the options of nova 13 that stand in the modules that use them, not in ``nova.conf``.

Those modules do not import with Python 3: of each file only the lines are run that make options and register
them. What else they name is a stub, which a default turns into one that is made where nova runs.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ASYNC = re.compile(r"\basync\b")
"""A word of Python since 3.7, and the name of an argument before."""
_REGISTERS = re.compile(r"\bregister_(cli_)?opts?\(|\bregister_\w+_conf_options\(")
_OPTION = re.compile(r"\bcfg\.\w*Opt\(|_opts?\b|_options\b|Group\(")


class Stub:
    """Stands for whatever else a module names: any of its attributes, called or not, is a stub.

    As text it is a path of this environment, which a default may not hold (``known_options.default_of``).
    """

    def __call__(self, *_arguments: object, **_named: object) -> Stub:
        return self

    def __getattr__(self, name: str) -> Stub:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __str__(self) -> str:
        return sys.prefix


class Names(dict[str, Any]):
    """The names of a module that are known; all others are stubs."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)
        return Stub()


_LIBRARIES = {
    "units": "oslo_utils.units",
    "oslo_config": "oslo_config",
    "cfg": "oslo_config.cfg",
    "oslo_db_options": "oslo_db.options",
    "ks_loading": "keystoneauth1.loading",
}


def register_scattered(conf: Any, folder: Path) -> None:
    """Run what each module below a package does with options; those that are imported have done it."""
    done = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    for place in sorted(folder.rglob("*.py")):
        if "tests" in place.parts or place.parent.name == "conf" or str(place) in done:
            continue
        text = place.read_text()
        if _REGISTERS.search(text) and "SubCommandOpt" not in text:  # those of programs that need one
            _register(conf, ast.parse(_ASYNC.sub("async_", text)))


def _register(conf: Any, module: ast.Module) -> None:
    names = Names(CONF=conf)
    names.update({"_": str, **{name: importlib.import_module(place) for name, place in _LIBRARIES.items()}})
    for statement in _statements(module):
        program = compile(ast.Module([statement], []), "<options>", "exec")
        exec(program, {}, names)  # noqa: S102 - nova's own lines


def _statements(module: ast.Module) -> Iterator[ast.stmt]:
    """Constants, options, and their registering, in their order."""
    for statement in module.body:
        text = ast.unparse(statement)
        is_constant = isinstance(statement, ast.Assign) and isinstance(
            statement.value, ast.Constant | ast.Dict
        )
        is_list = isinstance(statement, ast.Assign) and _OPTION.search(text)
        is_call = isinstance(statement, ast.Expr) and _REGISTERS.search(text)
        is_kind = isinstance(statement, ast.ClassDef) and any(
            "Opt" in ast.unparse(b) for b in statement.bases
        )
        if is_constant or is_list or is_call or is_kind:
            yield statement
