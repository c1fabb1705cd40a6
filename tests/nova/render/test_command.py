"""``gpucloud nova render`` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.hosts.catalogue import capture_of

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit, Failure


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    """The command with a spec and one captured host."""
    spec = tmp_path / "gpucloud.yaml"
    spec.write_text(
        "openstack: {release: epoxy, layout: kolla-ansible}\n"
        "pools:\n  t4: {use: passthrough, match: {ids: 10de:1eb8}}\n"
    )
    folder = tmp_path / "gpu02"
    folder.mkdir()
    capture = capture_of("built-nvidia-t4-mdev", folder)
    return ["nova", "render", "--spec", str(spec), "--from", f"gpu02={capture}"]


def test_files_are_printed_and_advice_goes_to_standard_error(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(asked) == Exit.FINE
    shown = capsys.readouterr()
    assert "==> nova/gpu02/nova.conf <==" in shown.out
    assert 'device_spec = {"vendor_id": "10de", "product_id": "1eb8", "address": "0000:3b:00.0"}' in shown.out
    assert "1. Take these options out of other files" in shown.err
    assert "kolla-ansible" not in shown.out


def test_the_name_of_a_capture_is_its_files(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    asked[-1] = asked[-1].partition("=")[2]
    assert call(asked) == Exit.FINE
    assert "==> nova/gpu02/nova.conf <==" in capsys.readouterr().out


def test_json_has_files_steps_and_what_is_missing(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*asked, "--release", "13", "--layout", "packages", "--format", "json"]) == Exit.FINE
    shown = json.loads(capsys.readouterr().out)
    assert shown["release"] == "13.1.4"
    assert shown["layout"] == "packages"
    assert set(shown["files"]) == {
        "all/etc/nova/nova.conf.d/50-gpucloud.conf",
        "controllers/etc/nova/nova.conf.d/51-gpucloud-scheduler.conf",
        "gpu02/etc/nova/nova.conf.d/52-gpucloud-compute.conf",
    }
    assert shown["steps"]
    assert shown["missing"] == []
    assert any("--config-dir" in said for said in shown["warnings"])


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("packages", "read nova.conf after nova.conf.d"),
        ("packages", "[filter_scheduler]enabled_filters"),
        ("rhoso", "replaces each customServiceConfig whole"),
        ("openstack-ansible", "nova_pci_alias"),
    ],
)
def test_what_would_be_lost_in_a_layout_is_said(
    asked: list[str], capsys: pytest.CaptureFixture[str], layout: str, said: str
) -> None:
    assert call([*asked, "--release", "31", "--layout", layout, "--format", "json"]) == Exit.FINE
    assert any(said in warning for warning in json.loads(capsys.readouterr().out)["warnings"])


def test_what_was_written_does_not_differ_and_may_be_written_again(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "config"
    assert call([*asked, "--diff", str(folder)]) == Exit.PENDING
    assert "+alias = " in capsys.readouterr().out
    assert call([*asked, "--write", str(folder)]) == Exit.FINE
    assert (folder / "nova" / "gpu02" / "nova.conf").read_text().startswith("# Written by gpucloud")
    assert call([*asked, "--diff", str(folder)]) == Exit.FINE
    assert call([*asked, "--write", str(folder), "--release", "34"]) == Exit.FINE
    assert not list(folder.rglob("*.gpucloud"))


THEIRS = """# of the administrator
[DEFAULT]
cpu_allocation_ratio = 4.0

[pci]
alias = {"name": "nic", "vendor_id": "8086", "product_id": "154d", "device_type": "type-VF"}
alias = {"name": "t4", "vendor_id": "10de",
  "product_id": "1eb9", "device_type": "type-PF"}

[libvirt]
virt_type = kvm
"""


def test_a_nova_conf_of_somebody_else_keeps_its_other_lines(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "nova.conf").write_text(THEIRS)
    assert call([*asked, "--diff", str(folder)]) == Exit.PENDING
    shown = capsys.readouterr()
    taken = [line for line in shown.out.splitlines() if line.startswith("-") and not line.startswith("---")]
    assert taken == [
        '-alias = {"name": "t4", "vendor_id": "10de",',
        '-  "product_id": "1eb9", "device_type": "type-PF"}',
    ]
    assert "warning: replaces" in shown.err
    assert call([*asked, "--write", str(folder)]) == Exit.FINE
    text = (folder / "nova.conf").read_text()
    assert text.startswith("# of the administrator\n[DEFAULT]\ncpu_allocation_ratio = 4.0\n")
    assert '"name": "nic"' in text
    assert '"1eb9"' not in text
    assert (folder / "nova.conf.before-gpucloud").read_text() == THEIRS
    assert call([*asked, "--diff", str(folder)]) == Exit.FINE
    assert call([*asked, "--write", str(folder)]) == Exit.FINE
    assert not (folder / "nova.conf.before-gpucloud.2").exists()


def test_a_nova_conf_that_cannot_be_read_is_left_and_nothing_is_written(
    asked: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "nova.conf").write_text("not = in a section\n")
    with pytest.raises(Failure, match="Section must be started"):
        call([*asked, "--write", str(folder)])
    assert [path.name for path in folder.iterdir()] == ["nova.conf"]


def test_another_file_of_somebody_else_is_left(asked: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "config"
    (folder / "gpu02").mkdir(parents=True)
    (folder / "gpu02" / "local.conf").write_text("[[local|localrc]]\n")
    with pytest.raises(Failure, match="gpucloud did not write it"):
        call([*asked, "--layout", "devstack", "--write", str(folder)])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--layout", "ansible"], "is no layout; known are: packages, kolla-ansible"),
        (["--release", "grizzly"], "is no release of nova"),
        (["--layout", "rhoso", "--release", "26"], "its first version has nova 27"),
        (["--write", "a", "--diff", "b"], "look with --diff first"),
        (["--from", ""], "'' names no host; give it as"),
        (["--from", "gpu01="], "'gpu01=' names no host"),
        (["--host", "gpu01="], "'gpu01=' names no host"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: list[str], more: list[str], says: str) -> None:
    with pytest.raises(Failure, match=says):
        call([*asked, *more])


def test_two_hosts_of_one_name_are_refused(asked: list[str]) -> None:
    with pytest.raises(Failure, match="two hosts are called gpu02"):
        call([*asked, *asked[-2:]])


def test_a_spec_without_openstack_needs_a_release(asked: list[str], tmp_path: Path) -> None:
    (tmp_path / "gpucloud.yaml").write_text("pools: {t4: {use: passthrough, match: {ids: 10de:1eb8}}}\n")
    with pytest.raises(Failure, match="no release was named"):
        call(asked)
