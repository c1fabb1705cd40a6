"""Evidence without a word of a machine is no healthy host: one exit code, however nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.cli.main import run
from gpucloud.model.failure import Exit

NOTHING = {
    "empty.txt": "",
    "blank.log": " \n\n",
    "map.yaml": "{}",
    "map.json": "{}",
    "list.yaml": "[]\n",
    "list.json": "[]",
    "begin.yaml": "---\n",
    "maps.yaml": "environment: {}\nevidence: {}\n",
    "none.yaml": "evidence:\n",
    "blank-key.yaml": "evidence: {dmesg: ''}\n",
    "concluded.yaml": "observations: [the group is not viable]\n",
    "concluded-in.yaml": "environment: {cpu_vendor: intel}\nevidence: {observations: it hangs}\n",
    "expected.yaml": "expected: {cause_id: acs-missing}\n",
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_to_judge_is_an_error(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text(NOTHING[name])
    assert run(["doctor", "--evidence", str(tmp_path / name)]) == Exit.ERROR
    said = capsys.readouterr().err.splitlines()[-1]
    assert "nothing in it that the doctor can read; give what the machine said" in said


@pytest.mark.parametrize("text", [*NOTHING.values(), None])
def test_a_folder_of_nothing_is_one_too(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "observations.txt").write_text(text)
    assert run(["doctor", "--evidence", str(tmp_path)]) == Exit.ERROR


@pytest.mark.parametrize("text", ["all is well", "evidence: {iommu_groups: '(no output)'}", "a: 1"])
def test_a_word_of_a_machine_is_judged(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.yaml").write_text(text)
    assert run(["doctor", "--evidence", str(tmp_path / "report.yaml")]) in (Exit.FINE, Exit.FINDINGS)


def test_among_several_inputs_it_is_one_that_could_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nothing.yaml").write_text("{}")
    (tmp_path / "well.txt").write_text("all is well")
    words = [str(tmp_path / name) for name in ("nothing.yaml", "well.txt")]
    assert run(["doctor", "--evidence", *words]) == Exit.ERROR
    assert "2 inputs: 1 not readable, 1 without findings" in capsys.readouterr().out
