"""Lines of text for people: which of them a terminal's edge may break, and which are to be copied."""

from __future__ import annotations


class Copied(str):
    """A line that is shown as it is, however long: of a diff, a file, a log, or a command to be typed.

    Every other line of a report is prose: where it is read on a terminal it is broken between words.
    """

    __slots__ = ()
