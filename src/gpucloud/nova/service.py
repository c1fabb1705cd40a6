"""Which of nova's services reads the files."""

from __future__ import annotations

from enum import StrEnum


class Service(StrEnum):
    """A service that reads nova.conf. Services of one node may share it, or have their own."""

    API = "api"
    COMPUTE = "compute"
    SCHEDULER = "scheduler"
    CONDUCTOR = "conductor"

    @property
    def unit(self) -> str:
        """What is restarted."""
        return f"nova-{self.value}"
