from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpucloud.lab.machine.accelerator import choose_accelerator, has_nested, probe_kvm
from gpucloud.lab.machine.render import KVM, TCG


@pytest.mark.parametrize(("code", "works"), [(67, True), (0, False), (1, False), (-1, False)])
def test_kvm_works_when_a_guest_gave_the_answer(code: int, works: bool) -> None:
    asked: list[list[str]] = []

    def program(argv: list[str]) -> int:
        asked.append(argv)
        return code

    assert probe_kvm(program) is works
    assert "q35,accel=kvm" in asked[0]


@pytest.mark.parametrize(
    ("value", "expected"), [("Y\n", True), ("1\n", True), ("N\n", False), ("0\n", False)]
)
def test_nested_virtualization_is_read_from_the_module(tmp_path: Path, value: str, expected: bool) -> None:
    parameters = tmp_path / "kvm_intel/parameters"
    parameters.mkdir(parents=True)
    (parameters / "nested").write_text(value)
    assert has_nested(tmp_path) is expected


def test_without_a_device_or_module_it_is_emulation(tmp_path: Path) -> None:
    assert not has_nested(tmp_path)
    assert choose_accelerator(tmp_path, lambda: True, device=tmp_path / "kvm", modules=tmp_path) is TCG


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    boot_id = tmp_path / "proc/sys/kernel/random/boot_id"
    boot_id.parent.mkdir(parents=True)
    boot_id.write_text("first\n")
    nested = tmp_path / "modules/kvm_amd/parameters/nested"
    nested.parent.mkdir(parents=True)
    nested.write_text("1\n")
    (tmp_path / "kvm").touch()
    return tmp_path


def choose(machine: Path, answers: list[bool]) -> str:
    chosen = choose_accelerator(
        machine / "cache",
        lambda: answers.pop(0),
        proc=machine / "proc",
        device=machine / "kvm",
        modules=machine / "modules",
    )
    return chosen.name


def test_the_answer_is_kept_until_the_next_boot(machine: Path) -> None:
    answers = [True, False]
    assert choose(machine, answers) == KVM.name
    assert choose(machine, answers) == KVM.name
    (machine / "proc/sys/kernel/random/boot_id").write_text("second\n")
    assert choose(machine, answers) == TCG.name
    assert answers == []


def test_an_answer_that_cannot_be_read_is_asked_again(machine: Path) -> None:
    (machine / "cache").mkdir()
    (machine / "cache/kvm.json").write_text(json.dumps(["first"]))
    assert choose(machine, [False]) == TCG.name
