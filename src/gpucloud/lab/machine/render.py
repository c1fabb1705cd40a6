"""A topology as QEMU's arguments. Pure: the same server gives the same line, on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.lab.topology.devices import FUNCTIONS
from gpucloud.lab.topology.parse import Card, Iommu, Port, Topology

QEMU = "qemu-system-x86_64"
OWN_DISPLAY_SLOT, DISK_SLOT, NETWORK_SLOT, ENTROPY_SLOT, PAYLOAD_SLOT, MORE_SLOT = 2, 3, 4, 5, 6, 7
"""The server's own devices on bus 0. Slot 1 is left to QEMU, which puts AMD's IOMMU there."""

QMP_SOCKET, LINE_SOCKET, CONSOLE_LOG = "qmp.sock", "line.sock", "console.log"
"""Relative to the folder QEMU is started in: the name of a socket may have 107 bytes only."""

ALWAYS = ("console=ttyS0,115200", "root=/dev/vda", "rw", "net.ifnames=0", "mitigations=off", "quiet")
"""Kernel arguments of every server. ``mitigations=off``: an emulated CPU leaks nothing, each one costs."""

VESA_1024X768X16 = "vga=0x317"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """How QEMU runs the server's instructions."""

    name: str
    argument: str
    cpu: str
    max_cpus: int

    @property
    def in_words(self) -> str:
        return CALLED[self.name]


TCG = Accelerator("tcg", "tcg", "max,+svm", 1)
"""Software emulation. It emulates AMD's virtualization too, so the server has a /dev/kvm of its own.

One processor only: with more, one may run on in stale translated code after the kernel on another has
patched its text (a static key of kvm, say), and both wait for each other for ever (seen with QEMU 7.2).
"""
KVM = Accelerator("kvm", "kvm", "host", 16)

CALLED = {"tcg": "software emulation", "kvm": "hardware virtualization"}
"""Accelerators as users know them."""


@dataclass(frozen=True, slots=True)
class Direct:
    """A start without a boot loader: an ELF image starts without the firmware, a bzImage through it."""

    kernel: str
    initrd: str


@dataclass(frozen=True, slots=True)
class Parts:
    """The files a server runs from.

    Attributes:
        direct: the kernel that is started; None: the firmware starts what is on the disk.
        disk: qcow2, written to.
        payload: raw image, read only; None for an empty drive in its place.
        memory: file that holds the server's memory; None for anonymous memory.
        memory_is_shared: whether what the server writes goes into that file, or stays its own.
        more: raw image of one more disk, read only, that the server finds as `MORE_DISK`; None for no drive.
    """

    direct: Direct | None
    disk: str
    payload: str | None
    memory: str | None = None
    memory_is_shared: bool = False
    more: str | None = None


MORE_DISK = "/dev/disk/by-id/virtio-more"


def kernel_command_line(topology: Topology) -> str:
    """The arguments of the server's kernel, those of the topology last."""
    video = [VESA_1024X768X16] if topology.boot_console else []
    return " ".join([*ALWAYS, *video, *topology.kernel_arguments])


def render_machine(topology: Topology, accelerator: Accelerator, parts: Parts, pid_file: str) -> list[str]:
    """QEMU's whole command line, but for the ways a start can differ (``-incoming``)."""
    return [
        QEMU,
        *("-nodefaults", "-no-user-config", "-display", "none", "-vga", "none"),
        *("-name", f"guest=gpucloud-lab-{topology.name}", "-pidfile", pid_file),
        *(
            "-accel",
            accelerator.argument,
            "-cpu",
            accelerator.cpu,
            "-smp",
            str(min(topology.cpus, accelerator.max_cpus)),
        ),
        *_memory(topology, parts),
        *_kernel(topology, parts.direct),
        *("-chardev", _console(parts.direct), "-serial", "chardev:console"),
        *("-chardev", f"socket,id=line,path={LINE_SOCKET},server=on,wait=off", "-serial", "chardev:line"),
        *("-qmp", f"unix:{QMP_SOCKET},server=on,wait=off"),
        *_iommu(topology),
        *_own_devices(topology, parts),
        *(part for port in topology.ports for part in _port(port, topology)),
        *(part for number, card in enumerate(topology.cards) for part in _card(number, card)),
        *_more(parts),
    ]


def hidden_devices(topology: Topology) -> list[str]:
    """Shell patterns under /sys/bus/pci/devices of what must be away when the server's state is saved.

    QEMU has no saved form for emulated cards; the payload changes between save and start.
    """
    ports = {port.name: f"0000:00:{port.slot:02x}.{port.function}" for port in topology.ports}
    cards = [
        f"{ports[card.port]}/0000:??:??.?" if card.port else f"0000:00:{card.slot:02x}.*"
        for card in topology.cards
    ]
    return [*cards, f"0000:00:{PAYLOAD_SLOT:02x}.*"]


def _memory(topology: Topology, parts: Parts) -> list[str]:
    machine, size = "q35,kernel-irqchip=split,hpet=off", f"{topology.memory_mib}M"
    if parts.memory is None:
        return ["-machine", machine, "-m", size]
    share = "on" if parts.memory_is_shared else "off"
    return [
        *(
            "-object",
            f"memory-backend-file,id=ram,mem-path={_escape(parts.memory)},size={size},share={share}",
        ),
        *("-machine", f"{machine},memory-backend=ram", "-m", size),
    ]


def _kernel(topology: Topology, direct: Direct | None) -> list[str]:
    if direct is None:
        return ["-boot", "order=c"]
    return ["-kernel", direct.kernel, "-initrd", direct.initrd, "-append", kernel_command_line(topology)]


def _console(direct: Direct | None) -> str:
    """A file; one that starts by itself says why it did again in what it said before."""
    return f"file,id=console,path={CONSOLE_LOG}" + (",append=on" if direct is None else "")


def _iommu(topology: Topology) -> list[str]:
    remapping = "on" if topology.interrupt_remapping else "off"
    match topology.iommu:
        case Iommu.INTEL:
            return ["-device", f"intel-iommu,intremap={remapping},caching-mode=on"]
        case Iommu.AMD:
            return ["-device", f"amd-iommu,intremap={remapping}"]
        case Iommu.NONE:
            return []


def _own_devices(topology: Topology, parts: Parts) -> Iterator[str]:
    if topology.own_display:
        yield from ("-device", f"VGA,addr={OWN_DISPLAY_SLOT:#x}")
    # cache=unsafe: what the server has flushed is in this machine's page cache, and survives QEMU's death.
    yield from (
        "-drive",
        f"file={_escape(parts.disk)},if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap",
    )
    yield from ("-device", f"virtio-blk-pci,drive=disk,addr={DISK_SLOT:#x}")
    yield from ("-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:0-:22")
    yield from ("-device", f"virtio-net-pci,netdev=net,addr={NETWORK_SLOT:#x},romfile=")
    yield from ("-device", f"virtio-rng-pci,addr={ENTROPY_SLOT:#x}")
    empty = "driver=null-co,size=1M,read-zeroes=on"
    payload = f"file={_escape(parts.payload)},format=raw" if parts.payload else empty
    yield from ("-drive", f"{payload},if=none,id=payload,read-only=on")
    yield from ("-device", f"virtio-blk-pci,drive=payload,addr={PAYLOAD_SLOT:#x}")
    yield from ("-audiodev", "none,id=silence")


def _more(parts: Parts) -> Iterator[str]:
    """A disk that a saved server did not have: like a card, it is found by a rescan."""
    if parts.more:
        yield from ("-drive", f"file={_escape(parts.more)},format=raw,if=none,id=more,read-only=on")
        yield from ("-device", f"virtio-blk-pci,drive=more,serial=more,addr={MORE_SLOT:#x}")


def _port(port: Port, topology: Topology) -> Sequence[str]:
    """A root port with room for any card: its windows are what the firmware hands out once."""
    neighbours = sum(other.slot == port.slot for other in topology.ports)
    number = topology.ports.index(port) + 1
    options = {
        "id": f"port-{port.name}",
        "chassis": number,
        "slot": number,
        "addr": f"{port.slot:#x}.{port.function}",
        "multifunction": "on" if neighbours > 1 else "off",
        "disable-acs": "off" if port.acs else "on",
    }
    return ("-device", ",".join(["pcie-root-port", *(f"{key}={value}" for key, value in options.items())]))


def _card(number: int, card: Card) -> Iterator[str]:
    """The functions of a card in one slot.

    Each says that it is one of several: when a card is found by a rescan, the kernel asks each on its own,
    and a function that does not say so gets an IOMMU group of its own.
    """
    bus = f"port-{card.port}" if card.port else "pcie.0"
    many = "on" if len(card.functions) > 1 else "off"
    for index, name in enumerate(card.functions):
        device, identity = FUNCTIONS[name], f"card{number}-{index}"
        place = f"bus={bus},addr={card.slot:#x}.{index},multifunction={many}"
        if device.before:
            yield from ("-device", device.before.format(id=identity))
        yield from ("-device", f"{device.qemu.format(id=identity)},id={identity},{place}")
        for plugged in device.needs:
            yield from ("-device", f"{plugged},bus={identity}.0")


def _escape(path: str) -> str:
    """A path as the value of a QEMU option: commas are doubled."""
    return path.replace(",", ",,")
