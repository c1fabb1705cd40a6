"""What a server is told to be a host of the cloud, as files. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.lab.cloud.settings import Sections, render
from gpucloud.lab.cloud.site import HOST, Site
from gpucloud.lab.machine.render import MORE_DISK

OUTSIDE, OWN = "10.0.2.2", "10.0.2.15"
"""Of QEMU's user network: the machine that the server runs on, and the server (its docs, devices/net.rst)."""

CONF, OWN_CONF = "/etc/nova/nova.conf", "/etc/nova/nova-compute.conf"
_DROP_INS = "/etc/nova/nova.conf.d"
GPUS_CONF = f"{_DROP_INS}/50-gpucloud.conf"
"""What nova-compute is told of GPUs, as `gpucloud nova render` writes it."""
LOG = "/var/log/nova-compute.log"
UNIT = "nova-compute.service"

_PACKAGES = "/opt/openstack"
_STATE = "/var/lib/nova"
_PROGRAM_PATH = "/usr/local/bin/nova-compute"
REPORT_S = 10


def files(site: Site, name: str, nova_conf: str) -> Mapping[str, str]:
    """Path and content of each file.

    Args:
        site: the cloud.
        name: what nova is to call the host.
        nova_conf: what the cloud's own services of nova are told.
    """
    return {
        "/etc/hostname": f"{name}\n",
        # libvirt looks its own name up again and again; no name server answers.
        "/etc/hosts": f"{HOST} localhost\n{HOST} {name}\n",
        CONF: nova_conf.replace(HOST, OUTSIDE).replace(str(site.data / "nova"), _STATE),
        OWN_CONF: render(_own(site, name)),
        GPUS_CONF: "",
        f"/etc/systemd/system/{UNIT}": _UNIT,
        _PROGRAM_PATH: _PROGRAM,
        "/usr/local/bin/genisoimage": _CONFIG_DRIVE,
    }


def _own(site: Site, name: str) -> Sections:
    """What differs from the cloud's own services. The catalog's addresses are those of another machine."""

    def found_at(port: str) -> dict[str, str]:
        return {"endpoint_override": site.url(port).replace(HOST, OUTSIDE)}

    return {
        "DEFAULT": {
            "host": name,
            "my_ip": OWN,
            "compute_driver": "libvirt.LibvirtDriver",
            "report_interval": str(REPORT_S),
            "rpc_response_timeout": "300",
            # An emulated processor takes a minute for what is written there twice.
            "force_raw_images": "false",
        },
        "placement": found_at("placement"),
        "glance": found_at("glance"),
        "neutron": found_at("network"),
        "libvirt": {
            "virt_type": "kvm",
            "cpu_mode": "host-passthrough",
            "images_cpu_time_limit": "300",
        },
    }


_PROGRAM = """\
#!/usr/bin/python3
\"\"\"nova-compute by the server's own Python, whose libvirt it takes.\"\"\"

from nova.cmd.compute import main  # first: it patches what others import
from nova.privsep import sys_admin_pctxt
from signal import SIG_BLOCK, SIGHUP, pthread_sigmask

# It is root: what needs root is done here, without a second process that takes half a minute to start.
sys_admin_pctxt.set_client_mode(False)
# So it reads guests' consoles itself (nova/privsep/libvirt.py, readpty), and Linux makes the first of them
# its terminal (drivers/tty/tty_jobctrl.c, tty_open_proc_set_tty). When that guest ends, SIGHUP ends the main
# thread, no other can start any more, and nova deletes the guest for ever.
pthread_sigmask(SIG_BLOCK, {SIGHUP})
main()
"""

_CONFIG_DRIVE = """\
#!/bin/sh
# In place of what nova starts to make a config drive (nova/virt/configdrive.py): -o IMAGE ... TREE.
# cloud-init takes any file system with that label; its blocks may not be smaller than a CD-ROM's (2 KiB).
out=$2
for tree; do :; done
exec mke2fs -q -F -t ext4 -b 4096 -O ^has_journal -L config-2 -d "$tree" "$out" 8M
"""

_UNIT = f"""\
[Unit]
Description=OpenStack Nova Compute
After=libvirtd.service

[Service]
# In the environment: nova starts qemu-img by a Python program of oslo.concurrency.
Environment=PYTHONPATH={_PACKAGES} LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
ExecStartPre=mkdir -p {_PACKAGES} {_STATE}/instances
ExecStartPre=sh -c 'mountpoint -q {_PACKAGES} || mount -o ro,noload {MORE_DISK} {_PACKAGES}'
ExecStart={_PROGRAM_PATH} --config-file={CONF} --config-file={OWN_CONF} --config-dir={_DROP_INS}
StandardOutput=append:{LOG}
StandardError=append:{LOG}
# Asked to end, it waits for minutes; nothing of the laboratory is to be kept.
KillSignal=SIGKILL
KillMode=process
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
"""
