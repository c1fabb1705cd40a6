"""``gpucloud vgpu types`` and ``list`` on every built host: golden tables; ``REGEN=1`` writes them anew."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from shutil import rmtree

import pytest
from tests.hosts.catalogue import capture_of

from gpucloud.cli.main import call, run
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.failure import Exit

pytestmark = pytest.mark.proof

SMI = Path(__file__).parent / "smi"
GOLDEN = Path(__file__).parent / "golden"
MIG = "built-nvidia-a100-h100-mig"
HOSTS = (
    "built-amd-s7150-mxgpu",
    "built-intel-uhd630-gvtg",
    MIG,
    "built-nvidia-a2-mdev-of-vfs",
    "built-nvidia-a2-vendor-vfio",
    "built-nvidia-t4-mdev",
)
ASKED = ("--smi", str(SMI / "log.xml"), "--smi", str(SMI / "a100.txt"))


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The capture of a host by its name, built once; without the kernel's aliases, for which nobody asks."""

    @cache
    def built(name: str) -> str:
        capture = capture_of(name, tmp_path_factory.mktemp(name))
        for aliases in capture.glob("lib/modules/*/modules.alias"):
            aliases.write_text("")
        return str(capture)

    return built


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert call(["vgpu", *words]) == Exit.FINE
    return capsys.readouterr().out


@pytest.mark.parametrize("name", HOSTS)
def test_types_and_slices_are_as_the_golden_tables_say(
    name: str, captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    capture = captures(name)
    shown = "\n".join(said(capsys, verb, "--from", capture) for verb in ("types", "list"))
    shown = shown.replace(capture, "CAPTURE")
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("REGEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_what_nvidia_smi_says_completes_what_files_show(
    captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    capture = captures(MIG)
    cards = json.loads(said(capsys, "types", "--from", capture, *ASKED, "--format", "json"))["cards"]
    fits = {profile["name"]: profile["fits"] for profile in cards[0]["profiles"]}
    assert (fits["1g.5gb"], fits["2g.10gb"], fits["7g.40gb"]) == (1, 0, 0)
    assert cards[0]["mig"]["is_on"] is True
    assert {profile["fits"] for profile in cards[1]["profiles"]} == {0}
    rows = said(capsys, "list", "--from", capture, *ASKED, "--unit", "3b:00.0").splitlines()
    assert [row.split()[:6] for row in rows[1:]] == [
        ["3b:00.0", "GI", "1", "3b:00.0", "5", "4g.20gb"],
        ["3b:00.0", "GI", "5", "3b:00.0", "14", "2g.10gb"],
    ]


def test_a_log_that_is_cut_off_is_one_line(
    tmp_path: Path, captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.xml"
    log.write_text((SMI / "log.xml").read_text()[:-20])
    assert run(["vgpu", "types", "--from", captures(MIG), "--smi", str(log)]) == Exit.ERROR
    assert "is cut off; give what nvidia-smi printed" in capsys.readouterr().err


def test_a_card_whose_instances_are_said_to_be_none_is_cut_at_once(
    tmp_path: Path, captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """And one of which the log and the driver show some is not."""
    answer, log = tmp_path / "lgi.txt", tmp_path / "log.xml"
    answer.write_text("No GPU instances found: Not Found\n")
    words = ("plan", "every A100: 7g.40gb", "--smi", str(answer), "--smi")
    assert run(["vgpu", *words, str(SMI / "log.xml"), "--from", captures(MIG)]) == Exit.ERROR
    assert "no GPU instances, and some are there" in capsys.readouterr().err
    capture = capture_of(MIG, tmp_path / "host")
    for instance in capture.glob("proc/driver/nvidia/capabilities/gpu0/mig/gi*"):
        rmtree(instance)
    log.write_text(re.sub(r"(?s)<mig_devices>.*?</mig_devices>", "", (SMI / "log.xml").read_text()))
    shown = said(capsys, *words, str(log), "--from", str(capture))
    assert "nvidia-smi mig -i 0000:3b:00.0 -cgi 0:0 -C" in shown


def test_a_host_without_functions_is_no_host_without_cards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "proc").mkdir()
    assert run(["vgpu", "types", "--from", str(tmp_path)]) == Exit.ERROR
    assert capsys.readouterr().err.count("\n") == 1


def test_a_plan_shows_each_step_with_the_command_that_does_it(
    captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    capture = captures("built-nvidia-a2-vendor-vfio")
    place = "/sys/bus/pci/devices/0000:41:00"
    assert said(capsys, "plan", "every A2: 2Q", "--from", capture).splitlines() == [
        "41:00.0 GA107GL [A2 / A16], for 'every A2: 2Q'",
        f"  1. echo 750 > {place}.5/nvidia/current_vgpu_type",
        f"  2. echo 0 > {place}.4/nvidia/current_vgpu_type",
    ]
    assert said(capsys, "plan", "every A2: 2 x 2Q", "--from", capture).splitlines()[1:] == [
        f"  1. echo 0 > {place}.4/nvidia/current_vgpu_type",
        f"  2. echo 750 > {place}.4/nvidia/current_vgpu_type",
        f"  3. echo 750 > {place}.5/nvidia/current_vgpu_type",
        "  note: whether all fit is known when what is there is gone",
    ]
    assert call(["vgpu", "plan", "41:00: none", "--from", capture, "--check"]) == Exit.PENDING


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("built-nvidia-a2-mdev-of-vfs", "41:00.0: 2 x 1B", "guest cad1 uses it"),
        ("built-amd-s7150-mxgpu", "every S7150: 8 x vf", "options gim vf_num=8"),
        ("built-nvidia-t4-mdev", "every T4: 17 x 1Q", "16 fit"),
        ("built-nvidia-t4-mdev", "every T4: 9Q", "none of the types that it lists"),
        (MIG, "every A100: 2 x 4g.20gb", "1 x 4g.20gb would be left out"),
        (MIG, "every A100: 4Q", "vGPU manager is not installed"),
        (MIG, "every H100: 1g.10gb", "cannot be told"),
        (MIG, "every T4: 8Q", "is for no card that was seen"),
        (MIG, "gpu01 every A100: 8Q", "a capture holds no names"),
        (MIG, "5b:00.0: 8Q and more: 1", "wants N x TYPE"),
    ],
)
def test_what_cannot_be_is_one_line_with_its_reason(
    name: str, line: str, says: str, captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["vgpu", "plan", line, "--from", captures(name)]) in (Exit.ERROR, Exit.USAGE)
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_a_plan_of_what_is_there_already_is_done(
    captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    capture = captures("built-amd-s7150-mxgpu")
    assert call(["vgpu", "plan", "83:00.0: 4 x vf", "--from", capture, "--check"]) == Exit.FINE
    assert "is as wanted" in capsys.readouterr().out


def test_json_has_the_steps_as_data(
    captures: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    capture = captures(MIG)
    words = ("plan", "3b:00.0: 4g.20gb, 3 x 1g.5gb", "--from", capture, *ASKED, "--format", "json")
    (card,) = json.loads(said(capsys, *words))["cards"]
    assert card["kept"] == ["4g.20gb at 0"]
    assert [(step["change"]["kind"], step["change"].get("start")) for step in card["steps"]] == [
        ("remove-gpu-instance", 4),
        ("make-gpu-instance", 4),
        ("make-gpu-instance", 5),
        ("make-gpu-instance", 6),
    ]


def packed(tree: str, place: Path) -> str:
    place.write_bytes(render_capture(collect_here(tree)))
    return str(place)


@pytest.mark.parametrize("name", [MIG, "built-intel-uhd630-gvtg"])
def test_a_packed_capture_shows_the_same_but_for_names(
    name: str, captures: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What types and instances are read from is in captures; UUIDs and guests are numbered there."""
    both = (captures(name), packed(captures(name), tmp_path / "host.tar.gz"))
    types = [said(capsys, "types", "--from", each) for each in both]
    rows = [said(capsys, "list", "--from", each).splitlines() for each in both]
    assert types[0] == types[1]
    assert len(rows[0]) == len(rows[1]) > 1


def test_a_plan_for_a_capture_says_that_its_uuids_are_numbers(
    captures: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = packed(captures("built-intel-uhd630-gvtg"), tmp_path / "host.tar.gz")
    assert "a capture numbers the UUIDs" in said(capsys, "plan", "00:02.0: none", "--from", capture)


def test_several_hosts_are_planned_by_their_names(
    captures: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = tmp_path / "fleet.txt"
    layout.write_text("every T4: 1Q\ngpu02 every A2: 4Q  # the only one\ngpu09 every A2: 1B\n")
    hosts = {"gpu01": "built-nvidia-t4-mdev", "gpu02": "built-nvidia-a2-mdev-of-vfs"}
    given = [word for name, tree in hosts.items() for word in ("--from", f"{name}={captures(tree)}")]
    shown = said(capsys, "plan", "--layout", str(layout), *given).splitlines()
    assert shown[0] == "gpu01 3b:00.0 TU104GL [Tesla T4], for 'every T4: 1Q'"
    assert shown[2].startswith("gpu02 41:00.0 GA107GL [A2 / A16], for 'gpu02 every A2: 4Q' is as wanted")
    assert run(["vgpu", "plan", "every T4: 1Q", *given, "--name", "gpu01"]) == Exit.USAGE
    twice = ("--from", f"a={captures(hosts['gpu01'])}")
    assert run(["vgpu", "plan", "every T4: 1Q", *twice, *twice]) == Exit.USAGE
