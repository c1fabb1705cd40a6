"""Which packages sample drivers are built from, and how a server loads them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from gpucloud.lab.mdev.build import PROGRAMS, Kernel, ensure_samples
from gpucloud.lab.mdev.load import modprobe_lines
from gpucloud.model.failure import Failure

OF_EVERY_DEBIAN = {"apt", "dpkg", "tar"}


def test_each_program_comes_with_a_package_of_the_list() -> None:
    lines = files("gpucloud.lab.mdev").joinpath("packages.txt").read_text().splitlines()
    listed = {line.partition("#")[0].strip() for line in lines} - {""}
    assert set(PROGRAMS.values()) == listed | OF_EVERY_DEBIAN


def test_source_and_headers_are_those_of_the_servers_own_kernel() -> None:
    assert Kernel("6.1.0-56-amd64", "6.1.192-2").packages == (
        "linux-source-6.1=6.1.192-2",
        "linux-headers-6.1.0-56-amd64=6.1.192-2",
        "linux-headers-6.1.0-56-common=6.1.192-2",
        "linux-kbuild-6.1=6.1.192-2",
    )


@pytest.mark.parametrize("release", ["", "6.1.0-56-cloud-amd64", "6.18.44-fc", "../6.1.0-56-amd64", "6.1"])
def test_a_kernel_that_is_none_of_debians_is_refused(release: str) -> None:
    with pytest.raises(Failure, match="none of Debian's"):
        Kernel(release, "6.1.192-2")


def test_what_was_built_is_taken_from_the_cache(tmp_path: Path) -> None:
    place = tmp_path / "mdev/6.1.0-56-amd64-6.1.192-2"
    place.mkdir(parents=True)

    def nothing_is_done(what: str) -> None:
        raise AssertionError(what)

    assert ensure_samples(tmp_path, Kernel("6.1.0-56-amd64", "6.1.192-2"), nothing_is_done) == place


def test_each_driver_is_loaded_after_what_it_needs() -> None:
    first, second = modprobe_lines(("mtty", "mbochs")).splitlines()
    assert first.startswith("install mtty /sbin/modprobe --all mdev vfio vfio_iommu_type1 && /sbin/insmod ")
    assert second.endswith("/mbochs.ko")
