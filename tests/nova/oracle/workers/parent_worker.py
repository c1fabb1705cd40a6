"""One release's libvirt driver reads a parent of mediated devices: JSON lines in, JSON lines out.

The one method that is asked is taken out of the driver's source as it is; nova itself reads libvirt's XML.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import types
from pathlib import Path
from typing import Any

_METHOD = "_get_mdev_capabilities_for_dev"


def _method() -> Any:
    found = importlib.util.find_spec("nova")
    assert found is not None
    assert found.submodule_search_locations is not None
    place = Path(found.submodule_search_locations[0]) / "virt" / "libvirt" / "driver.py"
    nodes = ast.walk(ast.parse(place.read_text()))
    wanted: list[ast.stmt] = [
        node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == _METHOD
    ]
    names: dict[str, Any] = {"vconfig": importlib.import_module("nova.virt.libvirt.config")}
    exec(compile(ast.Module(body=wanted[:1], type_ignores=[]), "driver.py", "exec"), names)  # noqa: S102
    return names[_METHOD]


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The types that nova reads of the parent, or what it raises."""
    device = types.SimpleNamespace(XMLDesc=lambda _flags: asked["xml"])
    driver = types.SimpleNamespace(
        _host=types.SimpleNamespace(device_lookup_by_name=lambda _name: device),
        _is_virtual_mdev=lambda name: name in asked["told"],
    )
    try:
        return {"types": sorted(method(driver, asked["name"])["types"])}
    except Exception as error:  # noqa: BLE001 - whatever nova raises is the answer
        return talk.raised(error)  # type: ignore[no-any-return]


talk = importlib.import_module("talk")  # beside this file, which no package holds here
talk.quieten()
shim = importlib.import_module("shim")
shim.prepare_libraries()
method = _method()
talk.serve(_answer)
