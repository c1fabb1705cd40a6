"""The phrase book: messages of the kernel, QEMU, libvirt, nova, drivers and tools, and what each means."""

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.doctor.evidence.phrases import (
    complaints,
    firmware,
    guest,
    hints,
    host,
    hypervisors,
    kernel,
    mistakes,
    nova,
    nvidia,
    placement,
    platforms,
    prose,
    slices,
    tools,
)

PHRASES: tuple[Phrase, ...] = (
    *kernel.PHRASES,
    *host.PHRASES,
    *firmware.PHRASES,
    *guest.PHRASES,
    *nvidia.PHRASES,
    *platforms.PHRASES,
    *tools.PHRASES,
    *slices.PHRASES,
    *hypervisors.PHRASES,
    *nova.PHRASES,
    *placement.PHRASES,
    *mistakes.PHRASES,
    *complaints.PHRASES,
    *hints.PHRASES,
    *prose.PHRASES,
)
"""All phrases. Several may share a name: the same thing said in other words."""
