"""Options of all sections: types, names of other releases, ``$name``, and what is refused later."""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Report, Service, check
from gpucloud.nova.check.report import render_object, render_text
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release

ALIAS = '{"name": "t4", "vendor_id": "10de", "product_id": "1eb8"}'


def look(text: str, release: str = "34", service: Service = Service.COMPUTE) -> Report:
    files = Configuration((read_config_file("/etc/nova/nova.conf", text),))
    return check(Case(files, parse_release(release), service))


def ids(text: str, release: str = "34") -> list[str]:
    return [finding.kind.id for finding in look(text, release).findings]


@pytest.mark.parametrize(
    "text",
    [
        "[vnc]\nenabled = maybe\n",
        "[spice]\nenabled = wat\n",
        "[neutron]\nhttp_retries = x\n",
        "[api]\nmax_limit = abc\n",
        "[glance]\nnum_retries = x\n",
        "[cinder]\nhttp_retries = x\n",
        "[serial_console]\nenabled = foo\n",
        "[DEFAULT]\ndebug = perhaps\n",
        "[oslo_messaging_rabbit]\nheartbeat_rate = often\n",
    ],
)
def test_a_value_of_any_section_that_is_not_of_its_type_ends_the_service(text: str) -> None:
    found = look(text)
    assert found.error is not None
    assert "is not valid" in found.error.message
    assert [finding.kind.id for finding in found.findings] == ["nova-value-refused"]


@pytest.mark.parametrize("release", ["13.0.0", "14.1.0"])
@pytest.mark.parametrize(
    "text", ["[DEFAULT]\ndebug = perhaps\n", "[vnc]\nenabled = maybe\n", "[libvirt]\nrng_dev_path = $nope\n"]
)
def test_the_oldest_releases_end_at_wrong_values_too(text: str, release: str) -> None:
    assert look(text, release).error is not None
    assert ids("[libvirt]\nlive_migration_scheme = tcp\n", release) == ["nova-option-other-release"]


def test_of_two_wrong_values_the_first_that_nova_prints_is_its_message() -> None:
    found = look("[libvirt]\nnum_pcie_ports = 99\n[DEFAULT]\nallow_resize_to_same_host = y\n")
    assert found.error is not None
    assert found.error.message.startswith("Value for option allow_resize_to_same_host from")


@pytest.mark.parametrize(
    "text",
    [
        "[DEFAULT]\nscheduler_driver = filter_scheduler\n",
        "[DEFAULT]\nuse_neutron = true\n",
        "[DEFAULT]\nfirewall_driver = nova.virt.firewall.NoopFirewallDriver\n",
        "[spice]\nkeymap = de\n",
        "[vnc]\nkeymap = de\n",
    ],
)
def test_an_option_that_nova_dropped_is_found_in_any_section(text: str) -> None:
    assert ids(text) == ["nova-option-other-release"]
    assert ids(text, "17") == []


@pytest.mark.parametrize("section", ["libvirt", "nova", "passthrough", "PCI_Passthrough", "compute"])
def test_an_alias_in_a_wrong_section_is_found_by_its_value(section: str) -> None:
    assert ids(f"[{section}]\nalias = {ALIAS}\n") == ["nova-option-not-read"]


def test_an_alias_of_another_program_is_none() -> None:
    assert ids("[keystone_authtoken]\nalias = internal\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[filter_scheduler]\nenabled_filters = $nope,A\n", "no such option nope in group [DEFAULT]"),
        ("[filter_scheduler]\npci_in_placement = $nope\n", "no such option nope in group [DEFAULT]"),
        ("[devices]\nenabled_mdev_types = $nope\n", "no such option nope in group [DEFAULT]"),
        ("[DEFAULT]\ncert = $DEFAULT.my_ip\n", "no such option cert in group [DEFAULT]"),
        ("[vnc]\nenabled = $DEFAULT.my_ip\n", "no such group [DEFAULT]"),
        ("[vnc]\nenabled = $pci\n", "template substitution error: substituting group pci not supported"),
    ],
)
def test_a_name_that_stands_for_nothing_ends_the_service(text: str, message: str) -> None:
    found = look(text, service=Service.SCHEDULER)
    assert found.error is not None
    assert found.error.message == message


def test_names_stand_for_names() -> None:
    alias = ALIAS.replace("10de", "$host")
    assert look(f"[DEFAULT]\nhost = $my_ip\nmy_ip = 10de\n[pci]\nalias = {alias}\n").error is None


def test_an_option_without_a_value_stands_for_nothing_at_all() -> None:
    found = look("[pci]\nalias = " + ALIAS.replace("10de", "$cpu_allocation_ratio") + "\n")
    assert found.error is not None
    assert found.error.exception == "PciInvalidAlias"


def test_an_option_that_names_itself_is_a_recursion() -> None:
    found = look("[pci]\nalias = " + ALIAS.replace("t4", "$alias") + "\n")
    assert found.error is not None
    assert found.error.exception == "RecursionError"


def test_a_value_put_into_another_must_be_of_its_type() -> None:
    found = look("[DEFAULT]\nmy_ip = 10.0.0.1\nallow_resize_to_same_host = $my_ip\n")
    assert found.error is not None
    assert found.error.message.endswith("Unexpected boolean value '10.0.0.1'")


def test_what_only_the_host_knows_is_passed_over() -> None:
    assert look("[DEFAULT]\nallow_resize_to_same_host = $my_ip\n").error is None


def test_a_virtual_parent_is_the_hosts_matter_since_34() -> None:
    text = "[devices]\nenabled_mdev_types = mtty-2\n[mdev_mtty-2]\ndevice_addresses = mtty_mtty\n"
    found = look(text, "34.0.0")
    assert found.error is None
    assert "nova-mdev-virtual-parent" in [finding.kind.id for finding in found.findings]
    assert look(text, "33").error is not None


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ('[pci]\nalias = {"name": "t4", "vendor_id": "0x10de"}\n', Service.API),
        ('[pci]\ndevice_spec = {"address": "0000:3b:0*.0"}\n', Service.SCHEDULER),
    ],
)
def test_what_is_refused_later_is_the_error_of_a_service_that_starts(text: str, service: Service) -> None:
    found = look(text, "31.3.0", service)
    shown = render_object(found)
    assert shown["starts"] is True
    assert found.later is not None
    assert shown["error"] == found.later.message
    assert "and later refuses a value" in render_text(found)
