"""Text from outside made safe to print."""

from __future__ import annotations


def clean(text: str) -> str:
    """Make text from a host, a guest or a log safe to print: control characters become ``?``.

    Terminals act on escape sequences; a console log or a device name may hold any bytes.
    """
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)


def one_line(text: str) -> str:
    """Make a name from a host fit for one line of a table: it may not begin a line of its own."""
    return clean(text.replace("\n", "?").replace("\t", " "))
