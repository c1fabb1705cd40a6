"""How a script and modules get into the initramfs, and the tool that makes it.

initramfs-tools(7): scripts below /etc/initramfs-tools/scripts/init-top run first of all; hooks may call
``manual_add_modules``. dracut.modules(7): a module's ``install`` puts hooks of stages in place, ``pre-udev``
among them; dracut looks for modules in /usr/lib/dracut/modules.d only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gpucloud.prepare.boot.own import paths as owned
from gpucloud.prepare.boot.own.claim import Claim, render_claim

Rendered = Mapping[str, tuple[str, int]]
"""Texts and modes by path."""


@dataclass(frozen=True, slots=True)
class Initramfs:
    """One tool."""

    name: str
    """As in ``Distribution.initramfs_tools``."""
    command: tuple[str, ...]
    render: Callable[[Sequence[Claim], Sequence[str]], Rendered]
    """The files for claims and modules."""
    paths: tuple[str, ...]
    """All files that ``render`` may give."""


def _initramfs_tools(claims: Sequence[Claim], modules: Sequence[str]) -> Rendered:
    adds = "".join(f"manual_add_modules {module}\n" for module in modules)
    hook = (
        f"#!/bin/sh\n{owned.HEADER}"
        'case "$1" in prereqs) exit 0 ;; esac\n'
        f". /usr/share/initramfs-tools/hook-functions\n{adds}"
    )
    return {
        owned.INITRAMFS_HOOK: (hook, 0o755),
        owned.INITRAMFS_SCRIPT: (render_claim(claims), 0o755),
    }


def _dracut(claims: Sequence[Claim], modules: Sequence[str]) -> Rendered:
    setup = (
        f"#!/bin/bash\n{owned.HEADER}"
        "check() { return 255; }\n"
        "depends() { return 0; }\n"
        f"installkernel() {{ hostonly='' instmods {' '.join(modules)}; }}\n"
        "install() {\n"
        '    inst_simple "$moddir/claim" /usr/lib/gpucloud/claim\n'
        '    inst_hook pre-udev 10 "$moddir/run-claim.sh"\n'
        "}\n"
    )
    return {
        owned.DRACUT_CONF: (f'{owned.HEADER}add_dracutmodules+=" gpucloud "\n', 0o644),
        owned.DRACUT_SETUP: (setup, 0o755),
        owned.DRACUT_HOOK: (f"#!/bin/sh\n{owned.HEADER}/bin/sh /usr/lib/gpucloud/claim\n", 0o755),
        owned.DRACUT_CLAIM: (render_claim(claims), 0o755),
    }


INITRAMFS_TOOLS = Initramfs(
    "initramfs-tools",
    ("update-initramfs", "-u", "-k", "all"),
    _initramfs_tools,
    (owned.INITRAMFS_HOOK, owned.INITRAMFS_SCRIPT),
)
DRACUT = Initramfs(
    "dracut",
    ("dracut", "--force", "--regenerate-all"),
    _dracut,
    (owned.DRACUT_CONF, owned.DRACUT_SETUP, owned.DRACUT_HOOK, owned.DRACUT_CLAIM),
)
