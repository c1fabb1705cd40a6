"""Rendered options in a nova.conf that somebody else wrote."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from gpucloud.nova.config import read_config_file
from gpucloud.nova.releases.release import parse_release
from gpucloud.nova.render import merge

EPOXY = parse_release("31")
OURS = '[pci]\ndevice_spec = {"vendor_id": "10de", "product_id": "1eb8"}\n'


def test_an_old_name_is_replaced_and_neutrons_entry_stays() -> None:
    neutron = '[pci]\npassthrough_whitelist = {"devname": "eth4", "physical_network": "p"}\n'
    old = '[DEFAULT]\npci_passthrough_whitelist = {"vendor_id": "10de"}\ndebug = true\n'
    merged = merge("nova.conf", old + neutron, OURS, EPOXY)
    assert merged.text == f"[DEFAULT]\ndebug = true\n{neutron}{OURS.partition(chr(10))[2]}"
    assert merged.replaced == ('nova.conf:2: [DEFAULT]pci_passthrough_whitelist = {"vendor_id": "10de"}',)


def test_filters_that_are_on_stay_on() -> None:
    known = "[filter_scheduler]\nenabled_filters = ComputeFilter,MyFilter,RetryFilter\n"
    ours = "[filter_scheduler]\nenabled_filters = ComputeFilter,PciPassthroughFilter\n"
    merged = merge("nova.conf", known, ours, EPOXY).text
    assert merged.endswith("enabled_filters = ComputeFilter,PciPassthroughFilter,MyFilter\n")
    assert merge("nova.conf", merged, ours, EPOXY).text == merged


LINES = st.sampled_from(
    ["[pci]", "[DEFAULT]", "[PCI]", "", "# said", "debug = true", "alias = x", "device_spec = {}", " goes on"]
)


@given(st.lists(LINES, max_size=12))
def test_merging_again_changes_nothing_and_comments_stay(lines: list[str]) -> None:
    text = "[libvirt]\nvirt_type = kvm\n" + "\n".join(lines) + "\n"
    assume(read_config_file("nova.conf", text).error is None)
    merged = merge("nova.conf", text, OURS, EPOXY).text
    assert merge("nova.conf", merged, OURS, EPOXY).text == merged
    assert merged.count("# said") == text.count("# said")
    assert merged.count("debug = true") == text.count("debug = true")
