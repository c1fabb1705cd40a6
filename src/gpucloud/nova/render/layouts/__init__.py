"""Ways of deploying nova, one file each: settings into that tool's files, and its commands to restart."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.render.layouts.charms import CHARMS
from gpucloud.nova.render.layouts.devstack import DEVSTACK
from gpucloud.nova.render.layouts.kolla import KOLLA
from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.layouts.openstack_ansible import OPENSTACK_ANSIBLE
from gpucloud.nova.render.layouts.packages import PACKAGES
from gpucloud.nova.render.layouts.rhoso import RHOSO
from gpucloud.nova.render.layouts.tripleo import TRIPLEO

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout for layout in (PACKAGES, KOLLA, OPENSTACK_ANSIBLE, DEVSTACK, TRIPLEO, RHOSO, CHARMS)
}

__all__ = ["LAYOUTS", "Layout"]
