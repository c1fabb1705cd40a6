"""Options of nova in a report are judged by the rules and the table of ``gpucloud.nova``."""

from __future__ import annotations

import pytest

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping
from gpucloud.doctor.rules.pasted.nova_check import option_misread
from gpucloud.model.finding import Finding

CARD = '"vendor_id": "10de", "product_id": "1db4"'


def said(text: str, release: str = "") -> list[tuple[str, str]]:
    evidence = {"environment": {"openstack_release": release}, "evidence": {"nova_conf": text}}
    found = [
        one
        for one in option_misread.look(gather(from_mapping("report", evidence)))
        if isinstance(one, Finding)
    ]
    return [(finding.cause, finding.title) for finding in found]


@pytest.mark.parametrize(
    ("text", "cause", "words"),
    [
        (
            f'[pci]\nalias = {{"name": "a", {CARD}, "address": "0000:3b:00.0"}}',
            "alias",
            "'address' was unexpected",
        ),
        (f'[pci]\nalias = [{{"name": "a", {CARD}}}]', "alias", "this is a list"),
        ("[pci]\nalias = [{...}, {...}]", "alias", "this is a list"),
        (f'pci_alias = {{"name": "a", {CARD}, "device_type": "PF"}}', "alias", "is not one of"),
        ('[pci]\nalias = {"name": "a", "vendor_id": "11de", "product_id": "1db4"}', "alias", "is it 10de?"),
        ("[pci]\ndevice_spec = {'vendor_id': '10de'}", "whitelist", "single quotes"),
        (f'[pci]\ndevice_spec = {{"name": "a", {CARD}}}', "whitelist", "belongs to an alias"),
        (f"[DEFAULT]\ndevice_spec = {{{CARD}}}", "whitelist", "does not read"),
        (f"[pci]\ndev_spec = {{{CARD}}}", "whitelist", "does not read"),
        ("[scheduler]\nenabled_filters = A,PciPassthroughFilter", "filter", "does not read"),
        ("[libvirt]\nenabled_mdev_types = nvidia-35", "whitelist", "does not read"),
    ],
)
def test_what_nova_refuses_or_does_not_read(text: str, cause: str, words: str) -> None:
    ((found, title),) = said(text)
    assert found.startswith(cause)
    assert words in title


@pytest.mark.parametrize(
    "text",
    [
        f'alias = {{"name": "a", {CARD}, "device_type": "type-PF"}}',
        '[pci]\nalias = {"name": "<name>", "vendor_id": "..."}',
        f"passthrough_whitelist = {{{CARD}}}",
        f"[DEFAULT]\npci_passthrough_whitelist = {{{CARD}}}",
        "[DEFAULT]\nscheduler_default_filters = PciPassthroughFilter",
        "alias: gpu01",
        "[pci]\nalias = {{ nova_pci_alias }}",
    ],
)
def test_what_some_release_reads_is_passed_where_none_is_named(text: str) -> None:
    assert not said(text)


def test_a_release_that_is_named_decides() -> None:
    text = f"[pci]\ndevice_spec = {{{CARD}}}"
    assert not said(text, "2023.1 Antelope")
    ((_, title),) = said(text, "kolla-ansible Yoga")
    assert "25.3.0 does not read [pci]device_spec, but [pci]passthrough_whitelist" in title


def test_each_option_is_told_once() -> None:
    text = "[pci]\nalias = {'name': 'a'}\nalias = {'name': 'b'}\ndevice_spec = {'vendor_id': '10de'}"
    assert [cause for cause, _ in said(text)] == ["alias-definition-invalid"] * 2 + ["whitelist-mismatch"]
    evidence = {"evidence": {"nova_conf": text}}
    causes = {finding.cause for finding in diagnose(gather(from_mapping("report", evidence))).findings}
    assert {"alias-definition-invalid", "whitelist-mismatch"} <= causes


@pytest.mark.parametrize("value", ["...", "b'10de'", "{1}", "1j", "1e999", "{(1, 2): 3}"])
def test_what_only_python_can_say_is_no_entry_to_repair(value: str) -> None:
    text = f"[pci]\npci_passthrough_whitelist = {{'vendor_id': '10de', 'product_id': {value}}}"
    assert "whitelist-mismatch" in [cause for cause, _ in said(text)]
