"""Which mediated devices a guest gets: those it names, or any of a type that nobody has. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gpucloud.cloud.typed import is_typed
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.unknown import Unknown

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_TYPE = re.compile(r"\w[\w.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mediated:
    """A mediated device that a host has."""

    uuid: str
    type: str | None | Unknown
    """The id of its type: ``nvidia-222``, ``mtty-1``."""
    is_free: bool
    """Claims that no process has it open."""


def check_wish(text: str) -> str:
    """Give a UUID, in small letters, or the id of a type, as somebody asks for it.

    Raises:
        ValueError: it is neither.
    """
    if is_uuid(text):
        return str(uuid.UUID(text))
    if not _TYPE.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is neither the UUID of a mediated device nor the id of a type")
    return text


def is_uuid(text: str) -> bool:
    """Claims that it names one device, and not a type."""
    return _UUID.fullmatch(text) is not None


def choose_mediated(
    wishes: Sequence[str], there: Sequence[Mediated], taken: Collection[str]
) -> tuple[str, ...]:
    """Choose a device for each wish, the lowest UUID of a type; each device once.

    Args:
        wishes: UUIDs and ids of types (`check_wish`).
        there: all mediated devices of the host.
        taken: UUIDs that a guest has, or is defined to have.

    Raises:
        Failure: one is not there, or not free.
    """
    named = [wish for wish in wishes if is_uuid(wish)]
    twice = next((wish for wish in named if named.count(wish) > 1), None)
    if twice is not None:
        raise Failure(f"mediated device {twice} is asked for twice", "name it once", code=Exit.USAGE)
    chosen = {wish: wish for wish in named if _refuse_named(wish, there, taken)}
    given: list[str] = []
    for wish in wishes:
        given.append(chosen.get(wish) or _any_of(wish, there, {*taken, *named, *given}))
    return tuple(given)


def _refuse_named(wish: str, there: Sequence[Mediated], taken: Collection[str]) -> bool:
    device = next((each for each in there if each.uuid == wish), None)
    if device is None:
        raise Failure(f"there is no mediated device {wish} here", "gpucloud vgpu list shows those there are")
    if wish in taken or not device.is_free:
        raise Failure(f"mediated device {wish} is in use", "gpucloud vgpu list shows by whom")
    return True


def _any_of(kind: str, there: Sequence[Mediated], taken: Collection[str]) -> str:
    if is_typed(kind):
        what = f"{kind} is no type of mediated devices: vGPUs of types that are numbers are virtual functions"
        raise Failure(what, "gpucloud vgpu list shows them, and launch takes one as --unit", code=Exit.USAGE)
    alike = sorted(each.uuid for each in there if each.type == kind)
    free = [each.uuid for each in there if each.type == kind and each.is_free and each.uuid not in taken]
    if not free:
        known = f"all {len(alike)} of type {kind} are in use" if alike else f"none of type {kind} is made"
        raise Failure(
            f"no mediated device is free: {known}",
            f"make one where it fits: gpucloud vgpu create {kind} --on ADDRESS",
        )
    return min(free)
