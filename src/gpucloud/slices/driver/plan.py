"""From a package to a host whose cards can be cut: steps with what does, shows and takes back each.

Sources: NVIDIA vGPU software user guide, "Installing and configuring the NVIDIA Virtual GPU Manager" for
Ubuntu (apt-get), Red Hat (rpm) and generic Linux with KVM (.run), with what each shows afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.model.finding import Finding
from gpucloud.model.host import Host
from gpucloud.model.packages import install_command
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.slices.branch import branch_of
from gpucloud.slices.driver.package import Kind, Package
from gpucloud.slices.interface import NVIDIA, vendor_of
from gpucloud.slices.offer import offers_of
from gpucloud.slices.profile import Interface

MODULE = "nvidia_vgpu_vfio"
RESTART = ("systemctl reboot",)
"""After undo, too: until then the kernel has the module."""
SERVICES = ("nvidia-vgpud", "nvidia-vgpu-mgr")
_NOUVEAU = "nouveau"
_OWN_TO = {Kind.DEB: ("debian",), Kind.RPM: ("rhel", "suse")}
_GUEST_SOURCE = "NVIDIA vGPU release notes: guest drivers of the manager's branch or an older one"


@dataclass(frozen=True, slots=True)
class ManagerStep:
    """One step.

    Args:
        what: it does, in words.
        do: commands, in order.
        check: commands that show that it is done; each ends with 0 then.
        undo: commands that take it back, in order.
    """

    what: str
    do: tuple[str, ...]
    check: tuple[str, ...]
    undo: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardNow:
    """What a card of NVIDIA shows of the manager now: after the steps each shows an interface.

    Args:
        unit: its address.
        interface: through what it can be cut; None: through nothing.
        why: not, with the doctor's cause; empty where it can be cut.
    """

    unit: PciAddress
    interface: Interface | None | Unknown
    why: str

    @property
    def is_ready(self) -> bool:
        """Claims that the card can be cut."""
        return isinstance(self.interface, Interface)


@dataclass(frozen=True, slots=True)
class ManagerPlan:
    """What to do with a package on a host.

    Args:
        package: which.
        steps: in order; undone in the other one. Empty where something stands against it.
        refusals: why it is not done.
        warnings: what may go wrong, and what could not be seen.
        cards: NVIDIA's, by address.
    """

    package: Package
    steps: tuple[ManagerStep, ...]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    cards: tuple[CardNow, ...]


def plan_manager(package: Package, host: Host, guest_driver: int | None = None) -> ManagerPlan:
    """Plan to install a package.

    Args:
        package: the operator's.
        host: where.
        guest_driver: the major version of the driver in guests; None: not told.
    """
    refusals = tuple(_refusals(package, host, guest_driver))
    steps = () if refusals else tuple(_steps(package, host))
    return ManagerPlan(package, steps, refusals, tuple(_warnings(package, host)), tuple(_cards(host)))


def _cards(host: Host) -> Iterator[CardNow]:
    mine = {unit.address for unit in host.units if vendor_of(unit.primary) == NVIDIA}
    for offer in offers_of(host):
        why = offer.interface if isinstance(offer.interface, Unknown) else offer.why_none
        if isinstance(why, Finding):
            text = f"{why.title.removeprefix(f'{offer.unit.short}: ')} [{why.cause}]"
        else:
            text = "" if why is None else why.why
        if offer.unit in mine:
            yield CardNow(offer.unit, offer.interface, text)


def _refusals(package: Package, host: Host, guest_driver: int | None) -> Iterator[str]:
    if package.is_for_hosts is False:
        yield f"{package.file} is the driver for guests: take vgpu-kvm, nvidia-vgpu or NVIDIA-vGPU"
    if isinstance(host.functions, Unknown):
        yield f"its cards were not read: {host.functions.why}"
    elif not any(vendor_of(unit.primary) == NVIDIA for unit in host.units):
        yield "it has no card of NVIDIA"
    yield from _of_family(package, host)
    branch = package.branch
    if guest_driver is not None and branch is not None and branch_of(guest_driver) > branch_of(branch):
        yield (
            f"guests have a driver {guest_driver}, of a newer branch than the manager's {package.version}: "
            f"they would start without a vGPU ({_GUEST_SOURCE})"
        )
    for unit in host.units:
        holders = unit.primary.holders
        if vendor_of(unit.primary) == NVIDIA and isinstance(holders, tuple) and holders:
            who = ", ".join(dict.fromkeys(each.guest or each.process for each in holders))
            yield f"{unit.address.short} is in use ({who}): its driver cannot be replaced"


def _of_family(package: Package, host: Host) -> Iterator[str]:
    family, version = host.distribution.family, host.distribution.version
    families = _OWN_TO.get(package.kind)
    if families is not None and isinstance(family, str) and family not in families:
        yield f"a .{package.kind} is not for {family}: take NVIDIA's other package, or the .run"
    if package.release is not None and isinstance(version, str) and version != package.release:
        yield f"{package.file} is built for the kernel of {package.release}, and the host is {version}"


def _warnings(package: Package, host: Host) -> Iterator[str]:
    kernel, version = host.kernel, package.version
    if isinstance(version, Unknown):
        yield f"the driver's version cannot be compared: {version.why}"
    if isinstance(package.is_for_hosts, Unknown):
        yield f"whether it is for hosts cannot be told: {package.is_for_hosts.why}"
    if host.security.is_secure_boot is True:
        yield "Secure Boot is on: the kernel takes signed modules alone (mokutil --import, kmodsign)"
    loaded = kernel.loaded_modules
    if isinstance(loaded, Unknown):
        yield f"which drivers are loaded is not known: {loaded.why}"
    elif "nvidia" in loaded and MODULE not in loaded:
        yield "another driver of NVIDIA is loaded, the one for computing: take its packages off first"
    elif MODULE in loaded:
        yield "a vGPU manager is loaded already: this replaces it, and undo does not bring the older one back"


def _steps(package: Package, host: Host) -> Iterator[ManagerStep]:
    loaded = host.kernel.loaded_modules
    if isinstance(loaded, Unknown) or _NOUVEAU in loaded:
        yield ManagerStep(
            "Keep nouveau away from the next start on: it and NVIDIA's driver exclude each other",
            ("gpucloud plan --spec gpucloud.yaml", "gpucloud apply"),
            ("! grep -q '^nouveau ' /proc/modules",),
            ("gpucloud undo",),
        )
    if package.kind is not Kind.RPM:
        family = host.distribution.family
        install = install_command(
            family if isinstance(family, str) else "", "kernel-headers", "gcc", "make", "dkms"
        )
        yield ManagerStep(
            "What builds its module for the running kernel, and for later ones",
            (install,),
            ('test -e "/lib/modules/$(uname -r)/build/Makefile"',),
            (),
        )
    yield _install(package)
    yield ManagerStep(
        "Start with the new module",
        RESTART,
        (f"grep -q '^{MODULE} ' /proc/modules",),
        (),
    )
    yield ManagerStep(
        "The services that find out what the cards offer, and serve their vGPUs",
        (f"systemctl enable --now {' '.join(SERVICES)}",),
        (*(f"systemctl is-active --quiet {each}" for each in SERVICES), "gpucloud vgpu types"),
        (f"systemctl disable --now {' '.join(SERVICES)}",),
    )


def _install(package: Package) -> ManagerStep:
    """Names of file and package have no character that a shell would read (``parse_package``)."""
    what = f"Install the vGPU manager {package.version if isinstance(package.version, str) else package.file}"
    match package.kind:
        case Kind.DEB:
            installed = f"dpkg-query -W -f '${{db:Status-Status}}' {package.name} | grep -qx installed"
            return ManagerStep(
                what, (f"apt-get install ./{package.file}",), (installed,), (f"dpkg --purge {package.name}",)
            )
        case Kind.RPM:
            return ManagerStep(
                what, (f"rpm -iv {package.file}",), (f"rpm -q {package.name}",), (f"rpm -e {package.name}",)
            )
        case Kind.RUN:
            return ManagerStep(
                what,
                (f"sh ./{package.file} --silent --dkms",),
                (f"modinfo {MODULE}",),
                (f"sh ./{package.file} --uninstall --silent",),
            )
