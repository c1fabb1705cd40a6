"""What an administrator has set so that VFIO's modules are never loaded is named with its file and line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import SPEC, build_family
from tests.prepare.fake_host import host_of

from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.system.configuration import parse_directives
from gpucloud.model.host import Host
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.plan import choose_units, plan_passthrough
from gpucloud.prepare.plan.vfio import kept_away, never_loaded
from gpucloud.prepare.reach.tree import Tree
from gpucloud.spec import parse_spec


def host_with(root: Path, text: str, path: str = "/etc/modprobe.d/cis.conf") -> Host:
    host = host_of(build_family(root, "debian-12"))
    said = tuple(parse_directives(path, text))
    return replace(host, distribution=replace(host.distribution, module_configuration=said))


@pytest.mark.parametrize(
    "text",
    [
        "install vfio-pci /bin/false\n",
        "install vfio_pci /bin/true\n",
        "install vfio* /usr/bin/false\n",
        "install vfio_iommu_type1 :\n",
        "install vfio /bin/false\ninstall vfio /sbin/modprobe -i vfio\n",
    ],
)
def test_a_line_that_loads_nothing_is_found(text: str, tmp_path: Path) -> None:
    (found,) = never_loaded(host_with(tmp_path, text))
    assert (found.line, found.text) == (1, text.splitlines()[0])


@pytest.mark.parametrize(
    "text",
    [
        "blacklist vfio-pci\nblacklist vfio_iommu_type1\n",
        "options vfio-pci disable_idle_d3=1\n",
        "install vfio-pci /usr/local/bin/mine; /sbin/modprobe -i vfio-pci\n",
        "install vfio /sbin/modprobe -i vfio\ninstall vfio /bin/false\n",
        "install nouveau /bin/false\n",
        "install vfio-pci\n",
    ],
)
def test_a_line_that_lets_them_be_loaded_by_name_is_none(text: str, tmp_path: Path) -> None:
    assert not list(never_loaded(host_with(tmp_path, text)))


def test_a_line_that_modprobe_does_not_read_is_none(tmp_path: Path) -> None:
    assert not list(never_loaded(host_with(tmp_path, "install vfio-pci /bin/false", "/etc/dracut.conf")))


def test_a_plan_is_refused_with_file_and_line(tmp_path: Path) -> None:
    text = "# CIS\ninstall vfio-pci /bin/false\n"
    host = host_with(tmp_path / "root", text)
    files = read_boot_files(LiveReader(tmp_path / "root"), Tree(tmp_path / "root").look)
    (at_start,) = plan_boot(host, files, parse_spec(SPEC), "gpu01").refusals
    (now,) = plan_passthrough(host, choose_units(host, ("3b:00.0",))).refusals
    for refusal in (at_start, now):
        assert refusal.cause == "vfio-blocked"
        assert "/etc/modprobe.d/cis.conf line 2 says 'install vfio-pci /bin/false'" in refusal.why
    there = replace(host, kernel=replace(host.kernel, loaded_modules=frozenset({"vfio_pci"})))
    assert not plan_passthrough(there, choose_units(there, ("3b:00.0",))).refusals


def test_what_is_part_of_the_kernel_is_loaded_by_nobody(tmp_path: Path) -> None:
    host = host_with(tmp_path, "install vfio-pci /bin/false\n")
    image = replace(host.kernel, builtin_modules=frozenset({"vfio", "vfio_iommu_type1", "vfio_pci"}))
    assert not list(never_loaded(replace(host, kernel=image)))
    assert kept_away(["module_blacklist=vfio_pci"], image) is None
    assert kept_away(["module_blacklist=vfio_pci,vfio_pci_core"], image)


def test_the_last_list_of_the_kernel_counts_with_names_as_it_has_them(tmp_path: Path) -> None:
    kernel = host_with(tmp_path, "").kernel
    assert (
        kept_away(["quiet", "module_blacklist=nouveau,vfio_pci"], kernel)
        == "module_blacklist=nouveau,vfio_pci"
    )
    assert kept_away(["module_blacklist=vfio_pci", "module_blacklist=nouveau"], kernel) is None
    assert kept_away(["module_blacklist=vfio-pci"], kernel) is None
    assert kept_away([], kernel) is None


def test_an_argument_of_the_next_start_is_refused_with_its_file(tmp_path: Path) -> None:
    kernel = build_family(tmp_path / "root", "debian-12")
    grub = kernel.root / "etc/default/grub"
    grub.write_text('GRUB_CMDLINE_LINUX_DEFAULT="quiet module_blacklist=vfio_pci"\n')
    files = read_boot_files(LiveReader(kernel.root), Tree(kernel.root).look)
    (refusal,) = plan_boot(host_of(kernel), files, parse_spec(SPEC), "gpu01").refusals
    assert refusal.cause == "vfio-blocked"
    assert refusal.why.startswith("/etc/default/grub says module_blacklist=vfio_pci")
