"""What lets an old nova run with today's libraries and read a made-up sysfs. Runs in the environment."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any


def prepare_libraries() -> None:
    """Give back to the libraries what releases before 31 import from them."""
    secretutils = importlib.import_module("oslo_utils.secretutils")
    if not hasattr(secretutils, "md5"):
        secretutils.md5 = hashlib.md5  # type: ignore[attr-defined]
    _check_schemas_once()
    _add_concurrency()
    _let_old_database_defaults_pass()
    sys.modules.setdefault("netifaces", types.ModuleType("netifaces"))


def _check_schemas_once() -> None:
    """Do not prove nova's constant schemas again for each alias: that is nearly all of the time otherwise."""
    validator = importlib.import_module("jsonschema").Draft202012Validator
    known: set[int] = set()
    check = validator.check_schema

    def check_once(schema: object, *more: object, **named: object) -> None:
        if id(schema) not in known:
            check(schema, *more, **named)
            known.add(id(schema))

    validator.check_schema = check_once


def _add_concurrency() -> None:
    class Wrapper:
        """Stands where the database would be: nothing here may reach one."""

        def __init__(self, *arguments: object, **named: object) -> None:
            pass

    module = types.ModuleType("oslo_db.concurrency")
    module.TpoolDbapiWrapper = Wrapper  # type: ignore[attr-defined]
    module.list_opts = list  # type: ignore[attr-defined]
    sys.modules.setdefault("oslo_db.concurrency", module)
    importlib.import_module("oslo_db").concurrency = module  # type: ignore[attr-defined]


def _let_old_database_defaults_pass() -> None:
    options = importlib.import_module("oslo_db.options")
    known = options.set_defaults

    def set_defaults(conf: object, connection: str | None = None, **_old: object) -> None:
        known(conf, connection=connection)

    options.set_defaults = set_defaults  # type: ignore[attr-defined]


def take_database_away() -> None:
    """Put nothing where nova keeps its database: before 19 its code does not compile any more."""

    class Nothing(types.ModuleType):
        """A module in which every name is a decorator that leaves things as they are."""

        def __init__(self, name: str) -> None:
            super().__init__(name)
            self.__path__ = []

        def __getattr__(self, name: str) -> object:
            if name.startswith("__"):
                raise AttributeError(name)
            return lambda *arguments, **named: arguments[0] if arguments else None

    # Signatures of images in 13 want curves that no library has any more.
    for name in (
        "nova.signature_utils",
        "nova.db",
        "nova.db.api",
        "nova.db.sqlalchemy",
        "nova.db.sqlalchemy.api",
    ):
        sys.modules[name] = Nothing(name)
    for name in ("nova.db.sqlalchemy.models", "nova.db.main", "nova.db.main.api", "nova.db.main.models"):
        sys.modules[name] = Nothing(name)


class Sysfs:
    """The files under /sys that nova's PCI code asks for, taken from another folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, path: str) -> Path:
        return self.root / path.removeprefix("/sys/") if path.startswith("/sys/") else Path(path)

    def install(self, utilities: Any) -> None:
        """Let a module that says ``os`` and ``open`` read here."""
        utilities.os = types.SimpleNamespace(
            path=types.SimpleNamespace(join=os.path.join, isdir=self.isdir),
            readlink=lambda path: str(self.place(path).readlink()),
        )
        utilities.open = lambda path, *more: self.place(path).open(*more)

    def isdir(self, path: str) -> bool:
        """As ``os.path.isdir``: false for names that no file can have."""
        try:
            return self.place(path).is_dir()
        except (OSError, ValueError):
            return False


def write_machine(folder: Path, machine: dict[str, Any]) -> None:
    """Write what sysfs would show of a machine's devices and interfaces."""
    for device in machine["devices"]:
        place = folder / "bus" / "pci" / "devices" / device["address"]
        place.mkdir(parents=True)
        (place / "vendor").write_text(f"0x{device['vendor_id']}\n")
        (place / "device").write_text(f"0x{device['product_id']}\n")
        if device["dev_type"] == "type-PF":
            (place / "sriov_totalvfs").write_text("4\n")
            (place / "sriov_vf_device").write_text("101e\n")
        (folder / device["address"]).symlink_to(place)
    for name, target in machine["interfaces"].items():
        place = folder / "class" / "net" / name
        place.mkdir(parents=True)
        if not (folder / target).exists():
            (folder / target).mkdir()
        # As the kernel has it: nova strips dots and slashes from what the link says.
        (place / "device").symlink_to(f"../../../{target}")
