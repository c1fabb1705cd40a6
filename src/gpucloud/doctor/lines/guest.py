"""Lines for guests: their definition, their image, their driver."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.doctor.lines.make import Make, fixed, here
from gpucloud.doctor.remedy import install, rebuild_initramfs

GUEST: Mapping[str, Make] = {
    "vbios-rom": fixed("<rom file='/usr/share/vgabios/CARD.rom'/>  <!-- in the <hostdev> -->"),
    "uefi-needed-by-guest": fixed(
        "<os firmware='efi'>  <!-- libvirt -->",
        "openstack image set --property hw_firmware_type=uefi --property hw_machine_type=q35 IMAGE",
    ),
    "guest-mmio-window": fixed(
        "<cpu mode='host-passthrough'><maxphysaddr mode='passthrough'/></cpu>  <!-- libvirt 8.7 on -->",
        "<qemu:arg value='-global'/><qemu:arg value='host-x86_64-cpu.host-phys-bits=on'/>  <!-- before -->",
        "openstack flavor set --property hw:maxphysaddr_mode=passthrough FLAVOR  # nova 29 and later",
    ),
    "guest-port-missing": fixed(
        "<type arch='x86_64' machine='q35'>hvm</type>  <!-- libvirt -->",
        "<controller type='pci' model='pcie-root-port'/>  <!-- one for each further device -->",
        "openstack image set --property hw_machine_type=q35 IMAGE",
    ),
    "error-43": fixed(
        "<kvm><hidden state='on'/></kvm>  <!-- in <features>, for libvirt -->",
        "<hyperv><vendor_id state='on' value='gpucloud'/></hyperv>",
        "openstack image set --property img_hide_hypervisor_id=true IMAGE",
    ),
    "msi-not-enabled": fixed(
        "echo 'options snd_hda_intel enable_msi=1' > /etc/modprobe.d/msi.conf  # in the guest"
    ),
    "guest-too-small": fixed("openstack image set --min-ram 8192 --min-disk 40 IMAGE"),
    "guest-driver-not-loaded": here(
        lambda d: (
            *install(d, "kernel-headers"),
            "echo 'blacklist nouveau' > /etc/modprobe.d/nouveau.conf",
            *rebuild_initramfs(d),
        )
    ),
    "driver-kind-or-version": fixed(
        "cat /proc/driver/nvidia/version",
        "nvidia-smi --version",
        "dpkg -l | grep -i nvidia || rpm -qa | grep -i nvidia",
    ),
    "vgpu-licence-missing": fixed(
        "install -m 0744 TOKEN.tok /etc/nvidia/ClientConfigToken/",
        "systemctl restart nvidia-gridd",
        "nvidia-smi -q | grep -i licen",
    ),
}
