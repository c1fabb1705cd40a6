"""Where each boot loader keeps the kernel's arguments: read, and changed so that they stand once.

Every loader has the same two verbs: ``arguments`` says what the next start gets from others than gpucloud,
``add`` gives the files with words added to that, gpucloud's own included.
"""

from gpucloud.prepare.boot.loaders.bls import BootEntries
from gpucloud.prepare.boot.loaders.grub import GrubDropIn, GrubFile
from gpucloud.prepare.boot.loaders.kernel_install import KernelInstall
from gpucloud.prepare.boot.loaders.kernelstub import Kernelstub
from gpucloud.prepare.boot.loaders.loader import Loader, Texts
from gpucloud.prepare.boot.loaders.proxmox import ProxmoxBoot

__all__ = [
    "BootEntries",
    "GrubDropIn",
    "GrubFile",
    "KernelInstall",
    "Kernelstub",
    "Loader",
    "ProxmoxBoot",
    "Texts",
]
