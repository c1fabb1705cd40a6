"""Kernel, processor, IOMMU, firmware, distribution: text of /proc, /sys and /etc into facts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.hosts.builders.system import RELEASE, add_system
from tests.inventory.build import NAMES, add_many_processors, function, read

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.live import LiveReader, patient
from gpucloud.inventory.reader import FILE_LIMIT
from gpucloud.inventory.system.distribution import family_of, parse_os_release
from gpucloud.inventory.system.framebuffers import parse_framebuffers
from gpucloud.inventory.system.iommu import parse_remapping
from gpucloud.inventory.system.kernel import parse_arguments, parse_cpu
from gpucloud.model.host import Framebuffer, ModuleDirective, TextConsole
from gpucloud.model.unknown import Unknown


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path)
    add_system(tree)
    return tree


def test_arguments_keep_their_order_their_repeats_and_their_quotes() -> None:
    text = 'ro console=ttyS0 console=tty0 dyndbg="file drivers/vfio/* +p" intel_iommu=on\n'
    assert parse_arguments(text) == (
        "ro",
        "console=ttyS0",
        "console=tty0",
        'dyndbg="file drivers/vfio/* +p"',
        "intel_iommu=on",
    )


@given(st.lists(st.from_regex(r"[a-z_.]{1,9}(=[a-z0-9,:]{0,9})?", fullmatch=True)))
def test_arguments_without_quotes_are_words(words: list[str]) -> None:
    assert parse_arguments(" ".join(words)) == tuple(words)


def test_the_running_kernel_and_its_modules(tree: HostTree) -> None:
    kernel = read(tree).kernel
    assert kernel.release == RELEASE
    assert isinstance(kernel.loaded_modules, frozenset)
    assert isinstance(kernel.available_modules, frozenset)
    assert {"vfio", "nvidia_drm"} <= kernel.loaded_modules
    assert {"vfio_pci", "vfio_pci_core", "nouveau", "nvidia_drm"} <= kernel.available_modules


def test_without_modules_on_disk_only_those_in_the_kernel_can_be_had(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.write("proc/sys/kernel/osrelease", "6.1.0")
    tree.folder("sys/module/vfio")
    assert read(tree).kernel.available_modules == frozenset({"vfio"})


def test_what_is_part_of_the_kernel_is_told_apart_from_what_it_could_load(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.write("proc/sys/kernel/osrelease", "6.1.0")
    tree.write("lib/modules/6.1.0/modules.dep", "kernel/drivers/gpu/drm/nouveau/nouveau.ko:\n")
    tree.write("lib/modules/6.1.0/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n")
    kernel = read(tree).kernel
    assert kernel.builtin_modules == frozenset({"vfio_pci"})
    assert kernel.available_modules == frozenset({"vfio_pci", "nouveau"})


def test_a_release_that_is_none_is_not_used_as_a_path(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.write("proc/sys/kernel/osrelease", "../../etc")
    assert isinstance(read(tree).kernel.release, Unknown)


@pytest.mark.parametrize(
    ("flags", "virtualization", "is_virtual"),
    [("fpu vmx", "vmx", False), ("fpu svm hypervisor", "svm", True), ("fpu", None, False)],
)
def test_the_processor_shows_whether_it_can_virtualize(
    flags: str, virtualization: str | None, is_virtual: bool
) -> None:
    cpu = parse_cpu(
        f"vendor_id\t: AuthenticAMD\nflags\t\t: {flags}\naddress sizes\t: 48 bits physical, 48 bits virtual\n"
    )
    assert (cpu.vendor, cpu.virtualization, cpu.is_virtual) == ("amd", virtualization, is_virtual)
    assert cpu.physical_address_bits == 48


def test_a_processor_that_is_not_x86_says_none_of_it() -> None:
    cpu = parse_cpu("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n")
    assert isinstance(cpu.virtualization, Unknown)
    assert isinstance(cpu.vendor, Unknown)


@pytest.mark.parametrize(
    ("line", "is_remapped"),
    [
        ("  8:  0  IR-IO-APIC  8-edge  rtc0", True),
        (" 56:  4  IR-PCI-MSIX-0000:0b:00.3  0-edge  xhci_hcd", True),
        ("  0:  4  IO-APIC  2-edge  timer\n 24: 1 PCI-MSI 1-edge nvme0q0", False),
        ("  0:  4  IO-APIC  2-edge  timer\n 24: 1 DMAR-MSI 0-edge dmar0", False),
    ],
)
def test_remapped_interrupts_have_chips_named_so(line: str, is_remapped: bool) -> None:
    assert parse_remapping(f"      CPU0\n{line}\n") is is_remapped


def test_a_server_with_very_many_processors_is_read_as_far_as_is_needed(
    tree: HostTree, tmp_path: Path
) -> None:
    add_many_processors(tree)
    assert (tmp_path / "proc/interrupts").stat().st_size > FILE_LIMIT
    for reader in (LiveReader(tmp_path, read_files=patient(tmp_path)), open_capture(tmp_path)):
        host = read_host(reader, NAMES)
        assert host.iommu.has_interrupt_remapping is True
        assert (host.cpu.vendor, host.cpu.virtualization, host.cpu.physical_address_bits) == (
            "amd",
            "svm",
            52,
        )


def test_a_file_that_is_too_long_is_unknown_and_says_so(tree: HostTree, tmp_path: Path) -> None:
    (tmp_path / "proc/iomem").write_bytes(b" " * (FILE_LIMIT + 1))
    framebuffers = read(tree).framebuffers
    assert isinstance(framebuffers, Unknown)
    assert framebuffers.why == f"longer than {FILE_LIMIT} bytes: /proc/iomem"


def test_interrupt_chips_of_other_processors_do_not_tell() -> None:
    assert isinstance(parse_remapping("  CPU0\n 11: 5 GICv3 30 Level arch_timer\n"), Unknown)


def test_the_iommu_as_firmware_offers_it_and_as_the_kernel_runs_it(tree: HostTree) -> None:
    tree.function("0000:05:00.0", "1002:73bf", "0300", group=7)
    iommu = read(tree).iommu
    assert (iommu.has_dmar, iommu.has_ivrs, iommu.units) == (True, False, ("dmar0", "dmar1"))
    assert iommu.has_interrupt_remapping is True
    assert not isinstance(iommu.groups, Unknown)
    assert [(group.number, group.type, len(group.members)) for group in iommu.groups.values()] == [
        (7, "DMA-FQ", 1)
    ]


def test_an_iommu_that_is_off_has_no_units_and_no_groups(tmp_path: Path) -> None:
    iommu = read(HostTree(tmp_path)).iommu
    assert (iommu.units, iommu.groups) == ((), {})


@pytest.mark.parametrize(
    ("text", "mode"), [("none [integrity] confidentiality", "integrity"), ("[none] integrity", "none")]
)
def test_lockdown_is_the_mode_in_brackets(tree: HostTree, text: str, mode: str) -> None:
    tree.write("sys/kernel/security/lockdown", text)
    assert read(tree).security.lockdown == mode


def test_a_kernel_without_lockdown_is_not_one_without_securityfs(tmp_path: Path) -> None:
    tree = HostTree(tmp_path)
    tree.folder("sys/kernel/security")
    assert read(tree).security.lockdown == Unknown("securityfs is not mounted")
    tree.write("sys/kernel/security/lsm", "capability")
    assert read(tree).security.lockdown is None


@pytest.mark.parametrize(("value", "is_on"), [(b"\x06\0\0\0\x01", True), (b"\x06\0\0\0\0", False)])
def test_secure_boot_is_the_fifth_byte(tree: HostTree, value: bytes, is_on: bool) -> None:
    tree.write("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", value)
    assert read(tree).security.is_secure_boot is is_on


def test_a_host_without_uefi_has_no_secure_boot(tmp_path: Path) -> None:
    assert read(HostTree(tmp_path)).security.is_secure_boot is None


def test_kvm_is_asked_only_on_the_running_host(tree: HostTree) -> None:
    kvm = read(tree).kvm
    assert kvm.has_device is True
    assert kvm.refusal == Unknown("only the running host itself can be asked")


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("ID=debian", "debian"),
        ("ID=ubuntu\nID_LIKE=debian", "debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "rhel"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "suse"),
        ("ID=cachyos\nID_LIKE=arch", "arch"),
        ("ID=talos", "talos"),
        ("", "linux"),
    ],
)
def test_distributions_have_families(text: str, family: str) -> None:
    assert family_of(parse_os_release(text)) == family


def test_quotes_of_os_release_are_the_shells() -> None:
    assert parse_os_release('A="x y"\n#B=c\nC=\'d\'\nD="broken\n') == {"A": "x y", "C": "d", "D": "broken"}


def test_boot_loaders_and_initramfs_tools_are_those_that_are_there(tree: HostTree) -> None:
    tree.write("boot/loader/entries/fedora.conf", "title Fedora")
    distribution = read(tree).distribution
    assert distribution.boot_loaders == ("grub", "bls")
    assert distribution.initramfs_tools == ("initramfs-tools",)
    assert (distribution.id, distribution.version) == ("ubuntu", "24.04")


def test_directives_have_file_and_line_and_comments_are_none(tree: HostTree) -> None:
    tree.write(
        "etc/modprobe.d/gpu.conf", "# a\n\noptions vfio-pci \\\n  ids=10de:1db4\n; b\nblacklist  nouveau"
    )
    tree.write("etc/modules", "vfio\n")
    directives = read(tree).distribution.module_configuration
    assert isinstance(directives, tuple)
    assert ModuleDirective("/etc/modprobe.d/gpu.conf", 3, "options vfio-pci ids=10de:1db4") in directives
    assert ModuleDirective("/etc/modprobe.d/gpu.conf", 6, "blacklist nouveau") in directives
    assert directives[-1] == ModuleDirective("/etc/modules", 1, "vfio")


def test_a_file_of_configuration_that_cannot_be_read_is_named(tree: HostTree) -> None:
    (tree.root / "etc/modprobe.d/secret.conf").mkdir()
    distribution = read(tree).distribution
    assert isinstance(distribution.module_configuration, tuple)
    assert distribution.module_configuration
    assert distribution.unread_configuration == (Unknown("not a regular file: /etc/modprobe.d/secret.conf"),)


def test_a_folder_of_configuration_that_cannot_be_read_is_named(tree: HostTree) -> None:
    refusing = Refusing(tree.root, folder="/run/modprobe.d")
    assert read_host(refusing, NAMES).distribution.unread_configuration == (
        Unknown("permission denied: /run/modprobe.d"),
    )


def test_aliases_of_built_in_modules_that_cannot_be_read_leave_the_candidates_open(tree: HostTree) -> None:
    tree.function("0000:3b:00.0", "10de:1db4", "0302")
    (tree.root / f"lib/modules/{RELEASE}/modules.builtin.modinfo").mkdir()
    assert isinstance(function(read(tree), "0000:3b:00.0").candidate_modules, Unknown)


def test_only_a_whole_host_says_that_it_has_no_gpu(tree: HostTree, tmp_path: Path) -> None:
    listing = tmp_path / "listing"
    shutil.copytree(tree.root / "sys/bus", listing / "sys/bus")
    assert read(tree).is_whole
    assert not read_host(open_capture(listing), NAMES).is_whole


def test_a_file_in_etc_hides_the_one_of_its_name_elsewhere(tree: HostTree) -> None:
    tree.write("usr/lib/modprobe.d/nvidia.conf", "blacklist nouveau")
    tree.link("etc/modprobe.d/nvidia.conf", "/dev/null")
    tree.write("usr/lib/modprobe.d/other.conf", "blacklist nvidiafb")
    directives = read(tree).distribution.module_configuration
    assert isinstance(directives, tuple)
    paths = {directive.path for directive in directives}
    assert "/usr/lib/modprobe.d/other.conf" in paths
    assert "/usr/lib/modprobe.d/nvidia.conf" not in paths


def test_framebuffers_are_found_inside_other_resources() -> None:
    text = (
        "00000000-00000fff : Reserved\n"
        "4000000000-7fffffffff : PCI Bus 0000:00\n"
        "  4000000000-40008cffff : BOOTFB\n"
        "    4000000000-40008cffff : simpledrm\n"
        "000a0000-000bffff : Video RAM area\n"
    )
    assert parse_framebuffers(text) == (
        Framebuffer("BOOTFB", 0x4000000000, 0x40008CFFFF),
        Framebuffer("simpledrm", 0x4000000000, 0x40008CFFFF),
    )


def test_addresses_that_only_root_may_see_are_unknown() -> None:
    text = "00000000-00000000 : Reserved\n00000000-00000000 : BOOTFB\n"
    assert parse_framebuffers(text) == Unknown("/proc/iomem shows addresses only to root")


def test_a_console_that_cannot_be_read_leaves_the_answer_open(tree: HostTree) -> None:
    tree.write("sys/class/vtconsole/vtcon1/name", "(M) frame buffer device")
    (tree.root / "sys/class/vtconsole/vtcon1/bind").mkdir()
    assert isinstance(read(tree).consoles, Unknown)


def test_text_consoles_are_shown_by_drivers(tree: HostTree) -> None:
    tree.write("sys/class/vtconsole/vtcon1/name", "(M) frame buffer device")
    tree.write("sys/class/vtconsole/vtcon1/bind", "0")
    assert read(tree).consoles == (
        TextConsole("vtcon0", "dummy device", is_bound=True),
        TextConsole("vtcon1", "frame buffer device", is_bound=False),
    )


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    parse_arguments(text)
    parse_cpu(text)
    parse_remapping(text)
    parse_framebuffers(text)
    family_of(parse_os_release(text))


def test_a_group_whose_members_cannot_be_read_leaves_the_groups_open(tree: HostTree) -> None:
    tree.function("0000:3b:00.0", "10de:1db4", "0302")
    (tree.root / "sys/kernel/iommu_groups/7/devices").mkdir(parents=True)
    refusing = Refusing(tree.root, folder="/sys/kernel/iommu_groups/7/devices")
    assert isinstance(read_host(refusing, NAMES).iommu.groups, Unknown)


class Refusing(LiveReader):
    """A host that does not let us look into one folder."""

    def __init__(self, root: Path, *, folder: str) -> None:
        super().__init__(root)
        self._refused = folder

    def list_dir(self, path: str) -> tuple[str, ...] | None | Unknown:
        if path == self._refused:
            return Unknown(f"permission denied: {path}")
        return super().list_dir(path)
