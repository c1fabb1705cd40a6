"""What nova of a cloud is to be told, before it is written in any layout's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpucloud.model.spec import Placement
from gpucloud.nova.mdev import MdevSection
from gpucloud.nova.releases.release import Release


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of device_spec.

    Args:
        written: keys as nova reads them.
        address: the device that it is for; None where no host was looked at.
        remark: what a reader of the file should know, in one line without control characters.
    """

    written: Mapping[str, str]
    address: str | None
    remark: str


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What nova-compute of one host is told.

    Args:
        name: as the deployment tool calls the host; None: every compute host.
        entries: in nova's order; no device is taken by two.
        mdev_types: type to its section, in the order of the option; empty addresses where the release would
            not read them.
        live_migration: options of ``[libvirt]``.
    """

    name: str | None
    entries: tuple[Entry, ...] = ()
    mdev_types: Mapping[str, MdevSection] | None = None
    live_migration: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What all services are told.

    Args:
        release: which nova.
        placement: how far PCI devices are tracked in Placement.
        aliases: each as nova reads it; the same on every node.
        filters: of the scheduler, the whole list; None where the release's own will do.
        hosts: by name; the one without a name where no host was looked at.
        candidates: options of placement's own file, by section and name.
        warnings: what is lost or left to the operator.
        missing: what could not be decided, for want of which fact.
    """

    release: Release
    placement: Placement
    aliases: tuple[Mapping[str, str], ...]
    filters: tuple[str, ...] | None
    hosts: tuple[HostSettings, ...]
    candidates: Mapping[tuple[str, str], str]
    warnings: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def reports(self) -> bool:
        """Claims that computes report PCI devices to Placement."""
        return self.placement is not Placement.OFF

    @property
    def schedules(self) -> bool:
        """Claims that flavors' devices are scheduled through Placement."""
        return self.placement is Placement.SCHEDULE
