"""Others that cut the same cards at a start are named, in plans and at the start, with what ends it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.site import Site
from tests.prepare.test_boot_state import give_sriov, started
from tests.prepare.test_defined import define
from tests.prepare.test_layout import OTHER_UUID, UUID, vgpu
from tests.prepare.test_mig_layout import mig_site
from tests.prepare.test_slices import CARD, MEDIATED, VENDOR, mediated, vendor_site

from gpucloud.cli.main import call
from gpucloud.inventory.live import LiveReader
from gpucloud.model.boot import Defined, Hands
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.state import hands_beside, read_hands
from gpucloud.spec import parse_spec

MIG = "pools: {cut: {use: vgpu, match: {address: '3b:00.0'}, mig: {profile: 3g.20gb}}}\n"
UNITS = "etc/systemd/system"
ENABLED = f"{UNITS}/multi-user.target.wants/nvidia-mig-manager.service"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = vendor_site(tmp_path)
    mediated(found)
    return found


def enable(site: Site) -> None:
    link = site.root / ENABLED
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to("/lib/systemd/system/nvidia-mig-manager.service")


def notes(site: Site, spec: str) -> list[str]:
    plan = site.desk.plan_start(parse_spec(spec), "gpu01", force=False)
    return [note for note in plan.notes if "not known before" not in note]


def test_nvidias_service_for_mig_is_named(tmp_path: Path) -> None:
    site = mig_site(tmp_path)
    assert notes(site, MIG) == []
    enable(site)
    (note,) = notes(site, MIG)
    assert "also of 3b:00.0, which gpucloud cuts" in note
    assert note.endswith("systemctl disable --now nvidia-mig-manager.service")
    (site.root / UNITS / "nvidia-mig-manager.service").symlink_to("/dev/null")
    assert notes(site, MIG) == []


def test_it_is_named_for_layouts_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = mig_site(tmp_path)
    enable(site)
    vgpu(site, "apply", "3b:00.0: 3g.20gb", "--yes")
    assert "nvidia-mig-manager.service is enabled" in capsys.readouterr().out


def test_cards_that_go_whole_are_not_its_to_cut(site: Site) -> None:
    enable(site)
    whole = parse_spec("pools: {a: {use: passthrough, match: {address: '3b:00.0'}}}\n")
    assert list(hands_beside(site.host(), whole, "gpu01", Hands(True, ()))) == []


def test_what_mdevctl_starts_on_cards_of_pools_is_named(site: Site) -> None:
    define(site, UUID)
    define(site, OTHER_UUID, start="manual")
    (note,) = notes(site, MEDIATED)
    assert note.startswith(f"mdevctl starts {UUID} on GPU 3b:00.0")
    assert "pool a cuts it as well" in note
    assert f"mdevctl modify --uuid {UUID} --manual" in note


def test_what_nova_has_defined_is_no_other_hand(site: Site) -> None:
    define(site, UUID)
    assert notes(site, "openstack: {release: '2025.1'}\n" + MEDIATED) == []


def test_definitions_of_virtual_functions_that_are_not_there_yet_count(site: Site) -> None:
    give_sriov(site.root, CARD, "10de", "20b5", total=4)
    spec, host = parse_spec(VENDOR), site.host()

    def named(parent: str) -> bool:
        hands = Hands(False, (Defined(parent, UUID, "nvidia-35", True),))
        return bool(list(hands_beside(host, spec, "gpu01", hands)))

    assert named("0000:3b:00.4")
    assert not named("0000:3c:00.4")
    assert not named("mtty")


def test_what_cannot_be_read_is_said(site: Site) -> None:
    hands = Hands(Unknown("permission denied"), Unknown("permission denied"))
    said = list(hands_beside(site.host(), parse_spec(MEDIATED), "gpu01", hands))
    assert len(said) == 2
    assert all("is not known: permission denied" in line for line in said)


def test_a_host_without_either_has_one_hand(site: Site) -> None:
    assert read_hands(LiveReader(site.root)) == Hands(False, None)


def test_a_start_names_them_and_goes_on(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    started(site, MEDIATED)
    enable(site)
    define(site, UUID)
    call(["boot"], site.desk)
    said = capsys.readouterr()
    assert "nvidia-mig-manager.service is enabled" in said.err
    assert f"mdevctl starts {UUID}" in said.err
    assert "the running host is as its spec" in said.out
