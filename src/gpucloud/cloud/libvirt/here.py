"""The cloud of this machine, put together from the real tools."""

from __future__ import annotations

from gpucloud.cloud.libvirt.cloud import LibvirtCloud
from gpucloud.cloud.libvirt.tools import tools_of_this_machine


def cloud_of_this_machine() -> LibvirtCloud:
    """Give the embedded cloud. Nothing is asked of libvirt before the first guest is."""
    from gpucloud.inventory import open_host

    return LibvirtCloud(tools_of_this_machine(open_host))
