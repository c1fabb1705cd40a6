"""One release of nova reads files: JSON lines in, JSON lines out. Runs in the environment.

The argument is a folder for the files. Each line is the texts of the files, in order; the answer is what
nova and its library for options make of them: the error of the parser, values that are not of their type,
values of the options for devices, and what nova's own parsers say of those.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

shim = importlib.import_module("shim")  # beside this file, which no package holds here
talk = importlib.import_module("talk")
cfg = importlib.import_module("oslo_config.cfg")
known_options = importlib.import_module("known_options")


_WORD = re.compile(r"[\w-]+")


def attempt(action: Callable[[], Any]) -> Any:
    """What the action gives, as it is, or the exception and the text that it raises."""
    answer = talk.attempt(action)
    return answer.get("gives", answer)


class Nova:
    """The release that is first on the path."""

    def __init__(self, folder: Path) -> None:
        shim.prepare_libraries()
        self.folder = folder
        self.conf = importlib.import_module("nova.conf").CONF
        known_options.register_libraries(self.conf)
        shim.take_database_away()
        importlib.import_module("nova.objects")
        for name in ("pci_device", "pci_device_pool", "instance_pci_requests"):
            importlib.import_module(f"nova.objects.{name}")
        self.request = importlib.import_module("nova.pci.request")
        self.whitelist = importlib.import_module("nova.pci.whitelist")
        has_devices = importlib.util.find_spec("nova.conf.devices") is not None
        self.devices: Any = importlib.import_module("nova.conf.devices") if has_devices else None
        self.filters = _filter_classes()
        shim.Sysfs(folder / "sys").install(importlib.import_module("nova.pci.utils"))
        self.conf([], project="nova", default_config_files=[])  # which registers its own options, too
        self.options = [
            (section, name, options[name]["opt"], _names(options[name]["opt"]))
            for section, options in known_options.groups_of(self.conf).items()
            for name in sorted(options)
        ]

    def answer(self, texts: list[str]) -> dict[str, Any]:
        paths = []
        for number, text in enumerate(texts):
            place = self.folder / f"{number}.conf"
            place.write_text(text)
            paths.append(str(place))
        self.conf.clear()
        self.conf.reset()
        try:
            self.conf([], project="nova", default_config_files=paths)
        except cfg.ConfigFileParseError as error:
            return {"unreadable": str(error)}
        return {
            "wrong": self.wrong({_bare(word) for text in texts for word in _WORD.findall(text)}),
            "device_spec": attempt(self.specs),
            "alias": attempt(self.aliases),
            "filters": attempt(lambda: self.conf.filter_scheduler.enabled_filters),
            "missing": attempt(self.missing),
            "mdev": attempt(lambda: self.mdev(paths)),
        }

    def wrong(self, words: set[str]) -> list[list[str]]:
        """Complaints about values in the files, in the order in which a service prints them as it starts.

        Args:
            words: all that stand in the files: an option of none of whose names one is, is not set there.
        """
        found = []
        for section, name, option, names in self.options:
            if words.isdisjoint(names):
                continue
            group = self.conf if section == "DEFAULT" else getattr(self.conf, section)
            try:
                getattr(group, name)
            except (cfg.Error, RecursionError) as error:
                if self.is_set(option, None if section == "DEFAULT" else section):
                    found.append([type(error).__name__, str(error)])
        return found

    def is_set(self, option: Any, section: str | None) -> bool:
        """Whether a file sets an option under any of its names."""
        try:
            option._get_from_namespace(self.conf._namespace, section)
        except KeyError:
            return False
        return True

    def specs(self) -> Any:
        name = "device_spec" if "device_spec" in self.conf._groups["pci"]._opts else "passthrough_whitelist"
        values = getattr(self.conf.pci, name)
        return {"values": values, "parsed": attempt(lambda: bool(self.whitelist.Whitelist(values)))}

    def aliases(self) -> Any:
        values = self.conf.pci.alias
        read = getattr(self.request, "get_alias_from_config", None) or self.request._get_alias_from_config
        if hasattr(read, "cache_clear"):
            read.cache_clear()
        return {"values": values, "parsed": attempt(lambda: sorted(read()))}

    def missing(self) -> list[str]:
        """Filters that are on and that nova does not load."""
        known: set[str] = set()
        for path in self.conf.filter_scheduler.available_filters:
            known |= self.filters if path.endswith(".all_filters") else {path.rpartition(".")[2]}
        return [name for name in self.conf.filter_scheduler.enabled_filters if name not in known]

    def mdev(self, paths: list[str]) -> dict[str, Any]:
        """Types and their sections, as the release registers them."""
        if not hasattr(self.devices, "register_dynamic_opts"):
            return {}
        conf = cfg.ConfigOpts()
        self.devices.register_opts(conf)
        conf([], project="nova", default_config_files=paths)
        self.devices.register_dynamic_opts(conf)
        prefixes = ("mdev_", "vgpu_")
        groups = [name for name in conf._groups if name.startswith(prefixes)]
        return {
            name.partition("_")[2]: {
                key: attempt(lambda name=name, key=key: getattr(getattr(conf, name), key))  # type: ignore[misc]
                for key in sorted(conf._groups[name]._opts)
            }
            for name in groups
        }


def _names(option: Any) -> frozenset[str]:
    """The names under which files may set an option, bare."""
    return frozenset(
        map(_bare, (option.name, option.dest, *(old.name or "" for old in option.deprecated_opts)))
    )


def _bare(word: str) -> str:
    """A name as files may spell it in other ways."""
    return word.replace("-", "_").lower()


def _filter_classes() -> set[str]:
    """The classes of filters in nova's source: to load them takes its database, which old ones cannot."""
    found = importlib.util.find_spec("nova")
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0]) / "scheduler" / "filters"
    trees = [ast.parse(place.read_text()) for place in folder.glob("*.py")]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}


def main() -> None:
    """Answer until there are no more cases."""
    talk.quieten()
    talk.serve(Nova(Path(sys.argv[1])).answer)


if __name__ == "__main__":
    main()
