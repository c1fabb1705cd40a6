"""What nova-compute needs below it."""

from __future__ import annotations

from gpucloud.nova.releases.fact import fact
from gpucloud.nova.releases.release import Release

MIN_LIBVIRT = fact(
    "oldest libvirt that nova-compute starts with",
    "0.10.2",
    ("14.0.0", "1.2.1"),
    ("16.0.0", "1.2.9"),
    ("18.0.0", "1.3.1"),
    ("19.0.0", "3.0.0"),
    ("21.0.0", "4.0.0"),
    ("22.0.0", "5.0.0"),
    ("23.0.0", "6.0.0"),
    ("28.0.0", "7.0.0"),
    ("31.0.0", "8.0.0"),
    source="nova/virt/libvirt/driver.py: MIN_LIBVIRT_VERSION",
)
MIN_QEMU = fact(
    "oldest QEMU that nova-compute starts with",
    None,
    ("14.0.0", "1.5.3"),
    ("16.0.0", "2.1.0"),
    ("18.0.0", "2.5.0"),
    ("19.0.0", "2.8.0"),
    ("21.0.0", "2.11.0"),
    ("22.0.0", "4.0.0"),
    ("23.0.0", "4.2.0"),
    ("28.0.0", "5.2.0"),
    ("31.0.0", "6.2.0"),
    source="nova/virt/libvirt/driver.py: MIN_QEMU_VERSION",
)
PYTHON = fact(
    "oldest Python it says it runs on",
    "2.7",
    ("21.0.0", "3.6"),
    ("26.0.0", "3.8"),
    ("31.0.0", "3.9"),
    ("32.0.0", "3.10"),
    ("34.0.0", "3.11"),
    source="setup.cfg",
)
KOLLA_ANSIBLE = fact(
    "kolla-ansible series that installs it",
    None,
    *((f"{number}.0.0", str(number - 11)) for number in range(15, 35)),
    source="kolla-ansible release notes",
)
KOLLA_SRIOV = fact(
    "what becomes of the list by interfaces that kolla-ansible writes with enable_neutron_sriov "
    "([pci]passthrough_whitelist), where an override gives devices",
    None,
    ("22.0.0", "replaced"),
    ("26.0.0", "added"),
    source="kolla-ansible: ansible/roles/nova-cell/templates/nova.conf.j2; nova/conf/pci.py",
)
TOO_MANY_VFS = fact(
    "with both Placement options on, a flavor may get more VFs than it asked for (LP 2098496)",
    False,
    ("27.0.0", True),
    ("32.0.0 29.4.0 30.2.0 31.1.0", False),
    source="nova/scheduler/manager.py",
)


def kolla_sriov_trouble(release: Release, *, reports: bool) -> str | None:
    """What kolla-ansible's own list of devices does beside ours; None where it harms nothing.

    Args:
        release: which nova.
        reports: ``[pci]report_in_placement``.
    """
    way = KOLLA_SRIOV.at(release)
    if way == "replaced":
        return (
            "with enable_neutron_sriov kolla-ansible has devices for neutron in passthrough_whitelist, which "
            "an override replaces: repeat them in it"
        )
    if way == "added" and reports:
        return (
            "with enable_neutron_sriov kolla-ansible adds devices by devname, with which nova-compute does "
            "not start once it reports to Placement: set nova_pci_passthrough_whitelist to their addresses"
        )
    return None
