"""openstacksdk's configuration without its services, of which gpucloud needs none.

``openstack/__init__.py`` imports ``openstack.connection``, and with it the classes of every service: half of
the time in which a short command starts.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_PACKAGE = "openstack"


def spare_services(modules: dict[str, ModuleType] = sys.modules) -> None:
    """Let openstacksdk's modules be imported one by one, where none of them is yet.

    Whoever asks the package for what is no module of it, as ``openstack.connect``, gets all of it after all.

    Args:
        modules: those that are imported.
    """
    if _PACKAGE in modules or (spec := find_spec(_PACKAGE)) is None or (loader := spec.loader) is None:
        return
    package = module_from_spec(spec)

    def whole(name: str) -> object:
        if find_spec(f"{_PACKAGE}.{name}") is not None:
            return importlib.import_module(f"{_PACKAGE}.{name}")
        if vars(package).pop("__getattr__", None) is None:
            raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
        loader.exec_module(package)
        return getattr(package, name)

    vars(package)["__getattr__"] = whole
    modules[_PACKAGE] = package
