"""Words that several sections of a spec hold."""

from __future__ import annotations

import re

from gpucloud.spec.kinds import Word

HOST = Word(
    "a host's name or a pattern of names (`gpu0[1-8]`)",
    re.compile(r"[A-Za-z0-9*?\[][A-Za-z0-9.*?\[\]!_-]{0,252}", re.ASCII),
)
RESOURCE_CLASS = Word(
    "a resource class of Placement: `DISK_GB`, `PCPU` and the like, or one that begins with `CUSTOM_`",
    re.compile(
        "CUSTOM_[A-Z0-9_]{1,248}|VCPU|PCPU|MEMORY_MB|DISK_GB|VGPU|PGPU|FPGA|PCI_DEVICE|SRIOV_NET_VF|"
        "NET_BW_(EGR|IGR)_KILOBIT_PER_SEC|NET_PACKET_RATE_((EGR|IGR)_)?KILOPACKET_PER_SEC|MEM_ENCRYPTION_CONTEXT",
        re.ASCII,
    ),
)
"""Those that a flavor may ask for (os_resource_classes)."""
TRAIT = Word("a trait: capitals, digits and `_`", re.compile(r"[A-Z0-9_]{1,255}", re.ASCII))
