"""The stand-in for NVIDIA's program speaks as the outputs that were published."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.prepare.fake_smi import FakeSmi, RefusedError

from gpucloud.model.pci import PciAddress
from gpucloud.prepare.steps.slices.smi import read_gpu_instances
from gpucloud.prepare.system import LiveSystem, run_program

TEXTS = Path(__file__).parent.parent / "slices/smi"
CARD = "0000:3b:00.0"


@pytest.fixture
def smi(tmp_path: Path) -> FakeSmi:
    (tmp_path / "mig").write_text("Disabled\n")
    return FakeSmi(tmp_path, CARD)


def say(smi: FakeSmi, *words: str) -> str:
    try:
        return smi.answer(words)
    except RefusedError as refused:
        return f"{refused}\n"


def test_its_tables_are_those_of_the_listing(smi: FakeSmi) -> None:
    smi.answer(["-mig", "1"])
    smi.answer(["mig", "-cgi", "5:0", "-C"])
    smi.answer(["mig", "-cgi", "14:4", "-C"])
    tables = "".join(smi.answer(["mig", what]) for what in ("-lgip", "-lgipp", "-lgi", "-lci"))
    assert tables == (TEXTS / "a100.txt").read_text()


def test_it_answers_as_in_the_session(smi: FakeSmi) -> None:
    session = (TEXTS / "mig-session.txt").read_text()
    said = ""
    for line in session.splitlines():
        if line.startswith("$ "):
            said += f"{line}\n{say(smi, *line.replace('-i 0 ', '').split()[2:])}"
    assert said == session


@pytest.mark.parametrize("mode", ["0", "1"])
def test_it_keeps_the_mode_of_a_card_with_virtual_functions(smi: FakeSmi, mode: str) -> None:
    (smi.root / "mig").write_text("Disabled\n" if mode == "1" else "Enabled\n")
    number = smi.root / "sys/bus/pci/devices" / CARD / "sriov_numvfs"
    number.parent.mkdir(parents=True)
    number.write_text("4\n")
    assert "MIG Mode for GPU 00000000:3B:00.0: In use by another client" in say(smi, "-mig", mode)
    number.write_text("0\n")
    assert "All done." in say(smi, "-mig", mode)


@pytest.mark.proof
def test_it_is_a_program_that_another_place_can_hold(tmp_path: Path) -> None:
    (tmp_path / "mig").write_text("Enabled\n")
    program = tmp_path / "elsewhere/nvidia-smi"
    program.parent.mkdir()
    where = Path(__file__).with_name("fake_smi.py")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {where} {tmp_path} {CARD} "$@"\n')
    program.chmod(0o755)
    system = LiveSystem(tmp_path, run_tool=run_program, settle_s=0)
    card = PciAddress.parse(CARD)
    assert read_gpu_instances(card, str(program), system) == ()
    system.run_tool((str(program), "mig", "-i", CARD, "-cgi", "9:4", "-C"))
    (seen,) = read_gpu_instances(card, str(program), system)
    assert (seen.id, seen.profile, seen.start, seen.size, seen.compute) == (1, 9, 4, 4, (2,))
