"""The plan for a host's next start: which files of which family, what is kept, what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import AMD, FAMILIES, INTEL, SPEC, Tools, build_family, plan_for
from tests.prepare.fake_host import host_of, picture
from tests.prepare.fake_kernel import FakeKernel

from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.live import LiveReader
from gpucloud.inventory.system.distribution import read_distribution
from gpucloud.model.change import EnableUnit, RemoveFile, RunTool, SetGrubVariable, WriteFile
from gpucloud.model.failure import Failure
from gpucloud.model.host import Vital
from gpucloud.model.pci import PciAddress
from gpucloud.model.plan import Adopted, ByHand, Plan
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.boot.arguments import Needed, needed_arguments
from gpucloud.prepare.plan import render_plan
from gpucloud.prepare.reach.tree import Tree
from gpucloud.prepare.steps.fallback.environment import with_variable
from gpucloud.spec import parse_spec

TRIAL = " \\$gpucloud_trial"
"""What the shell leaves to GRUB's own language."""
VGPU = "pools:\n  a:\n    use: vgpu\n    match: {ids: 10de:20b5}\n"
BOTH = "pools:\n  a:\n    use: passthrough\n    match: {ids: 10de:20b5}\n"
OWN = (
    "/etc/modprobe.d/gpucloud.conf",
    "/etc/modules-load.d/gpucloud.conf",
    "/etc/systemd/system/gpucloud-boot.service",
)
SCRIPTS = ("/etc/initramfs-tools/hooks/gpucloud", "/etc/initramfs-tools/scripts/init-top/00gpucloud")
DRACUT = (
    "/etc/dracut.conf.d/90-gpucloud.conf",
    *(
        f"/usr/lib/dracut/modules.d/90gpucloud/{name}"
        for name in ("module-setup.sh", "run-claim.sh", "claim")
    ),
)


@pytest.fixture
def debian(tmp_path: Path) -> FakeKernel:
    return build_family(tmp_path, "debian-12")


def texts(plan: Plan) -> dict[str, str]:
    """What each file is to be."""
    changes = (step.change for step in plan.steps)
    return {change.path: change.after.text for change in changes if isinstance(change, WriteFile)}


def tools(plan: Plan, when: str) -> list[str]:
    changes = (step.change for step in plan.steps)
    return [change.argv[0] for change in changes if isinstance(change, RunTool) and change.when == when]


def added(plan: Plan, path: str) -> list[str]:
    """Lines that a change of a file adds, and those that it takes away."""
    (change,) = (s.change for s in plan.steps if isinstance(s.change, WriteFile) and s.change.path == path)
    before = change.before.text if change.before is not None else ""
    lines = unified_diff(before.splitlines(), change.after.text.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]


def refusal(plan: Plan) -> str:
    assert not plan.steps
    return f"{plan.refusals[0].cause}: {plan.refusals[0].why}; {plan.refusals[0].instead}"


WAYS = {
    "debian-12": ({"/etc/default/grub.d/zz-gpucloud.cfg", *SCRIPTS}, ["update-initramfs", "update-grub"]),
    "ubuntu-24.04-cloud": (
        {"/etc/default/grub.d/zz-gpucloud.cfg", *SCRIPTS},
        ["update-initramfs", "update-grub"],
    ),
    "debian-dracut": ({"/etc/default/grub.d/zz-gpucloud.cfg", *DRACUT}, ["dracut", "update-grub"]),
    "debian-systemd-boot": ({"/etc/kernel/cmdline", *SCRIPTS}, ["update-initramfs"]),
    "pop-22.04": ({"/etc/kernelstub/configuration", *SCRIPTS}, ["update-initramfs", "kernelstub"]),
    "proxmox-8": (
        {"/etc/default/grub.d/zz-gpucloud.cfg", "/etc/kernel/cmdline", *SCRIPTS},
        ["update-initramfs", "update-grub", "proxmox-boot-tool"],
    ),
    "centos-7": ({"/etc/default/grub", *DRACUT}, ["dracut", "grub2-mkconfig"]),
    "centos-7-uefi": ({"/etc/default/grub", *DRACUT}, ["dracut", "grub2-mkconfig"]),
    "rocky-8": ({"/etc/default/grub", *DRACUT}, ["dracut"]),
    "alma-9": (
        {"/boot/loader/entries/a-5.14.conf", "/etc/kernel/cmdline", "/etc/default/grub", *DRACUT},
        ["dracut"],
    ),
    "fedora-41": ({"/boot/loader/entries/a-6.11.conf", "/etc/default/grub", *DRACUT}, ["dracut"]),
    "sles-15": ({"/etc/default/grub", *DRACUT}, ["dracut", "grub2-mkconfig"]),
}


KEEPS = {
    "debian-12",
    "ubuntu-24.04-cloud",
    "debian-dracut",
    "centos-7",
    "rocky-8",
    "alma-9",
    "fedora-41",
    "sles-15",
}
"""Families whose GRUB can be told to take the old start again."""


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_has_its_files_and_each_tool_runs_once(name: str, tmp_path: Path) -> None:
    plan = plan_for(build_family(tmp_path, name))
    assert plan.refusals == ()
    files, programs = WAYS[name]
    assert texts(plan).keys() == {*OWN, *files}
    assert tools(plan, "apply") == programs
    assert tools(plan, "undo") == programs[::-1]
    kinds = [step.change.kind for step in plan.steps]
    assert (kinds[0], kinds[-1]) == (
        ("keep-old-start", "try-new-start") if name in KEEPS else ("run-tool", "run-tool")
    )
    assert plan.needs_reboot


def carry_out(kernel: FakeKernel, plan: Plan) -> None:
    """As apply would, without owners: this user may not be root."""
    for step in plan.steps:
        change = step.change
        if isinstance(change, WriteFile):
            place = kernel.root / change.path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(change.after.text)
            place.chmod(change.after.mode)
        elif isinstance(change, SetGrubVariable):
            block = kernel.root / change.path.lstrip("/")
            block.write_text(with_variable(block.read_text(), change.after, change.variable))
        elif isinstance(change, RemoveFile):
            (kernel.root / change.path.lstrip("/")).unlink()
        elif isinstance(change, EnableUnit):
            link = kernel.root / change.path.lstrip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(change.unit) if change.is_on else link.unlink()
        elif isinstance(change, RunTool) and isinstance(kernel.tools, Tools):
            kernel.tools.make(change.argv[0])


@pytest.mark.parametrize("name", FAMILIES)
def test_planning_again_after_it_changes_nothing(name: str, tmp_path: Path) -> None:
    kernel = build_family(tmp_path, name)
    carry_out(kernel, plan_for(kernel))
    assert plan_for(kernel).steps == ()


@pytest.mark.parametrize("name", FAMILIES)
def test_what_no_pool_needs_any_more_is_removed(name: str, tmp_path: Path) -> None:
    kernel = build_family(tmp_path, name)
    carry_out(kernel, plan_for(kernel))
    plan = plan_for(kernel, "pools: {}\n")
    removed = {step.change.path for step in plan.steps if isinstance(step.change, RemoveFile)}
    assert removed >= {*OWN}
    carry_out(kernel, plan)
    left = {path for path in picture(kernel.root) if "gpucloud" in path and "90gpucloud" not in path}
    assert left == {"usr/local/bin/gpucloud"}
    assert plan_for(kernel, "pools: {}\n").steps == ()


def test_an_empty_spec_changes_nothing(debian: FakeKernel) -> None:
    assert plan_for(debian, "pools: {}\n").is_empty
    assert plan_for(debian, "pools: {a: {use: host, match: {model: '*'}}}\n").is_empty


@pytest.mark.parametrize(
    ("name", "path", "lines"),
    [
        (
            "debian-12",
            "/etc/default/grub.d/zz-gpucloud.cfg",
            [f'+GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT intel_iommu=on iommu=pt{TRIAL}"'],
        ),
        (
            "centos-7",
            "/etc/default/grub",
            [
                '-GRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet"',
                '+GRUB_CMDLINE_LINUX="crashkernel=auto rhgb quiet intel_iommu=on iommu=pt"',
            ],
        ),
        (
            "sles-15",
            "/etc/default/grub",
            [
                "-GRUB_CMDLINE_LINUX_DEFAULT='splash=silent mitigations=off'  # YaST",
                "+GRUB_CMDLINE_LINUX_DEFAULT='splash=silent mitigations=off intel_iommu=on iommu=pt'  # YaST",
            ],
        ),
        (
            "alma-9",
            "/boot/loader/entries/a-5.14.conf",
            ["-options root=UUID=1 ro quiet", "+options root=UUID=1 ro quiet intel_iommu=on iommu=pt"],
        ),
        (
            "pop-22.04",
            "/etc/kernelstub/configuration",
            ['-      "splash"', '+      "splash",', '+      "intel_iommu=on",', '+      "iommu=pt"'],
        ),
    ],
)
def test_arguments_are_added_where_the_loader_keeps_them(
    name: str, path: str, lines: list[str], tmp_path: Path
) -> None:
    diff = added(plan_for(build_family(tmp_path, name)), path)
    assert [line for line in diff if not line.startswith("+#")] == lines


def test_proxmox_gets_arguments_where_either_of_its_loaders_lacks_them(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "proxmox-8")
    (kernel.root / "etc/kernel/cmdline").write_text("root=1 boot=zfs intel_iommu=on iommu=pt\n")
    made = texts(plan_for(kernel))
    assert "/etc/kernel/cmdline" not in made
    assert "intel_iommu=on iommu=pt" in made["/etc/default/grub.d/zz-gpucloud.cfg"]
    (kernel.root / "etc/kernel/cmdline").write_text("root=1 boot=zfs intel_iommu=off\n")
    assert "iommu-switched-off: /etc/kernel/cmdline says intel_iommu=off" in refusal(plan_for(kernel))


def test_proxmox_started_by_systemd_boot_needs_a_line_of_its_own(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "proxmox-8")
    (kernel.root / "etc/kernel/cmdline").unlink()
    (kernel.root / "proc/cmdline").write_text("initrd=\\EFI\\proxmox\\initrd.img root=ZFS=1 boot=zfs\n")
    said = refusal(plan_for(kernel))
    assert said.startswith("entries-not-made: /etc/kernel/cmdline is not there")
    assert said.endswith("then plan again: root=ZFS=1 boot=zfs")
    (kernel.root / "proc/cmdline").write_text("BOOT_IMAGE=/ROOT/pve-1@/boot/vmlinuz root=ZFS=1 boot=zfs\n")
    assert plan_for(kernel).refusals == ()


@pytest.mark.parametrize(
    ("name", "menu"), [("centos-7", "/boot/grub2/grub.cfg"), ("centos-7-uefi", "/etc/grub2-efi.cfg")]
)
def test_the_boot_menu_is_made_where_the_firmware_finds_it(name: str, menu: str, tmp_path: Path) -> None:
    changes = [step.change for step in plan_for(build_family(tmp_path, name)).steps]
    assert RunTool(argv=("grub2-mkconfig", "-o", menu), when="apply", makes="the boot menu") in changes


def test_of_grubs_environment_block_only_the_arguments_change(tmp_path: Path) -> None:
    changes = [step.change for step in plan_for(build_family(tmp_path, "rocky-8")).steps]
    old = "root=/dev/mapper/rl-root ro quiet"
    wanted = SetGrubVariable(
        path="/boot/grub2/grubenv",
        variable="kernelopts",
        before=old,
        after=f"{old} intel_iommu=on iommu=pt",
    )
    assert wanted in changes


def test_the_rescue_entry_is_left_alone(tmp_path: Path) -> None:
    assert "/boot/loader/entries/a-0-rescue.conf" not in texts(plan_for(build_family(tmp_path, "alma-9")))


def test_an_amd_host_is_told_nothing_that_its_kernel_does_not_know(tmp_path: Path) -> None:
    plan = plan_for(build_family(tmp_path, "debian-12", processor=AMD))
    assert texts(plan)["/etc/default/grub.d/zz-gpucloud.cfg"].endswith(f' iommu=pt{TRIAL}"\n')
    assert "amd_iommu" not in repr(plan.steps)
    assert "intel_iommu" not in repr(plan.steps)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('GRUB_CMDLINE_LINUX="intel_iommu=on"', "iommu=pt"),
        ("GRUB_CMDLINE_LINUX='iommu=nopt intel_iommu=on,sm_on'", None),
        ('GRUB_CMDLINE_LINUX="iommu.passthrough=1"', "intel_iommu=on"),
        ('GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT iommu=pt"', "intel_iommu=on"),
        ('GRUB_CMDLINE_LINUX_DEFAULT+=" iommu=pt"', "intel_iommu=on"),
        ('export GRUB_CMDLINE_LINUX="intel_iommu=on iommu=pt" # both', None),
        ('#GRUB_CMDLINE_LINUX="intel_iommu=on iommu=pt"', "intel_iommu=on iommu=pt"),
    ],
)
def test_what_the_administrator_says_is_kept_and_not_said_twice(
    debian: FakeKernel, line: str, words: str | None
) -> None:
    with (debian.root / "etc/default/grub").open("a") as file:
        file.write(f"{line}\n")
    drop_in = texts(plan_for(debian)).get("/etc/default/grub.d/zz-gpucloud.cfg")
    if words is None:
        assert drop_in is None
    else:
        assert drop_in is not None
        assert drop_in.endswith(f'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {words}{TRIAL}"\n')


def test_a_drop_in_that_assigns_hides_what_was_said_before(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "ubuntu-24.04-cloud")
    grub = kernel.root / "etc/default/grub"
    grub.write_text('GRUB_CMDLINE_LINUX_DEFAULT="intel_iommu=on iommu=pt"\n')
    assert "intel_iommu=on iommu=pt" in texts(plan_for(kernel))["/etc/default/grub.d/zz-gpucloud.cfg"]


@pytest.mark.parametrize(
    ("word", "processor"),
    [("intel_iommu=off", INTEL), ("iommu=off", INTEL), ("iommu=off", AMD), ("amd_iommu=off", AMD)],
)
def test_an_iommu_that_was_switched_off_is_not_switched_on_behind_somebodys_back(
    tmp_path: Path, word: str, processor: str
) -> None:
    host = build_family(tmp_path, "debian-12", processor=processor)
    (host.root / "etc/default/grub").write_text(f'GRUB_CMDLINE_LINUX="{word}"\n')
    assert f"iommu-switched-off: /etc/default/grub says {word}" in refusal(plan_for(host))


@pytest.mark.parametrize(("word", "processor"), [("amd_iommu=off", INTEL), ("intel_iommu=off", AMD)])
def test_the_others_makers_switch_switches_nothing(tmp_path: Path, word: str, processor: str) -> None:
    host = build_family(tmp_path, "debian-12", processor=processor)
    (host.root / "etc/default/grub").write_text(f'GRUB_CMDLINE_LINUX="{word}"\n')
    assert plan_for(host).refusals == ()


@pytest.mark.parametrize("word", ["nointremap", "intremap=off", "intremap=nosid,off"])
def test_without_interrupt_remapping_no_card_is_planned_for(debian: FakeKernel, word: str) -> None:
    grub = debian.root / "etc/default/grub"
    grub.write_text(f'GRUB_CMDLINE_LINUX="{word}"\n')
    assert f"interrupt-remapping-off: /etc/default/grub says {word}" in refusal(plan_for(debian))
    for more in ("intremap=on", "vfio-iommu-type1.allow_unsafe_interrupts=1"):
        grub.write_text(f'GRUB_CMDLINE_LINUX="{word} {more}"\n')
        assert plan_for(debian).refusals == ()
    grub.write_text(f'GRUB_CMDLINE_LINUX="{word}"\n')
    told = debian.root / "etc/modprobe.d/unsafe.conf"
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text("options vfio_iommu_type1 allow_unsafe_interrupts=Y\n")
    assert plan_for(debian).refusals == ()


@pytest.mark.parametrize(
    ("carries", "is_told"),
    [
        ("network (br-ex, the default route, may use it)", True),
        ("default route", False),
        ("network (the default route of table 10 may use it)", False),
    ],
)
def test_a_network_that_a_container_may_bring_is_told_of(
    debian: FakeKernel, carries: str, is_told: bool
) -> None:
    host = replace(host_of(debian), vital=(Vital(PciAddress.parse_typed("01:00.0"), carries),))
    files = read_boot_files(LiveReader(debian.root), Tree(debian.root).look)
    notes = plan_boot(host, files, parse_spec(SPEC), "gpu01").notes
    assert any("have the host bring it up before docker and podman" in note for note in notes) is is_told


def test_the_script_claims_each_function_of_the_given_card_and_no_other(debian: FakeKernel) -> None:
    script = texts(plan_for(debian))[SCRIPTS[1]]
    assert "claim 0000:3b:00.0 0x10de 0x20b5\n" in script
    assert "claim 0000:3b:00.1 0x10de 0x1aef" in script
    assert "0000:3c:00.0" not in script
    assert "vfio-pci.ids" not in repr(plan_for(debian).steps)


def test_modules_are_named_as_every_kernel_has_them(debian: FakeKernel) -> None:
    made = texts(plan_for(debian))
    assert made["/etc/modules-load.d/gpucloud.conf"].splitlines()[1:] == ["vfio-pci", "vfio_iommu_type1"]
    assert "vfio_virqfd" not in repr(made)


def test_a_driver_that_serves_another_card_of_the_host_is_not_kept_away(debian: FakeKernel) -> None:
    text = texts(plan_for(debian))["/etc/modprobe.d/gpucloud.conf"]
    assert "blacklist" not in text
    assert {"softdep nvidia pre: vfio-pci", "softdep snd_hda_intel pre: vfio-pci"} <= set(text.splitlines())


def test_drivers_that_have_nothing_left_to_do_are_kept_away(debian: FakeKernel) -> None:
    text = texts(plan_for(debian, BOTH))["/etc/modprobe.d/gpucloud.conf"]
    assert {"blacklist nvidia", "blacklist nouveau"} <= set(text.splitlines())
    assert "blacklist snd_hda_intel" not in text


def test_what_the_administrator_keeps_away_is_not_kept_away_twice(debian: FakeKernel) -> None:
    (debian.root / "etc/modprobe.d/site.conf").write_text("blacklist nouveau\n")
    text = texts(plan_for(debian, BOTH))["/etc/modprobe.d/gpucloud.conf"]
    assert "blacklist nvidia" in text
    assert "blacklist nouveau" not in text


def test_what_the_administrator_loads_and_orders_is_not_said_twice(debian: FakeKernel) -> None:
    (debian.root / "etc/modules").write_text("vfio_pci\nvfio_iommu_type1\n")
    (debian.root / "etc/modprobe.d/site.conf").write_text("softdep nvidia pre: vfio-pci\n")
    made = texts(plan_for(debian))
    assert "/etc/modules-load.d/gpucloud.conf" not in made
    assert "softdep nvidia " not in made["/etc/modprobe.d/gpucloud.conf"]
    assert "softdep snd_hda_intel pre: vfio-pci" in made["/etc/modprobe.d/gpucloud.conf"]


@pytest.mark.parametrize("release", ["ID=gentoo\n", "ID=debian\n"])
def test_where_nothing_is_wanted_how_the_host_starts_does_not_matter(
    debian: FakeKernel, release: str
) -> None:
    (debian.root / "etc/os-release").write_text(release)
    shutil.rmtree(debian.root / "boot")
    shutil.rmtree(debian.root / "etc/default")
    plan = plan_for(debian, "pools: {a: {use: host, match: {ids: 10de:20b5}}}\n")
    assert plan.is_empty
    assert plan_for(debian).refusals[0].instead.startswith("until the next start a card can be given away")


def test_what_the_host_could_not_be_asked_is_asked_for_and_not_done_by_hand(debian: FakeKernel) -> None:
    host = host_of(debian)
    unread = Unknown("boot/loader and efi/loader are not in the capture")
    host = replace(host, distribution=replace(host.distribution, boot_loaders=unread))
    files = read_boot_files(LiveReader(debian.root))
    plan = plan_boot(host, files, parse_spec(BOTH), "gpu01")
    assert refusal(plan) == (
        "boot-loader-unknown: how this host starts: boot/loader and efi/loader are not in the capture; "
        "read the host as root, or take a whole capture: sudo gpucloud capture"
    )


def test_cards_that_are_cut_into_vgpus_stay_with_the_host(debian: FakeKernel) -> None:
    made = texts(plan_for(debian, VGPU))
    assert made["/etc/modprobe.d/gpucloud.conf"].splitlines()[1:] == ["blacklist nouveau"]
    assert not [path for path in made if "initramfs" in path]
    assert "intel_iommu=on" in made["/etc/default/grub.d/zz-gpucloud.cfg"]


def test_an_unknown_family_is_refused_with_what_is_missing(debian: FakeKernel) -> None:
    (debian.root / "etc/os-release").write_text("ID=gentoo\n")
    assert "boot-loader-unknown: how this host starts: gentoo is not known here" in refusal(plan_for(debian))
    (debian.root / "etc/os-release").write_text("ID=debian\n")
    shutil.rmtree(debian.root / "usr/share/initramfs-tools")
    assert "initramfs-unknown: how its initramfs is made: debian with no tool for the initramfs" in refusal(
        plan_for(debian)
    )


def test_unified_kernel_images_are_refused(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "debian-systemd-boot")
    (kernel.root / "boot/efi/loader/entries/1-6.12.conf").write_text("title x\nefi /EFI/Linux/x.efi\n")
    assert "unified kernel images keep theirs inside" in refusal(plan_for(kernel))


def test_a_configuration_that_is_none_is_refused(tmp_path: Path) -> None:
    kernel = build_family(tmp_path, "pop-22.04")
    for text in ("{", "[]", '{"user": {"kernel_options": "quiet"}}', "[" * 100_000):
        (kernel.root / "etc/kernelstub/configuration").write_text(text)
        assert "arguments-unknown" in refusal(plan_for(kernel))


def test_the_last_console_is_refused_unless_it_is_accepted(debian: FakeKernel) -> None:
    screen = "pools: {a: {use: passthrough, match: {address: '02:00.0'}}}\n"
    assert "last-console" in refusal(plan_for(debian, screen))
    assert plan_for(debian, screen, force=True).steps


def without_groups(kernel: FakeKernel) -> None:
    for group in kernel.root.glob("sys/bus/pci/devices/*/iommu_group"):
        group.unlink()
    shutil.rmtree(kernel.root / "sys/kernel/iommu_groups")


def give_tables(kernel: FakeKernel, *names: str) -> None:
    for name in ("FACP", *names):
        place = kernel.root / f"sys/firmware/acpi/tables/{name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def test_a_host_whose_iommu_is_off_is_planned_all_the_same(debian: FakeKernel) -> None:
    without_groups(debian)
    give_tables(debian, "DMAR")
    assert plan_for(debian).steps


def test_an_iommu_that_is_off_in_the_firmware_is_refused(debian: FakeKernel) -> None:
    without_groups(debian)
    give_tables(debian)
    assert refusal(plan_for(debian)).startswith("iommu-disabled-firmware: the firmware has neither Intel's")


@pytest.mark.parametrize(
    ("tables", "processor", "words", "because"),
    [
        (("DMAR",), AMD, "intel_iommu=on iommu=pt", "the firmware has Intel's table (DMAR), so"),
        (("DMAR",), "", "intel_iommu=on iommu=pt", "the firmware has Intel's table (DMAR), so"),
        (("IVRS",), INTEL, "iommu=pt", "the firmware has AMD's table (IVRS), so"),
        (("DMAR", "IVRS"), AMD, "iommu=pt", "the firmware's tables are both there, so"),
        ((), INTEL, "intel_iommu=on iommu=pt", "of intel, and the firmware's tables are both missing, so"),
    ],
)
def test_the_firmwares_table_says_which_arguments_are_needed(
    tables: tuple[str, ...], processor: str, words: str, because: str, tmp_path: Path
) -> None:
    kernel = build_family(tmp_path, "debian-12", processor=processor)
    give_tables(kernel, *tables)
    step = next(step for step in plan_for(kernel).steps if isinstance(step.change, WriteFile))
    assert f" {words}{TRIAL}" in texts(plan_for(kernel))["/etc/default/grub.d/zz-gpucloud.cfg"]
    assert because in step.because


def test_the_processor_says_it_where_the_tables_cannot_be_listed(tmp_path: Path) -> None:
    host = host_of(build_family(tmp_path, "debian-12"))
    host = replace(host, iommu=replace(host.iommu, has_dmar=Unknown("denied"), has_ivrs=Unknown("denied")))
    assert needed_arguments(host) == Needed(
        ("intel_iommu=on", "iommu=pt"),
        "the processor is of intel, and the firmware's tables are not known (denied)",
    )


def test_a_pool_on_other_hosts_is_no_concern_of_this_one(debian: FakeKernel) -> None:
    spec = SPEC + "    hosts: gpu07\n"
    assert plan_for(debian, spec, name="gpu01").is_empty
    assert plan_for(debian, spec, name="gpu07").steps
    with pytest.raises(Failure, match="this host's name is not known"):
        plan_for(debian, spec, name=Unknown("a capture holds none"))


def test_a_file_that_changes_makes_another_fact(debian: FakeKernel) -> None:
    before = plan_for(debian)
    (debian.root / "etc/default/grub").write_text('GRUB_CMDLINE_LINUX="mitigations=off"\n')
    after = plan_for(debian)
    assert before.facts != after.facts
    assert replace(before, facts=()) == replace(after, facts=())


def test_hostile_configuration_is_read_or_refused(debian: FakeKernel) -> None:
    for text in ("\\\n" * 5000, "=" * 10_000):
        (debian.root / "etc/default/grub").write_text(text)
        assert plan_for(debian).steps
    for text in (
        'GRUB_CMDLINE_LINUX="',
        "GRUB_CMDLINE_LINUX=$(rm -rf /)\n",
        "#\ntrue && GRUB_CMDLINE_LINUX=a\n",
    ):
        (debian.root / "etc/default/grub").write_text(text)
        assert f"/etc/default/grub: line {text.count('#') + 1} " in refusal(plan_for(debian))
    (debian.root / "etc/default/grub").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refusal(plan_for(debian))


def test_all_that_a_capture_lacks_of_how_its_host_starts_is_named_at_once(tmp_path: Path) -> None:
    for name, text in {
        "etc/os-release": "ID=debian\n",
        "etc/default/locale": "\n",
        "proc/modules": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    loaders = read_distribution(open_capture(tmp_path)).boot_loaders
    assert isinstance(loaders, Unknown)
    for folder in ("boot/loader/entries", "boot/efi/loader", "efi/loader"):
        assert f"{folder} is not in the capture" in loaders.why


def test_what_stays_of_what_was_set_up_by_hand_is_not_called_the_specs(debian: FakeKernel) -> None:
    plan = plan_for(debian, "pools: {a: {use: host, match: {ids: 10de:20b5}}}\n")
    assert plan.wanted is not None
    left = ByHand("/etc/modprobe.d/a.conf", 1, "blacklist nouveau", "keeps a driver away", (), "it stays")
    adopted = Adopted("/root/gpucloud.yaml", (left,), ())
    shown = render_plan(replace(plan, wanted=replace(plan.wanted, adopted=adopted)))
    assert "nothing to do on this host: what was set up by hand stays" in shown


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ("ID=alinux\nID_LIKE='rhel fedora'\nVERSION_ID=3\n", "rocky-8"),
        ("ID=qubes\nID_LIKE='rhel fedora'\nVERSION_ID=4.2\n", "alma-9"),
    ],
)
def test_a_system_that_counts_otherwise_is_told_by_its_boot_entries(
    release: str, family: str, tmp_path: Path
) -> None:
    kernel = build_family(tmp_path, family)
    (kernel.root / "etc/os-release").write_text(release)
    assert any(
        path.startswith("/boot/loader/entries/") or path == "/boot/grub2/grubenv"
        for path in touched(plan_for(kernel))
    )


def touched(plan: Plan) -> set[str]:
    return {step.change.path for step in plan.steps if isinstance(step.change, WriteFile | SetGrubVariable)}
