"""Hosts as trees: cards and what shares their groups, held by stock drivers, under a fake kernel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.prepare.fake_kernel import FakeKernel

from gpucloud.inventory.folder import read_here
from gpucloud.inventory.host import read_host
from gpucloud.inventory.live import LiveReader
from gpucloud.model.host import Host
from gpucloud.prepare.system import LiveSystem

VGA, AUDIO, ACCELERATOR, NVME, BRIDGE, NET = 0x030000, 0x040300, 0x030200, 0x010802, 0x060400, 0x020000
BOOT = "5f3a9c1e-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Function:
    """One PCI function of a fake host."""

    address: str
    id: str
    code: int
    group: int | None
    driver: str | None = None
    override: str | None = None
    is_boot_vga: bool | None = None
    bar: tuple[int, int] | None = None
    """First and last address of BAR 0."""


def card(
    bus: int,
    group: int | None,
    *,
    drivers: tuple[str | None, str | None] = ("nvidia", "snd_hda_intel"),
    code: int = ACCELERATOR,
    is_boot_vga: bool | None = None,
) -> tuple[Function, Function]:
    """A card with its audio function, both in one group."""
    return (
        Function(f"0000:{bus:02x}:00.0", "10de:20b5", code, group, drivers[0], is_boot_vga=is_boot_vga),
        Function(f"0000:{bus:02x}:00.1", "10de:1aef", AUDIO, group, drivers[1]),
    )


LAB_CARD = (
    Function("0000:00:0a.0", "1002:5046", VGA, 7, "aty128fb", is_boot_vga=True),
    Function("0000:00:0a.1", "8086:2668", AUDIO, 7, "snd_hda_intel"),
)
"""The laboratory's: a Rage 128 that shows the console, with an audio function."""

BMC = Function("0000:02:00.0", "1a03:2000", VGA, 30, "ast", is_boot_vga=True)
"""The server's own screen."""


def build(root: Path, functions: Sequence[Function], *, loaded: Iterable[str] = ()) -> FakeKernel:
    """Make the tree of a host.

    Args:
        root: an empty folder.
        functions: all PCI functions.
        loaded: modules of VFIO that are loaded already.
    """
    kernel = FakeKernel(root)
    for path, text in _FILES.items():
        _write(root / path, text)
    for path in ("sys/bus/pci/devices", "sys/bus/pci/drivers", "sys/bus/platform/devices", "sys/module"):
        (root / path).mkdir(parents=True)
    for path in (
        "sys/bus/platform/drivers",
        "sys/class/vfio",
        "sys/class/graphics",
        "sys/kernel/iommu_groups",
        "proc/driver/nvidia/gpus",
    ):
        (root / path).mkdir(parents=True)
    _write(root / "sys/bus/pci/drivers_probe", "")
    for function in functions:
        _add(kernel, function)
    for module in loaded:
        kernel.load(module)
    for function in functions:
        _bind(kernel, function)
    for function in functions:  # set when drivers have them: it binds nothing
        kernel.driver_set_override(_override(kernel, function), function.override or "")
    return kernel


def add_boot_framebuffer(kernel: FakeKernel, start: int, end: int, name: str = "efifb") -> None:
    """Let the firmware's framebuffer be the console, as on a host whose card has no driver of its own."""
    with (kernel.root / "proc/iomem").open("a") as file:
        file.write(f"{start:08x}-{end:08x} : {name}\n")
    (kernel.root / "sys/bus/platform/devices/efi-framebuffer.0").mkdir()
    kernel.register_driver("efi-framebuffer", "platform")
    kernel.device_driver_attach("platform", "efi-framebuffer", "efi-framebuffer.0")


class DirectSystem(LiveSystem):
    """The real system on a fake kernel, without child processes for its reads and writes."""

    def __init__(self, kernel: FakeKernel) -> None:
        super().__init__(
            kernel.root,
            settle_s=0,
            effect=kernel.store,
            run=kernel.run,
            run_tool=kernel.tools,
            ask=kernel.ask,
            write_out=kernel.write_out,
            read_files=read_here,
        )
        self._kernel = kernel

    def write(self, path: str, text: str) -> None:
        self._kernel.store(self._kernel.root / path.lstrip("/"), text.encode())


def live_system(kernel: FakeKernel, *, timeout_s: float = 20.0) -> LiveSystem:
    """The real system with its child processes; their writes end at the fake kernel."""
    return LiveSystem(
        kernel.root,
        timeout_s=timeout_s,
        settle_s=0,
        effect=kernel.store,
        run=kernel.run,
        write_out=kernel.write_out,
    )


def host_of(kernel: FakeKernel) -> Host:
    """The host as the inventory reads it."""
    return read_host(LiveReader(kernel.root))


def picture(root: Path) -> dict[str, str]:
    """Every file of the tree with its content, and every link with its target.

    Without pathlib: the crash tests take thousands of pictures, and it would be half of their time.
    """
    seen = {}
    ahead = [os.fspath(root)]
    above = len(ahead[0]) + 1
    while ahead:
        with os.scandir(ahead.pop()) as entries:
            for entry in entries:
                place = entry.path[above:]
                if entry.is_symlink():
                    seen[place] = f"-> {os.readlink(entry.path)}"  # noqa: PTH115
                elif entry.is_dir():
                    seen[place] = "/"
                    ahead.append(entry.path)
                else:
                    with open(entry.path, encoding="utf-8") as file:  # noqa: PTH123
                        seen[place] = file.read()
    return seen


def drivers_of(root: Path) -> dict[str, str | None]:
    """Which driver has each function."""
    devices = root / "sys/bus/pci/devices"
    links = {path.name: path / "driver" for path in devices.iterdir()}
    return {name: link.readlink().name if link.is_symlink() else None for name, link in sorted(links.items())}


_FILES = {
    "proc/sys/kernel/osrelease": "6.1.0-42-amd64\n",
    "proc/sys/kernel/random/boot_id": f"{BOOT}\n",
    "proc/cmdline": "intel_iommu=on\n",
    "proc/iomem": "00001000-0009ffff : System RAM\n",
    "proc/self/mountinfo": "1 0 0:2 / / rw - tmpfs tmpfs rw\n",
    "proc/net/route": "Iface\tDestination\tGateway\n",
    "proc/net/ipv6_route": f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 1 0 00200200 lo\n",
    "proc/net/fib_trie": "Main:\n",
    "lib/modules/6.1.0-42-amd64/modules.dep": "".join(
        f"kernel/drivers/vfio/{name}.ko:\n"
        for name in ("vfio-pci", "vfio_iommu_type1", "vfio-pci-core", "vfio", "vfio_virqfd", "irqbypass")
    ),
    "lib/modules/6.1.0-42-amd64/modules.builtin": "",
    "sys/class/vtconsole/vtcon0/name": "(S) dummy device\n",
    "sys/class/vtconsole/vtcon0/bind": "1\n",
}


def _add(kernel: FakeKernel, function: Function) -> None:
    device = kernel.root / "sys/devices/pci0000:00" / function.address
    vendor, _, product = function.id.partition(":")
    start, end = function.bar or (0, 0)
    texts = {
        "vendor": f"0x{vendor}\n",
        "device": f"0x{product}\n",
        "class": f"0x{function.code:06x}\n",
        "driver_override": "(null)\n",
        "modalias": f"pci:v0000{vendor.upper()}d0000{product.upper()}sv00000000sd00000000bc00sc00i00\n",
        "resource": f"0x{start:016x} 0x{end:016x} 0x{0x200 if end else 0:016x}\n",
    }
    if function.is_boot_vga is not None:
        texts["boot_vga"] = f"{int(function.is_boot_vga)}\n"
    for name, text in texts.items():
        _write(device / name, text)
    (kernel.root / "sys/bus/pci/devices" / function.address).symlink_to(
        f"../../../devices/pci0000:00/{function.address}"
    )
    if function.group is not None:
        group = kernel.root / "sys/kernel/iommu_groups" / str(function.group)
        (group / "devices").mkdir(parents=True, exist_ok=True)
        _write(group / "type", "DMA\n")
        (group / "devices" / function.address).symlink_to(
            f"../../../../devices/pci0000:00/{function.address}"
        )
        (device / "iommu_group").symlink_to(f"../../../kernel/iommu_groups/{function.group}")


def _override(kernel: FakeKernel, function: Function) -> Path:
    return kernel.root / "sys/bus/pci/devices" / function.address / "driver_override"


def _bind(kernel: FakeKernel, function: Function) -> None:
    driver = function.driver
    if driver is None:
        return
    if not driver.endswith("vfio-pci"):
        kernel.matches[driver] = kernel.matches.get(driver, frozenset()) | {function.id}
    if not (kernel.root / "sys/bus/pci/drivers" / driver).exists():
        if driver == "vfio-pci":
            kernel.load("vfio_pci")
        else:
            kernel.register_driver(driver)
    kernel.device_driver_attach("pci", driver, function.address)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
