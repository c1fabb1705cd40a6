"""One release loads rendered files: JSON lines in, JSON lines out. Runs in the environment.

The first line names the machines; each other line is a case: the files of one service in order, the machine,
and flavors. The files go through the release's own options, and what they say through
``device_worker.Nova``.
"""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
from pathlib import Path
from typing import Any

device_worker = importlib.import_module("device_worker")  # beside this file, which no package holds here
talk = importlib.import_module("talk")
_KEYS = ("device_addresses", "mdev_class", "max_instances")
_SPECS = (
    ("pci", "device_spec"),
    ("pci", "passthrough_whitelist"),
    ("DEFAULT", "pci_passthrough_whitelist"),
)
_ALIASES = (("pci", "alias"), ("DEFAULT", "pci_alias"))
_FILTERS = (("filter_scheduler", "enabled_filters"), ("DEFAULT", "scheduler_default_filters"))
"""An option under the names that it had, newest first; those of 13 and 14 last."""
_OURS = (*_SPECS, *_ALIASES, ("pci", "report_in_placement"), ("filter_scheduler", "pci_in_placement"))


class Service:
    """A release that is given files."""

    def __init__(self, machines: dict[str, Any], folder: Path) -> None:
        self.nova = device_worker.Nova(machines, folder)
        self.conf = self.nova.conf
        has_devices = importlib.util.find_spec("nova.conf.devices") is not None  # since 17
        self.devices: Any = importlib.import_module("nova.conf.devices") if has_devices else None
        self.folder = folder

    def answer(self, case: dict[str, Any]) -> dict[str, Any]:
        """What the service makes of its files."""
        for group, name in _OURS:
            if name in self._group(group):
                self.conf.clear_override(name, group=None if group == "DEFAULT" else group)
        paths = []
        for number, text in enumerate(case["files"]):
            paths.append(self.folder / f"{number}.conf")
            paths[-1].write_text(text)
        self.conf([], project="nova", default_config_files=list(map(str, paths)))
        said: dict[str, Any] = self.nova.answer(self._case(case))
        return said | {
            "filters": list(self._read(_FILTERS, ())),
            "mdev": self._mdev(),
            "post_copy": self._read((("libvirt", "live_migration_permit_post_copy"),), False),
            "downtime": self._read((("libvirt", "live_migration_downtime"),), None),
            "in_placement": self._is_on("filter_scheduler", "pci_in_placement"),
        }

    def _case(self, case: dict[str, Any]) -> dict[str, Any]:
        return {
            **case,
            "specs": list(self._read(_SPECS, ())),
            "aliases": list(self._read(_ALIASES, ())),
            "report": self._is_on("pci", "report_in_placement"),
            "in_placement": self._is_on("filter_scheduler", "pci_in_placement"),
        }

    def _is_on(self, group: str, name: str) -> bool:
        return bool(self._read(((group, name),), False))

    def _group(self, name: str) -> Any:
        """The options of a section; none where the release does not have it."""
        return self.conf if name == "DEFAULT" else getattr(self.conf, name, {})

    def _read(self, names: tuple[tuple[str, str], ...], default: object) -> Any:
        """The option under the newest name that the release has."""
        known = (self._group(group)[name] for group, name in names if name in self._group(group))
        return next(known, default)

    def _mdev(self) -> dict[str, dict[str, str]] | None:
        """Types with their sections, as the release registers those; None before it has any."""
        if "devices" not in self.conf:
            return None
        devices = self.conf.devices
        name = "enabled_mdev_types" if "enabled_mdev_types" in devices else "enabled_vgpu_types"
        if name not in devices:
            return None
        if hasattr(self.devices, "register_dynamic_opts"):
            self.devices.register_dynamic_opts(self.conf)
        return {kind: self._section(f"{name.split('_')[1]}_{kind}") for kind in devices[name]}

    def _section(self, name: str) -> dict[str, Any]:
        if name not in self.conf:
            return {}
        group = self.conf[name]
        known = {key: group[key] for key in set(_KEYS) & set(group)}
        return {key: value for key, value in known.items() if value}


def main() -> None:
    """Answer until there are no more cases."""
    talk.quieten()
    with tempfile.TemporaryDirectory() as folder:
        talk.serve(Service(talk.heard(), Path(folder)).answer)


if __name__ == "__main__":
    main()
