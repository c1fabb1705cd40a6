"""The unit that looks at every start, before guests are started.

It waits for what it looks for, and fails loudly: ``systemctl status gpucloud-boot`` says what is not as
planned. Others are only ordered after it; none of them waits for its success.
"""

from __future__ import annotations

from collections.abc import Sequence

from gpucloud.inventory.reader import Reader
from gpucloud.prepare.boot.own.paths import HEADER

PROGRAM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
"""Where systemd looks for programs (systemd.exec(5), ``ExecSearchPath=``)."""

NOVA_COMPUTE = (
    "nova-compute.service openstack-nova-compute.service snap.openstack-hypervisor.nova-compute.service"
    " kolla-nova_compute-container.service edpm_nova_compute.service tripleo_nova_compute.service"
)
"""As systemd calls nova-compute; playbooks for fleets stop these (``vars/nova.yml``, held equal)."""

_LATER = (
    f"libvirtd.service virtqemud.service libvirt-guests.service {NOVA_COMPUTE}"
    " snap.openstack-hypervisor.libvirtd.service snap.lxd.daemon.service snap.docker.dockerd.service"
    " kolla-nova_libvirt-container.service"
    " docker.service podman.service containerd.service kubelet.service"
    " pve-guests.service incus.service lxd.service"
)
"""What starts guests, in packages and in containers; systemd passes over those that are not there."""

_WATCHERS = (
    "nvidia-dcgm.service dcgm.service dcgm-exporter.service nvsm.service nvidia-cdi-refresh.service"
    " snap.dcgm.nv-hostengine.service snap.dcgm.dcgm-exporter.service"
)
"""What has every card open while it runs, so that MIG mode could not be set any more, or lists slices once;
NVIDIA's own MIG manager stops and starts the like (mig-parted, deployments/systemd/hooks.sh)."""

_EARLIER = (
    "nvidia-vgpud.service nvidia-vgpu-mgr.service nvidia-fabricmanager.service nvidia-mig-manager.service"
)
"""NVIDIA's vGPU manager, without which its cards offer no types; the fabric that cards with NVLink switches
wait for, also with MIG (nvidia-mig-manager.service starts after it); and what else may set MIG mode."""


def render_unit() -> str:
    """The unit's file. ``gpucloud`` is looked for where systemd looks for programs."""
    return (
        f"{HEADER}[Unit]\n"
        "Description=GPUs as gpucloud's spec wants them, and a look whether the host started as planned\n"
        "Wants=network-online.target\n"
        f"After=network-online.target {_EARLIER}\n"
        f"Before={_LATER} {_WATCHERS}\n"
        "\n[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        "TimeoutStartSec=45min\n"
        "ExecStart=/usr/bin/env gpucloud boot\n"
        "\n[Install]\n"
        "WantedBy=multi-user.target\n"
    )


def is_program_found(
    reader: Reader, name: str = "gpucloud", folders: Sequence[str] = PROGRAM_FOLDERS
) -> bool:
    """Claims that the unit would find the program; what cannot be read is there, a dead link is not."""
    return any(reader.read_bytes(f"{folder}/{name}") is not None for folder in folders)
