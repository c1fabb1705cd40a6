"""``gpucloud scan`` and ``gpucloud capture`` as a user meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.hosts.catalogue import capture_of

from gpucloud.cli.main import run
from gpucloud.model.failure import Exit


def test_scan_shows_units_with_all_their_functions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = capture_of("built-laptop-rtx4070-vmd", tmp_path)
    assert run(["scan", "--from", str(root)]) == Exit.FINE
    out = capsys.readouterr().out
    assert "01:00.0 VGA" in out
    assert "01:00.1 audio" in out
    assert "wireplumber (1903)" in out
    assert "unknown (the firmware does not say (-1)): a GPU's numa node" in out


def test_scan_shows_the_guest_that_has_a_slice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["scan", "--from", str(capture_of("built-mi300x-gim", tmp_path))])
    assert "guest ml7 on 05:02.3" in capsys.readouterr().out


def test_the_json_of_scan_is_the_host_and_its_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = capture_of("built-arc-a770", tmp_path)
    assert run(["scan", "--from", str(root), "--format", "json"]) == Exit.FINE
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"host", "units"}
    assert [function["address"] for function in found["units"][0]["functions"]] == [
        "0000:03:00.0",
        "0000:04:00.0",
    ]
    assert found["host"]["kvm"]["refusal"] == {"unknown": "only the running host itself can be asked"}
    assert "0000:00:1f.3" in found["host"]["iommu"]["groups"]["14"]["members"]
    assert {each["iommu_group_type"] for each in found["units"][0]["functions"]} == {"DMA-FQ"}


def test_the_json_says_when_functions_could_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sys/kernel/iommu_groups/3/devices/0000:05:00.0").mkdir(parents=True)
    run(["scan", "--from", str(tmp_path), "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert found["host"]["functions"] == {"unknown": "sys/bus/pci/devices is not in the capture"}
    assert found["units"] == []


@pytest.mark.parametrize("folder", ["sys/class/net", "sys/kernel/mm", "etc", "proc"])
@pytest.mark.parametrize("shape", ["table", "json"])
def test_a_folder_that_shows_nothing_of_pci_is_an_error(
    folder: str, shape: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert run(["scan", "--from", str(tmp_path), "--format", shape]) == Exit.ERROR
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "sys/bus/pci/devices is not in the capture; give the directory that holds" in printed.err
    told = f"gpucloud: {json.loads(printed.out)['error']}\n" if shape == "json" else printed.err
    assert (told, bool(printed.out)) == (printed.err, shape == "json")


def test_proc_is_no_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "--from", "/proc"]) == Exit.ERROR
    assert "no GPU can be looked for on /proc" in capsys.readouterr().err


def test_folders_of_functions_alone_are_a_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    HostTree(tmp_path / "whole", flat=True).function("0000:05:00.0", "1002:73bf", "0300")
    part = tmp_path / "part/sys/bus/pci"
    part.parent.mkdir(parents=True)
    (tmp_path / "whole/sys/bus/pci").rename(part)
    assert run(["scan", "--from", str(tmp_path / "part")]) == Exit.FINE
    assert "05:00.0 VGA" in capsys.readouterr().out


def test_a_host_without_gpus_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    HostTree(tmp_path).function("0000:00:1f.3", "8086:7ad0", "0403")
    assert run(["scan", "--from", str(tmp_path)]) == Exit.FINE
    assert "none of its 1 PCI functions" in capsys.readouterr().out


def test_what_could_not_be_read_of_configuration_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = capture_of("built-arc-a770", tmp_path)
    (root / "etc/modprobe.d/secret.conf").mkdir()
    run(["scan", "--from", str(root)])
    out = " ".join(capsys.readouterr().out.split())
    assert "unknown (not a regular file: etc/modprobe.d/secret.conf in the capture)" in out


def test_the_name_of_a_capture_cannot_begin_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = HostTree(tmp_path / "a\nNo GPU\x1b[2J").root
    run(["scan", "--from", str(root)])
    assert len(capsys.readouterr().out.splitlines()[0]) > len(str(root))


def test_nothing_that_a_host_says_reaches_the_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = HostTree(tmp_path)
    tree.function("0000:05:00.0", "1002:73bf", "0300", driver="evil\x1b[2J", group=1, class_="x")
    tree.node("0000:05:00.0", "drm/card0")
    tree.holder(9, "\x1b]0;owned\x07", "/dev/dri/card0")
    assert run(["scan", "--from", str(tmp_path)]) == Exit.FINE
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--from", "/nonexistent"], ["--host=-oX=y"], ["--from", "/", "--host", "a"]]
)
def test_an_error_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", *arguments]) in (Exit.ERROR, Exit.USAGE)
    error = capsys.readouterr().err
    assert error.startswith("gpucloud: ")
    assert error.count("\n") == 1


def test_a_capture_of_this_host_can_be_scanned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "here.tar.gz"
    assert run(["capture", "--output", str(path)]) == Exit.FINE
    assert path.stat().st_mode & 0o777 == 0o600
    assert "scan --from" in capsys.readouterr().err
    assert run(["scan", "--from", str(path)]) == Exit.FINE


def test_a_capture_tells_programs_what_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "here.tar.gz"
    assert run(["capture", "--output", str(path), "--format", "json"]) == Exit.FINE
    told = json.loads(capsys.readouterr().out)
    assert (told["path"], told["size_bytes"]) == (str(path), path.stat().st_size)
    assert all(isinstance(why, str) for why in told["unread"].values())


def test_a_capture_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "here.tar.gz"
    path.write_text("mine")
    assert run(["capture", "--output", str(path)]) == Exit.USAGE
    assert path.read_text() == "mine"
    assert "already there" in capsys.readouterr().err


def test_a_capture_that_cannot_be_written_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "--output", str(tmp_path / "none" / "x.tar.gz")]) == Exit.USAGE
    assert "cannot be written" in capsys.readouterr().err


def test_a_function_whose_class_cannot_be_read_is_not_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = HostTree(tmp_path)
    for address in ("0000:05:00.0", "0000:06:00.0"):
        tree.function(address, "10de:1db4", "0302")
        place = tmp_path / tree.place(address) / "class"
        place.unlink()
        place.mkdir()
    (tmp_path / tree.place("0000:06:00.0") / "modalias").unlink()
    run(["scan", "--from", str(tmp_path), "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert [unit["functions"][0]["address"] for unit in found["units"]] == ["0000:05:00.0"]
    assert found["host"]["unclassified"] == ["0000:06:00.0"]
    run(["scan", "--from", str(tmp_path)])
    told = capsys.readouterr().out
    assert "may be GPUs, for the class of 1 of 2 functions could not be read (" in told
    assert "): 06:00.0" in told


def test_nvswitches_are_shown_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["scan", "--from", str(capture_of("built-hgx-h100", tmp_path))])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("NVSwitches: "))
    assert "NVSwitch" in line.partition(": ")[2]


def test_types_that_only_virtual_functions_offer_are_in_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = capture_of("built-nvidia-a2-vendor-vfio", tmp_path)
    run(["scan", "--from", str(root), "--format", "json"])
    unit = json.loads(capsys.readouterr().out)["units"][0]
    assert [one["address"] for one in unit["slices"]] == unit["functions"][0]["sriov"]["vfs"]
    assert any(one["vendor_vfio_types"] for one in unit["slices"])


def test_a_name_cannot_begin_a_line_of_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = HostTree(tmp_path)
    tree.function("0000:05:00.0", "1002:73bf", "0300")
    driver = tmp_path / tree.place("0000:05:00.0") / "driver"
    driver.symlink_to("../../../bus/pci/drivers/a\nunit is free")
    run(["scan", "--from", str(tmp_path)])
    assert "a?unit is free" in capsys.readouterr().out


def test_a_capture_that_does_not_fit_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "here.tar.gz"
    program = f"from gpucloud.cli.main import run; run(['capture', '--output', {str(path)!r}])"
    limited = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-c", program]
    done = subprocess.run(limited, capture_output=True, text=True, check=True, timeout=60)
    assert "cannot be written: File too large" in done.stderr
    assert not path.exists()
