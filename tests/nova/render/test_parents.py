"""Parents of mediated devices that are no PCI functions: nova is told of what libvirt lists, by its name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.hosts.catalogue import host_of

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown
from gpucloud.nova.releases.release import parse_release
from gpucloud.nova.render import LAYOUTS, render
from gpucloud.nova.render.rendered import Rendered
from gpucloud.spec import parse_spec

HOST = host_of("lab-mdev-samples")
T4 = host_of("built-nvidia-t4-mdev")
SERIAL = "serial: {use: vgpu, match: {parent: mtty}, vgpu_types: [{type: mtty-2}]}"
CARDS = "t4: {use: vgpu, match: {ids: '10de:1eb8'}, vgpu_types: [{type: GRID T4-1Q}]}"


def rendered(*pools: str, host: Host = HOST, release: str = "34") -> Rendered:
    spec = parse_spec("openstack: {release: '34'}\npools:\n" + "".join(f"  {each}\n" for each in pools))
    return render(spec, {"gpu01": host}, parse_release(release), LAYOUTS["packages"])


def refusal(*pools: str, host: Host = HOST, release: str = "34") -> str:
    with pytest.raises(Failure) as caught:
        rendered(*pools, host=host, release=release)
    return str(caught.value)


def test_a_parent_is_named_as_libvirt_does() -> None:
    made = rendered(SERIAL)
    (text,) = [text for path, text in made.files.items() if path.startswith("gpu01/")]
    lines = text.splitlines()
    assert "enabled_mdev_types = mtty-2" in lines
    assert lines[lines.index("[mdev_mtty-2]") + 1] == "device_addresses = mtty_mtty"
    assert made.missing == ()


def test_a_release_that_looks_for_pci_functions_alone_is_refused_with_the_one_that_does_not() -> None:
    said = refusal(SERIAL, release="33")
    assert "gpu01: nova 33.0.2 has mediated devices of PCI functions alone, not of mtty_mtty" in said
    assert said.endswith("nova 34 (2026.2 Hibiscus) can")


def test_a_parent_that_libvirt_does_not_list_is_refused_for_every_release() -> None:
    said = refusal("screens: {use: vgpu, match: {parent: mdpy}, vgpu_types: [{type: mdpy-hd}]}")
    assert "nova never sees mdpy: of parents that are no PCI functions libvirt lists mtty alone" in said
    assert not said.endswith("can")


def test_a_type_that_it_does_not_offer_is_refused_with_those_that_it_does() -> None:
    said = refusal(SERIAL.replace("mtty-2", "mtty-9"))
    assert "mtty_mtty of pool serial offers no vGPU type 'mtty-9'; name one that it offers: mtty-1 (" in said


@pytest.mark.parametrize(
    ("pool", "host", "why"),
    [
        (SERIAL.partition(", vgpu_types")[0] + "}", HOST, "mtty of pool serial: no vgpu_types say"),
        (SERIAL, replace(HOST, mdev_parents=Unknown("denied")), "pool serial: its parent: denied"),
        (SERIAL, replace(HOST, mdev_parents=()), "pool serial: no card of the hosts that were looked at"),
    ],
)
def test_what_is_not_known_of_it_is_said(pool: str, host: Host, why: str) -> None:
    assert any(why in line for line in rendered(pool, host=host).missing)


def test_traits_go_to_the_provider_that_nova_names_after_it() -> None:
    made = rendered(SERIAL.replace("mtty}", "mtty}, nova: {traits: CUSTOM_PORTS}"))
    assert any("(gpu01_mtty_mtty and so on)" in line for line in made.warnings)


@pytest.mark.parametrize("release", ["34", "28"])
def test_a_parent_in_no_pool_is_said_to_be_in_the_way_of_cards_that_are_cut(release: str) -> None:
    both = replace(T4, mdev_parents=HOST.mdev_parents)
    told = [line for line in rendered(CARDS, host=both, release=release).warnings if "mtty_mtty" in line]
    assert len(told) == 1
    assert "'NoneType' object has no attribute 'vendor_id'" in told[0]
    assert not any("mtty" in line for line in rendered(CARDS, host=T4, release=release).warnings)


def test_a_parent_and_cards_are_told_of_together() -> None:
    both = replace(T4, mdev_parents=HOST.mdev_parents)
    made = rendered(SERIAL, CARDS, host=both)
    text = "\n".join(made.files.values())
    assert "device_addresses = mtty_mtty" in text
    assert "device_addresses = 0000:3b:00.0" in text
    assert not any("NoneType" in line for line in made.warnings)
