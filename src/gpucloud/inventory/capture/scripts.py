"""Names of scripts, units and rules that people gave, replaced where they are not everybody's.

The same file gets the same name in its path, in links, and in lines that start it; what it shows by its name
(``vfio``, the order of a rule) stays, so that it is still found where it was.
"""

from __future__ import annotations

import re

from gpucloud.inventory.collect.wire import Stream
from gpucloud.inventory.patterns import one_of
from gpucloud.inventory.system.boot import OWN, UNIT_LINK
from gpucloud.inventory.system.by_hand import CAPTURED, CAPTURED_LINKS, DRIVERCTL

_WORDS = (
    "vfio pci passthrough gpu gpus vga override bind unbind binding rebind rescan reset early late boot"
    " init setup start startup stop host guest vm vms kvm qemu libvirt nvidia amd amdgpu intel radeon"
    " nouveau card cards driver drivers module modules iommu isolate reserve assign attach detach device"
    " devices audio hdmi usb script scripts hook hooks top premount initramfs dracut udev systemd local"
    " rc after driverctl sriov vf vfs mdev mdevctl vgpu create enable load pre post fix config configure"
    " gpucloud by id ids the to for on at and sh py bash service rules conf"
)
_EVERYBODYS = frozenset(_WORDS.split())
_may_have_a_name = one_of(
    each for each in (*CAPTURED, *CAPTURED_LINKS) if "*" in each and not each.startswith(f"{DRIVERCTL}/")
)
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"[0-9]{4}")
_SHAPE = re.compile(r"(?P<order>[0-9]{1,3}-)?.*?(?P<ending>\.(?:sh|py|service|rules))?", re.ASCII | re.DOTALL)
_STARTED = re.compile(
    r"(/(?:usr/(?:local/)?)?s?bin/)([\w.-]*(?:vfio|passthrough)[\w.-]*)|(?<![\w.@-])([\w.@-]+\.service)\b"
)
"""What a line starts: a script by its path, a unit by its name."""
_OF_PEOPLE = ("/etc/", "/usr/")


def without_names(stream: Stream) -> Stream:
    """The stream with these names replaced, in paths, links and lines alike."""
    names = _Names()
    clean = Stream()
    clean.folders = stream.folders
    clean.files = {names.path(path): names.lines(path, data) for path, data in stream.files.items()}
    clean.links = {names.path(path): names.target(path, target) for path, target in stream.links.items()}
    clean.unread = {names.path(path): why for path, why in stream.unread.items()}
    return clean


class _Names:
    """Gives the same name for the same name."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def path(self, path: str) -> str:
        if path in OWN or path == UNIT_LINK or not _may_have_a_name(path):
            return path
        folder, _, name = path.rpartition("/")
        return f"{folder}/{self.name(name)}"

    def target(self, path: str, target: str) -> str:
        """The target of a link that enables a unit."""
        folder, slash, name = target.rpartition("/")
        return target if self.path(path) == path else f"{folder}{slash}{self.name(name)}"

    def lines(self, path: str, data: bytes) -> bytes:
        if path in OWN or not path.startswith(_OF_PEOPLE):
            return data
        text = data.decode(errors="replace")
        told = _STARTED.sub(lambda match: (match[1] or "") + self.name(match[2] or match[3]), text)
        return data if told == text else told.encode()

    def name(self, name: str) -> str:
        """The name itself where all of its words are everybody's."""
        if all(word in _EVERYBODYS for word in _WORD.findall(name)) and not _NUMBER.search(name):
            return name
        if name not in self._given:
            shape = _SHAPE.fullmatch(name)
            order, ending = (shape["order"] or "", shape["ending"] or "") if shape else ("", "")
            sign = next((f"-{word}" for word in ("vfio", "passthrough") if word in name), "")
            self._given[name] = f"{order}script-{len(self._given) + 1}{sign}{ending}"
        return self._given[name]
