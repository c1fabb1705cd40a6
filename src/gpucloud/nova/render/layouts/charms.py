"""Juju charms: options of nova-compute and nova-cloud-controller, as YAML for ``juju config --file``.

The charms have options for device_spec, aliases and filters, and none for Placement's PCI devices or for
types of mediated devices. An application has one value for all of its units: hosts whose devices differ are
applications of their own. Source: charm-nova-compute, config.yaml, hooks/nova_compute_context.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.layouts.yaml import Tree, render_yaml
from gpucloud.nova.render.settings import HostSettings, Settings

_SEVERAL_ALIASES_SINCE = 17


def _files(settings: Settings) -> Mapping[str, str]:
    alias = _aliases(settings)
    controller: dict[str, Tree] = {**alias}
    if settings.filters is not None:
        controller["scheduler-default-filters"] = ",".join(settings.filters)
    files = {"nova-cloud-controller.yaml": render_yaml({"nova-cloud-controller": controller})}
    for host in settings.hosts:
        name = f"nova-compute-{host.name}" if host.name else "nova-compute"
        files[f"{name}.yaml"] = render_yaml({name: {**alias, **_devices(host)}}, *_remarks(host))
    return files


def _aliases(settings: Settings) -> dict[str, Tree]:
    aliases = [dict(alias) for alias in settings.aliases]
    if not aliases:
        return {}
    return {"pci-alias": json.dumps(aliases[0] if len(aliases) == 1 else aliases)}


def _devices(host: HostSettings) -> dict[str, Tree]:
    written = [dict(entry.written) for entry in host.entries]
    return {"pci-passthrough-whitelist": json.dumps(written)} if written else {}


def _remarks(host: HostSettings) -> tuple[str, ...]:
    return tuple(entry.remark for entry in host.entries)


def _refuses(settings: Settings) -> str | None:
    if settings.reports:
        return "the charms have no option for PCI devices in Placement (placement: off)"
    if any(host.mdev_types for host in settings.hosts):
        return "types are the business of the subordinate nova-compute-nvidia-vgpu (vgpu-device-mappings)"
    if len(settings.aliases) > 1 and settings.release.number < _SEVERAL_ALIASES_SINCE:
        return f"the charms take one alias before nova {_SEVERAL_ALIASES_SINCE} (Queens)"
    if any(host.live_migration for host in settings.hosts):
        return "the charms have no options for live migration of guests with devices"
    return None


_CONFIG = "juju config --file"
CHARMS = Layout(
    "charms",
    "Juju charms: options for juju config; an application nova-compute-HOST for each host that differs",
    _files,
    {
        "compute": f"{_CONFIG} nova-compute-HOST.yaml nova-compute-HOST",
        "api": f"{_CONFIG} nova-cloud-controller.yaml nova-cloud-controller",
        "conductor": "restarted by the charm",
        "scheduler": "restarted by the charm",
        "placement": "no option of the charm",
    },
    refuses=_refuses,
)
