"""Causes in nova's configuration, and in the state of nova and Placement."""

from __future__ import annotations

from gpucloud.doctor.causes.cause import Cause, Heading

_RESTART = "nova services are restarted; guests go on"
_PCI = "nova docs: admin/pci-passthrough"
_VGPU = "nova docs: admin/virtual-gpu"

NOVA_CONFIGURATION = Heading(
    "Nova configuration",
    (
        Cause(
            "whitelist-mismatch",
            "device_spec does not fit the device",
            "device_spec (passthrough_whitelist before 26) or the permitted list of the platform matches "
            "no device, is "
            "under a name that nova does not read, is malformed, or lost a device that is in use.",
            (
                "`Invalid [pci]device_spec config`, `Invalid PCI devices Whitelist config`",
                "an option name that nova ignores: [pci]pci_passthrough_whitelist, `name` inside a spec",
                "enabled_mdev_types outside [devices]",
                "`HostDevice ... is not permitted in permittedHostDevices configuration`",
            ),
            (
                "Write vendor_id and product_id as lspci -nn shows them, under the option of this release",
                "Keep devices that instances use in the list",
            ),
            _RESTART,
            (_PCI, "nova/pci/whitelist.py, devspec.py, manager.py", "KubeVirt user guide: host devices"),
        ),
        Cause(
            "filter-not-enabled",
            "PciPassthroughFilter is not enabled",
            "The filter is in no release's default list. Without it the scheduler picks hosts without "
            "the device, and "
            "the build fails there.",
            (
                (
                    "`PCI device request ... failed`, `Insufficient compute resources: Claim pci failed` on "
                    "a host without GPUs"
                ),
                "enabled_filters without PciPassthroughFilter, or outside [filter_scheduler]",
            ),
            (
                "[filter_scheduler] enabled_filters = the release's defaults + PciPassthroughFilter",
                "Up to 23 the old option is scheduler_default_filters; from 24 it is silently ignored",
            ),
            _RESTART,
            (_PCI, "nova/conf/scheduler.py"),
        ),
        Cause(
            "alias-missing-on-api",
            "nova-api does not know the alias",
            "The alias of the flavor is not in the configuration that nova-api (or the conductor) reads.",
            ("`PCI alias NAME is not defined`",),
            ("Write the same alias on the API hosts and on the computes (kolla: nova-api's override too)",),
            _RESTART,
            (_PCI, "nova/pci/request.py"),
        ),
        Cause(
            "alias-definition-invalid",
            "The alias is malformed",
            "An alias is one JSON object in plain double quotes with name, vendor_id, product_id (four "
            "hex digits) or a "
            "resource_class; unknown keys are refused.",
            (
                "`Invalid PCI alias definition: ...`",
                "`The PCI alias(es) ... does not have vendor_id and product_id fields set`",
                "typographic quotes",
                "a flavor with pci_passthrough:alias=NAME without :COUNT, or a property of a similar name",
                "resource_class without ids, where [filter_scheduler] pci_in_placement is off",
            ),
            (
                (
                    'alias = { "name": "a1", "vendor_id": "10de", "product_id": "1db4", "device_type": '
                    '"type-PCI" }, one line for each'
                ),
            ),
            _RESTART,
            (_PCI, "nova/pci/request.py: _ALIAS_SCHEMA"),
        ),
        Cause(
            "alias-device-type-mismatch",
            "The alias asks for another type of device",
            "nova records a card with the SR-IOV capability as type-PF, a VF as type-VF. An alias without "
            "device_type gets VFs and never a PF; one with type-PCI gets neither.",
            ("`No valid host was found` with an alias without device_type, and a card that has SR-IOV",),
            ('"device_type": "type-PF" (or type-VF) in the alias, on API and computes',),
            _RESTART,
            (_PCI, "nova/pci/stats.py: _filter_pools_for_pfs, nova/virt/libvirt/host.py"),
        ),
        Cause(
            "numa-policy-no-host",
            "The NUMA policy leaves no host",
            "The guest's NUMA cells and the card's node do not agree under the policy (required, legacy "
            "or socket).",
            (
                "hw:pci_numa_affinity_policy=required",
                "`NUMATopologyFilter returned 0 hosts`",
                "numa_node of the card is -1",
            ),
            (
                'hw:pci_numa_affinity_policy=preferred, or "numa_policy": "preferred" in the alias',
                "Let the flavor span the node of the card",
            ),
            "a slower path to memory",
            (_PCI, "nova/virt/hardware.py"),
        ),
        Cause(
            "not-enough-devices",
            "More devices asked than there are",
            "The request asks for more devices than one host's pools can give at once.",
            (
                "`No valid host was found` and pools with fewer devices than the alias asks",
                "`Insufficient compute resources: Claim pci failed`",
            ),
            ("Ask for fewer, free some, or add hosts: gpucloud scan shows how many are left",),
            "nothing",
            ("nova/pci/stats.py: support_requests()",),
        ),
        Cause(
            "pci-domain",
            "A PCI domain that is not handled",
            "The device is in a PCI domain above 0000 where a tool drops it, or in one wider than 16 "
            "bits (VMD), which "
            "nova and libvirt cannot address.",
            (
                "`property domain (10000) is greater than the maximum allowable value (FFFF)`",
                "addresses such as 10000:00:02.0",
            ),
            (
                (
                    "Narrow device_spec so that VMD's devices do not match, or update nova (21.2, 22.1 and "
                    "later ignore them)"
                ),
                "Turn VMD off in the firmware for these ports",
            ),
            _RESTART,
            ("nova bug 1897528", "Linux drivers/pci/controller/vmd.c"),
        ),
        Cause(
            "quota",
            "The quota refuses, or does not count GPUs",
            "The request is above the project's quota, or PCI devices are not counted although a limit "
            "is set.",
            ("`Quota exceeded for ...`", "unified limits and pci_passthrough:alias"),
            (
                "Raise the quota, or ask for less",
                (
                    "To count GPUs: resources:CUSTOM_... with PCI in Placement, or nova with the fix of bug "
                    "2140631"
                ),
            ),
            "nothing",
            ("nova docs: admin/quotas, unified limits", "nova bug 2140631"),
        ),
    ),
)

NOVA_STATE = Heading(
    "State of nova and Placement",
    (
        Cause(
            "pci-in-placement",
            "PCI in Placement is half configured",
            "report_in_placement and pci_in_placement must agree on computes, schedulers, API and "
            "conductors; the "
            "inventory can be wrong (every VF its own provider), or there are too many candidates.",
            (
                (
                    "`PlacementPciException`, `PlacementPciMixedResourceClassException`, `devname is not "
                    "supported`"
                ),
                "alias and device_spec with different resource_class or traits",
                "a flavor that asks for resources:CUSTOM_PCI_... itself: no device comes without an alias",
                "`Got no allocation candidates from the Placement API`, `No such trait(s)`",
                "more hostdevs than asked",
                "allocation candidates time out",
            ),
            (
                "Set both options everywhere, or neither; once on, report_in_placement stays on",
                "The same resource_class and traits on both sides (nova upper-cases and prefixes CUSTOM_)",
                (
                    "max_instances for SR-IOV vGPU types; placement [placement]max_allocation_candidates and "
                    "breadth-first strategy"
                ),
            ),
            _RESTART,
            (
                "nova docs: pci-passthrough, PCI tracking in Placement",
                "nova bugs 2041519, 2070257, 2098496, 2126751",
            ),
        ),
        Cause(
            "compute-service-down",
            "No nova-compute takes guests",
            "The nova-compute of each host that could take the guest is disabled, or has not reported for "
            "longer than service_down_time. Placement leaves out disabled ones, ComputeFilter those that are "
            "down.",
            (
                "`No valid host was found`, and openstack compute service list shows disabled or down",
                "a disabled reason that begins with AUTO: nova-compute lost libvirt and disabled itself",
            ),
            (
                "openstack compute service set --enable HOST nova-compute",
                "Down: look into nova-compute's log on that host, then start it",
            ),
            "nothing",
            (
                "nova/scheduler/filters/compute_filter.py",
                "nova/scheduler/request_filter.py: compute_status_filter()",
                "nova/virt/libvirt/driver.py: _set_host_enabled()",
            ),
        ),
        Cause(
            "no-room-on-hosts",
            "No host has room for the flavor",
            "No one host has as many CPUs, as much memory and disk left as the flavor asks for, or has the "
            "traits and the aggregate that it asks for; GPUs may well be free.",
            (
                "`No valid host was found`, and GET /allocation_candidates gives none",
                "`Got no allocation candidates from the Placement API`",
            ),
            (
                "Take a smaller flavor, or free what other guests hold",
                "Look at allocation ratios and reserved memory of the hosts",
            ),
            "nothing",
            ("nova/scheduler/manager.py: select_destinations()", "placement docs: allocation candidates"),
        ),
        Cause(
            "stale-pci-devices-row",
            "nova's rows no longer fit the host",
            "Rows of pci_devices or requests of an instance are from before a card was moved, removed, "
            "or the instance "
            "rescheduled or resized.",
            (
                "`Attempt to consume PCI device ... from empty pool`",
                "`PCI device ... is not available / was in use by ... but it has gone`",
                "an instance shows devices of another host",
            ),
            (
                "Restart nova-compute after host changes; heal rows with care, dry run first",
                "Recreate the instance, or upgrade nova",
            ),
            _RESTART,
            ("nova/pci/manager.py, stats.py", "nova bugs 1969496, 1860555"),
        ),
        Cause(
            "vgpu-request-unsupported",
            "A vGPU request that nova does not support",
            "Several vGPUs for one instance, or several instances with vGPUs in one call.",
            (
                "resources:VGPU above 1",
                "a call with min_count above 1 and `No valid host was found`",
                "QEMU: several mdevs of one NVIDIA card",
            ),
            ("Make instances one at a time; one vGPU for each, of a larger type",),
            "nothing",
            (_VGPU, "nova bug 1874664"),
        ),
        Cause(
            "nova-libvirt-mdev-incompatible",
            "nova does not understand this libvirt's mdevs",
            "libvirt or the driver says something about mediated devices that this nova cannot read: a "
            "type without "
            "name, a changed node device name, a hostdev without alias.",
            (
                "a traceback of nova-compute in libvirt/config.py or _get_mediated_device",
                "`libvirtError: Node device not found: ... mdev_`",
            ),
            ("Upgrade nova, or stay on the libvirt that it was tested with",),
            _RESTART,
            ("nova bugs 1896741, 1951656, 2074219",),
        ),
        Cause(
            "nova-libvirt-firmware-incompatible",
            "libvirt refuses the UEFI guests of this nova",
            "nova 33 and later leaves the choice of the UEFI firmware to libvirt and says beside it whether "
            "Secure Boot is wanted (`<loader secure='no'/>`); libvirt 9.0, as Debian 12 has it, takes only "
            "one of the two. No property of image or flavor helps: os_secure_boot=disabled writes the same.",
            (
                "`loader attribute 'secure' cannot be specified when firmware autoselection is enabled`",
                "images with hw_firmware_type=uefi fail on that host, those with a BIOS start",
            ),
            (
                "Give the compute host libvirt 9.2 or later with its QEMU (Debian 12: both from backports)",
                (
                    "Until then boot with a BIOS: hw_firmware_type=bios where the image has a boot loader "
                    "for it, else kernel_id and ramdisk_id; or stay on nova 32, which names the firmware's "
                    "file itself"
                ),
            ),
            _RESTART,
            (
                "nova/virt/libvirt/driver.py: _configure_guest_by_virt_type(), 32.2.1 and 33.0.2",
                "libvirt src/conf/domain_validate.c: virDomainDefOSValidate(), 9.0.0",
                "libvirt 9.2.0: qemu: Move firmware selection from startup to postparse",
            ),
        ),
        Cause(
            "device-lost",
            "The instance came back without its device",
            "After a reboot of the host, a resize, suspend or shelve the instance is ACTIVE and has no GPU.",
            (
                "the domain XML has no <hostdev>",
                "the instance is ACTIVE after resume_guests_state_on_host_boot",
                "`device is lost` for mdevs after a reboot",
            ),
            (
                "Hard reboot the instance through the API",
                (
                    "Make mediated devices persistent; upgrade nova (mdevs are recreated from 20, defined "
                    "through libvirt from 30)"
                ),
            ),
            "the instance restarts",
            ("nova/virt/libvirt/driver.py", _VGPU),
        ),
        Cause(
            "live-migration-unsupported",
            "This device does not migrate live",
            "A guest with a whole GPU cannot move while it runs; vGPUs and VFs can with the right "
            "drivers and releases.",
            (
                "`VFIO device doesn't support migration`",
                "`cannot migrate domain: ... has assigned host devices`",
                "`MigrationPreCheckError`",
            ),
            (
                "Cold migrate",
                (
                    "VF with a variant driver: live_migratable in device_spec and alias (nova 31); vGPU: "
                    "nova 30, kernel 5.18 and the vendor's support"
                ),
            ),
            "the guest is down while it moves",
            ("QEMU hw/vfio/migration.c", "libvirt src/qemu/qemu_migration.c", _PCI),
        ),
    ),
)
