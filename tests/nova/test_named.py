"""A release or layout that nothing has is refused where the file is read, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpucloud.cli.main import run
from gpucloud.model.failure import Exit, Failure
from gpucloud.nova.named import unknown_names
from gpucloud.spec import parse_spec

SPEC = "openstack:\n  release: {}\n  layout: {}\n"


@pytest.mark.parametrize(
    ("release", "layout", "line", "says"),
    [
        (
            "epxy",
            "packages",
            2,
            "openstack.release: 'epxy' is no release of nova that is known here; did you mean 'epoxy'?",
        ),
        ("zzz", "packages", 2, "name one from 13 (Mitaka) to 34"),
        (
            "31",
            "kolla-ansibel",
            3,
            "openstack.layout: 'kolla-ansibel' is no layout; did you mean 'kolla-ansible'?",
        ),
        ("31", "zzz", 3, "known are: packages, kolla-ansible"),
    ],
)
def test_what_nothing_has_is_named_with_its_line(release: str, layout: str, line: int, says: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_spec(SPEC.format(release, layout), judge=unknown_names)
    assert caught.value.code is Exit.USAGE
    assert f"gpucloud.yaml, line {line}: " in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize("release", ["31", "31.3.1", "2025.1", "epoxy", "Mitaka"])
def test_a_release_is_taken_by_each_of_its_names(release: str) -> None:
    text = SPEC.format(release, "charms")
    assert parse_spec(text, judge=unknown_names) == parse_spec(text)


def test_plan_refuses_it_before_it_reads_the_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "gpucloud.yaml"
    spec.write_text(SPEC.format("epxy", "packages"))
    assert run(["plan", "--spec", str(spec), "--from", "/nowhere"]) == Exit.USAGE
    assert f"{spec}, line 2: openstack.release: 'epxy'" in capsys.readouterr().err
