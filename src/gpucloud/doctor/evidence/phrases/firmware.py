"""What firmware says, of servers and of guests: room for BARs, ports for devices; and what a working driver says."""

# A table reads best in rows, one phrase each.
# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from gpucloud.doctor.evidence.phrase import Phrase
from gpucloud.model.finding import Level

_BAR, _WINDOW, _PORT = "bar-allocation", "guest-mmio-window", "guest-port-missing"
_REBAR = r"resizable BAR|ReBAR|Re-?Size BAR"
_NO_ROOM = "The server's firmware finds no room for the BARs of its cards"
_NO_WINDOW = "The guest's firmware finds no room for the card's BARs"

SERVERS = (
    Phrase("setup-no-room", "insufficient pci resources", cause=_BAR, confidence=0.88, by="AMI Aptio, at power-on", says=_NO_ROOM),
    Phrase("setup-no-room", "pci out of resource", r"PCI OUT OF RESOURCES? (?:CONDITION|ERROR)", _BAR, 0.85, _NO_ROOM, "AMI Aptio, at power-on"),
    Phrase("setup-no-room", "memory mapped i", r"(?:[Uu]nable to allocate|insufficient|not enough|more) [Mm]emory.[Mm]apped (?:I/O|Input.?/?Output)", _BAR, 0.88, _NO_ROOM, "Dell UEFI0134, HPE 276 at power-on"),
    *(Phrase("resizable-bar", needle, rf"\b(?:does(?:n't| not)|won't|fails? to|cannot|can't) (?:boot|start|work)\w*.{{0,60}}(?:{_REBAR}).{{0,40}}\b(?:enabled|on)\b|"
             rf"\b(?:disabl\w+|turn\w* off) (?:the )?(?:{_REBAR}).{{0,60}}\b(?:works?|fix\w*|solve\w*|helped)\b", _BAR, 0.7, "The guest cannot take the BAR that the host's firmware enlarged", "PCI Express: resizable BAR capability")
      for needle in ("resizable bar", "rebar", "resize bar", "re-size bar")),
    Phrase("setup-no-room", "pci bus request resources", cause=_BAR, confidence=0.7, by="AMI Aptio status codes: 0x95", says="The server's firmware stops while it finds room for BARs"),
    Phrase("setup-no-room", "resource allocation error", r"PCI resource allocation error|\bPCIe? resource allocation (?:error|failed|failure)", _BAR, 0.85, _NO_ROOM, "AMI Aptio status codes: 0xD4"),
    Phrase("setup-no-room", "out of resource", r"PCIe?\b.{0,60}[Oo]ut.of.[Rr]esources?\b|\bD4\b.{0,40}[Oo]ut of [Rr]esources", _BAR, 0.85, _NO_ROOM, "AMI Aptio status codes: 0xD4; Lenovo XClarity"),
    Phrase("setup-no-room", "out_of_resource", r"OUT_OF_RESOURCE.{0,40}(?:PCI|slot)|PCI.{0,60}OUT_OF_RESOURCE", _BAR, 0.85, _NO_ROOM, "Lenovo UEFI: I.2018007"),
    Phrase("setup-no-room", "enough mmio", r"not enough MMIO (?:space|resources?|memory)(?! resources for SR-IOV| for SR-IOV)", _BAR, 0.85, _NO_ROOM, "server firmware", unless="SR-IOV"),
    Phrase("bar-unclaimed", "claim bar", r"pci (?!0000:00:)\S+: can't claim BAR [0-5] \[mem.{0,60}(?:no compatible bridge window|address conflict)", _BAR, 0.55, "A BAR of the device lies where its bridge does not reach", "Linux drivers/pci/setup-res.c: pci_claim_resource()", Level.INFO),
    Phrase("bar-unclaimed", "can't claim", r"pci (?!0000:00:)\S+: BAR [0-5] \[mem[^\]]*\]: can't claim", _BAR, 0.55, "A BAR of the device lies where its bridge does not reach", "Linux drivers/pci/setup-res.c: pci_claim_resource()", Level.INFO),
    Phrase("setup-no-room", "insufficient mmio", cause=_BAR, confidence=0.85, by="Dell UEFI0134", says=_NO_ROOM),
)

GUESTS = (
    Phrase("ovmf-no-room", "notifyphase(allocateresources)", r"NotifyPhase\(AllocateResources\) - Out of Resources", _WINDOW, 0.9, _NO_WINDOW, "edk2 MdeModulePkg/Bus/Pci/PciBusDxe/PciLib.c"),
    Phrase("seabios-no-room", "bit address space", r"PCI: out of 32bit address space", _WINDOW, 0.85, _NO_WINDOW, "SeaBIOS src/fw/pciinit.c"),
    Phrase("card-needs-uefi", "efi", r"\b(?:card|GPU|vBIOS|ROM)\b.{0,30}\b(?:requires?|needs?) (?:UEFI|EFI|OVMF)", "uefi-needed-by-guest", 0.7, "The card needs a guest with UEFI", "OVMF", Level.INFO),
    Phrase("ch-no-room", "allocating new mmio range", cause=_WINDOW, confidence=0.85, by="Cloud Hypervisor vmm/src/device_manager.rs: move_bar()", says="The guest's firmware moves a BAR to where there is no room"),
    Phrase("xen-no-room", "no space for resource", r"\bbar [0-9a-f]+ size \S+: no space for resource", _WINDOW, 0.85, _NO_WINDOW, "Xen tools/firmware/hvmloader/pci.c"),
    Phrase("esx-no-room", "of pci mmio", r"firmware could not allocate \d+ KB of PCI MMIO|[Ii]ncrease the size of PCI MMIO", _WINDOW, 0.92, _NO_WINDOW, "VMware vSphere"),
)

PORTS = (
    Phrase("no-hotplug", "does not support hotplugging", r"Bus '(?:pcie\.\d+|pci\.\d+|[\w.-]+)' does not support hotplugging", _PORT, 0.9, "A device can be added to a running guest at a free root port only, not at the root bus", "QEMU hw/core/qdev.c, docs/pcie.txt"),
    Phrase("no-bus", "no pci buses available", cause=_PORT, confidence=0.9, by="libvirt src/conf/domain_addr.c, virDomainPCIAddressValidate()", says="The guest's machine type has no PCI bus at all"),
    Phrase("no-slots", "no more available pci slots", cause=_PORT, confidence=0.9, by="libvirt src/conf/domain_addr.c", says="The guest's machine has no free port for another device"),
    Phrase("no-slots", "cannot be plugged into the pci controller", cause=_PORT, confidence=0.8, by="libvirt src/conf/domain_addr.c", says="The device does not fit the port that the definition gives it"),
    Phrase("no-port", "' not found", r"Bus '(?:rp\d|pci\.\d|pcie[.\d]|ich9-pcie-port|root-?port|rootport|switch)[\w.-]*' not found", _PORT, 0.8, "The port that the device is to go to is not in the guest's machine", "QEMU system/qdev-monitor.c"),
    Phrase("slot-taken", "pci: slot", r"PCI: slot \d+ function \d+ (?:already occupied|not available for)", _PORT, 0.85, "Another device of the guest has the slot", "QEMU hw/pci/pci.c: do_pci_register_device()"),
    Phrase("pve-machine", "q35 machine model is not enabled", cause=_PORT, confidence=0.93, by="Proxmox VE qemu-server PVE/QemuServer/PCI.pm", says="The device is asked for as PCI Express and the guest's machine type has none"),
)

WORKING = (
    Phrase("driver-runs", "nvidia-smi", r"NVIDIA-SMI \d\S+ +(?:KMD Version|Driver Version): \d", says="the NVIDIA driver runs its card", by="nvidia-smi", side="guest"),
    Phrase("nvrm-loads", "nvrm: loading nvidia", says="the NVIDIA driver starts", by="NVIDIA kernel-open/nvidia/nv.c", side="guest"),
    Phrase("guest-started", "task ok", r"^ ?TASK OK\s*$|^TASK OK\b", says="the guest was started", by="Proxmox VE task log"),
    Phrase("guest-running", "running", r"^ ?\d+ +[\w.@-]+ +running\b", says="a guest runs", by="virsh(1) list, Proxmox VE qm list"),
)

PHRASES = (*SERVERS, *GUESTS, *PORTS, *WORKING)
