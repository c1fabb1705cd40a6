"""One release's libvirt driver chooses mdev types: JSON lines in, JSON lines out. Runs in the environment.

The driver as a whole needs libvirt and more; the few methods that are asked stand for themselves, so they are
taken out of its source as they are and run on an object that has the attributes they use.
"""

from __future__ import annotations

import ast
import collections
import importlib
import importlib.util
import sys
import types
import typing
from pathlib import Path
from typing import Any

_METHODS = (
    "_get_supported_vgpu_types",
    "_validate_device_address",
    "_is_virtual_mdev",
    "_get_device_address",
    "_get_pci_id_from_libvirt_name",
    "_get_vgpu_type_per_pgpu",
    "_get_resource_class_for_device",
)


class Driver:
    """The driver's methods with what they need, for one case."""

    def __init__(self, source: ast.Module, case: dict[str, Any]) -> None:
        self.warnings: list[str] = []
        self.conf = _configure(case)
        self.names: dict[str, Any] = {
            "CONF": self.conf,
            "LOG": types.SimpleNamespace(warning=self.warn),
            "nova": types.SimpleNamespace(conf=types.SimpleNamespace(devices=_DEVICES)),
            "exception": importlib.import_module("nova.exception"),
            "pci_utils": importlib.import_module("nova.pci.utils"),
            "orc": types.SimpleNamespace(VGPU="VGPU"),
            "os": types.SimpleNamespace(path=types.SimpleNamespace(exists=self.is_virtual)),
            "ty": typing,
        }
        exec(compile(source, "driver.py", "exec"), self.names)  # noqa: S102 - nova's own code is the judge
        self.virtual = {f"/sys/devices/virtual/{name.replace('_', '/')}" for name in case["virtual"]}
        self.object = types.SimpleNamespace(
            pgpu_type_mapping=collections.defaultdict(str),
            pgpu_type_default=None,
            mdev_class_mapping=collections.defaultdict(lambda: "VGPU"),
            mdev_classes=set(),
            mdev_type_max_mapping=collections.defaultdict(str),
            virtual_mdevs=set(),
        )
        for name in _METHODS:
            if name in self.names:
                method = self.names[name]
                is_static = method.__code__.co_varnames[:1] != ("self",)
                setattr(self.object, name, method if is_static else types.MethodType(method, self.object))

    def warn(self, message: str, *values: Any) -> None:
        self.warnings.append(message % values if values else message)

    def is_virtual(self, path: str) -> bool:
        return path in self.virtual

    def answer(self, case: dict[str, Any]) -> dict[str, Any]:
        """All that follows from the options."""
        try:
            enabled = self.object._get_supported_vgpu_types()
        except Exception as error:  # noqa: BLE001 - whatever nova raises is the answer
            return talk.raised(error)  # type: ignore[no-any-return]
        self.object.supported_vgpu_types = enabled
        return {
            "enabled": enabled,
            "limits": dict(self.object.mdev_type_max_mapping),
            "classes": sorted(self.object.mdev_classes),
            "warnings": self.warnings[:],
            "devices": {address: self.of(address) for address in case["devices"]},
        }

    def of(self, address: str) -> list[str | None]:
        """Type and class of the GPU at an address of libvirt's."""
        name = "pci_" + address.replace(":", "_").replace(".", "_")
        per_gpu = getattr(self.object, "_get_vgpu_type_per_pgpu", None)
        per_class = getattr(self.object, "_get_resource_class_for_device", None)
        first = next(iter(self.object.supported_vgpu_types), None)
        return [
            first if per_gpu is None else per_gpu(name) or None,
            "VGPU" if per_class is None else per_class(name),
        ]


def _configure(case: dict[str, Any]) -> Any:
    """Fresh options for each case: groups that a release registers must not stay for the next."""
    conf = importlib.import_module("oslo_config.cfg").ConfigOpts()
    _DEVICES.register_opts(conf)
    sections = {"devices": {case["option"]: ",".join(case["types"])}}
    sections |= {f"{case['group']}_{name}": known for name, known in case["sections"].items()}
    lines = [
        line
        for name, known in sections.items()
        for line in (f"[{name}]", *(f"{key} = {value}" for key, value in known.items()))
    ]
    _FILE.write_text("\n".join(lines))
    conf([], project="nova", default_config_files=[str(_FILE)])
    return conf


def _driver() -> ast.Module:
    found = importlib.util.find_spec("nova")
    assert found is not None
    assert found.submodule_search_locations is not None
    place = Path(found.submodule_search_locations[0]) / "virt" / "libvirt" / "driver.py"
    tree = ast.parse(place.read_text())
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in _METHODS]
    for method in methods:
        method.decorator_list = []
    return ast.Module(body=list(methods), type_ignores=[])


talk = importlib.import_module("talk")  # beside this file, which no package holds here
talk.quieten()
shim = importlib.import_module("shim")
shim.prepare_libraries()
_DEVICES = importlib.import_module("nova.conf.devices")
_FILE = Path(sys.argv[1])
source = _driver()
talk.serve(lambda asked: Driver(source, asked).answer(asked))
