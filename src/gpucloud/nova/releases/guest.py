"""Properties of images and flavors that matter to guests with GPUs.

An image property that a release does not know is ignored without a word; a known one with a value that it
does not know makes the request fail. A flavor's key that the API's validator does not know is refused from
microversion 2.86 on where its namespace is known (``hw:``, ``os:``, ...), and taken else.
"""

from __future__ import annotations

from gpucloud.nova.releases.fact import fact, names_fact
from gpucloud.nova.releases.properties import flavor_keys, image_properties

_IMAGE_PROPERTIES = (
    "os_type",
    "hw_firmware_type",
    "hw_machine_type",
    "hw_video_model",
    "hw_video_ram",
    "hw_disk_bus",
    "hw_cpu_policy",
    "hw_cpu_thread_policy",
    "hw_mem_page_size",
    "hw_numa_nodes",
    "os_secure_boot",
    "hw_pointer_model",
    "img_hide_hypervisor_id",
    "trait:.+",
    "hw_pmu",
    "hw_mem_encryption",
    "hw_pci_numa_affinity_policy",
    "hw_tpm_model",
    "hw_tpm_version",
    "hw_input_bus",
    "hw_viommu_model",
    "hw_locked_memory",
    "hw_maxphysaddr_mode",
    "hw_maxphysaddr_bits",
    "hw_firmware_stateless",
    "hw_sound_model",
    "hw_usb_model",
    "hw_redirected_usb_ports",
)
_FLAVOR_KEYS = (
    "pci_passthrough:alias",
    "hide_hypervisor_id",
    "hw:cpu_policy",
    "hw:cpu_thread_policy",
    "hw:mem_page_size",
    "hw:numa_nodes",
    "hw:pci_numa_affinity_policy",
    "hw_video:ram_max_mb",
    "os:secure_boot",
    "hw:hide_hypervisor_id",
    "hw:cpu_dedicated_mask",
    "hw:tpm_model",
    "hw:tpm_version",
    "hw:viommu_model",
    "hw:locked_memory",
    "hw:cpu_max_cores",
    "hw:cpu_max_sockets",
    "hw:cpu_max_threads",
    "hw:sound_model",
    "hw:usb_model",
    "hw:redirected_usb_ports",
    "hw:tpm_secret_security",
)

IMAGE_PROPERTIES = names_fact(
    "image properties for such guests that it knows",
    image_properties().since(_IMAGE_PROPERTIES),
    source="nova/objects/image_meta.py",
)
FLAVOR_KEYS = names_fact(
    "keys of a flavor for such guests that the API's validator knows",
    flavor_keys().since(_FLAVOR_KEYS),
    source="nova/api/validation/extra_specs/",
)
VIDEO_MODELS = fact(
    "values of hw_video_model; any other makes the request fail",
    *image_properties().values_of("hw_video_model"),
    source="nova/objects/fields.py: VideoModel",
)
DEFAULT_VIDEO_MODEL = fact(
    "video model of x86 guests where none is asked for, without SPICE and with it",
    ("cirrus", "qxl"),
    ("25.0.0", ("virtio", "qxl")),
    ("31.0.0", ("virtio", "virtio")),
    source="nova/virt/libvirt/driver.py: _guest_add_video_device",
)
HIDE_HYPERVISOR_KEYS = names_fact(
    "keys of a flavor that hide the hypervisor from the guest",
    {"18.0.0": ("hide_hypervisor_id",), "22.0.0 21.1.2 20.6.1": ("hw:hide_hypervisor_id",)},
    source="nova/virt/libvirt/driver.py",
)
HIDING_HELPS_WINDOWS = fact(
    "hiding the hypervisor also gives Windows guests another Hyper-V vendor id, which GeForce drivers need",
    False,
    ("20.0.0", True),
    source="nova/virt/libvirt/driver.py",
)
LIBVIRT_SECURE_BOOT = fact(
    "libvirt guests can have Secure Boot (q35 and UEFI needed)",
    False,
    ("23.0.0", True),
    source="nova/virt/libvirt/driver.py",
)
PCI_LIVE_MIGRATION = fact(
    "guests with PCI functions from a flavor can be live-migrated, where entry and alias say live_migratable "
    "(libvirt 10.0.0, QEMU 8.2.2)",
    False,
    ("31.0.0", True),
    source="nova/virt/libvirt/driver.py: _check_pci_whitelist",
)
