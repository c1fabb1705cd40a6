"""What no API tells: nova.conf of the controllers and of nova-compute, devices of hosts, pasted words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpucloud.model.host import Host
from gpucloud.nova.alias import PciRequest, parse_flavor
from gpucloud.nova.check.case import Case as NovaCase
from gpucloud.nova.config import Configuration, read_list
from gpucloud.nova.machine import Machine
from gpucloud.nova.match.placement import Ask, ask_of
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import pci
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release
from gpucloud.nova.service import Service

_QUOTA_DRIVER, _UNIFIED = OptionName("quota", "driver"), "nova.quota.UnifiedLimitsDriver"
"""Source: nova/limit/utils.py, use_unified_limits()."""
_LIMIT_LIST = OptionName("quota", "unified_limits_resource_list")
_LIMIT_STRATEGY = OptionName("quota", "unified_limits_resource_strategy")


@dataclass(frozen=True, slots=True)
class GivenHost:
    """A host whose devices are known; ``facts`` where it was captured, None for a list of devices."""

    name: str
    machine: Machine
    facts: Host | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Files, hosts and words beside the cloud.

    Args:
        release: which nova.
        is_release_said: by the user; else it is the newest.
        control: files of nova-api and nova-scheduler; None where none were given.
        compute: files of nova-compute.
        hosts: those whose devices are known.
        words: pasted texts by where they are from.
    """

    release: Release
    is_release_said: bool = False
    control: Configuration | None = None
    compute: Configuration | None = None
    hosts: tuple[GivenHost, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def api(self) -> NovaCase | None:
        return self._of(Service.API)

    @property
    def scheduler(self) -> NovaCase | None:
        return self._of(Service.SCHEDULER)

    @property
    def has_unified_limits(self) -> bool | None:
        """Claims that nova asks keystone for limits; None where the files of nova-api are not known."""
        if self.control is None:
            return None
        setting = self.control.last(_QUOTA_DRIVER)
        return setting is not None and setting.value.strip() == _UNIFIED

    def needs_limit(self, resource: str) -> bool:
        """Claims that nova asks keystone, and takes a resource without a registered limit for one of 0.

        Source: nova/limit/utils.py, should_enforce().
        """
        if self.control is None or not self.has_unified_limits:
            return False
        if pci.UNREGISTERED_IS_ZERO.at(self.release):
            return True
        listed, strategy = self.control.last(_LIMIT_LIST), self.control.last(_LIMIT_STRATEGY)
        is_listed = resource in (("servers",) if listed is None else read_list(listed.value))
        ignores = strategy is not None and strategy.value.strip() == "ignore"
        return not is_listed if ignores else is_listed

    def compute_on(self, host: GivenHost) -> NovaCase | None:
        """nova-compute of that host under its files."""
        if self.compute is None:
            return None
        return NovaCase(self.compute, self.release, Service.COMPUTE, host.machine)

    def requests(self, text: str, policy: str | None) -> tuple[PciRequest, ...] | Refusal | None:
        """What nova-api makes of ``pci_passthrough:alias``; None where its files are not known."""
        api = self.api
        if api is None:
            return None
        if isinstance(api.aliases, Refusal):
            return api.aliases
        return parse_flavor(text, api.aliases, self.release, numa_policy=policy)

    def asks(self, text: str | None) -> tuple[Ask, ...]:
        """What each device asks Placement for; nothing where nova does not ask there, or refuses before."""
        found = None if text is None else self.requests(text, None)
        if found is None or isinstance(found, Refusal) or self.api is None or not self.api.places_pci:
            return ()
        return tuple(ask_of(one.alias.specs[0]) for one in found for _ in range(min(one.count, 64)))

    def _of(self, service: Service) -> NovaCase | None:
        return None if self.control is None else NovaCase(self.control, self.release, service)
