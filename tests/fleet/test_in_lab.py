"""Two servers with real kernels, reached by ssh through Ansible; nothing of gpucloud is brought but by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.prepare.disk_host import GIVEN, SPEC, disk_host, is_confirmed, kernel_arguments, statuses
from tests.prepare.disk_host import drivers as drivers_by_address

from gpucloud.cli.main import call
from gpucloud.demo.witness import drivers_script
from gpucloud.lab.disk.recipe import Makes
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.model.failure import Failure

CARD = "00:0a.0"
OURS = "/usr/local/sbin/gpucloud"


def drivers(host: LabHost) -> list[str]:
    return host.run(["sh", "-c", drivers_script()], ok=(0,)).stdout.splitlines()


def inventory(folder: Path, hosts: dict[str, LabHost]) -> Path:
    """An INI as Kolla has it, with what reaches each server."""
    lines = []
    for name, host in hosts.items():
        known = (
            f"-o UserKnownHostsFile={host.folder}/known_hosts -o HostKeyAlias=gpucloud-lab "
            "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
        )
        lines.append(
            f"{name} ansible_host=127.0.0.1 ansible_port={host.port} ansible_user=root "
            f"ansible_ssh_private_key_file={host.folder}/login_key ansible_ssh_common_args='{known}'"
        )
    path = folder / "multinode"
    path.write_text("[compute]\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1500)
def test_two_servers_are_made_ready_one_after_the_other_and_given_back(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with lab.up("card-audio", "fleet-one") as one, lab.up("card-audio", "fleet-two") as two:
        hosts = {"one": one, "two": two}
        where = ("--hosts", "compute", "-i", str(inventory(tmp_path, hosts)))
        words = ("--unit", CARD, *where)
        before = {name: drivers(host) for name, host in hosts.items()}

        assert call(("plan", *words, "--check")) == 4
        for host in hosts.values():
            host.run(["test", "!", "-e", "/usr/local/lib/gpucloud"], ok=(0,))
            host.run(["test", "!", "-e", "/var/lib/gpucloud"], ok=(0,))
        capsys.readouterr()

        assert call(("apply", *words, "--yes", "--format", "json")) == 0
        said = capsys.readouterr()
        assert [host["state"] for host in json.loads(said.out)["hosts"]] == ["as planned", "as planned"]
        assert said.err.index("one: as planned") < said.err.index("two: begins")
        for host in hosts.values():
            assert "0000:00:0a.0 driver vfio-pci override vfio-pci" in drivers(host)
            host.run([OURS, "verify"], ok=(0,), timeout_s=300)

        assert call(("apply", *words, "--yes")) == 0
        assert "as wanted" in capsys.readouterr().out
        assert call(("undo", *where, "--yes")) == 0
        assert {name: drivers(host) for name, host in hosts.items()} == before

        one.run(["sh", "-c", "echo 1 >/sys/bus/pci/devices/0000:00:0a.0/remove"], ok=(0,))
        with pytest.raises(Failure, match="1 of 2 hosts failed: one: "):
            call(("apply", *words, "--yes"))
        assert drivers(two) == before["two"], "nothing is changed anywhere while a host refuses"


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(4800)
def test_two_servers_restart_one_after_the_other_and_each_finds_its_start_right_by_itself(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    spec = tmp_path / "gpucloud.yaml"
    spec.write_text(SPEC)
    tools = Makes.INITRAMFS_TOOLS
    with disk_host(lab, "card-audio", tools, "one") as one, disk_host(lab, "card-audio", tools, "two") as two:
        hosts = {"one": one, "two": two}
        where = ("--hosts", "compute", "-i", str(inventory(tmp_path, hosts)), "--restart", "--yes")
        before = {name: drivers_by_address(host) for name, host in hosts.items()}

        assert call(("apply", "--spec", str(spec), *where, "--format", "json")) == 0
        said = capsys.readouterr()
        shown = json.loads(said.out)["hosts"]
        assert [(host["state"], host["was_restarted"]) for host in shown] == [("as planned", True)] * 2
        assert said.err.index("one: as planned") < said.err.index("two: begins")
        for name, host in hosts.items():
            assert is_confirmed(host)
            assert "iommu=pt" in kernel_arguments(host)
            assert drivers_by_address(host) == {**before[name], **GIVEN}

        assert call(("undo", *where)) == 0
        for name, host in hosts.items():
            assert statuses(host) == ["undone"]
            assert "iommu=pt" not in kernel_arguments(host)
            assert drivers_by_address(host) == before[name]
