"""Plain packages: drop-in files for nova.conf.d.

Services read ``/etc/nova/nova.conf.d`` by themselves since oslo.config 3.20 (Ocata); before, they need
``--config-dir``. Values of repeated options add up over all files, ``nova.conf`` included: the file with the
aliases has one name wherever it goes, so that a node with both a controller and a compute has it once.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.render import conf
from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.settings import Settings

_FOLDER = "etc/nova/nova.conf.d"


def _files(settings: Settings) -> Mapping[str, str]:
    return conf.files_of(
        {
            f"all/{_FOLDER}/50-gpucloud.conf": conf.shared(settings),
            f"controllers/{_FOLDER}/51-gpucloud-scheduler.conf": conf.scheduling(settings),
            "controllers/etc/placement/placement.conf": conf.placing(settings),
            **{
                f"{host.name or 'computes'}/{_FOLDER}/52-gpucloud-compute.conf": conf.computing(
                    settings, host
                )
                for host in settings.hosts
            },
        }
    )


PACKAGES = Layout(
    "packages",
    "distribution packages: drop-ins, all/ for every node, controllers/, and a folder for each host",
    _files,
    {
        "compute": "systemctl restart nova-compute (openstack-nova-compute on RHEL and its kin)",
        "api": "systemctl restart nova-api, or the web server that runs it (apache2, httpd)",
        "conductor": "systemctl restart nova-conductor",
        "scheduler": "systemctl restart nova-scheduler",
        "placement": "merge placement.conf into Placement's own, and restart its web server",
    },
)
