"""TripleO: an environment file. What differs between hosts belongs to a role, so a host's name is its role's.

Source: tripleo-heat-templates, deployment/nova/; puppet-nova, manifests/pci.pp, compute/{pci,vgpu}.pp.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.layouts.yaml import Tree, render_yaml
from gpucloud.nova.render.settings import HostSettings, Settings

_SERIES = range(17, 24)
"""Queens, whose puppet-nova has nova::pci, to Wallaby, the last one."""
_ENABLED_FILTERS_SINCE = 23
_MAPPING_SINCE = 22
"""Series from which on types are a mapping to addresses."""


def _files(settings: Settings) -> Mapping[str, str]:
    aliases: dict[str, Tree] = {"nova::pci::aliases": [dict(alias) for alias in settings.aliases]}
    tree: dict[str, Tree] = {"ControllerExtraConfig": aliases} if settings.aliases else {}
    if settings.filters is not None:
        kind = "Enabled" if settings.release.number >= _ENABLED_FILTERS_SINCE else "Default"
        tree[f"NovaScheduler{kind}Filters"] = list(settings.filters)
    for host in settings.hosts:
        role = host.name or "Compute"
        own = _parameters(settings, host)
        extra = {**(aliases if settings.aliases else {}), **_extra(settings, host)}
        tree |= {f"{role}Parameters": own} if own else {}
        tree |= {f"{role}ExtraConfig": extra} if extra else {}
    remarks = [entry.remark for host in settings.hosts for entry in host.entries]
    return {"gpucloud-environment.yaml": render_yaml({"parameter_defaults": tree}, *remarks)}


def _parameters(settings: Settings, host: HostSettings) -> dict[str, Tree]:
    own: dict[str, Tree] = {}
    if host.entries:
        own["NovaPCIPassthrough"] = [dict(entry.written) for entry in host.entries]
    if host.mdev_types and settings.release.number >= _MAPPING_SINCE:
        own["NovaVGPUTypesDeviceAddressesMapping"] = {
            kind: list(section.device_addresses) for kind, section in host.mdev_types.items()
        }
    return own


def _extra(settings: Settings, host: HostSettings) -> dict[str, Tree]:
    if host.mdev_types and settings.release.number < _MAPPING_SINCE:
        return {"nova::compute::vgpu::enabled_vgpu_types": list(host.mdev_types)}
    return {}


def _refuses(settings: Settings) -> str | None:
    if settings.release.number not in _SERIES:
        return f"it has nova {_SERIES.start} (Queens) to {_SERIES.stop - 1} (Wallaby)"
    return None


_DEPLOY = "openstack overcloud deploy with -e gpucloud-environment.yaml restarts it"
TRIPLEO = Layout(
    "tripleo",
    "TripleO: an environment file; each host by the name of its role",
    _files,
    dict.fromkeys(("compute", "api", "conductor", "scheduler", "placement"), _DEPLOY),
    refuses=_refuses,
)
