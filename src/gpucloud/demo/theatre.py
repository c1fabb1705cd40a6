"""The laboratory as the place where the story is played."""

from __future__ import annotations

import os
from collections.abc import Callable

from gpucloud.demo.stage import Evidence
from gpucloud.lab.evidence import NOT_ASKED
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.lab.topology.parse import load_topology


class LabTheatre:
    """A server of the laboratory, alive for one story.

    Args:
        topology: its name, or the path of a topology file.
        progress: told in a line what takes long.

    Raises:
        Failure: there is no such topology.
    """

    def __init__(self, topology: str, progress: Callable[[str], None]) -> None:
        self._lab = Lab(progress=progress)
        self._topology = load_topology(topology)
        self._host: LabHost | None = None

    def prepare(self) -> str:
        """Make the disk image and the saved state of the server, as far as they are not there yet."""
        prepared = self._lab.prepare(self._topology)
        start = "from its saved state" if prepared.saved else "from power-on"
        power = prepared.start.accelerator.in_words
        return f"{prepared.start.topology.title}; it starts {start}, in {power}"

    def open(self) -> LabHost:
        """Start a server with a name of its own, so that two stories never meet."""
        self._host = self._lab.up(self._topology, f"demo-{os.getpid()}")
        return self._host

    def keep_evidence(self) -> Evidence:
        """Keep the console log and, from a server that still answers, its journal and gpucloud's."""
        if self._host is None:
            return Evidence(())  # where one did not come up, why it did not names what was kept
        files = sorted(self._host.keep_evidence().iterdir())
        silence = "".join(file.read_text().strip() for file in files if file.name == NOT_ASKED)
        return Evidence(tuple(map(str, files)), silence)

    def close(self) -> None:
        """End the server."""
        if self._host:
            self._host.down()
