"""A file of a host as it lies on the disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NewType

Content = NewType("Content", str)
"""The text of a whole file: the only text of a plan that has more than one line."""


ACCESS_LIST = "system.posix_acl_access"
"""The attribute that is a file's access list (acl(5))."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An extended attribute of a file (xattr(7)): an access list, a capability, a user's own note."""

    name: str
    hexadecimal: str
    """Its bytes."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it lies on the disk."""

    text: Content
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    label: str | None = None
    """SELinux's; None: there is none, or the one that the policy gives to a new file there."""
    attributes: tuple[Attribute, ...] = ()
    """Those that are kept, in the order of their names; never SELinux's, nor hashes of the content."""
    names: int = 1
    """Hard links: names under which the same file lies."""
    is_fixed: bool = False
    """Claims that nobody may replace it: immutable, or only to be added to (chattr(1))."""

    @property
    def content(self) -> FileState:
        """All that writing it makes: the same under whatever further names it lies."""
        return replace(self, names=1, is_fixed=False)
