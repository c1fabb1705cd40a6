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
