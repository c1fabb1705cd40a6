"""The reference page of how hosts start, made from the tables of families."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.prepare.boot.families import ROWS, TOOLS, Row
from gpucloud.prepare.boot.own.initramfs import DRACUT, INITRAMFS_TOOLS, Initramfs
from gpucloud.prepare.boot.own.paths import MODPROBE, MODULES_LOAD

_HEAD = """\
# How a host is made to start

What `gpucloud plan --spec gpucloud.yaml` writes in each family of distributions. Made from the tables
that plan.

Every file that gpucloud writes whole says so in its first lines and goes with `gpucloud undo`; of files
that are somebody else's only the kernel's arguments change, and each comes back with its bytes, mode,
owner and SELinux label. A host whose way to start is not in these tables is refused with what is missing.

## Kernel arguments

The firmware's table decides, as it does for the kernel: DMAR, Intel's: `intel_iommu=on iommu=pt`; IVRS,
AMD's: `iommu=pt` (its IOMMU is on by itself, and `amd_iommu=on` is no option). Where the tables cannot be
listed, the processor does; where there is neither table, the IOMMU is off in the firmware's setup, and the
plan is refused. What the administrator says already is kept and not said twice; an argument that switches the
IOMMU off is a refusal.

| family | where the host has | arguments are kept by | then runs |
|---|---|---|---|
"""
_EARLY = """
## Cards given away before drivers are loaded

Each function by its address, and only if vendor and device are still the same: an equal card that stays
is not touched, nor is another device that was put in the place. `gpucloud=off`, typed at the boot menu,
leaves all cards with the host for that start.

| initramfs | families | files | then runs |
|---|---|---|---|
"""
_MODULES = f"""
## Modules

`{MODULES_LOAD}` loads VFIO at every start. `{MODPROBE}` lets vfio-pci come before the drivers that would
take a card, and keeps a graphics driver away where the host has nothing left for it; nouveau is kept away
where NVIDIA's cards are cut into vGPUs.

## The next start

`gpucloud-boot.service` runs `gpucloud boot` at every start before guests are started. It makes the
virtual functions that pools with `use: sriov` want (AMD, Intel; NVIDIA's are made by NVIDIA's own tool,
which is named instead), and binds cards that came late. After a change of how the host starts it waits
for groups, drivers of the cards that were given away, and network: if all is there in time, the change is
confirmed; if not, its files and all that is made of them are brought back at once, and a host without a
network is started again with them. `gpucloud confirm` says by hand that a start is right. `gpucloud` has
to be where systemd looks for programs (`/usr/local/bin`, `/usr/bin`).

## How each is proven

Every row: on a fake root with tools that act as the real ones, planned, applied and taken back byte for
byte; Debian's and RHEL 8's also cut off at every position (`tests/prepare/test_boot_apply.py`). GRUB's
files: against a real shell. The early script: by real shells on a fake /sys, and in images that Debian's
initramfs-tools and dracut made, on a real kernel with two equal cards
(`tests/prepare/test_early_binding_in_lab.py`). No row was restarted as a whole host yet.
"""


def render_page() -> str:
    """The whole page."""
    rows = "".join(map(_row, ROWS))
    tools = "".join(map(_tool, (INITRAMFS_TOOLS, DRACUT)))
    return f"{_HEAD}{rows}{_EARLY}{tools}{_MODULES}"


def _row(row: Row) -> str:
    tools = (
        ", ".join(f"`{' '.join(argv)}`" for argv in row.loader.tools) or "nothing: the entries are the menu"
    )
    return f"| {row.family} | {row.sign}{row.note} | {row.loader.name} | {tools} |\n"


def _tool(tool: Initramfs) -> str:
    families = ", ".join(_families(tool))
    files = ", ".join(f"`{path}`" for path in tool.paths)
    return f"| {tool.name} | {families} | {files} | `{' '.join(tool.command)}` |\n"


def _families(tool: Initramfs) -> Iterator[str]:
    return (family for family, tools in TOOLS.items() if tool in tools)
