"""The command line: one thin file per verb, loaded only when it is called."""

import sys

__all__ = ["main"]


def main() -> None:
    """The ``gpucloud`` program; Ctrl-C ends it with one line, also while it still loads itself.

    What this file imports comes before that, so it imports nothing that takes time: ``typing`` takes 10 ms.
    """
    try:
        from gpucloud.cli.main import main as program

        program()
    except KeyboardInterrupt:
        sys.stderr.write("gpucloud: interrupted\n")
        sys.exit(130)  # Exit.INTERRUPTED, which may not be loaded yet
