"""One release judges keys of flavors and properties of images. Runs in the environment.

The first answer is what the release knows: validators of flavors, fields and old names of images. Each line
then is ``{"flavor": [NAME, VALUE]}`` or ``{"image": {NAME: VALUE}}``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import re
import sys
import types
from typing import Any

shim = importlib.import_module("shim")  # beside this file, which no package holds here
talk = importlib.import_module("talk")
_SPECS = "nova.api.validation.extra_specs"
setattr(re, "_MAXCACHE", 10_000)  # noqa: B010 - nova looks a name up in 700 expressions, and Python keeps 512


class Nova:
    """The release that is first on the path."""

    def __init__(self) -> None:
        os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "yes"
        shim.prepare_libraries()
        importlib.import_module("nova.conf")
        # The API's own package imports all of it, and pools of hosts the database: neither is asked.
        has_validators = _has("nova.api.validation", "extra_specs")
        self.validators: Any = _validators() if has_validators else None
        shim.take_database_away()
        _take_away("nova.virt.hardware")
        self.image: Any = importlib.import_module("nova.objects.image_meta").ImageMetaProps

    def known(self) -> dict[str, Any]:
        """All names that the release knows."""
        found = self.validators.VALIDATORS.values() if self.validators is not None else ()
        return {
            "flavor": [re.sub(r"\?P<\w+>", "", each.name_regex) for each in found],
            "image": [*self.image.fields, *self.image._legacy_property_map],
        }

    def answer(self, case: dict[str, Any]) -> Any:
        if "flavor" in case:
            return talk.attempt(lambda: self.validators.validate(*case["flavor"]))
        return talk.attempt(lambda: sorted(self.image.from_dict(dict(case["image"])).obj_what_changed()))


def _has(package: str, name: str) -> bool:
    found = importlib.util.find_spec("nova")
    assert found is not None
    assert found.submodule_search_locations is not None
    inside = package.split(".")[1:]
    place = os.path.join(found.submodule_search_locations[0], *inside)  # noqa: PTH118 - as nova's own
    return any(each.name == name for each in pkgutil.iter_modules([place]))


def _validators() -> Any:
    """The registry of validators, filled from the release's own modules: no entry points are installed."""
    registry = importlib.import_module(f"{_SPECS}.validators")
    package = importlib.import_module(_SPECS)
    registry.VALIDATORS.clear()
    registry.NAMESPACES.clear()
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in ("base", "validators"):
            for each in importlib.import_module(f"{_SPECS}.{module.name}").register():
                registry.VALIDATORS[each.name] = each
                if ":" in each.name_regex:
                    registry.NAMESPACES.add(each.name_regex.split(":", 1)[0])
    return registry


def _take_away(name: str) -> None:
    sys.modules[name] = types.ModuleType(name)


talk.quieten()
nova = Nova()
talk.say(nova.known())
talk.serve(nova.answer)
