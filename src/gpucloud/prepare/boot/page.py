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
owner, SELinux label, extended attributes and access list, though not its times. One with hard links, or an
immutable one, is refused. A host whose way to start is not in these tables is refused with what is missing.
So is one whose files would not be what starts: an image (Fedora CoreOS and others of ostree's kin), a
transactional system (openSUSE MicroOS), SUSE's hosts with boot entries (sdbootutil), a /boot that is not
mounted, arguments that would be longer than the kernel takes.

## Kernel arguments

The firmware's table decides, as it does for the kernel: DMAR, Intel's: `intel_iommu=on iommu=pt`; IVRS,
AMD's: `iommu=pt` (its IOMMU is on by itself, and `amd_iommu=on` is no option). Where the tables cannot be
listed, the processor does; where there is neither table, the IOMMU is off in the firmware's setup, and the
plan is refused. What the administrator says already is kept and not said twice; an argument that switches the
IOMMU off is a refusal, and so is one that keeps VFIO's modules away (`module_blacklist=`).

A card on which the firmware's framebuffer is (efifb, simpledrm) is given away with `--force` only. vfio-pci
removes it from a VGA controller on kernels from 6.0; elsewhere `initcall_blacklist=sysfb_init` is added.

| family | where the host has | arguments are kept by | then runs | a start that does not come up |
|---|---|---|---|---|
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
where NVIDIA's cards are cut into vGPUs. A module that the administrator's files load, order or keep away
so already is not named again. `gpucloud plan --adopt` takes over what was set up by hand.

## The next start

`gpucloud-boot.service` runs `gpucloud boot` at every start before guests are started. `gpucloud` has to
be where systemd looks for programs (`/usr/local/bin`, `/usr/bin`): `gpucloud apply` refuses otherwise,
since no start could be found right.

It cuts the cards of pools with `use: sriov` and `use: vgpu`, each on its own: one that fails is named
and leaves the others as they are wanted. The plan shows these steps under "at every start". In this
order, since each wipes what comes after it:

* MIG mode, where the pool has `mig`, or a type that is cut from MIG instances: `nvidia-smi -mig 1`.
* Virtual functions: `sriov_numvfs`; NVIDIA's by `/usr/lib/nvidia/sriov-manage -e`, all of a card, tried
  again while a program has the card open. AMD's gim makes them when it is loaded, and is named.
* MIG instances, the pool's `mig`: `nvidia-smi mig -cgi PROFILE:START -C`, each at its place. Instances
  that somebody made beside them stay.
* vGPUs on virtual functions with NVIDIA's own VFIO interface: `nvidia/current_vgpu_type`, as many as
  `max_instances` says, or as the card has room for.
* Mediated devices: `mdev_supported_types/TYPE/create`, with the same UUIDs at every start. Not where
  the spec has an `openstack` key: nova makes them. A parent of them that is no PCI function
  (`parent` in `match`) needs the unit alone: no argument of the kernel, and no IOMMU. You have its driver
  loaded (`/etc/modules-load.d`); it is waited for, for nova too, which does not start without it.

Where `nvidia-mig-manager.service` is enabled, or mdevctl starts devices of the same cards, plans and starts
name it, with what ends it: two hands on one card undo each other. The unit comes after that service.
DCGM and NVSM come after the unit: they have every card open, and MIG mode could not be set any more.

Cards, types and managers that come late are waited for, two minutes at most; what a card has not got (MIG
mode, so many virtual functions, another type) is not, nor are bindings where there are no IOMMU groups.
Each step has its undo, which `gpucloud undo` walks. What the power cut off of this at an earlier start is
closed and begun anew.

After a change of how the host starts it waits for groups, drivers of the cards that were given away,
and network: a default route where there was one, else every network (`10.0.0.0/24`) that the host was in by
its cards. If all is there in time, the change is confirmed; if not, its files and all that is made of
them are brought back at once, and a host without any network is started again with them. A way back that
was cut off, or that had to leave something, is gone on with at the next start. `gpucloud confirm` says
by hand that a start is right.

## A start that does not come up

A wrong argument or a panic ends a start before any program of the host runs, so the boot loader has to
notice. Where the table above says that GRUB takes the old entry, a plan first keeps the running kernel,
its arguments and a copy of its initramfs (`/boot/gpucloud-old-*.img`) as an entry in `custom.cfg`,
which GRUB reads at every start. Then `gpucloud_tries` in grubenv says what is started:

* 0, while a change is made or taken back: the old entry.
* 2, then 1, once the change is made: the new start. GRUB counts down before it starts the kernel.
* 0, after two starts that did not come up: the old entry. The unit finds itself there and takes the
  change back.
* Nothing, after a start that was right or `gpucloud confirm`: as ever.

So the power may go at any moment, and there is an entry that starts. GRUB does not replay the journal of
a file system, so wherever something was written that it reads, the journal is written out (the file
system is frozen and thawed at once: `fsfreeze`(8)) before GRUB is told to use it.

In Debian's family a start on trial is also told to restart on a panic and in an emergency of the
initramfs (`panic=30 rd.shell=0 rd.emergency=reboot`); elsewhere, and for a kernel that
hangs, somebody has to switch the host off and on, twice.

What it cannot do:

* GRUB cannot write grubenv on LVM, RAID, btrfs (SUSE's usual choice) or ZFS: tries are not counted
  there, and the plan names it as a risk. 0 still works, so a cut of apply or undo is covered.
* RHEL before 9 with UEFI has GRUB's files in the EFI system partition; systemd-boot, kernelstub and
  Proxmox VE's tool are not taught. There the plan names it as a risk, and the old start has to be
  chosen by hand: a recovery entry, or `gpucloud=off` at the boot menu.

## How each is proven

No real server of RHEL, SUSE, Pop!_OS or Proxmox VE was at hand: what is written there was held against runs
of the real tools, recorded in a tree of the family (`tests/prepare/boot_tools`, whose records name the
versions; `tests/prepare/test_boot_tools.py` holds them). They called Debian 12's programs, and found a disk
of ours where theirs would be. Every row is also planned, applied and taken back byte for byte on a fake root
with stand-ins for its tools (`tests/prepare/test_boot_apply.py`).

| way to start | proven by | so that |
|---|---|---|
"""
_PROVEN = (
    (
        "Debian: GRUB with initramfs-tools, and with dracut",
        "a real Debian 12 server over its restarts (`tests/prepare/test_over_restarts.py`)",
        "arguments and early claim are there after each start, and the first tree after undo",
    ),
    (
        "Debian: systemd-boot",
        "recorded: Debian 12's hook of update-initramfs with bootctl and kernel-install, systemd 252",
        "the entry is made anew with the arguments of `/etc/kernel/cmdline`",
    ),
    (
        "Pop!_OS: kernelstub",
        "recorded: kernelstub",
        "its settings have the same bytes, and its entry has the arguments",
    ),
    (
        "Proxmox VE: proxmox-boot-tool with systemd-boot",
        "recorded: proxmox-boot-tool 8.1",
        "the entry has the first line of `/etc/kernel/cmdline`, and what the tool refuses is refused",
    ),
    (
        "Proxmox VE: proxmox-boot-tool with GRUB",
        "recorded: proxmox-boot-tool 8.1 with Debian 12's grub-mkconfig",
        "every kernel is told the drop-in's arguments but for recovery",
    ),
    (
        "RHEL 8 and later, Fedora: boot entries",
        "recorded: grubby",
        "the bytes are the same but for the rescue system's entry, which grubby changes and gpucloud leaves",
    ),
    (
        "RHEL 8 and later: the menu made anew, a kernel installed later",
        "recorded: grub2-mkconfig of RHEL 8.8, 9.4 and 10; kernel-install of RHEL 9.4",
        "the arguments are still there, and the new kernel's entry has them",
    ),
    (
        "RHEL 7: GRUB",
        "recorded: grub2-mkconfig of RHEL 7.9",
        "every kernel of the menu is told the arguments",
    ),
    (
        "SUSE: GRUB",
        "recorded: pbl (`update-bootloader`); grub2-mkconfig of GRUB 2.06 with openSUSE's patches",
        "`/etc/default/grub` has the same arguments, and every kernel is told them but for recovery",
    ),
)
_PROVEN_TOO = """
* Every kind of change: apply, its continuation and undo cut off at every position, on Debian's and RHEL 8's
  way to start among others (`tests/prepare/test_crash.py`).
* GRUB's files: against real shells (`tests/inventory/test_shell.py`, `tests/prepare/test_boot_loaders.py`);
  where only running them would tell the kernel's arguments, a plan is refused and names the line.
* The entry of the old start: GRUB itself counts and chooses, on a disk
  (`tests/prepare/test_grub_itself.py`); apply, undo and the way back are cut off at every position
  (`tests/prepare/test_fallback.py`).
* The early script: by real shells on a fake /sys, and in images that Debian's initramfs-tools and
  dracut made, on a real kernel with two equal cards (`tests/prepare/test_early_binding_in_lab.py`).
* Slices: against a fake kernel and fake tools of NVIDIA (`tests/prepare/test_slices.py`); on no real card
  yet. Virtual functions by `sriov_numvfs` also on a real kernel over restarts, with an NVMe controller in a
  card's place (`tests/prepare/test_slices_in_lab.py`).
* Cards that come, move and go, new kernels and releases: `tests/prepare/test_differences.py`.
* A whole host over its restarts: `tests/prepare/test_over_restarts.py`.
"""


def render_page() -> str:
    """The whole page."""
    rows = "".join(map(_row, ROWS))
    tools = "".join(map(_tool, (INITRAMFS_TOOLS, DRACUT)))
    proven = "".join(f"| {' | '.join(row)} |\n" for row in _PROVEN)
    return f"{_HEAD}{rows}{_EARLY}{tools}{_MODULES}{proven}{_PROVEN_TOO}"


def _row(row: Row) -> str:
    tools = (
        ", ".join(f"`{' '.join(argv)}`" for argv in row.loader.tools) or "nothing: the entries are the menu"
    )
    back = "is tried twice, then GRUB takes the old entry" if row.grub else "needs a hand at the boot menu"
    return f"| {row.family} | {row.sign}{row.note} | {row.loader.name} | {tools} | {back} |\n"


def _tool(tool: Initramfs) -> str:
    families = ", ".join(_families(tool))
    files = ", ".join(f"`{path}`" for path in tool.paths)
    return f"| {tool.name} | {families} | {files} | `{' '.join(tool.command)}` |\n"


def _families(tool: Initramfs) -> Iterator[str]:
    return (family for family, tools in TOOLS.items() if tool in tools)
