"""How long the whole way takes once everything is there: ``python bench/demo.py``.

Plays the demo on an emulated server whose image and saved state exist (they are made first where they do
not), and prints the seconds of each act. The aim: at most 180 s in all.
"""

from __future__ import annotations

import sys

from gpucloud.demo.stage import play_story
from gpucloud.demo.story import Act
from gpucloud.demo.theatre import LabTheatre

LIMIT_S = 180.0


class Silence:
    """An audience that only wants the end."""

    def begins(self, name: str, purpose: str) -> None:
        """Say nothing: the figures come at the end."""

    def ended(self, act: Act) -> None:
        """Say nothing: the figures come at the end."""


def main() -> int:
    """Print the seconds of each act; the exit code says whether the way was gone to its end."""
    LabTheatre("card-audio", print).prepare()
    story = play_story(LabTheatre("card-audio", print), Silence())
    for act in story.acts:
        print(f"{act.seconds:6.1f} s  {act.name}")
    print(f"{story.seconds:6.1f} s  in all, aim {LIMIT_S:.0f} s; the guest saw {' '.join(story.guest_saw)}")
    return 0 if story.is_ok else 1


if __name__ == "__main__":
    sys.exit(main())
