"""The vGPU manager installed from an operator's package, and a guest's licence, with the way back."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.prepare.doom import dies
from tests.prepare.fake_packages import FakePackages
from tests.prepare.site import Site
from tests.prepare.test_slices import vendor_site
from tests.slices.driver.test_package import deb as archive_of
from tests.slices.driver.test_package import rpm

from gpucloud.cli.main import call
from gpucloud.model.change import Installed, InstallPackage
from gpucloud.model.failure import Exit, Failure
from gpucloud.prepare.journal import Status
from gpucloud.prepare.software.read import read_software
from gpucloud.prepare.steps import NotAsPlannedError, StepError, do, undo
from gpucloud.prepare.system import LiveSystem, ask_program

NAME = "nvidia-vgpu-ubuntu-{}_{}_amd64.deb"
SAID_BY_SERVICE = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJOTFMifQ.c2lnbmF0dXJl"


def control_of(version: str) -> str:
    """What a package says of itself."""
    branch = version.partition(".")[0]
    said = f"Package: nvidia-vgpu-ubuntu-{branch}\nVersion: {version}\nArchitecture: amd64\n"
    return f"{said}Maintainer: x <x@example.org>\nDescription: a stand-in\n"


def deb(folder: Path, version: str) -> Path:
    """As much of a package as is read of one."""
    stream, content = io.BytesIO(), control_of(version).encode()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("./control")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    made = folder / NAME.format(version.partition(".")[0], version)
    made.write_bytes(archive_of(stream.getvalue()))
    return made


def real_deb(folder: Path, version: str) -> Path:
    """A package with one file, made by Debian's own tool."""
    tree = folder / f"tree-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(control_of(version))
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/nvidia-vgpud").write_text(f"{version}\n")
    made = folder / NAME.format(version.partition(".")[0], version)
    words = ["dpkg-deb", "-Zgzip", "--root-owner-group", "--build", str(tree), str(made)]
    subprocess.run(words, check=True, capture_output=True)
    return made


@pytest.fixture
def packages(tmp_path: Path) -> dict[str, Path]:
    return {version: deb(tmp_path, version) for version in ("535.183.04", "550.90.05")}


def software_site(folder: Path) -> Site:
    """A host with a card that its vGPU manager could cut, and none of the kind is installed."""
    site = vendor_site(folder)
    fake = FakePackages(site.root)
    site.kernel.tools, site.kernel.ask = fake.run, fake.ask
    (site.root / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True, exist_ok=True)
    for module in ("nvidia", "nouveau"):
        if (site.root / "sys/module" / module).exists():
            (site.root / "sys/module" / module).rename(site.root / f"sys/{module}-is-not-loaded")
    return site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return software_site(tmp_path)


def fake_of(site: Site) -> FakePackages:
    found = site.kernel.ask.__self__  # type: ignore[attr-defined]  # the fake's own method
    assert isinstance(found, FakePackages)
    return found


def vgpu(site: Site, *words: str | Path) -> Exit | int:
    return call(["vgpu", *map(str, words)], site.desk)


def test_a_package_is_installed_its_services_enabled_and_all_comes_back(
    site: Site, packages: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.picture()
    assert vgpu(site, "install", packages["550.90.05"], "--yes") == Exit.FINE
    assert fake_of(site).there == {"nvidia-vgpu-ubuntu-550": "550.90.05"}
    assert "systemctl reboot" in capsys.readouterr().out
    assert call(["verify"], site.desk) == Exit.FINE
    assert vgpu(site, "install", packages["550.90.05"], "--yes") == Exit.FINE
    assert len(site.journal.entries()) == 1
    assert call(["undo"], site.desk) == Exit.FINE
    assert site.picture() == before


def test_an_earlier_one_is_installed_again(site: Site, packages: dict[str, Path]) -> None:
    fake_of(site).keep({"nvidia-vgpu-ubuntu-535": "535.183.04"})
    before = site.picture()
    with pytest.raises(Failure, match=r"535\.183\.04 is installed, and without its package .*--earlier FILE"):
        vgpu(site, "install", packages["550.90.05"], "--yes")
    vgpu(site, "install", packages["550.90.05"], "--earlier", packages["535.183.04"], "--yes")
    assert fake_of(site).there == {"nvidia-vgpu-ubuntu-550": "550.90.05"}
    call(["undo"], site.desk)
    assert site.picture() == before


def test_after_a_restart_it_is_taken_back_all_the_same(site: Site, packages: dict[str, Path]) -> None:
    before = {path: text for path, text in site.picture().items() if "boot_id" not in path}
    vgpu(site, "install", packages["550.90.05"], "--yes")
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another boot\n")
    assert call(["boot"], site.desk) == Exit.FINE
    assert call(["verify"], site.desk) == Exit.FINE
    call(["undo"], site.desk)
    assert {path: text for path, text in site.picture().items() if "boot_id" not in path} == before


@pytest.mark.proof
@pytest.mark.parametrize("earlier", [None, "535.183.04"])
def test_cut_off_anywhere_it_is_as_before_after_undo_and_as_wanted_after_resume(
    site: Site, packages: dict[str, Path], earlier: str | None
) -> None:
    if earlier is not None:
        fake_of(site).keep({"nvidia-vgpu-ubuntu-535": earlier})
    before = site.picture()
    old = None if earlier is None else packages[earlier]
    plan = site.desk.plan_software(read_software(packages["550.90.05"], old, None))
    moment = 0
    while dies(site, moment, lambda doomed: doomed.desk.apply(plan)):
        if site.journal.unfinished() and moment % 2:
            assert site.desk.resume().failure is None
            assert fake_of(site).there == {"nvidia-vgpu-ubuntu-550": "550.90.05"}
        if site.journal.entries() and site.journal.entries()[-1].read_progress().status != Status.UNDONE:
            assert site.desk.undo("last", force=False).left == ()
        assert site.picture() == before, moment
        moment += 1
    assert moment >= 15


def test_one_that_is_only_half_installed_is_taken_back(site: Site, packages: dict[str, Path]) -> None:
    before = site.picture()
    fake_of(site).breaks = True
    with pytest.raises(Failure, match=r"Errors were encountered.*everything was taken back"):
        vgpu(site, "install", packages["550.90.05"], "--yes")
    assert site.picture() == before


def test_another_file_than_the_one_that_was_looked_at_is_not_installed(
    site: Site, packages: dict[str, Path]
) -> None:
    change = InstallPackage(
        by="deb",
        before=None,
        after=Installed("nvidia-vgpu-ubuntu-550", "550.90.05", str(packages["550.90.05"])),
        sha256="0" * 64,
    )
    with pytest.raises(NotAsPlannedError, match="is not the file that the plan was made for"):
        do(change, site.system)
    fake_of(site).keep({"nvidia-vgpu-ubuntu-550": "550.127.06"})
    with pytest.raises(StepError, match=r"somebody else has installed .* 550\.127\.06"):
        undo(change, site.system)
    assert fake_of(site).runs == []


@pytest.mark.parametrize(
    ("module", "why"), [("nouveau", "nouveau is loaded: keep it away first"), ("nvidia", "for computing")]
)
def test_a_driver_that_is_in_the_way_is_named(
    site: Site, packages: dict[str, Path], module: str, why: str
) -> None:
    (site.root / "sys/module" / module).mkdir()
    with pytest.raises(Failure, match=why):
        vgpu(site, "install", packages["550.90.05"], "--yes")
    assert fake_of(site).runs == []


def test_what_it_needs_beside_is_named_and_not_installed(site: Site, packages: dict[str, Path]) -> None:
    (site.root / "usr/bin").mkdir(parents=True, exist_ok=True)
    (site.root / "usr/bin/apt-get").write_text("")
    fake_of(site).lacks = ("dkms", "gcc")
    with pytest.raises(Failure, match=r"needs dkms, gcc; first: .*apt.* install.* dkms gcc"):
        vgpu(site, "install", packages["550.90.05"], "--yes")
    assert fake_of(site).runs == []


def test_what_would_go_for_it_is_named_and_nothing_goes(site: Site, packages: dict[str, Path]) -> None:
    (site.root / "usr/bin").mkdir(parents=True, exist_ok=True)
    (site.root / "usr/bin/apt-get").write_text("")
    fake_of(site).rivals = ("nvidia-driver-550-server",)
    with pytest.raises(Failure, match="would take away nvidia-driver-550-server, which undo could not"):
        vgpu(site, "install", packages["550.90.05"], "--yes")
    assert fake_of(site).runs == []


def test_the_driver_for_guests_and_guests_of_a_newer_branch_are_refused(site: Site, tmp_path: Path) -> None:
    guests = tmp_path / "NVIDIA-Linux-x86_64-550.90.07-grid.run"
    hosts = tmp_path / "NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm.run"
    for each in (guests, hosts):
        each.write_text("#!/bin/sh\n")
    with pytest.raises(Failure, match="is not the vGPU manager for hosts"):
        vgpu(site, "install", guests, "--yes")
    with pytest.raises(Failure, match="guests have a driver 570, of a newer branch"):
        vgpu(site, "install", hosts, "--guest-driver", "570", "--yes")
    before = site.picture()
    vgpu(site, "install", hosts, "--guest-driver", "550", "--yes")
    assert fake_of(site).there == {"nvidia": "550.90.05"}
    call(["undo"], site.desk)
    assert site.picture() == before


def test_an_rpm_takes_the_place_of_an_earlier_one_of_its_name(site: Site, tmp_path: Path) -> None:
    old, new = "550.54.16", "550.90.05"
    for version in (old, new):
        file = tmp_path / f"NVIDIA-vGPU-rhel-9.4-{version}.x86_64.rpm"
        file.write_bytes(rpm("NVIDIA-vGPU-rhel", "9.4", version))
    first, second = (
        read_software(tmp_path / f"NVIDIA-vGPU-rhel-9.4-{version}.x86_64.rpm", None, None)
        for version in (old, new)
    )
    do(InstallPackage(by="rpm", before=None, after=first.package, sha256=first.sha256), site.system)
    change = InstallPackage(by="rpm", before=first.package, after=second.package, sha256=second.sha256)
    do(change, site.system)
    assert fake_of(site).there == {"NVIDIA-vGPU-rhel": f"9.4-{new}"}
    undo(change, site.system)
    undo(change, site.system)
    assert fake_of(site).there == {"NVIDIA-vGPU-rhel": f"9.4-{old}"}


def test_an_rpm_is_not_for_debian(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "NVIDIA-vGPU-rhel-9.4-550.90.05.x86_64.rpm"
    file.write_bytes(rpm("NVIDIA-vGPU-rhel", "9.4", "550.90.05"))
    with pytest.raises(Failure, match=r"a \.rpm is not for debian"):
        vgpu(site, "install", file, "--yes")


@pytest.mark.proof
def test_the_real_dpkg_installs_replaces_and_brings_back(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "usr/bin", "etc"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()

    def asked(argv: Sequence[str]) -> str:
        where = {
            "dpkg": [f"--root={root}", "--force-not-root", "--log=/dev/null"],
            "dpkg-query": [f"--admindir={root}/var/lib/dpkg"],
        }
        return ask_program([argv[0], *where.get(argv[0], []), *argv[1:]])

    def run(argv: Sequence[str]) -> None:
        asked(argv)

    system = LiveSystem(root, run_tool=run, ask=asked, settle_s=0)
    old, new = (read_software(real_deb(tmp_path, each), None, None) for each in ("535.183.04", "550.90.05"))
    first = InstallPackage(by="deb", before=None, after=old.package, sha256=old.sha256)
    second = InstallPackage(by="deb", before=old.package, after=new.package, sha256=new.sha256)
    program = root / "usr/bin/nvidia-vgpud"
    for change, said in ((first, "535.183.04\n"), (second, "550.90.05\n")):
        for _ in range(2):
            do(change, system)
            assert program.read_text() == said
    undo(second, system)
    assert program.read_text() == "535.183.04\n"
    undo(first, system)
    undo(first, system)
    assert not program.exists()


def guest(site: Site) -> Site:
    """A guest with NVIDIA's driver for vGPUs."""
    unit = site.root / "usr/lib/systemd/system/nvidia-gridd.service"
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text("")
    (site.root / "usr/bin").mkdir(parents=True, exist_ok=True)
    (site.root / "usr/bin/systemctl").write_text("")
    return site


def test_a_guest_is_told_of_its_licence_and_has_its_old_settings_back(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guest(site)
    (site.root / "etc/nvidia").mkdir()
    (site.root / "etc/nvidia/gridd.conf").write_text("ServerAddress=old\n")
    fake_of(site).run(["systemctl", "restart", "nvidia-gridd"])
    before = site.picture()
    token = tmp_path / "client.tok"
    token.write_text(SAID_BY_SERVICE)
    assert vgpu(site, "licence", "apply", "--token", token, "--yes") == Exit.FINE
    assert (site.root / "run-gridd").read_text().endswith("FeatureType=1\n")
    assert (site.root / "etc/nvidia/ClientConfigToken/client.tok").read_text() == SAID_BY_SERVICE
    shown = capsys.readouterr()
    assert "-ServerAddress=old" in shown.err + shown.out
    assert SAID_BY_SERVICE not in shown.err + shown.out
    assert vgpu(site, "licence", "apply", "--token", token, "--yes") == Exit.FINE
    assert call(["undo"], site.desk) == Exit.FINE
    assert site.picture() == before
    vgpu(site, "licence", "apply", "--token", token, "--dry-run", "--format", "json")
    said = capsys.readouterr().out
    assert SAID_BY_SERVICE not in said
    assert json.loads(said[said.index("{") :])["steps"][2]["change"]["after"]["text"] == "(not shown)"


def test_other_settings_of_the_guests_licence_stay(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    guest(site)
    tokens = site.root / "etc/nvidia/ClientConfigToken"
    tokens.mkdir(parents=True)
    (tokens / "old.tok").write_text("x")
    conf = site.root / "etc/nvidia/gridd.conf"
    conf.write_text("# ours\nServerAddress=old\nLicenseInterval=1440\nFeatureType = 2\n#ServerPort=7070\n")
    vgpu(site, "licence", "apply", "--server", "lic1", "--yes")
    assert conf.read_text().splitlines()[1:] == [
        "# ours",
        "LicenseInterval=1440",
        "#ServerPort=7070",
        "ServerAddress=lic1",
        "ServerPort=7070",
        "FeatureType=1",
    ]
    assert vgpu(site, "licence", "apply", "--server", "lic1", "--yes") == Exit.FINE
    assert len(site.journal.entries()) == 1
    assert "old.tok" not in capsys.readouterr().out


def test_a_machine_that_is_no_guest_is_not_told(site: Site) -> None:
    with pytest.raises(Failure, match=r"nvidia-gridd\.service is not on this machine"):
        vgpu(site, "licence", "apply", "--server", "lic1", "--yes")


@pytest.mark.proof
def test_a_licence_that_was_cut_off_anywhere_is_taken_back(site: Site) -> None:
    guest(site)
    before = site.picture()
    words = ("licence", "apply", "--server", "lic1.example.org", "--yes")
    moment = 0
    while dies(site, moment, lambda doomed: vgpu(doomed, *words)):
        if site.journal.entries() and site.journal.entries()[-1].read_progress().status != Status.UNDONE:
            site.desk.undo("last", force=False)
        assert site.picture() == before, moment
        moment += 2
    assert moment >= 10
