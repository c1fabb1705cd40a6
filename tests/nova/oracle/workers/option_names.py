"""Prints the options of the nova first on the path: names, old names, defaults. Runs in the environment.

JSON: ``{"[pci]alias": {"old": ["[DEFAULT]pci_alias"], "default": []}}``.
"""

from __future__ import annotations

import importlib

talk = importlib.import_module("talk")  # beside this file, which no package holds here
talk.quieten()
shim = importlib.import_module("shim")
shim.prepare_libraries()
conf = importlib.import_module("nova.conf").CONF
shown = {}
for section in {"pci", "filter_scheduler", "devices"} & conf._groups.keys():
    for name, known in conf._groups[section]._opts.items():
        option = known["opt"]
        old = [f"[{each.group or section}]{each.name or name}" for each in option.deprecated_opts]
        shown[f"[{section}]{name}"] = {"old": old, "default": option.default}
talk.say(shown)
