"""Prints every option of the nova first on the path, with its type and default. Runs in the environment.

JSON: section, in the order in which oslo.config goes through them, to option to its type as
``gpucloud.nova.releases.known`` writes it, and its default; an old name to ``=`` and the option that it is
read for.
"""

from __future__ import annotations

import importlib
import re
import socket
import sys
from pathlib import Path
from typing import Any

_MESSAGING = (None, "oslo_messaging_rabbit", "oslo_messaging_notifications")
"""Groups of oslo.messaging that a service of nova registers with RabbitMQ."""
SCATTERED = "scattered"
"""The argument for nova 13, of whose options many are not in ``nova.conf``."""
_ONLY_THERE = "?"
"""A default that is made where nova runs: its address, its folders."""


def register_libraries(conf: Any) -> None:
    """Register what each service registers beside nova's own options, before files are read."""
    importlib.import_module("oslo_log.log").register_options(conf)
    for group, options in importlib.import_module("oslo_messaging.opts").list_opts():
        if group in _MESSAGING:
            conf.register_opts(options, group=group)


def groups_of(conf: Any) -> dict[str, dict[str, Any]]:
    """Section to what is registered in it, as oslo.config logs them: DEFAULT, then the groups."""
    return {"DEFAULT": conf._opts, **{name: group._opts for name, group in conf._groups.items()}}


def default_of(option: Any) -> str:
    """What stands for an option that is not set, where another option names it."""
    if option.default is None:
        return ""
    text = str(option.default if option.multi else option.type(option.default))
    address = importlib.import_module("oslo_utils.netutils").get_my_ipv4()
    folder = importlib.import_module("nova").__path__[0].rpartition("/")[0]
    local = (socket.gethostname(), address, sys.prefix, folder)
    is_local = option.sample_default is not None or any(each in text for each in local)
    return _ONLY_THERE if is_local or not text.isascii() or "\n" in text else text


def kind_of(option: object, shown: str) -> str:
    """The type of an option in one word."""
    if getattr(option, "multi", False):
        return "multi"
    if shown.startswith("List of"):
        return "list"
    if shown == "Boolean":
        return "bool"
    for name, word in (("Integer", "int"), ("Port", "int"), ("Float", "float")):
        if shown.startswith(name):
            return word + limits_of(shown)
    choices = re.fullmatch(r"String\(choices=\[(.*)\]\)", shown)
    return "one:" + "|".join(re.findall(r"'([^']*)'", choices[1])) if choices else "text"


def limits_of(shown: str) -> str:
    least, most = re.search(r"min=(-?\d+)", shown), re.search(r"max=(-?\d+)", shown)
    return f":{least[1] if least else ''}:{most[1] if most else ''}" if least or most else ""


def main() -> None:
    """Print them."""
    talk = importlib.import_module("talk")  # beside this file, which no package holds here
    talk.quieten()
    importlib.import_module("shim").prepare_libraries()
    conf = importlib.import_module("nova.conf").CONF
    if sys.argv[1:] == [SCATTERED]:
        folder = Path(importlib.import_module("nova").__path__[0])
        importlib.import_module("scattered_options").register_scattered(conf, folder)
    register_libraries(conf)
    conf([], project="nova", default_config_files=[])
    shown: dict[str, dict[str, list[str]]] = {}
    for section, options in groups_of(conf).items():
        for information in options.values():
            option = information["opt"]
            shown.setdefault(section, {})[option.name] = [
                kind_of(option, str(option.type)),
                default_of(option),
            ]
    for section, options in groups_of(conf).items():
        for information in options.values():
            option = information["opt"]
            for old in option.deprecated_opts:
                names = shown.setdefault(old.group or section, {})
                names.setdefault(old.name or option.name, [f"=[{section}]{option.name}", ""])
    talk.say(shown)


if __name__ == "__main__":
    main()
