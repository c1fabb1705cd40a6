"""Prints every option of the nova first on the path, with its type. Runs in the environment.

JSON: section to option to the type as ``gpucloud.nova.releases.known`` writes it; an old name to ``=`` and
the option that it is read for.
"""

from __future__ import annotations

import importlib
import re

SECTIONS = (
    "DEFAULT",
    "pci",
    "devices",
    "filter_scheduler",
    "scheduler",
    "libvirt",
    "workarounds",
    "quota",
    "compute",
)


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
    conf([], project="nova", default_config_files=[])
    shown: dict[str, dict[str, str]] = {}
    for section in SECTIONS:
        if section != "DEFAULT" and section not in conf._groups:
            continue
        options = conf._opts if section == "DEFAULT" else conf._groups[section]._opts
        for information in options.values():
            option = information["opt"]
            shown.setdefault(section, {})[option.name] = kind_of(option, str(option.type))
            for old in option.deprecated_opts:
                name = old.name or option.name
                shown.setdefault(old.group or section, {})[name] = f"=[{section}]{option.name}"
    talk.say(shown)


if __name__ == "__main__":
    main()
