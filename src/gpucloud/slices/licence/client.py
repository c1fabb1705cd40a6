"""What a guest needs to ask for its licence: a legacy server, or the token of a licence service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

PORT = 7070
"""Of the legacy licence server, where nothing else is said (gridd.conf.template)."""
_MOST_TOKEN_BYTES = 64 * 1024
"""A token has a few KiB."""
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII
)
_TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.tok", re.ASCII)
_TOKEN_TEXT = re.compile(rb"[A-Za-z0-9+/=._\s-]{16,}")


class Feature(IntEnum):
    """``FeatureType``: which licence a guest asks for."""

    UNLICENSED = 0
    VGPU = 1
    """The one that its type of vGPU needs."""
    WORKSTATION = 2
    """RTX Virtual Workstation, for a whole card."""
    COMPUTE = 4
    """Virtual Compute Server, for a whole card."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a licence server listens."""

    host: str
    """A name or an address; an IPv6 address in brackets."""
    port: int = PORT

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, port: int = PORT) -> Server:
        """Read ``HOST`` or ``HOST:PORT``.

        Raises:
            ValueError: it is neither.
        """
        host, separator, digits = text.rpartition(":") if _has_port(text) else (text, "", "")
        if not _HOST.fullmatch(host):
            raise ValueError(f"{text!r} is no address of a server: HOST or HOST:PORT")
        is_number = digits.isascii() and digits.isdigit()
        number = int(digits) if is_number else port
        if (separator and not is_number) or not 1 <= number <= 65535:
            raise ValueError(f"{text!r} has no port from 1 to 65535")
        return cls(host, number)


def _has_port(text: str) -> bool:
    return text.count(":") == 1 or "]:" in text


@dataclass(frozen=True, slots=True)
class Token:
    """A client configuration token: it names the service, and nothing else has to."""

    name: str
    """Of its file, which ends in ``.tok``."""
    content: bytes

    def __post_init__(self) -> None:
        """Refuse what is no token.

        Raises:
            ValueError: its name or its content is none of one.
        """
        if not _TOKEN_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a token, which nvidia-gridd looks for as *.tok")
        if len(self.content) > _MOST_TOKEN_BYTES:
            raise ValueError(f"{self.name} is longer than {_MOST_TOKEN_BYTES} bytes: no client token is")
        if not _TOKEN_TEXT.fullmatch(self.content):
            raise ValueError(f"{self.name} holds no client token: letters, digits and . _ - alone")


@dataclass(frozen=True, slots=True)
class Client:
    """How a guest asks for its licence.

    Args:
        source: the legacy server, with one that stands in for it or None; or the token of a service.
        feature: what it asks for.
    """

    source: tuple[Server, Server | None] | Token
    feature: Feature = Feature.VGPU
