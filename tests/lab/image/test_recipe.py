from __future__ import annotations

from gpucloud.lab.image import recipe


def test_programs_of_the_image_can_be_run_and_files_cannot() -> None:
    modes = {str(path): mode for path, _, mode in recipe.tree()}
    assert modes["usr/lib/gpucloud-lab/line"] == 0o755
    assert modes["usr/local/bin/gpucloud"] == 0o755
    assert modes["etc/fstab"] == 0o644


def test_units_that_are_enabled_come_with_the_image() -> None:
    paths = {str(path) for path, _, _ in recipe.tree()}
    assert all(f"etc/systemd/system/{unit}" in paths for unit in recipe.ENABLED)
    assert not set(recipe.ENABLED) & set(recipe.MASKED)


def test_another_recipe_is_another_image() -> None:
    assert recipe.recipe_key() == recipe.recipe_key(recipe.PACKAGES)
    assert recipe.recipe_key() != recipe.recipe_key([*recipe.PACKAGES, "vim"])
