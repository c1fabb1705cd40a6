"""The command line: one thin file per verb, loaded only when it is called."""

import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """The ``gpucloud`` program; Ctrl-C ends it with one line, also while it still loads itself."""
    try:
        from gpucloud.cli.main import main as program

        program()
    except KeyboardInterrupt:
        sys.stderr.write("gpucloud: interrupted\n")
        sys.exit(130)  # Exit.INTERRUPTED, which may not be loaded yet
