"""The boot framebuffer of a card that goes to guests at every start: who removes it, by the kernel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import SPEC, build_family
from tests.prepare.fake_host import AUDIO, BMC, VGA, Function, add_boot_framebuffer, host_of

from gpucloud.inventory.live import LiveReader
from gpucloud.model.change import WriteFile
from gpucloud.model.host import Host
from gpucloud.model.plan import Plan
from gpucloud.prepare.boot import plan_boot, read_boot_files
from gpucloud.prepare.plan.console import NO_BOOT_FRAMEBUFFER
from gpucloud.prepare.reach.tree import Tree
from gpucloud.spec import parse_spec

DISPLAY = 0x038000
OLD, NEW = "5.15.0-91-generic", "6.1.0-42-amd64"


def host_with(root: Path, name: str, release: str, kind: int = VGA) -> Host:
    """A host whose one card is the boot display, which only the firmware's framebuffer drives."""
    bar = (0xE0000000, 0xEFFFFFFF)
    card = Function("0000:3b:00.0", "10de:20b5", kind, 11, None, is_boot_vga=True, bar=bar)
    functions = (card, Function("0000:3b:00.1", "10de:1aef", AUDIO, 11, "snd_hda_intel"), BMC)
    kernel = build_family(root, "debian-12", functions=functions)
    add_boot_framebuffer(kernel, 0xE0000000, 0xE02FFFFF, name)
    host = host_of(kernel)
    return replace(host, kernel=replace(host.kernel, release=release))


def plan(host: Host, root: Path, *, force: bool) -> Plan:
    files = read_boot_files(LiveReader(root), Tree(root).look)
    return plan_boot(host, files, parse_spec(SPEC), "gpu01", force=force)


def words_of(made: Plan) -> str:
    written = [step.change for step in made.steps if isinstance(step.change, WriteFile)]
    return "".join(change.after.text for change in written if "grub" in change.path)


@pytest.mark.parametrize("name", ["efifb", "vesafb", "simplefb", "BOOTFB"])
@pytest.mark.parametrize(
    ("release", "kind", "is_told"),
    [(OLD, VGA, True), (NEW, VGA, False), (NEW, DISPLAY, True), ("6.0.1", VGA, False), ("odd", VGA, True)],
)
def test_the_kernel_makes_none_where_vfio_pci_would_not_remove_it(
    name: str, release: str, kind: int, is_told: bool, tmp_path: Path
) -> None:
    made = plan(host_with(tmp_path, name, release, kind), tmp_path, force=True)
    assert not made.refusals
    assert (NO_BOOT_FRAMEBUFFER in words_of(made)) is is_told


@pytest.mark.parametrize("name", ["efifb", "simplefb"])
def test_without_force_the_console_stays(name: str, tmp_path: Path) -> None:
    made = plan(host_with(tmp_path, name, OLD), tmp_path, force=False)
    (refusal,) = made.refusals
    assert refusal.cause == "last-console"
    assert f"the boot framebuffer ({name}) is on it" in refusal.why
    assert "--force" in refusal.instead


def test_a_kernel_that_was_started_without_one_stays_told_so(tmp_path: Path) -> None:
    host = host_with(tmp_path, "efifb", OLD)
    told = ("quiet", NO_BOOT_FRAMEBUFFER)
    later = replace(host, framebuffers=(), kernel=replace(host.kernel, arguments=told))
    assert NO_BOOT_FRAMEBUFFER in words_of(plan(later, tmp_path, force=True))
    assert NO_BOOT_FRAMEBUFFER not in words_of(plan(replace(host, framebuffers=()), tmp_path, force=True))


def test_what_the_administrator_says_already_is_not_said_twice(tmp_path: Path) -> None:
    host = host_with(tmp_path, "efifb", OLD)
    said = 'GRUB_CMDLINE_LINUX_DEFAULT="quiet initcall_blacklist=foo,sysfb_init"\n'
    (tmp_path / "etc/default/grub").write_text(said)
    assert "sysfb_init" not in words_of(plan(host, tmp_path, force=True)).replace(said, "")
