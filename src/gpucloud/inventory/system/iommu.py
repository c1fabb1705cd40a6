"""The IOMMU as firmware offers it and as the kernel runs it; what the kernel refuses on principle."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpucloud.inventory.capture.allowlist import SECURE_BOOT
from gpucloud.inventory.reader import Reader, needed
from gpucloud.model.host import Iommu, Security
from gpucloud.model.pci import IommuGroup
from gpucloud.model.unknown import Unknown

_TABLES = "/sys/firmware/acpi/tables"
_CHIP = re.compile(r"(?:IR-)?(?:IO-APIC|PCI-MSIX?|HPET-MSI|DMAR-MSI)", re.ASCII)
_CHOSEN = re.compile(r"\[(\w+)\]", re.ASCII)


def read_iommu(
    reader: Reader, groups: Mapping[int, IommuGroup] | Unknown, unprotected: tuple[IommuGroup, ...]
) -> Iommu:
    """Read tables, running units and interrupt remapping; the groups are read before."""
    units = reader.list_dir("/sys/class/iommu")
    return Iommu(
        has_dmar=_has_table(reader, "DMAR"),
        has_ivrs=_has_table(reader, "IVRS"),
        units=() if units is None else units,
        has_interrupt_remapping=_remapping(reader),
        groups=groups,
        unprotected=unprotected,
    )


def _has_table(reader: Reader, name: str) -> bool | Unknown:
    """A host without ACPI has no tables; ``tables`` is listed because the tables are root's to read."""
    names = reader.list_dir(_TABLES)
    return names if isinstance(names, Unknown) else name in (names or ())


def _remapping(reader: Reader) -> bool | Unknown:
    text = needed(reader.read_text("/proc/interrupts"), "/proc/interrupts")
    return text if isinstance(text, Unknown) else parse_remapping(text)


def parse_remapping(text: str) -> bool | Unknown:
    """Tell from ``/proc/interrupts`` whether interrupts are remapped.

    x86 puts ``IR-`` before the names of interrupt chips whose interrupts go through the remapping
    unit: arch/x86/kernel/apic/{io_apic,msi}.c since 2.6.29, ``IR-PCI-MSIX-0000:01:00.0`` since 6.3.
    Other processors have other chips, whose names do not tell. The beginning of the file is enough: the
    IO-APIC's interrupts have the lowest numbers, and the kernel remaps those of all IO-APICs or remaps
    nothing (drivers/iommu/intel/irq_remapping.c, ``parse_ioapics_under_ir``; amd/init.c,
    ``check_ioapic_information``).
    """
    chips = interrupt_chips(text)
    if not chips:
        return Unknown("/proc/interrupts shows no interrupt chip of x86")
    return any(chip.startswith("IR-") for chip in chips)


def interrupt_chips(text: str) -> tuple[str, ...]:
    """Names of x86's interrupt chips in ``/proc/interrupts``, each once."""
    return tuple(dict.fromkeys(_CHIP.findall(text)))


def read_security(reader: Reader) -> Security:
    """Read lockdown and Secure Boot."""
    return Security(lockdown=_lockdown(reader), is_secure_boot=_secure_boot(reader))


def _lockdown(reader: Reader) -> str | None | Unknown:
    path = "/sys/kernel/security/lockdown"
    text = reader.read_text(path)
    if text is None:
        names = reader.list_dir("/sys/kernel/security")
        return Unknown("securityfs is not mounted") if names == () else None
    if isinstance(text, Unknown):
        return text
    match = _CHOSEN.search(text)
    return match[1] if match else Unknown(f"{path} is not understood: {text[:60]!r}")


def _secure_boot(reader: Reader) -> bool | None | Unknown:
    """The variable is four bytes of attributes and one of value (Documentation/filesystems/efivarfs.rst)."""
    names = reader.list_dir("/sys/firmware/efi")
    if not isinstance(names, tuple):
        return names
    data = reader.read_bytes(SECURE_BOOT)
    if isinstance(data, bytes):
        return data[4] == 1 if len(data) == 5 else Unknown(f"SecureBoot has {len(data)} bytes, not 5")
    if data is None:
        variables = reader.list_dir("/sys/firmware/efi/efivars")
        return False if variables else Unknown("efivarfs is not mounted")
    return data
