"""Mediated devices that an administrator has defined with mdevctl, which udev has it start with their parent.

One thing makes a device again at a start. For those of layouts that is ``gpucloud boot``, also where mdevctl
is there: it knows the order with MIG mode, virtual functions and MIG instances, and makes types that are no
mediated devices. So nothing of a layout is defined with mdevctl, and no definition is changed. Source:
mdevctl(8); 60-mdevctl.rules; a definition is ``/etc/mdevctl.d/PARENT/UUID``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from gpucloud.inventory.reader import Reader
from gpucloud.model.boot import Defined
from gpucloud.model.change import Change, MakeMdev, RemoveMdev
from gpucloud.model.failure import Failure
from gpucloud.model.unknown import Unknown

_FOLDER = "/etc/mdevctl.d"
_LIMIT = 64 * 1024
_MOST = 1024
"""Definitions that are looked at; a host has some dozens."""


def read_defined(reader: Reader) -> tuple[Defined, ...] | None | Unknown:
    """All definitions; None where mdevctl has no folder here."""
    parents = reader.list_dir(_FOLDER)
    if not isinstance(parents, tuple):
        return parents
    found: list[Defined] = []
    for parent in parents:
        names = reader.list_dir(f"{_FOLDER}/{parent}")
        for name in names if isinstance(names, tuple) else ():
            if len(found) == _MOST:
                return Unknown(f"there are more than {_MOST} definitions in {_FOLDER}")
            each = _parse(parent, name, reader.read_text(f"{_FOLDER}/{parent}/{name}", _LIMIT))
            if isinstance(each, Unknown):
                return each
            found.append(each)
    return tuple(found)


def _parse(parent: str, name: str, text: str | None | Unknown) -> Defined | Unknown:
    where = f"{_FOLDER}/{parent}/{name}"
    if not isinstance(text, str):
        return Unknown(f"{where} cannot be read: {text.why if isinstance(text, Unknown) else 'it is gone'}")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    kind = said.get("mdev_type") if isinstance(said, dict) else None
    if not isinstance(kind, str):
        return Unknown(f"{where} is no definition of mdevctl")
    return Defined(parent, name.lower(), kind, said.get("start") == "auto")


def notes_on_defined(changes: Sequence[Change], reader: Reader) -> Iterator[str]:
    """What these changes and the definitions come to at the next start.

    Raises:
        Failure: a device is to be made that is defined as another one.
    """
    defined = read_defined(reader)
    made = [each for each in changes if isinstance(each, MakeMdev)]
    gone = {each.uuid for each in changes if isinstance(each, RemoveMdev)}
    if defined is None or not (made or gone):
        return
    if isinstance(defined, Unknown):
        yield f"what mdevctl starts with the host is not known: {defined.why}"
        return
    _refuse_other(made, defined)
    if made:
        yield "mdevctl is here: gpucloud boot makes what layouts have again, and mdevctl defines none of it"
    for each in defined:
        if each.is_auto and each.uuid in gone:
            yield (
                f"mdevctl starts {each.uuid} at every start, so it comes back then; its definition is kept: "
                f"to end that, mdevctl modify --uuid {each.uuid} --manual"
            )
    parents = {str(each.address) for each in made}
    own = {each.uuid for each in made} | gone
    others = [
        each.uuid for each in defined if each.is_auto and each.parent in parents and each.uuid not in own
    ]
    if others:
        yield f"mdevctl starts on the same cards: {', '.join(others)}; all together must fit there"


def _refuse_other(made: Sequence[MakeMdev], defined: Sequence[Defined]) -> None:
    for change in made:
        for each in defined:
            if each.uuid == change.uuid and (each.parent, each.type) != (str(change.address), change.type):
                raise Failure(
                    f"{each.uuid} is defined with mdevctl as {each.type} of {each.parent}",
                    "give another: --uuid; nothing was changed",
                )
