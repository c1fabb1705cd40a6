"""The running host, or a directory that stands for one, as the kernel answers now."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from gpucloud.inventory.capture.allowlist import KVM_ANSWER
from gpucloud.inventory.collect.collector import ask_kvm, number_of
from gpucloud.inventory.collect.envoy import PATIENCE_S, Answer, Envoy
from gpucloud.inventory.folder import Folder, ReadFiles, read_here, read_unfollowed
from gpucloud.inventory.reader import FILE_LIMIT, Contents, reason
from gpucloud.model.host import HERE
from gpucloud.model.unknown import Unknown

_T = TypeVar("_T")
_ROOT = Path("/")
_ATTRIBUTES = (
    "class vendor device subsystem_vendor subsystem_device revision modalias resource numa_node power_state"
    " d3cold_allowed boot_vga sriov_totalvfs"
)
_IN_MEMORY = frozenset(_ATTRIBUTES.split())
"""Attributes that the kernel knows without asking a device or taking its lock (drivers/pci/pci-sysfs.c)."""


class LiveReader:
    """Reads below ``root``. On ``/`` it also asks the kernel for a virtual machine (``KVM_ANSWER``).

    Args:
        root: the directory that stands for ``/``.
        read_files: how files are read; ``patient`` waits for none of them for ever.
    """

    def __init__(self, root: Path = _ROOT, *, read_files: ReadFiles = read_here) -> None:
        self._folder = Folder(root, read_files=read_files)
        self._is_running_host = root == _ROOT

    @property
    def label(self) -> str:
        return HERE

    def read_bytes(self, path: str, limit: int = FILE_LIMIT) -> bytes | None | Unknown:
        if path == KVM_ANSWER and self._is_running_host:
            return _ask_kvm()
        return answer(path, lambda: self._folder.read(path, limit))

    def read_text(self, path: str, limit: int = FILE_LIMIT) -> str | None | Unknown:
        data = self.read_bytes(path, limit)
        return data.decode(errors="replace") if isinstance(data, bytes) else data

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        return answer(path, lambda: tuple(sorted(self._folder.names(path))))

    def read_folder(self, path: str, wanted: frozenset[str]) -> Contents | None | Unknown:
        contents = answer(path, lambda: self._folder.contents(path, wanted, FILE_LIMIT))
        if contents is None or isinstance(contents, Unknown):
            return contents
        answers = {name: _told(f"{path}/{name}", text) for name, text in contents.texts.items()}
        texts = {name: text for name, text in answers.items() if text is not None}
        return Contents(frozenset(contents.names), texts, contents.links)

    def read_link(self, path: str) -> str | None | Unknown:
        return answer(path, lambda: self._folder.target(path))

    def read_opened(self, path: str) -> str | None | Unknown:
        target = self.read_link(path)
        if self._is_running_host and isinstance(target, str):
            return number_of(path, target) or target
        return target


def patient(
    root: Path = _ROOT,
    patience_s: float = PATIENCE_S,
    *,
    read: Callable[[str], bytes] = read_unfollowed,
) -> ReadFiles:
    """A way to read files in which those that the kernel makes up as they are read have a time limit.

    One that takes too long is an OSError (ETIMEDOUT): it may be behind the lock of a device that is stuck.
    """
    envoy = Envoy(read, patience_s)
    made_up = tuple(f"{root / top}/" for top in ("sys", "proc"))

    def read_files(paths: Sequence[str], limit: int) -> list[Answer]:
        risky = [
            path for path in paths if path.startswith(made_up) and path.rpartition("/")[2] not in _IN_MEMORY
        ]
        plain = [path for path in paths if path not in risky]
        answers = dict(zip(plain, read_here(plain, limit), strict=True))
        answers.update(zip(risky, (_bounded(each, limit) for each in envoy.read_all(risky)), strict=True))
        return [answers[path] for path in paths]

    return read_files


def _bounded(answer: Answer, limit: int) -> Answer:
    is_long = isinstance(answer, bytes) and len(answer) > limit
    return OSError(errno.EFBIG, f"longer than {limit} bytes") if is_long else answer


def answer(path: str, read: Callable[[], _T]) -> _T | None | Unknown:
    """Do a read; nothing there is None, and any other refusal is Unknown with the system's reason."""
    try:
        return read()
    except OSError as error:
        return _refused(path, error)


def _told(path: str, text: str | OSError) -> str | None | Unknown:
    return text if isinstance(text, str) else _refused(path, text)


def _refused(path: str, error: OSError) -> None | Unknown:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return None
    return Unknown(f"{reason(error)}: {path}")


def _ask_kvm() -> bytes | Unknown:
    refusal, why = ask_kvm()
    return Unknown(f"{why}: {KVM_ANSWER}") if why else refusal.encode()
