"""Systems whose start is not made of files that could be written, each named as what it is."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.boot import BootFiles
from gpucloud.model.host import Host
from gpucloud.model.plan import Refusal
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.loaders import KernelInstall, Loader, ProxmoxBoot
from gpucloud.prepare.boot.own.initramfs import Initramfs
from gpucloud.prepare.boot.paths import ENTRIES, GRUB_SCRIPTS, INITRAMFS_HOOKS, KERNEL_CMDLINE

_IMAGE = "ostree="
"""Where the deployment is that ostree starts (ostree-prepare-root(1)): Fedora CoreOS and its kin."""
_KERNELS = ("vmlinu", "Image", "bzImage", "zImage")


def unfit(host: Host, files: BootFiles, tool: Initramfs | Unknown) -> Iterator[Refusal]:
    """Why nothing of this system's start can be written; nothing where it can."""
    arguments = host.kernel.arguments
    if not isinstance(arguments, Unknown) and any(word.startswith(_IMAGE) for word in arguments):
        why = "this system is started from an image (ostree), whose files are the image's"
        do = "give the next image what docs/reference/boot.md lists, and rpm-ostree kargs the arguments"
        yield Refusal(None, "system-read-only", why, do)
    elif sealed := [folder for folder in files.sealed if _is_written(folder, tool)]:
        why = f"{' and '.join(sealed)} {'is' if len(sealed) == 1 else 'are'} mounted read-only"
        do = f"mount -o remount,rw {sealed[0]}; a transactional system has to be changed by hand"
        yield Refusal(None, "system-read-only", why, do)
    yield from _entries_of_suse(host, files)


def _is_written(folder: str, tool: Initramfs | Unknown) -> bool:
    """/usr only for dracut, which reads modules nowhere else."""
    return (
        folder != "/usr" or isinstance(tool, Unknown) or any(path.startswith("/usr/") for path in tool.paths)
    )


def edited_entries(files: BootFiles, loader: Loader) -> Iterator[Refusal]:
    """Why boot entries would not come back as they are, where a tool makes them of another file."""
    if _is_live(files) and isinstance(loader, KernelInstall) and (found := loader.edited(files)):
        why = f"{found[0]} says something else than {KERNEL_CMDLINE}, of which update-initramfs makes it anew"
        yield Refusal(None, "entry-edited", why, f"say in {KERNEL_CMDLINE} what it says, then plan again")


def without_hook(files: BootFiles, loader: Loader) -> Iterator[Refusal]:
    """Why boot entries would not be made anew, where update-initramfs has nothing that makes them."""
    if (
        _is_live(files)
        and isinstance(loader, KernelInstall)
        and not any(files.folders.get(folder) for folder in INITRAMFS_HOOKS)
    ):
        why = f"nothing makes boot entries of {KERNEL_CMDLINE}: {INITRAMFS_HOOKS[0]} has no hook"
        yield Refusal(None, "entries-not-made", why, "apt install systemd-boot, then plan again")


def without_line(host: Host, files: BootFiles, loader: Loader) -> Iterator[Refusal]:
    """Why a Proxmox VE that systemd-boot starts would get no argument.

    GRUB's are not read then, and with no line of its own proxmox-boot-tool takes those of the running kernel.
    Only GRUB says ``BOOT_IMAGE=``.
    """
    arguments = host.kernel.arguments
    if (
        isinstance(loader, ProxmoxBoot)
        and files.text(KERNEL_CMDLINE) is None
        and isinstance(arguments, tuple)
        and arguments
        and not any(word.startswith("BOOT_IMAGE=") for word in arguments)
    ):
        line = " ".join(word for word in arguments if not word.startswith("initrd="))
        why = f"{KERNEL_CMDLINE} is not there, so entries are made of what the running kernel was told"
        do = f"write that file with this line, then plan again: {line}"
        yield Refusal(None, "entries-not-made", why, do)


def _entries_of_suse(host: Host, files: BootFiles) -> Iterator[Refusal]:
    found = [path for folder in ENTRIES for path in _matching(files, folder)]
    signs = host.distribution.boot_loaders
    if (
        host.distribution.family == "suse"
        and found
        and "grub" in (() if isinstance(signs, Unknown) else signs)
    ):
        why = f"how this host starts: {found[0]} is an entry of sdbootutil's, which is not known here"
        yield Refusal(None, "boot-loader-unknown", why, "do by hand what docs/reference/boot.md lists")


def _matching(files: BootFiles, folder: str) -> tuple[str, ...]:
    paths = files.matching(folder, ".conf")
    return () if isinstance(paths, Unknown) else paths


def without_kernel(files: BootFiles) -> Iterator[Refusal]:
    """Why no start would see what is made in /boot; of a live host only: a capture keeps parts of it."""
    names = files.folders.get("/boot")
    if (
        _is_live(files)
        and isinstance(names, tuple | None)
        and not any(name.startswith(_KERNELS) for name in names or ())
    ):
        why = "there is no kernel in /boot, so its file system is not mounted, or kernels are kept elsewhere"
        yield Refusal(None, "boot-not-mounted", why, "mount it, then plan again: mount /boot")


def _is_live(files: BootFiles) -> bool:
    """Claims that the host itself was read: a capture keeps parts of its files, in other words."""
    return not isinstance(files.folders.get(GRUB_SCRIPTS), Unknown)
