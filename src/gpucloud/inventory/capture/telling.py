"""Files in which a host may be set up by hand, reduced to what tells of devices.

A file without a sign of devices is left out whole, with the links that enable it. Of the others a line stays
if it is made of everybody's words; else only that it is there, so that it is known not to be understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpucloud.inventory.capture.scripts import without_names
from gpucloud.inventory.collect.wire import Stream
from gpucloud.inventory.patterns import one_of
from gpucloud.inventory.system.boot import OWN, UNIT_LINK
from gpucloud.inventory.system.by_hand import CAPTURED, CAPTURED_LINKS, has_sign

_TOKEN = re.compile(r"[^\s\"'|&;<>=(),\[\]!]+")
_SHELL = (
    "echo printf tee sudo -n -e -a -i -z %s modprobe /sbin/modprobe driverctl set-override sleep set exit"
    " case esac for in do done if then fi { } : true prereqs PREREQ PREREQS $PREREQ $1 . ls -A /bin/sh"
    " /bin/bash sh bash -c /dev/null /usr/share/initramfs-tools/hook-functions /scripts/functions copy_exec"
    " /bin /sbin /usr/local/bin /usr/local/sbin manual_add_modules force_load $ 0 1 2"
)
_MODULES = "vfio vfio-pci vfio_pci vfio_iommu_type1 vfio_virqfd pci-stub pci_stub ids options"
_UDEV = "ACTION add SUBSYSTEM pci KERNEL ATTR{driver_override} ATTR{sriov_numvfs} RUN"
_UNIT = (
    "ExecStart ExecStartPre ExecStartPost ExecStop Type oneshot RemainAfterExit yes Unit Service Install"
    " WantedBy multi-user.target"
)
_ARGUMENTS = (
    "GRUB_CMDLINE_LINUX GRUB_CMDLINE_LINUX_DEFAULT quiet splash iommu pt on intel_iommu amd_iommu"
    " vfio-pci.ids vfio_pci.ids pci-stub.ids"
)
_WORDS = frozenset(" ".join((_SHELL, _MODULES, _UDEV, _UNIT, _ARGUMENTS)).split())
_VARIABLES = (
    "(?i:devs?|devices?|devids?|gpus?|cards?|vgas?|audio|video|pcis?|bdfs?|addr|address|slots?|funcs?|ids?|disk"
    "|path|driver|group|usb|nvme|nic)"
)
"""Names that many people give to variables; a line with another may say more than where devices go."""
_SHAPES = re.compile(
    rf"/sys/(?:[a-z0-9_:./*{{}}-]|\$\{{?(?:[a-z0-9]|{_VARIABLES})(?![A-Za-z0-9_]))*"
    r"|/(?:usr/local/)?s?bin/[\w.-]*(?:vfio|passthrough)[\w.-]*"
    r"|[0-9a-fA-F]{4}|(?:0x)?[0-9a-fA-F]{4}:[0-9a-fA-F]{4}|[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]"
    rf"|\$?\{{?(?:[a-z]|{_VARIABLES})\}}?"
)
"""Paths below /sys, scripts that are captured by their names, addresses, ids, and variables."""
_NOT_KEPT = "redacted"
_may_be_by_hand = one_of(CAPTURED)
_may_enable = one_of(CAPTURED_LINKS)


def only_telling(stream: Stream) -> Stream:
    """The stream with these files reduced and renamed, and without those that tell nothing."""
    stream = without_names(stream)
    texts = {path: data.decode(errors="replace") for path, data in stream.files.items() if _is_by_hand(path)}
    silent = {path for path, text in texts.items() if not has_sign(text)}
    small = Stream()
    small.folders, small.unread = stream.folders, stream.unread
    units = {path.rpartition("/")[2] for path in texts.keys() - silent}
    small.links = {path: target for path, target in stream.links.items() if not _enables_other(path, units)}
    small.files = {
        path: telling_lines(texts[path]).encode() if path in texts else data
        for path, data in stream.files.items()
        if path not in silent
    }
    return small


def telling_lines(text: str) -> str:
    """The lines that are made of everybody's words; of others it only stays that they are there."""
    return "".join(f"{line}\n" for line in _lines(text))


def is_everybodys(token: str) -> bool:
    """Claims a word that tells nothing but where devices go."""
    return token in _WORDS or _SHAPES.fullmatch(token) is not None


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            yield "#!" if line.startswith("#!") else "#"
        else:
            is_known = all(is_everybodys(token) for token in _TOKEN.findall(line))
            yield line if is_known else _NOT_KEPT


def _is_by_hand(path: str) -> bool:
    return path not in OWN and _may_be_by_hand(path)


def _enables_other(path: str, units: set[str]) -> bool:
    """Claims a link that enables a unit of which the capture keeps nothing; gpucloud's own is kept."""
    is_link = path != UNIT_LINK and _may_enable(path)
    return is_link and path.rpartition("/")[2] not in units
