"""Faults in people's own words, without a message, and words like them that tell of no fault."""

from __future__ import annotations

import pytest

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_text
from gpucloud.model.finding import Finding

RESET, BAR, FIRMWARE, ROM = "reset-bug", "bar-allocation", "iommu-disabled-firmware", "vbios-rom"
KIND, BOARD, FULL, LICENCE = (
    "driver-kind-or-version", "vgpu-unsupported-board", "vgpu-type-or-capacity", "vgpu-licence-missing",
)  # fmt: skip
WINDOW = "guest-mmio-window"
FRAMEBUFFER, MEMORY, SECURE = "boot-framebuffer-holds-gpu", "host-memory-short", "secure-boot"

TOLD = [
    (RESET, ("Passing my RX 580 to a Windows guest works on the first start. After I shut the guest down and "
            "start it again the screen stays black until I reboot the host.")),
    (RESET, "The Vega 64 does not reset properly when the VM is stopped."),
    (RESET, "Once the VM with the GPU has been restarted, I have to power cycle the server to use the card."),
    (RESET, "The GPU cannot be reset after the guest was killed, and the whole host hangs."),
    (RESET, "My 6900 XT: first boot of the VM is fine, second boot gives code 43, a host reboot is needed."),
    (RESET, "The domain with the passed through card is stuck in the state 'shutting down'."),
    (RESET, "When the VM with the MI50 shuts down, the host freezes and must be restarted."),
    (RESET, "After a forced stop of the VM the graphics card is unusable until the server is rebooted."),
    (BAR, "The board has no option for Above 4G decoding, and with the Tesla P40 it does not POST."),
    (BAR, "Turning on above 4G decoding in the BIOS fixed it: the driver now sees the whole memory."),
    (BAR, "With CSM off the server refuses to boot with a BAR larger than 256 MB."),
    (BAR, "My BIOS doesn't have above 4G, so the M40 never gets its resources."),
    (BAR, "Without the P40 the board starts, with it there is no POST at all."),
    (BAR, "The workstation does not even POST with both A100 in it."),
    (BAR, "Linux boots, but there is not enough MMIO space for the eighth card."),
    (BAR, "The firmware cannot allocate PCI resources for the second M40."),
    (FIRMWARE, "Xen says no IOMMU. The IVRS table of this laptop is malformed."),
    (FIRMWARE, "It turned out that VT-d was disabled in the BIOS."),
    (FIRMWARE, "I forgot to enable IOMMU in the BIOS after the update."),
    (FIRMWARE, "Vendor confirmed: broken DMAR table, fixed in the next release."),
    (KIND, "The guest driver version must match the vGPU manager; mine does not match."),
    (KIND, "I have the 535 driver in the guest but the GRID host has 470."),
    (KIND, "vGPU: host driver 470.63.01, guest driver 528.24, and Windows shows no display."),
    (BOARD, "The RTX 4090 is not supported by this vGPU release."),
    (FULL, "The second VM fails: vGPU profile, out of framebuffer."),
    (FULL, "Deleted guests leave their vGPUs behind, they are not released and nothing more starts."),
    (FULL, "All vGPUs on the T4 have to be of the same type, so the second guest does not start."),
    (FULL, "You can't mix vGPU profiles on this card."),
    (BOARD, "My RTX 3060 shows no vGPU types."),
    (LICENCE, "The GRID vGPU runs at 3 fps; it has no license as we found out."),
    (BOARD, "nvidia-smi works on my GTX 1070, but mdevctl types shows nothing."),
    (FRAMEBUFFER, "The second card works, the boot card does not: video=efifb:off solved it."),
    (FRAMEBUFFER, "Something was holding the EFI framebuffer, so the guest got a black screen."),
    (ROM, "There was no picture until I passed a patched rom to the VM."),
    (ROM, "Adding a romfile for the GPU fixed the black screen."),
    (MEMORY, "If I reduce the VM's memory from 64 to 16 GB it starts with the GPU."),
    (SECURE, "The vGPU driver fails to load when Secure Boot is enabled."),
    (SECURE, "With module.sig_enforce=1 the modules of the card are rejected."),
    (RESET, "The guest does not start again until the host is rebooted."),
    (RESET, "Whenever I shut down the VM, the whole machine freezes."),
    (RESET, "These boards do not survive a secondary bus reset, the card is unusable after one."),
    (BAR, "The culprit was Resizable BAR on this board."),
    (BAR, "Turning off ReBAR in the setup did the trick."),
    (LICENCE, "The vGPU of the desktop gets slow: after 20 minutes its performance is gone."),
    (LICENCE, "My P40 with a GRID profile throttles after the first use."),
    (ROM, "With two of them the option ROM hangs the firmware of the VM."),
    ("error-43", "The RTX 2070 is in the guest's device manager with an exclamation mark."),
    ("numa-policy-no-host", "Both GPUs are on one NUMA node, and guests of the other cannot have them."),
    ("numa-policy-no-host", "Since the alias has a numa_policy, claims fail on all hosts."),
    ("vgpu-request-unsupported", "Suspending the instance with a vGPU doesn't work."),
    ("stale-pci-devices-row", "After archive_deleted_rows two rows of pci_devices are missing."),
    (FIRMWARE, "No IOMMU groups are there: VT-d was not enabled in the BIOS."),
    ("gpu-fell-off-bus", "Under load the RTX 5090 drops off the bus."),
    ("gpu-fell-off-bus", "As soon as training starts the card disconnects from the PCIe bus."),
    ("kvm-unavailable", "Guests stay scheduled because of missing kvm."),
    ("kvm-unavailable", "I loaded the module, but /dev/kvm does not appear."),
    ("host-driver-grabbed-gpu", "I had to blacklist nouveau before vfio-pci could have the card."),
    ("acs-missing", "My GPU is in the same IOMMU group as the USB controller and the NIC."),
    ("sriov-vfs-not-enabled", "No VFs: somebody forgot to enable SR-IOV in the BIOS."),
    ("error-43", "With vendor_id and the hidden state in the XML the RTX 3080 works now."),
    ("error-43", "kvm=off did the trick for my GTX 1660."),
    (ROM, "Black screen with the 1080: its ROM is from /sys/bus/pci/devices/0000:0b:00.0/rom."),
    (ROM, "No signal in the VM, although the vbios is patched as in the guide."),
    (ROM, "The guest hangs until I moved the rom to another folder, the vbios I mean."),
    (MEMORY, "Guests with a GPU crash on nodes with memory overcommit."),
    (MEMORY, "With ballooning the VM with the A10 is killed by the OOM killer."),
    (FRAMEBUFFER, "The culprit was CSM: the host booted in legacy mode."),
    (FRAMEBUFFER, "Disabling the Compatibility Support Module of the board was necessary."),
    (RESET, "The vGPU starts only once after each boot of the host."),
    (RESET, "My RX 6600 goes to a guest just once per host boot."),
    (RESET, "After I shut down the VM with the RTX 3070 there is a black screen on the host."),
    ("mac-denied", "The VM with the card gets an error from AppArmor."),
    ("mac-denied", "vfio of this guest fails because of SELinux."),
    (WINDOW, "The L40S shows up in the VM, but only a bigger X-PciMmio64Mb makes its driver load."),
    (WINDOW, "OVMF's 64-bit MMIO window is too small for four H200."),
    (WINDOW, "With q35 the PCI hole is limited, so the MI300X does not fit."),
    (WINDOW, "Do I have to increase pci-hole64-size for the guest with the A100?"),
    (WINDOW, "The aperture: SeaBIOS has an insufficient 64-bit PCI aperture for the BARs."),
    (BOARD, "I would like GVT-g on my Alder Lake notebook."),
    (BOARD, "i7-11800H: kvmgt is missing for me, can it be loaded?"),
    (BOARD, "modprobe kvmgt says: no such device."),
    ("sriov-vfs-not-enabled", "The driver's pci_enable_sriov() returns -12."),
    ("sriov-vfs-not-enabled", "A tool says: error reading MIG capable state: Invalid Argument."),
    ("error-43", "GTX 1070: the driver notices that it is running inside a VM and stops."),
    ("error-43", "The GeForce driver knows it's in a VM."),
    ("companion-function-not-bound", "The HDMI audio of my RTX 3060 is not bound to vfio-pci."),
    ("companion-function-not-bound", "The USB-C controller refuses to bind to vfio-pci, the GPU does."),
    ("initramfs-not-updated", "With vfio_virqfd in dracut.conf.d the start is stuck in the initramfs."),
]  # fmt: skip

NO_FAULT = [
    "Restart the VM at any time: the GPU comes back, and no reboot of the host is needed.",
    "The host was rebooted after the kernel update; the VM with the GPU was shut down before.",
    "Install the driver in the guest and restart the guest.",
    "Resizable BAR is on and above 4G decoding too, and the guest has its card.",
    "VT-d is enabled in the BIOS, and the RTX A4000 works in the guest.",
    "Make sure that the IOMMU is enabled in the BIOS.",
    "The password was not reset. The network card does not reset its counters.",
    "The DMAR table is there and valid. IVRS was found.",
    "Guest driver and host driver are both 535.161, all vGPUs run.",
    "The vGPU has its license, and nvidia-smi -q says Licensed.",
    "Secure Boot is enabled and our key is enrolled: the modules load.",
    "The framebuffer of the VM's VNC console is 1024x768.",
    "I gave the VM less memory to make room for a second VM.",
    "The H100 is supported by vGPU 17 and newer.",
    "vGPU types: nvidia-256, nvidia-257.",
    "No romfile is needed with this card.",
    "The guest was restarted three times, and the card was reset each time.",
    "Shut the guest down before you take the card away.",
    "The POST takes two minutes with eight cards, then the server boots.",
    "There is enough MMIO space for all cards.",
    "Guests of one card can have the same vGPU type.",
    "The module is signed, and no module was refused.",
    "The guest starts again after the host is rebooted.",
    "I shut down the VM, and the machine runs on.",
    "A secondary bus reset brings the card back.",
    "Resizable BAR is enabled on the host.",
    "The vGPU runs at full speed after 20 hours.",
    "The card throttles at 84 degrees: thermal limit.",
    "The option ROM is 128 KiB long.",
    "The bus is PCIe 4, and the card stays at x16.",
    "There is no kvm problem: /dev/kvm is there.",
    "The guest has nouveau, and I had to update it.",
    "The GPU and its audio function are in one group of their own.",
    "SR-IOV is enabled in the BIOS, and the card shows 16 VFs.",
    "Emulated adapters work also if IOMMU is disabled.",
    "dracut builds the image without vfio_virqfd.",
    "A yellow cable leads to the card.",
    "The GPU is on NUMA node 1, the guest too.",
    "The alias has numa_policy preferred, and the instance starts.",
    "Instances with a vGPU can be suspended from libvirt 8.6 on.",
    "The hidden state is not needed with the driver 535, the RTX 3080 works.",
    "The XML of the VM with the GPU has vendor_id and hidden.",
    "The ROM is 64 KiB long and can be read from sysfs.",
    "Memory overcommit is on for guests without a GPU.",
    "Ballooning is disabled for the VM with the GPU.",
    "CSM is disabled on this board.",
    "The GPU was reset once after the guest stopped.",
    "Shut down the VM, then the RTX 3070 shows the host's desktop.",
    "There is no AppArmor problem with the card.",
    "SELinux is enforcing, and the guests with GPUs run.",
    "The MMIO window of the guest is 1 TiB, and all eight GPUs work.",
    "pci-hole64-size is set to 2048G, the VM has its H100.",
    "GVT-g works on this Coffee Lake server.",
    "With Alder Lake we use SR-IOV, GVT-g was for older ones.",
    "pci_enable_sriov() returns 0, and there are 16 functions.",
    "The GPU is MIG capable.",
    "The driver does not detect the hypervisor: the VM is hidden.",
    "The audio function is bound to vfio-pci too.",
    "The USB controller is not part of the group.",
    "nova-manage db archive_deleted_rows moved 1200 rows.",
]


def found_in(text: str) -> tuple[Finding, ...]:
    return diagnose(gather(from_text("report", [text]))).findings


@pytest.mark.parametrize(("cause", "text"), TOLD)
def test_a_fault_is_understood_from_plain_words(cause: str, text: str) -> None:
    assert [one.cause for one in found_in(text)][:1] == [cause]


@pytest.mark.parametrize("text", NO_FAULT)
def test_words_that_tell_of_no_fault_are_left_alone(text: str) -> None:
    assert [(one.cause, one.evidence[0].text) for one in found_in(text)] == []
