"""Which guests are defined with a slice, and whether each of them runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpucloud.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpucloud.inventory.guests import DefinedGuest
    from gpucloud.inventory.reader import Reader
    from gpucloud.slices import Slice

OFF, RUNNING = "off", "running"


@dataclass(frozen=True, slots=True)
class DefinedWith:
    """A guest that libvirt has defined with a slice."""

    guest: str
    state: str | Unknown
    """``off`` or ``running``."""
    has_it: bool | Unknown
    """It has the slice open now."""

    @property
    def words(self) -> str:
        """How it stands in a column of those who use the slice."""
        state = (
            "off" if self.state == OFF else "runs without it" if self.state == RUNNING else "defined with it"
        )
        return f"guest {self.guest} ({state})"


@dataclass(frozen=True, slots=True)
class Definitions:
    """All guests that libvirt has defined on a host."""

    guests: tuple[DefinedGuest, ...]
    running: tuple[str, ...] | Unknown
    unread: tuple[str, ...]
    """Why others could not be read."""

    def of(self, slice_: Slice) -> Iterator[DefinedWith]:
        """The guests that are defined with a slice; what is no device of libvirt's has none."""
        users = slice_.used_by
        for guest in self.guests:
            if slice_.name.lower() in guest.devices:
                has_it = users if isinstance(users, Unknown) else f"guest {guest.name}" in users
                yield DefinedWith(guest.name, self._state(guest.name, has_it), has_it)

    def _state(self, name: str, has_it: bool | Unknown) -> str | Unknown:
        if has_it is True:
            return RUNNING
        if isinstance(self.running, Unknown):
            return self.running
        return RUNNING if name in self.running else OFF


def read_definitions(reader: Reader) -> Definitions:
    """Read what this host's libvirt has defined, and which guests run."""
    from gpucloud.inventory.guests import read_defined_guests, running_guests

    read = read_defined_guests(reader)
    guests = tuple(each for each in read if not isinstance(each, Unknown))
    unread = tuple(each.why for each in read if isinstance(each, Unknown))
    return Definitions(guests, running_guests(reader) if guests else (), unread)
