"""The cloud that is written for: its release, and how far it is with Placement."""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.model.failure import Failure
from gpucloud.model.spec import Placement
from gpucloud.nova.releases import options, pci
from gpucloud.nova.releases.release import Release


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cloud that is written for.

    Args:
        release: which nova.
        placement: how far PCI devices are tracked in Placement.
    """

    release: Release
    placement: Placement

    def check(self) -> None:
        """Refuse a step of Placement that the release does not have.

        Raises:
            Failure: it does not.
        """
        step = options.REPORT_IN_PLACEMENT if self.placement is Placement.REPORT else options.PCI_IN_PLACEMENT
        if self.placement is not Placement.OFF and step.at(self.release) is None:
            raise Failure(
                f"nova {self.release} cannot do placement: {self.placement.value}",
                "write placement: off in gpucloud.yaml",
            )

    @property
    def reports(self) -> bool:
        return self.placement is not Placement.OFF

    @property
    def schedules(self) -> bool:
        return self.placement is Placement.SCHEDULE

    def knows(self, key: str) -> bool:
        """Claims that a device_spec's key means something in this release."""
        return key in pci.DEVICE_SPEC_KEYS.at(self.release)
