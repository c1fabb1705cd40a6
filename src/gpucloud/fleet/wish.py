"""What is wanted of many hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gpucloud.model.change import SMI
from gpucloud.model.plain import Plain

Variables = dict[str, Plain]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which hosts, and what for."""

    inventories: tuple[str, ...]
    """As ``ansible-playbook -i`` takes them."""
    hosts: str
    """A pattern of Ansible: ``compute``, ``gpu*:!gpu07``."""
    spec: Path | None = None
    units: tuple[str, ...] = ()
    is_forced: bool = False
    state: str = "/var/lib/gpucloud"
    """The folder of each host's journal."""
    serial: str = "1"
    """Hosts at a time: a number, or a share such as ``25%``."""
    is_restarting: bool = False
    cloud: str | None = None
    """Name in ``clouds.yaml``; None: no cloud is told."""
    entries: Mapping[str, str] = field(default_factory=dict)
    """By host, the entry of its journal that is to be taken back; without, the last that stands."""
    layout: tuple[str, ...] = ()
    """Lines by which cards are cut, instead of a spec or units."""
    smi: str = SMI
    """NVIDIA's program on the hosts, for a layout."""
    create: str = ""
    """A type of which each host cuts one more slice, of ``card``, instead of a layout."""
    card: str = ""
    delete: str = ""
    """A slice that goes on each host, instead of a layout."""

    def as_variables(self) -> Variables:
        """The variables that the playbooks read."""
        return {
            "gpucloud_hosts": self.hosts,
            "gpucloud_spec": str(self.spec.absolute()) if self.spec else None,
            "gpucloud_units": list(self.units),
            "gpucloud_force": self.is_forced,
            "gpucloud_journal": self.state,
            "gpucloud_serial": self.serial,
            "gpucloud_restart": self.is_restarting,
            "gpucloud_cloud": self.cloud,
            "gpucloud_entries": dict(self.entries),
            "gpucloud_layout": list(self.layout),
            "gpucloud_smi": self.smi,
            "gpucloud_create": self.create,
            "gpucloud_card": self.card,
            "gpucloud_delete": self.delete,
        }
