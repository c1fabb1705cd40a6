"""Red Hat OpenStack Services on OpenShift: a patch of the control plane, a ConfigMap for each host's nodes.

Services take ``customServiceConfig`` as a file of its own after their defaults; a node set's nova service
takes every file of the ConfigMaps that its ``OpenStackDataPlaneService`` names (openstack-k8s-operators:
nova-operator, openstack-operator).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.nova.render import conf
from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.layouts.yaml import Tree, render_yaml
from gpucloud.nova.render.settings import HostSettings, Settings

_SINCE = 27
"""The series of its first version, 18.0."""
_NO_NAME = re.compile(r"[^a-z0-9-]+")


def _files(settings: Settings) -> Mapping[str, str]:
    return {
        "control-plane-patch.yaml": render_yaml(_control_plane(settings)),
        **{f"{_name(host)}.yaml": render_yaml(_config_map(settings, host)) for host in settings.hosts},
    }


def _control_plane(settings: Settings) -> dict[str, Tree]:
    shared = conf.shared(settings)
    api, scheduler = conf.render_sections(shared), conf.render_sections((*shared, *conf.scheduling(settings)))
    conductor = {"conductorServiceTemplate": {"customServiceConfig": api}}
    nova: dict[str, Tree] = {
        "apiServiceTemplate": {"customServiceConfig": api},
        "schedulerServiceTemplate": {"customServiceConfig": scheduler},
        "cellTemplates": {"cell0": conductor, "cell1": conductor},
    }
    tree: dict[str, Tree] = {"nova": {"template": nova}}
    placing = conf.render_sections(conf.placing(settings))
    if placing:
        tree["placement"] = {"template": {"customServiceConfig": placing}}
    return {"spec": tree}


def _config_map(settings: Settings, host: HostSettings) -> dict[str, Tree]:
    text = conf.render_sections((*conf.shared(settings), *conf.computing(settings, host)))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _name(host), "namespace": "openstack"},
        "data": {"25-nova-gpucloud.conf": text},
    }


def _name(host: HostSettings) -> str:
    """A name as Kubernetes takes it: small letters, digits and hyphens."""
    return f"nova-gpucloud-{_NO_NAME.sub('-', (host.name or 'computes').lower()).strip('-')}"


def _refuses(settings: Settings) -> str | None:
    if settings.release.number < _SINCE:
        return f"its first version has nova {_SINCE} (2023.1 Antelope)"
    names = [_name(host) for host in settings.hosts]
    if len(set(names)) < len(names):
        return "names of two hosts become one in Kubernetes, which has small letters, digits and hyphens only"
    return None


def _warns(_: Settings) -> tuple[str, ...]:
    """Source: RFC 7386: a merge patch replaces a string as a whole."""
    said = (
        "the patch replaces each customServiceConfig whole: look at what stands there (oc get "
        "openstackcontrolplane NAME -n openstack -o yaml), and put its lines into the patch first"
    )
    return (said,)


_PATCH = "oc patch openstackcontrolplane NAME -n openstack --type=merge --patch-file control-plane-patch.yaml"
RHOSO = Layout(
    "rhoso",
    "OpenStack on OpenShift: a patch of OpenStackControlPlane, and a ConfigMap for each host's node set",
    _files,
    {
        "compute": "oc apply -f each ConfigMap, name it in dataSources of the node set's nova service "
        "(OpenStackDataPlaneService), and make an OpenStackDataPlaneDeployment",
        "api": _PATCH,
        "conductor": "done by the same patch",
        "scheduler": "done by the same patch",
        "placement": "done by the same patch",
    },
    _warns,
    refuses=_refuses,
)
