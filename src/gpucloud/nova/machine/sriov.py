"""Cards whose physical function carries the SR-IOV capability, by PCI id.

nova records such a card as type-PF even while no virtual function is enabled.
Sources: nova docs admin/pci-passthrough (type-PF note), pci.ids, vendors' product tables.
"""

from __future__ import annotations

from gpucloud.model.pci import PciId

_NVIDIA = (
    (0x1EB8, 0x1EB8),  # T4
    (0x20B0, 0x20FF),  # A100, A800, A30
    (0x2230, 0x2238),  # RTX A6000, A5000, A40, A10
    (0x25B6, 0x25B6),  # A2, A16
    (0x2302, 0x233F),  # H100, H200, H800, GH200
    (0x26B1, 0x26BA),  # RTX 6000 Ada, L40, L40S, L20
    (0x27B6, 0x27B8),  # L2, L4
    (0x2901, 0x29BF),  # B200, B100
    (0x2BB1, 0x2BBF),  # RTX PRO 6000 Blackwell
)
_OTHERS = {
    0x1002: (0x692F, 0x6929, 0x686C, 0x7362, 0x738C, 0x740F, 0x740C, 0x7408, 0x73A1, 0x74A1, 0x74A5, 0x75A0),
    0x8086: (
        0x10FB, 0x154D, 0x1528, 0x1560, 0x1563, 0x1521, 0x1572, 0x1583, 0x1584, 0x158A, 0x158B, 0x1592,
        0x1593, 0x159B, 0x37D0, 0x37D2, 0x56C0, 0x56C1, 0x0BD5, 0x0BDA, 0xE211, 0xE212,
    ),
    0x15B3: (0x1013, 0x1015, 0x1017, 0x1019, 0x101B, 0x101D, 0x101F, 0x1021, 0xA2D6, 0xA2DC),
}  # fmt: skip


def has_sriov(ident: PciId) -> bool:
    """Claims a function that carries the SR-IOV capability on every board of its id."""
    if ident.vendor == 0x10DE:
        return any(low <= ident.device <= high for low, high in _NVIDIA)
    return ident.device in _OTHERS.get(ident.vendor, ())
