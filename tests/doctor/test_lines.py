"""The fix of every cause: lines to type or write, for the system at hand, with what they cost."""

from __future__ import annotations

import pytest

from gpucloud.doctor import CAUSES, diagnose
from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping
from gpucloud.doctor.lines import with_lines
from gpucloud.model.finding import Evidence, Finding, Fix, Level

SYSTEMS = {
    "debian": {"os": "Ubuntu 24.04"},
    "rhel": {"os": "Rocky Linux 9"},
    "suse": {"os": "SLES 15"},
    "unknown": {},
}
ONLY_WORDS = {
    "acs-missing": "another slot, or a switch in the firmware setup",
    "gpu-fell-off-bus": "power and seat",
    "iommu-argument-ignored": "nothing need be done",
    "iommu-disabled-firmware": "a switch in the firmware setup",
    "no-gpu": "a rule over hosts has its own",
    "nova-libvirt-firmware-incompatible": "an upgrade",
    "nova-libvirt-mdev-incompatible": "an upgrade",
    "pci-domain": "an upgrade, or a switch in the firmware setup",
    "reset-bug": "a module from outside of distributions",
    "rmrr-ineligible": "a switch in the firmware setup",
    "vgpu-no-mdev-types": "other causes say what to do",
    "vgpu-request-unsupported": "another request",
    "vgpu-unsupported-board": "another board",
    "viommu-group-split": "a guest's definition, which `gpucloud launch` writes",
}


def case(system: str) -> Case:
    return gather(from_mapping("report", {"environment": SYSTEMS[system], "evidence": {"log": "x"}}))


def finding(cause: str, *lines: str, title: str = "it is so") -> Finding:
    evidence = tuple(Evidence("nova_conf", line, 1) for line in lines)
    return Finding(cause, Level.BLOCKER, title, evidence, "because", Fix("Mend it."), 0.9)


def lines(cause: str, system: str = "debian", *evidence: str, title: str = "it is so") -> tuple[str, ...]:
    return with_lines(case(system), finding(cause, *evidence, title=title)).fix.commands


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_lines_or_a_reason_to_have_none(cause: str) -> None:
    for system in SYSTEMS:
        made = lines(cause, system)
        assert bool(made) != (cause in ONLY_WORDS), system
        assert all(line.strip() == line and line.isprintable() for line in made)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_fix_says_its_cost(cause: str) -> None:
    assert CAUSES[cause].costs


@pytest.mark.parametrize(
    ("system", "boot", "image", "nova"),
    [
        ("debian", "update-grub", "update-initramfs -u -k all", "nova-api"),
        ("rhel", "grubby --update-kernel=ALL", "dracut -f --regenerate-all", "openstack-nova-api"),
        (
            "suse",
            "grub2-mkconfig -o /boot/grub2/grub.cfg",
            "dracut -f --regenerate-all",
            "openstack-nova-api",
        ),
    ],
)
def test_each_family_has_its_own_commands(system: str, boot: str, image: str, nova: str) -> None:
    assert any(line.startswith(boot) for line in lines("iommu-missing-kernel-arg", system))
    assert image in lines("initramfs-not-updated", system)
    assert any(f" {nova}" in line for line in lines("whitelist-mismatch", system))


def test_an_unknown_system_is_told_what_each_family_does() -> None:
    (line,) = lines("initramfs-not-updated", "unknown")
    assert all(word in line for word in ("update-initramfs", "dracut", "mkinitcpio"))


def test_the_alias_of_the_report_is_written_as_it_has_to_be() -> None:
    alias = 'alias = {"name": "a1", "vendor_id": "10de", "product_id": "2330", "device_type": "type-PCI"}'
    made = lines("alias-device-type-mismatch", "debian", alias, title="nova records it as type-PF; not so")
    assert alias.replace("type-PCI", "type-PF") in made


def test_the_filters_of_the_report_are_kept() -> None:
    made = lines("filter-not-enabled", "debian", "enabled_filters = ComputeFilter,MyFilter")
    assert made[2] == (
        "enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,"
        "ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,MyFilter,PciPassthroughFilter"
    )


def test_the_cards_of_the_report_are_named_in_the_device_list() -> None:
    listing = "01:00.0 3D controller [0302]: NVIDIA Corporation GH100 [10de:2330] (rev a1)"
    pasted = from_mapping("report", {"evidence": {"lspci": listing}})
    made = with_lines(gather(pasted), finding("whitelist-mismatch")).fix.commands
    assert 'device_spec = { "vendor_id": "10de", "product_id": "2330" }' in made


def test_kolla_is_reconfigured_and_not_restarted() -> None:
    pasted = from_mapping("/etc/kolla/config", {"evidence": {"nova_conf": "[pci]"}})
    made = with_lines(gather(pasted), finding("filter-not-enabled")).fix.commands
    assert (made[0], made[-1]) == (
        "# in /etc/kolla/config/nova.conf",
        "kolla-ansible reconfigure --tags nova",
    )


def test_a_report_is_answered_with_lines() -> None:
    pasted = from_mapping("report", {"evidence": {"nova_log": "PCI alias a1 is not defined"}})
    assert all(one.fix.commands for one in diagnose(gather(pasted)).findings)


@pytest.mark.parametrize(
    ("kernel", "begin"),
    [("6.8.4-2-pve", "qm set VMID --cpu host,phys-bits="), ("6.1.0-18-amd64", "<maxphysaddr")],
)
def test_the_guests_address_bits_are_set_where_its_definition_is(kernel: str, begin: str) -> None:
    report = {"environment": {"kernel": kernel}, "evidence": {"log": "x"}}
    found = with_lines(gather(from_mapping("report", report)), finding("iommu-address-width"))
    assert found.fix.commands[0].startswith(begin)
