"""Every rule, in the order in which a chain breaks: firmware, isolation, binding, the card."""

from __future__ import annotations

from gpucloud.doctor.rules import (
    arguments,
    binding,
    card,
    holders,
    ids,
    interrupts,
    iommu,
    isolation,
    kvm,
    modules,
)
from gpucloud.doctor.rules.pasted import definition, devices, nova_request, nova_settings, platform, stated
from gpucloud.doctor.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    kvm.no_working_kvm,
    iommu.iommu_off,
    interrupts.interrupt_remapping_missing,
    interrupts.unsafe_interrupts,
    arguments.argument_without_meaning,
    arguments.boot_isolation_given_up,
    modules.vfio_absent,
    modules.kernel_locked_down,
    isolation.shared_with_host_device,
    isolation.group_partly_given,
    isolation.cards_share_groups,
    ids.ids_malformed,
    ids.ids_match_nothing,
    ids.ids_take_host_card,
    binding.companion_not_bound,
    binding.held_by_host_driver,
    holders.in_use,
    holders.boot_framebuffer,
    card.no_reset_method,
    card.asleep_in_d3cold,
    card.only_a_management_display,
)
"""Rules over the facts of a host, read from it or shown by a report."""

PASTED_RULES: tuple[Rule, ...] = (
    stated.stated_by_programs,
    platform.argument_not_given,
    platform.argument_not_applied,
    platform.table_without_iommu,
    platform.passthrough_said_unsupported,
    platform.group_said_not_viable,
    platform.companions_to_bind,
    platform.no_room_for_bar,
    platform.framebuffer_in_the_way,
    devices.card_reads_all_ones,
    devices.device_not_handed_out,
    devices.mediated_device_missing,
    devices.vendor_interface_in_place_of_mdev,
    devices.no_space_for_what,
    devices.nouveau_in_the_way,
    devices.fabric_without_switches,
    devices.bound_before_unbound,
    devices.virtual_functions_off,
    definition.hypervisor_visible,
    definition.legacy_firmware,
    nova_settings.alias_malformed,
    nova_settings.device_list_malformed,
    nova_settings.filter_left_out,
    nova_settings.placement_half_configured,
    nova_settings.vgpu_inventory_uncapped,
    nova_settings.limits_that_do_not_count,
    nova_request.type_of_device,
    nova_request.alias_not_known,
    nova_request.more_than_there_are,
    nova_request.numa_policy,
    nova_request.several_vgpus,
    nova_request.lost_by_a_lifecycle_action,
    nova_request.domain_without_device,
    nova_request.mdev_type_without_name,
    nova_request.image_without_minimum,
    nova_request.refused_without_reason,
)
"""Rules over what reports say beyond the facts of a host."""
