"""Plain packages: drop-in files for nova.conf.d.

Services read ``/etc/nova/nova.conf.d`` by themselves since oslo.config 3.20 (Ocata); before, they need
``--config-dir``. Values of repeated options add up over all files, ``nova.conf`` included: the file with the
aliases has one name wherever it goes, so that a node with both a controller and a compute has it once.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.releases import options
from gpucloud.nova.render import conf
from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.settings import Settings

_FOLDER = "etc/nova/nova.conf.d"
_READ_SINCE = 15


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


def _warns(settings: Settings) -> tuple[str, ...]:
    """Source: oslo.config, ConfigOpts._parse_config_files: default folders come before ``--config-file``."""
    if settings.release.number < _READ_SINCE:
        return (f"services of this release read /{_FOLDER} only where they are started with --config-dir",)
    names = _names_of_one_value(settings)
    if not names:
        return ()
    said = (
        "services that are started with --config-file, as Debian's and Ubuntu's are, read nova.conf after "
        f"nova.conf.d, and what it says counts: take these options out of it: {', '.join(names)}"
    )
    return (said,)


def _names_of_one_value(settings: Settings) -> tuple[str, ...]:
    repeated = (options.DEVICE_SPEC.at(settings.release), options.ALIAS.at(settings.release))
    said = [*conf.shared(settings), *conf.scheduling(settings)]
    for host in settings.hosts:
        said += conf.computing(settings, host)
    return tuple(dict.fromkeys(str(option.name) for option in said if option.name not in repeated))


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
    _warns,
)
