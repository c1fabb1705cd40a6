"""The command line: one thin file per verb, loaded only when it is called."""

from gpucloud.cli.main import main

__all__ = ["main"]
