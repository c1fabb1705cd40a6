"""Properties of images and flavors that matter to guests with GPUs.

An image property that a release does not know is ignored without a word; a known one with a value that it
does not know makes the request fail. A flavor's key that the API's validator does not know is refused from
microversion 2.86 on where its namespace is known (``hw:``, ``os:``, ...), and taken else.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.nova.releases.fact import fact, names_fact

_IMAGE_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "13.0.0": (
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
    ),
    "14.0.0": ("os_secure_boot", "hw_pointer_model"),
    "16.0.0": ("img_hide_hypervisor_id",),
    "18.0.0": ("traits_required",),
    "20.0.0": ("hw_pmu", "hw_mem_encryption"),
    "21.0.0": ("hw_pci_numa_affinity_policy",),
    "22.0.0": ("hw_tpm_model", "hw_tpm_version"),
    "23.0.0": ("hw_input_bus",),
    "26.0.0": ("hw_viommu_model", "hw_locked_memory"),
    "29.0.0": ("hw_maxphysaddr_mode", "hw_maxphysaddr_bits"),
    "30.0.0": ("hw_firmware_stateless",),
    "32.0.0": ("hw_sound_model", "hw_usb_model", "hw_redirected_usb_ports"),
}
_FLAVOR_KEYS: Mapping[str, tuple[str, ...]] = {
    "21.0.0": (
        "pci_passthrough:alias",
        "hide_hypervisor_id",
        "hw:cpu_policy",
        "hw:cpu_thread_policy",
        "hw:mem_page_size",
        "hw:numa_nodes",
        "hw:pci_numa_affinity_policy",
        "hw_video:ram_max_mb",
        "os:secure_boot",
    ),
    "22.0.0 21.1.2": ("hw:hide_hypervisor_id",),
    "22.0.0": ("hw:cpu_dedicated_mask", "hw:tpm_model", "hw:tpm_version"),
    "26.0.0": ("hw:viommu_model", "hw:locked_memory"),
    "32.0.0 31.2.0 30.3.0": ("hw:cpu_max_cores", "hw:cpu_max_sockets", "hw:cpu_max_threads"),
    "32.0.0": ("hw:sound_model", "hw:usb_model", "hw:redirected_usb_ports"),
    "33.0.0": ("hw:tpm_secret_security",),
}
_VIDEO = ("cirrus", "qxl", "vga", "vmvga", "xen")
_VIDEO_20 = (*_VIDEO, "virtio", "gop", "none")

IMAGE_PROPERTIES = names_fact(
    "image properties for such guests that it knows", _IMAGE_PROPERTIES, source="nova/objects/image_meta.py"
)
FLAVOR_KEYS = names_fact(
    "keys of a flavor for such guests that the API's validator knows",
    _FLAVOR_KEYS,
    source="nova/api/validation/extra_specs/",
)
VIDEO_MODELS = fact(
    "values of hw_video_model; any other makes the request fail",
    _VIDEO,
    ("20.0.0", _VIDEO_20),
    ("24.0.0", (*_VIDEO_20, "bochs")),
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
