from __future__ import annotations

import pytest

from gpucloud.lab.disk import recipe
from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.image import recipe as direct


def test_the_disk_has_all_that_a_server_of_the_laboratory_has() -> None:
    for makes in Makes:
        assert set(direct.PACKAGES) < set(recipe.SYSTEMS[makes].names)
    paths = [str(path) for path, _, _ in recipe.tree()]
    assert "usr/lib/gpucloud-lab/line" in paths
    assert "etc/network/interfaces" in paths


def test_files_of_the_disk_take_the_place_of_those_of_other_servers() -> None:
    last = {str(path): content for path, content, _ in recipe.tree()}
    assert b"/dev/vda1 / ext4" in last["etc/fstab"]
    assert b"/opt/gpucloud" in last["etc/fstab"]


def test_there_is_room_for_the_boot_loader_before_the_root_file_system() -> None:
    assert f"start={recipe.ROOT_START_SECTOR}," in recipe.PARTITIONS
    assert recipe.ROOT_START_SECTOR * 512 >= 1 << 20


@pytest.mark.parametrize("makes", Makes)
def test_each_way_to_make_an_initramfs_has_a_disk_of_its_own(makes: Makes) -> None:
    assert recipe.recipe_key(makes).startswith(makes.value)
    assert makes.value in recipe.SYSTEMS[makes].names
