"""Gather a host's facts where it runs. This file is also sent, as it is, to hosts over ssh.

It therefore imports only Python's standard library and speaks Python 3.6. What it prints is
described in ``wire``.
"""

# For the Python of old hosts:
# ruff: noqa: PTH112, PTH123, PTH114, PTH115, PTH116, PTH119, PTH208, UP006, UP035

import fcntl
import fnmatch
import os
import stat
from typing import BinaryIO, Callable, Dict, Iterator, List, Tuple


def ask_kvm(device: str = "/dev/kvm") -> Tuple[str, str]:
    """Ask for a virtual machine with one processor, as QEMU does first.

    Nothing runs in it, so nothing can hang. Numbers: Documentation/virt/kvm/api.rst.

    Returns:
        What the kernel said, empty where it made one; and why it could not be asked, empty where it was.
    """
    asked = "open"
    descriptors: List[int] = []
    try:
        descriptors.append(os.open(device, os.O_RDWR | os.O_CLOEXEC))
        asked = "KVM_CREATE_VM"
        descriptors.append(fcntl.ioctl(descriptors[-1], 0xAE01, 0))
        asked = "KVM_CREATE_VCPU"
        descriptors.append(fcntl.ioctl(descriptors[-1], 0xAE41, 0))
    except FileNotFoundError:
        return f"there is no {device}", ""
    except PermissionError:
        if asked == "open":
            return "", f"permission denied: {device}; run as root or join the group kvm"
        return f"{asked}: permission denied", ""
    except OSError as error:
        return f"{asked}: {error.strerror}", ""
    finally:
        for descriptor in reversed(descriptors):
            os.close(descriptor)
    return "", ""


def number_of(path: str, target: str) -> str:
    """The device that an open file is, by its number: ``/dev/char/226:0``; empty where it is none.

    udev and others give nodes names of their own, and a chroot has a /dev of its own: ``/srv/c/dev/nvidia0``.
    Other files are not asked, nor those of which it cannot be said what file system they are on: one of the
    network that is gone would not answer.

    Args:
        path: ``/proc/PID/fd/N`` of the running host.
        target: where that link says it leads.
    """
    if not target.startswith("/dev/") and not ("/dev/" in target and is_on_local(path)):
        return ""
    try:
        status = os.stat(path)
    except OSError:  # closed in the meantime
        return ""
    kind = "char" if stat.S_ISCHR(status.st_mode) else "block" if stat.S_ISBLK(status.st_mode) else ""
    return f"/dev/{kind}/{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if kind else ""


LOCAL = ("devtmpfs", "tmpfs", "overlay", "ext4", "xfs", "btrfs")
"""File systems that ask nobody on the network; nodes are on the first two, hardly ever on others."""


def is_on_local(path: str) -> bool:
    """Claims an open file of a local file system, by what its process shows of its mounts (proc(5))."""
    process, _, number = path.partition("/fd/")
    try:
        with open(f"{process}/fdinfo/{number}", errors="replace") as info:
            mounts = [line.split()[1] for line in info if line.startswith("mnt_id:")]
        with open(f"{process}/mountinfo", errors="replace") as table:
            rows = [line for line in table if line.split(" ", 1)[0] in mounts]
    except OSError:  # ended in the meantime, or not to be looked at
        return False
    return any(row.partition(" - ")[2].split(" ", 1)[0] in LOCAL for row in rows)


class Collector:
    """Expands patterns below a root and prints what is there.

    Args:
        root: the directory that stands for ``/``; empty for the running host.
        out: where the stream goes.
        read: reads a file by its path on this machine; raises OSError.
    """

    def __init__(self, root: str, out: BinaryIO, read: Callable[[str], bytes]) -> None:
        self.root = root.rstrip("/")
        self.out = out
        self.read_here = read
        self.expanded: Dict[str, List[str]] = {"": [""]}
        self.numbers: Dict[str, bool] = {}
        self.release = self.text("/proc/sys/kernel/osrelease").strip() or "-"

    def collect(self, rules: str) -> None:
        """Print all that the rules ask for: one ``kind pattern`` a line."""
        prefixes: List[str] = []
        for line in rules.splitlines():
            kind, _, pattern = line.partition(" ")
            if kind == "open":
                prefixes.append(pattern)
            else:
                self.take(kind, pattern.replace("@release", self.release))
        if prefixes:
            self.take_holders(tuple(prefixes))
        if not self.root:
            self.take_kvm()
        self.put("E")

    def take(self, kind: str, pattern: str) -> None:
        """Print what one rule asks for."""
        folder, _, last = pattern.rpartition("/")
        for parent in self.expand(folder):
            for path in self.matches(parent, last):
                try:
                    self.take_one(kind, path)
                except OSError as error:
                    self.refuse(path, error)

    def take_one(self, kind: str, path: str) -> None:
        """Print one path. Raises OSError where it cannot be read."""
        place = self.root + path
        if kind == "link":
            if os.path.islink(place):
                self.put("L", path, os.readlink(place))
        elif kind == "name":
            self.put("D" if os.path.isdir(place) else "N", path)
        elif kind == "bytes":
            self.put("X", path, self.read(path).hex())
        else:
            data = self.read(path)
            self.put("F", path)
            self.put_lines(data.replace(b"\0", b"\n") if kind == "long" else data)

    def expand(self, pattern: str) -> List[str]:
        """Folders that match; each is printed once, so that an empty one is known to be empty."""
        known = self.expanded.get(pattern)
        if known is not None:
            return known
        parent, _, last = pattern.rpartition("/")
        found: List[str] = []
        for folder in self.expand(parent):
            found.extend(path for path in self.matches(folder, last) if os.path.isdir(self.root + path))
        for path in found:
            self.put("D", path)
        self.expanded[pattern] = found
        return found

    def matches(self, folder: str, last: str) -> List[str]:
        """Paths in a folder whose last component matches."""
        path = folder
        try:
            if any(character in last for character in "*?["):
                names = fnmatch.filter(os.listdir(self.root + folder), last)
                return [f"{folder}/{name}" for name in sorted(names)]
            path = f"{folder}/{last}"
            os.lstat(self.root + path)
        except OSError as error:
            self.refuse(path, error)
            return []
        return [path]

    def take_holders(self, prefixes: Tuple[str, ...]) -> None:
        """Print the processes that have device nodes open."""
        self.put("D", "/proc")
        for folder in self.matches("/proc", "[0-9]*"):
            try:
                links = list(self.open_nodes(folder, prefixes))
            except OSError as error:
                if error.errno not in (2, 3, 20):  # gone in the meantime
                    self.put("D", folder)
                    self.refuse(f"{folder}/fd", error)
                continue
            if links:
                self.put_process(folder, links)

    def open_nodes(self, folder: str, prefixes: Tuple[str, ...]) -> Iterator[Tuple[str, str]]:
        """Open device nodes of one process: of PCI functions by number, others by a name with a prefix.

        Raises OSError where it may not look.
        """
        for name in os.listdir(f"{self.root}{folder}/fd"):
            path = f"{folder}/fd/{name}"
            try:
                target = os.readlink(self.root + path)
            except OSError:  # closed in the meantime
                continue
            number = "" if self.root else number_of(path, target)
            if number and self.is_of_function(number):
                yield path, number
            elif target.startswith(prefixes):
                yield path, target

    def is_of_function(self, number: str) -> bool:
        """Claims a device below a PCI function, and those that stand for some: NVIDIA's, VFIO's groups.

        What it lets through is looked at again where it is read (``pci.numbered``).
        """
        if number not in self.numbers:
            try:
                place = os.readlink(f"/sys{number}")
            except OSError:  # NVIDIA's driver makes none
                place = ""
            marks = ("/pci", "/virtual/vfio/")
            self.numbers[number] = number.startswith("/dev/char/195:") or any(mark in place for mark in marks)
        return self.numbers[number]

    def put_process(self, folder: str, links: List[Tuple[str, str]]) -> None:
        """Print a process: what it has open, its name, and the guest's name if it is QEMU."""
        for path, target in sorted(links):
            self.put("L", path, target)
        try:
            name = self.read(f"{folder}/comm")
            self.put("F", f"{folder}/comm")
            self.put_lines(name)
            words = self.read(f"{folder}/cmdline").decode(errors="replace").split("\0")
        except OSError as error:
            self.refuse(f"{folder}/cmdline", error)
            return
        if "qemu" in os.path.basename(words[0]) and "-name" in words[:-1]:
            self.put("F", f"{folder}/cmdline")
            self.put_lines("\n".join(["qemu", *name_of(words)]).encode())

    def take_kvm(self) -> None:
        """Print what the kernel says when asked for a virtual machine."""
        refusal, why = ask_kvm()
        if why:
            self.put("U", "/gpucloud/kvm", why)
        else:
            self.put("F", "/gpucloud/kvm")
            self.put_lines(refusal.encode())

    def read(self, path: str) -> bytes:
        """Read a regular file. Raises OSError for anything else, and for one that is too long."""
        return self.read_here(self.root + path)

    def text(self, path: str) -> str:
        """Read a file that may not be there: empty text then."""
        try:
            return self.read(path).decode(errors="replace")
        except OSError:
            return ""

    def refuse(self, path: str, error: OSError) -> None:
        """Print why a path could not be read; one that has gone is not worth a line."""
        if error.errno not in (2, 20):
            text = error.strerror or str(error)
            self.put("U", path, text[:1].lower() + text[1:])

    def put(self, mark: str, *parts: str) -> None:
        """Print one line of the stream; a name that would break it is left out."""
        line = "\t".join(parts)
        if "\n" not in line and line.count("\t") == max(len(parts) - 1, 0):
            self.out.write((mark + line + "\n").encode(errors="surrogateescape"))

    def put_lines(self, data: bytes) -> None:
        """Print the lines of a file."""
        if data:
            body = data[:-1] if data.endswith(b"\n") else data
            self.out.write(b"+" + body.replace(b"\n", b"\n+") + b"\n")


def name_of(words: List[str]) -> List[str]:
    """The ``-name`` option of QEMU's command line, without its other parts."""
    value = words[words.index("-name") + 1]
    parts = [part for part in value.split(",") if "=" not in part or part.startswith("guest=")]
    return ["-name", ",".join(parts)]
