"""Hosts that somebody set up by hand, as sites that can be changed, and what a plan says of them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.prepare.adopt.styles import Style
from tests.prepare.boot_hosts import Tools, build_family
from tests.prepare.site import Site

from gpucloud.model.plan import Plan
from gpucloud.prepare.system import System

SPEC = "/srv/gpucloud.yaml"


def site_of(folder: Path, style: Style) -> Site:
    """A site in an empty folder, with what a person did on it and what tools made of that."""
    kernel = build_family(folder / "root", style.family, functions=style.functions)
    for path, text in style.files.items():
        place = kernel.root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
        place.chmod((style.modes or {}).get(path, 0o644))
    (kernel.root / "srv").mkdir()
    for path, target in (style.links or {}).items():
        place = kernel.root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    assert isinstance(kernel.tools, Tools)
    for program in (
        "update-initramfs",
        "update-grub",
        "dracut",
        "grub2-mkconfig",
        "kernelstub",
        "proxmox-boot-tool",
    ):
        kernel.tools.make(program)
    return Site(kernel, folder / "state", wrap=anybody)


def anybody(system: System) -> System:
    """A system on which this user, who may not be root, may give files to root: nobody gets them."""
    put, look = system.put, system.look
    owner = {"uid": os.getuid(), "gid": os.getgid()}
    system.put = lambda path, state: put(path, replace(state, **owner))  # type: ignore[method-assign,arg-type]
    system.look = lambda path: _as_root(look(path))  # type: ignore[method-assign]
    return system


def _as_root(state: Any) -> Any:
    return replace(state, uid=0, gid=0) if hasattr(state, "uid") else state


def adoption(site: Site, *, name: str = "gpu01", spec: str = SPEC) -> Plan:
    """The plan that takes a host over."""
    return site.desk.plan_adoption(spec, name, force=False)


def left(plan: Plan) -> dict[str, str]:
    """What stays, with why, by its text."""
    assert plan.wanted is not None
    assert plan.wanted.adopted is not None
    return {each.text: each.left for each in plan.wanted.adopted.settings if each.left is not None}
