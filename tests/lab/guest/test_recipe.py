from __future__ import annotations

from gpucloud.lab.guest import recipe


def test_the_partitions_follow_each_other_and_fit_on_the_disk() -> None:
    assert recipe.ESP_START_SECTOR + recipe.ESP_SECTORS == recipe.ROOT_START_SECTOR
    assert recipe.ROOT_START_SECTOR * 512 < recipe.DISK_MIB << 20


def test_the_boot_loader_looks_for_the_root_that_the_system_mounts() -> None:
    assert all(
        recipe.LABEL in text
        for text in (recipe.FIND_ROOT, recipe.FILES["boot/grub/grub.cfg"], recipe.FILES["etc/fstab"])
    )
