"""Kolla-Ansible: overrides below ``node_custom_config`` (/etc/kolla/config).

Order for a container's nova.conf: template, ``global.conf``, ``nova.conf``, ``nova/SERVICE.conf``,
``nova/HOST/nova.conf``. A key keeps its repeats within one file, and a later file replaces all of them
(kolla-ansible, ansible/action_plugins/merge_configs.py): so each key stands in files of one step alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpucloud.nova.releases import platform, vgpu
from gpucloud.nova.releases.release import Release
from gpucloud.nova.render import conf
from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.settings import Settings

_RECONFIGURE = "kolla-ansible -i INVENTORY reconfigure --tags"
_FIRST_WITH_CELLS = 20
"""kolla-ansible 9.0.0 (Train) gave conductors and computes a role of their own, nova-cell."""


def _files(settings: Settings) -> Mapping[str, str]:
    return conf.files_of(
        {
            "nova.conf": conf.shared(settings),
            "nova/nova-scheduler.conf": conf.scheduling(settings),
            "placement.conf": conf.placing(settings),
            **{
                f"nova/{host.name}/nova.conf" if host.name else "nova/nova-compute.conf": conf.computing(
                    settings, host
                )
                for host in settings.hosts
            },
        }
    )


def _warns(settings: Settings) -> tuple[str, ...]:
    return tuple(_troubles(settings))


def _troubles(settings: Settings) -> Iterator[str]:
    """Source: kolla commit 09f706bc2; kolla-ansible mounts no volume at /etc/mdevctl.d."""
    if any(host.mdev_types for host in settings.hosts) and vgpu.MDEV_PERSISTENT.at(settings.release):
        yield (
            "nova_libvirt must have mdevctl (kolla's image from 20.0.0 on) and keep the host's "
            "/etc/mdevctl.d: libvirt defines mediated devices there"
        )
    said = platform.kolla_sriov_trouble(settings.release, reports=settings.reports)
    if said is not None and any(host.entries for host in settings.hosts):
        yield said


def _restarts_of(release: Release) -> Mapping[str, str]:
    """Before there was the role nova-cell, all services of nova were of one role."""
    if release.number >= _FIRST_WITH_CELLS:
        return {}
    return {
        "compute": f"{_RECONFIGURE} nova --limit COMPUTES",
        "conductor": f"{_RECONFIGURE} nova --limit CONTROLLERS",
    }


KOLLA = Layout(
    "kolla-ansible",
    "Kolla-Ansible: overrides for node_custom_config (/etc/kolla/config), hosts by their inventory names",
    _files,
    {
        "compute": f"{_RECONFIGURE} nova-cell --limit COMPUTES",
        "api": f"{_RECONFIGURE} nova",
        "conductor": f"{_RECONFIGURE} nova-cell --limit CONTROLLERS",
        "scheduler": f"{_RECONFIGURE} nova",
        "placement": f"{_RECONFIGURE} placement",
    },
    _warns,
    restarts_of=_restarts_of,
)
