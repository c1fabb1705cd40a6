"""Servers that start from their own disk, made ready, restarted, and given back byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cloud.cli_cloud import CliCloud
from tests.prepare.disk_host import (
    CARD,
    GIVEN,
    REBUILT_S,
    apply_spec,
    differences,
    disk_host,
    drivers,
    first_tree,
    gpucloud,
    how_it_started,
    is_confirmed,
    kernel_arguments,
    sh,
    statuses,
    tree_of,
)

from gpucloud.cloud.protocol import Patience
from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.lab import Lab
from gpucloud.lab.machine.render import CONSOLE_LOG
from gpucloud.lab.topology.parse import load_topology
from gpucloud.model.guest import GuestSpec

TRIED = "[$]gpucloud_trial"
"""Stands for arguments in the boot menu while a start is on trial; bad ones are put beside it."""
TOOLS = Makes.INITRAMFS_TOOLS


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("makes", [TOOLS, pytest.param(Makes.DRACUT, marks=pytest.mark.long)])
def test_a_fresh_host_gives_one_of_two_equal_cards_to_a_guest_and_is_given_back_exactly(
    lab: Lab, makes: Makes, tmp_path: Path
) -> None:
    with disk_host(lab, "twins", makes) as host:
        first = drivers(host)
        apply_spec(host)
        host.reboot(timeout_s=REBUILT_S)
        assert is_confirmed(host)
        gpucloud(host, "verify")
        assert "iommu=pt" in kernel_arguments(host)
        assert drivers(host) == {**first, **GIVEN}
        for address in CARD:
            assert f"gpucloud: {address} is with vfio-pci" in sh(host, "dmesg")
        guests = CliCloud(host)
        guest = guests.launch(GuestSpec("one", 1), Patience(600), print)
        assert guest.seen is not None
        assert {"1002:5046", "8086:2668"} <= {str(seen.id) for seen in guest.seen}
        guests.destroy("one", print)
        gpucloud(host, "undo")
        host.reboot(timeout_s=REBUILT_S)
        assert drivers(host) == first
        host.power_off()
        assert differences(first_tree(lab, makes, tmp_path), tree_of(host, tmp_path)) == {}


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.long
def test_a_start_without_an_iommu_is_taken_back_by_itself(lab: Lab, tmp_path: Path) -> None:
    with disk_host(lab, "card-audio", TOOLS) as host:
        first = drivers(host)
        apply_spec(host)
        host.power_off()
        host.restart(load_topology("iommu-off"), timeout_s=REBUILT_S)
        assert "there are no IOMMU groups" in how_it_started(host)
        assert statuses(host) == ["undone"]
        assert drivers(host) == first
        host.power_off()
        assert differences(first_tree(lab, TOOLS, tmp_path), tree_of(host, tmp_path)) == {}


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_start_that_ends_in_a_panic_twice_is_followed_by_the_old_one_and_taken_back(
    lab: Lab, tmp_path: Path
) -> None:
    with disk_host(lab, "card-audio", TOOLS) as host:
        first = drivers(host)
        apply_spec(host)
        sh(host, f"sed -i 's,{TRIED},& rdinit=/nowhere,' /boot/grub/grub.cfg; sync")
        host.reboot(timeout_s=REBUILT_S)
        assert (host.folder / CONSOLE_LOG).read_text(errors="replace").count("Kernel panic") == 2
        assert "gpucloud=old" in kernel_arguments(host)
        assert statuses(host) == ["undone"]
        assert drivers(host) == first
        host.power_off()
        assert differences(first_tree(lab, TOOLS, tmp_path), tree_of(host, tmp_path)) == {}


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.long
def test_a_start_that_nobody_can_reach_is_taken_back_and_started_again_by_itself(
    lab: Lab, tmp_path: Path
) -> None:
    with disk_host(lab, "card-audio", TOOLS) as host:
        first = drivers(host)
        apply_spec(host)
        sh(host, f"sed -i 's,{TRIED},& systemd.mask=networking.service,' /boot/grub/grub.cfg; sync")
        host.reboot(timeout_s=REBUILT_S)
        assert "there is no default route" in how_it_started(host, boot=-1)
        assert statuses(host) == ["undone"]
        assert drivers(host) == first
        assert "iommu=pt" not in kernel_arguments(host)
        host.power_off()
        assert differences(first_tree(lab, TOOLS, tmp_path), tree_of(host, tmp_path)) == {}
