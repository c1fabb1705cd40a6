"""Pop!_OS: kernelstub keeps the arguments in a JSON file and writes the boot entry of it when it is run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpucloud.inventory.system.kernel import before_init
from gpucloud.model.boot import BootFiles
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.arguments import Argument
from gpucloud.prepare.boot.loaders.loader import Texts
from gpucloud.prepare.boot.paths import KERNELSTUB


@dataclass(frozen=True, slots=True)
class Kernelstub:
    """``user.kernel_options`` of its configuration (kernelstub/config.py, revision 4)."""

    tools: tuple[tuple[str, ...], ...] = (("kernelstub",),)
    name: str = "`/etc/kernelstub/configuration`"
    own: tuple[str, ...] = ()

    def arguments(self, files: BootFiles) -> tuple[Argument, ...] | Unknown:
        settings = _settings(files)
        if isinstance(settings, Unknown):
            return settings
        return tuple(Argument(word, KERNELSTUB) for word in before_init(settings["user"]["kernel_options"]))

    def add(self, files: BootFiles, words: Sequence[str]) -> Texts:
        settings = _settings(files)
        if isinstance(settings, Unknown) or not words:
            return {}
        options = settings["user"]["kernel_options"]
        end = len(before_init(options))
        options[end:end] = [word for word in words if word not in options[:end]]
        return {KERNELSTUB: json.dumps(settings, indent=2)}  # as it writes it itself, without a last newline


def _settings(files: BootFiles) -> dict[str, Any] | Unknown:
    text = files.text(KERNELSTUB)
    if not isinstance(text, str):
        return Unknown(f"{KERNELSTUB} is not there") if text is None else text
    try:
        settings: dict[str, Any] = json.loads(text)
        options = settings["user"]["kernel_options"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Unknown(f"{KERNELSTUB} is not as kernelstub writes it")
    is_list = isinstance(options, list) and all(isinstance(word, str) for word in options)
    return settings if is_list else Unknown(f"{KERNELSTUB}: kernel_options is no list of words")
