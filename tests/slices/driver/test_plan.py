"""What is to be done with a package on a host; a .deb is installed and taken back by dpkg itself."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.hosts.catalogue import host_of
from tests.slices.driver.test_package import DEB, make_deb, rpm

from gpucloud.cli.main import run
from gpucloud.model.failure import Exit
from gpucloud.model.host import Host
from gpucloud.slices.driver.package import Package, parse_package
from gpucloud.slices.driver.plan import ManagerPlan, plan_manager

RUN = parse_package("NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm.run", b"#!/bin/sh\n")
GUESTS = parse_package("NVIDIA-Linux-x86_64-550.90.07-grid.run", b"#!/bin/sh\n")
RPM = parse_package("NVIDIA-vGPU-rhel-9.4-550.90.05.x86_64.rpm", rpm("NVIDIA-vGPU-rhel", "9.4", "550.90.05"))


def host(
    family: str = "debian",
    version: str = "24.04",
    modules: frozenset[str] = frozenset(),
    driver: str = "nvidia",
) -> Host:
    """A server with a card that nobody uses."""
    seen = host_of("built-nvidia-t4-mdev")
    (unit,) = (unit for unit in seen.units if not unit.primary.is_management_display)
    types = () if driver != "nvidia" else unit.primary.mdev_types
    card = replace(unit.primary, holders=(), driver=driver, mdev_types=types)
    return replace(
        seen,
        units=(replace(unit, functions=(card, *unit.functions[1:])),),
        functions={card.address: card},
        kernel=replace(seen.kernel, loaded_modules=modules),
        distribution=replace(seen.distribution, family=family, version=version),
        security=replace(seen.security, is_secure_boot=False),
    )


def whats(plan: ManagerPlan) -> list[str]:
    return [step.what.split()[0] for step in plan.steps]


def test_steps_go_from_nouveau_to_services_and_each_can_be_looked_at() -> None:
    plan = plan_manager(RUN, host(modules=frozenset({"nouveau"})))
    assert plan.refusals == ()
    assert whats(plan) == ["Keep", "What", "Install", "Start", "The"]
    assert all(step.check for step in plan.steps)
    assert plan.steps[2].do == ("sh ./NVIDIA-Linux-x86_64-550.90.05-vgpu-kvm.run --silent --dkms",)


def test_where_nouveau_is_not_there_it_is_not_kept_away() -> None:
    assert whats(plan_manager(RUN, host()))[0] == "What"


@pytest.mark.parametrize(
    ("package", "on", "guest", "said"),
    [
        (GUESTS, host(), None, "is the driver for guests"),
        (RPM, host(), None, "a .rpm is not for debian"),
        (RPM, host("rhel", "9.2"), None, "built for the kernel of 9.4"),
        (RUN, host(), 570, "newer branch"),
        (RUN, replace(host(), units=()), None, "no card of NVIDIA"),
    ],
)
def test_what_is_not_for_the_host_is_refused(
    package: Package, on: Host, guest: int | None, said: str
) -> None:
    plan = plan_manager(package, on, guest)
    assert plan.steps == ()
    assert any(said in refusal for refusal in plan.refusals)


def test_guests_of_the_same_or_an_older_branch_go_with_it() -> None:
    assert plan_manager(RUN, host(), 553).refusals == ()
    assert plan_manager(RUN, host(), 535).refusals == ()


def test_an_rpm_brings_its_module_built() -> None:
    plan = plan_manager(RPM, host("rhel", "9.4"))
    assert whats(plan) == ["Install", "Start", "The"]
    assert plan.steps[0].undo == ("rpm -e NVIDIA-vGPU-rhel",)


@pytest.mark.parametrize(
    ("modules", "said"),
    [({"nvidia"}, "the one for computing"), ({"nvidia", "nvidia_vgpu_vfio"}, "is loaded already")],
)
def test_drivers_that_are_there_are_named(modules: set[str], said: str) -> None:
    assert any(said in line for line in plan_manager(RUN, host(modules=frozenset(modules))).warnings)


def test_a_card_that_offers_nothing_yet_is_named_with_the_reason() -> None:
    (card,) = plan_manager(RUN, host()).cards
    assert (card.is_ready, card.why) == (True, "")
    (card,) = plan_manager(RUN, host(driver="nouveau")).cards
    assert (card.is_ready, card.interface) == (False, None)
    assert "nouveau has it" in card.why
    assert card.why.endswith("[host-driver-grabbed-gpu]")


@pytest.mark.proof
def test_dpkg_installs_the_package_and_takes_it_back_exactly(tmp_path: Path) -> None:
    """apt-get resolves what else is needed and calls dpkg; here dpkg is called, on a root of its own."""
    made, root = make_deb(tmp_path), tmp_path / "root"
    for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "usr/bin", "etc"):
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    (step,) = [
        each
        for each in plan_manager(parse_package(DEB, made.read_bytes()), host()).steps
        if each.undo and "apt-get" in each.do[0]
    ]
    before = files_of(root)
    dpkg(root, "--install", str(made))
    assert "usr/bin/nvidia-vgpud" in files_of(root)
    looked = step.check[0].replace("dpkg-query", f"dpkg-query --admindir={root}/var/lib/dpkg")
    assert subprocess.run(["sh", "-c", looked], check=False).returncode == 0
    program, *words = shlex.split(step.undo[0])
    assert program == "dpkg"
    dpkg(root, *words)
    assert files_of(root) == before
    assert subprocess.run(["sh", "-c", looked], check=False).returncode != 0


def dpkg(root: Path, *words: str) -> None:
    found = shutil.which("dpkg")
    assert found is not None
    call = [found, f"--root={root}", "--force-not-root", "--log=/dev/null", *words]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def files_of(root: Path) -> set[str]:
    """All but dpkg's own records, which tell of what was there."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {str(path) for path in found if path.parts[:3] != ("var", "lib", "dpkg")}


def test_the_verb_shows_steps_or_says_why_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.hosts.catalogue import capture_of

    capture = str(capture_of("built-nvidia-t4-mdev", tmp_path / "host"))
    package = tmp_path / RUN.file
    package.write_bytes(b"#!/bin/sh\n")
    words = ["vgpu", "manager", str(package), "--from", capture]
    assert run([*words, "--guest-driver", "570", "--format", "json"]) == Exit.ERROR
    assert "newer branch" in json.loads(capsys.readouterr().out)["plan"]["refusals"][0]
    assert run(["vgpu", "manager", str(tmp_path / "none.run"), "--from", capture]) == Exit.USAGE
    assert run([*words, "--check"]) == Exit.FINE
    said = capsys.readouterr().out
    assert "driver 550.90.05" in said
    assert "3b:00.0: can be cut (mdev)" in said
    Path(capture, "sys/bus/pci/devices/0000:3b:00.0/mdev_supported_types").rename(tmp_path / "gone")
    assert run([*words, "--check"]) == Exit.PENDING
