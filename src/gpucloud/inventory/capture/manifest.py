"""What a capture that gpucloud made says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.inventory.capture.allowlist import MANIFEST
from gpucloud.model.failure import Failure

FORMAT = 1
PATTERN_LIMIT = 2000
"""Patterns of a manifest, each of up to ``LENGTH_LIMIT`` characters: every missing path is compared with
them. The list of what is read (``allowlist.RULES``) has some 150."""
LENGTH_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which paths were collected, which could not be read, and whether identifiers were replaced."""

    collected: tuple[str, ...]
    unread: Mapping[str, str]
    is_redacted: bool
    made_by: str

    def render(self) -> bytes:
        """Write it as JSON, the same bytes for the same manifest."""
        import json

        plain = {
            "gpucloud_capture": FORMAT,
            "made_by": self.made_by,
            "redacted": self.is_redacted,
            "collected": list(self.collected),
            "unread": dict(sorted(self.unread.items())),
        }
        return json.dumps(plain, indent=1).encode() + b"\n"


def parse_manifest(data: bytes, source: str) -> Manifest:
    """Read a manifest.

    Raises:
        Failure: it is no manifest, or of a format that this release does not know.
    """
    import json

    try:
        plain = json.loads(data)
        if plain["gpucloud_capture"] != FORMAT:
            raise Failure(
                f"capture {source} has format {plain['gpucloud_capture']!r:.20}; known here: {FORMAT}",
                "use the release of gpucloud that made it, or a newer one",
            )
        collected = tuple(str(pattern) for pattern in plain["collected"])
        if len(collected) > PATTERN_LIMIT or any(len(pattern) > LENGTH_LIMIT for pattern in collected):
            raise Failure(
                f"capture {source} is refused: its {MANIFEST[1:]} has more than {PATTERN_LIMIT} patterns,"
                f" or one longer than {LENGTH_LIMIT} characters",
                "make one with: gpucloud capture",
            )
        return Manifest(
            collected=collected,
            unread={str(path): str(why) for path, why in plain["unread"].items()},
            is_redacted=bool(plain["redacted"]),
            made_by=str(plain["made_by"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Failure(
            f"capture {source} has a damaged manifest ({MANIFEST[1:]})",
            "remove that file from it to read the rest by rule",
        ) from None
