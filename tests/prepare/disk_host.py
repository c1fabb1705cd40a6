"""A server with a disk of its own: its words, its drivers, and its whole tree compared with the first one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gpucloud.demo.witness import LIBVIRT_LIVING, LIVING, OWN_STATE, drivers_script
from gpucloud.lab.disk.initramfs import parse_initramfs
from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.disk.tree import Node, read_tree
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.lab.process import Completed

CARD = ("0000:00:0a.0", "0000:00:0a.1")
GIVEN = dict.fromkeys(CARD, "driver vfio-pci override vfio-pci")
SPEC = 'pools:\n  guests:\n    use: passthrough\n    match: {address: "0000:00:0a.0"}\n'
PLACE = "/run/gpucloud.yaml"

OF_THE_LAB = ("/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub")
"""The laboratory gives each server its own."""
MADE = ("/boot/initrd.img-", "/boot/initramfs-", "/var/lib/initramfs-tools/")
"""Made anew with other times in it: what is in it is compared; and checksums of it."""
REBUILT_S = 900
"""Seconds that a command may take that makes the initramfs."""


@contextmanager
def disk_host(lab: Lab, topology: str, makes: Makes, name: str = "restarts") -> Iterator[LabHost]:
    """A fresh server; where a test fails on it, what tells why is kept and named."""
    with lab.up(topology, f"{name}-{makes.value}", disk_of=makes) as host:
        try:
            yield host
        except BaseException as error:
            error.add_note(f"what tells why is kept in {host.keep_evidence()}")
            raise


def gpucloud(
    host: LabHost, *words: str, ok: tuple[int, ...] = (0,), timeout_s: float = REBUILT_S
) -> Completed:
    return host.run(["gpucloud", *words], ok=ok, timeout_s=timeout_s)


def apply_spec(host: LabHost, spec: str = SPEC) -> None:
    host.put(spec.encode(), PLACE)
    gpucloud(host, "apply", "--spec", PLACE, "--yes")


def sh(host: LabHost, script: str) -> str:
    return host.run(["sh", "-c", script], ok=(0,)).stdout


def statuses(host: LabHost) -> list[str]:
    """Where the entries of the journal stand, oldest first."""
    listed = json.loads(gpucloud(host, "undo", "--list", "--format", "json").stdout)
    return [str(entry["status"]) for entry in listed]


def is_confirmed(host: LabHost) -> bool:
    return '"confirmed"' in sh(host, "cat /var/lib/gpucloud/journal/*/log")


def how_it_started(host: LabHost, boot: int = 0) -> str:
    """What the unit said at this start, or at one before."""
    return sh(host, f"journalctl --no-pager --unit gpucloud-boot --boot={boot}")


def drivers(host: LabHost) -> dict[str, str]:
    """Driver and override of each function, by address."""
    lines = host.run(["sh", "-c", drivers_script()], ok=(0,)).stdout.splitlines()
    return {address: rest for address, _, rest in (line.partition(" ") for line in lines)}


def kernel_arguments(host: LabHost) -> list[str]:
    return host.get("/proc/cmdline").decode().split()


def first_tree(lab: Lab, makes: Makes, folder: Path) -> dict[str, Node]:
    """The tree of every fresh server."""
    return _compared(lab.prepare("card-audio", disk_of=makes).start.image.disk, folder / "first")


def tree_of(host: LabHost, folder: Path) -> dict[str, Node]:
    """The tree of a server that was switched off."""
    return _compared(host.disk, folder / host.name)


def _compared(disk: Path, unpacked: Path) -> dict[str, Node]:
    """What has to be equal: all but what a running system writes by itself; of an initramfs its content."""
    tree = read_tree(disk, unpacked)
    kept = {path: node for path, node in tree.items() if not path.startswith((*MADE, *_LEFT_OUT))}
    for path in tree:
        if path.startswith(MADE[:2]):
            inner = parse_initramfs((unpacked / path.lstrip("/")).read_bytes())
            kept |= {f"{path}:{name}": node for name, node in inner.items()}
    return kept


_LEFT_OUT = (*OWN_STATE, *LIVING, *LIBVIRT_LIVING, *OF_THE_LAB)


def differences(before: Mapping[str, Node], after: Mapping[str, Node]) -> dict[str, tuple[object, object]]:
    return {
        path: (before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }
