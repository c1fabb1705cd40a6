"""``gpucloud plan --adopt`` and ``apply --adopt`` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.prepare.adopt.hosts import SPEC, site_of
from tests.prepare.adopt.styles import STYLES
from tests.prepare.site import Site

from gpucloud.cli.main import call
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.failure import Exit, Failure

pytestmark = pytest.mark.proof


@dataclass
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str
    failure: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Type = Callable[..., Said]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A host on which a person had bound a card by driverctl, and a network card as well."""
    return site_of(tmp_path, STYLES["driverctl on RHEL 9"])


@pytest.fixture
def type_(site: Site, capsys: pytest.CaptureFixture[str]) -> Type:
    def type_words(*words: str) -> Said:
        code, failure = 0, ""
        try:
            code = call(words, site.desk)
        except Failure as error:
            code, failure = error.code, str(error)
        said = capsys.readouterr()
        return Said(code, said.out, said.err, failure)

    return type_words


ADOPT = ("--adopt", "--spec", SPEC, "--name", "gpu01")


def test_a_plan_names_each_setting_and_changes_nothing(site: Site, type_: Type) -> None:
    before = site.picture()
    said = type_("plan", *ADOPT)
    assert said.code == Exit.FINE
    assert said.out.startswith(
        f"set up by hand, said by {SPEC} from now on:\n"
        "  /etc/driverctl.d/pci-0000:3b:00.0: vfio-pci\n"
        "    lets driverctl give 3b:00.0 to vfio-pci: GPU 3b:00.0\n"
    )
    assert "pool adopted-gpu01-passthrough (passthrough): 3b:00.0\n" in said.out
    assert "   --- /etc/driverctl.d/pci-0000:3b:00.1\n   +++ /dev/null\n" in said.out
    assert site.picture() == before


def test_json_holds_every_setting_with_its_units_and_why_it_stays(type_: Type) -> None:
    adopted = type_("plan", *ADOPT, "--format", "json").json["plan"]["wanted"]["adopted"]
    assert adopted["spec_path"] == SPEC
    assert adopted["settings"][0] == {
        "path": "/etc/driverctl.d/pci-0000:3b:00.0",
        "line": None,
        "text": "vfio-pci",
        "does": "lets driverctl give 3b:00.0 to vfio-pci",
        "units": ["0000:3b:00.0"],
        "left": None,
    }


def test_the_whole_way_and_back(site: Site, type_: Type) -> None:
    before = site.picture()
    assert type_("apply", *ADOPT, "--yes").code == Exit.FINE
    assert type_("verify").out == "the host is as planned\n"
    said = type_("plan", *ADOPT, "--check")
    assert said.code == Exit.FINE
    assert said.out.startswith("nothing here was set up by hand for guests with GPUs\n")
    assert type_("undo").code == Exit.FINE
    assert site.picture() == before


def test_a_stored_plan_is_applied_on_the_host_as_it_was(site: Site, type_: Type, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    assert type_("plan", *ADOPT, "--output", file).code == Exit.FINE
    assert type_("apply", file).code == Exit.FINE
    assert (site.root / SPEC[1:]).exists()
    assert type_("apply", file).out == "nothing to do: the host is as planned\n"


def test_check_says_that_something_is_to_be_taken_over(type_: Type) -> None:
    assert type_("plan", *ADOPT, "--check").code == Exit.PENDING


def test_units_are_not_named_for_an_adoption(type_: Type) -> None:
    said = type_("plan", "--adopt", "--unit", "3b:00.0")
    assert said.code == Exit.USAGE
    assert "--unit and --adopt were given" in said.failure


def test_hosts_are_adopted_one_at_a_time(type_: Type) -> None:
    said = type_("plan", *ADOPT, "--hosts", "compute")
    assert said.code == Exit.USAGE
    assert "--hosts and --adopt were given" in said.failure


def test_a_spec_that_was_edited_since_is_not_lost_by_undo(site: Site, type_: Type) -> None:
    before = site.picture()
    type_("apply", *ADOPT, "--yes")
    spec = site.root / SPEC[1:]
    spec.write_text(spec.read_text() + "# mine\n")
    said = type_("undo")
    assert said.code == Exit.ERROR
    assert "somebody else has changed" in said.failure
    assert "# mine" in spec.read_text()
    assert type_("undo", "--force").code == Exit.FINE
    assert site.picture() == before


@pytest.fixture
def capture(site: Site, tmp_path: Path) -> str:
    """The host in a file."""
    file = tmp_path / "gpu01.tar.gz"
    file.write_bytes(render_capture(collect_here(str(site.root))))
    return str(file)


RACK_B = "pools:\n  rest:   # rack b\n    use: host\n    hosts: gpu07\n    match: {model: '*'}\n"


def test_a_captured_host_is_planned_with_a_spec_that_lies_here(
    capture: str, type_: Type, tmp_path: Path
) -> None:
    spec = tmp_path / "gpucloud.yaml"
    spec.write_text(RACK_B)
    words = ("plan", "--adopt", "--from", capture, "--spec", str(spec))
    said = type_(*words, "--name", "gpu01")
    assert said.code == Exit.FINE
    assert said.out.startswith(f"set up by hand, said by {spec} from now on:\n  /etc/driverctl.d/pci-0000:3b")
    assert "   +  adopted-gpu01-passthrough:\n" in said.out
    assert f"nothing is written, here neither: with --write-spec the spec goes to {spec}" in said.err
    assert spec.read_text() == RACK_B
    assert type_(*words).code == Exit.USAGE


def test_the_spec_of_a_captured_host_is_written_here_where_that_is_asked_for(
    capture: str, type_: Type, tmp_path: Path
) -> None:
    spec = tmp_path / "gpucloud.yaml"
    spec.write_text(RACK_B)
    words = ("plan", "--adopt", "--from", capture, "--spec", str(spec), "--name", "gpu01", "--write-spec")
    said = type_(*words)
    assert said.code == Exit.FINE
    assert f"{spec} is written; take it to the host" in said.err
    assert spec.read_text().startswith(RACK_B)
    assert "adopted-gpu01-passthrough" in spec.read_text()
    assert not list(tmp_path.glob(".*"))
    assert f"{spec} needs no change" in type_(*words).err


def test_a_spec_that_cannot_be_written_is_said(capture: str, type_: Type) -> None:
    words = ("plan", "--adopt", "--from", capture, "--spec", "/proc/gpucloud.yaml", "--name", "gpu01")
    assert "cannot write /proc/gpucloud.yaml" in type_(*words, "--write-spec").failure


@pytest.mark.parametrize("words", [ADOPT, ("--from", "gpu01.tar.gz", "--spec", "gpucloud.yaml")])
def test_a_spec_is_written_for_hosts_elsewhere_that_are_taken_over_alone(
    words: tuple[str, ...], type_: Type
) -> None:
    said = type_("plan", *words, "--write-spec")
    assert said.code == Exit.USAGE
    assert "--write-spec is for --adopt with --from or --host" in said.failure


def test_a_refused_adoption_promises_nothing(site: Site, type_: Type) -> None:
    (site.root / "etc/os-release").write_text("ID=gentoo\n")
    said = type_("plan", *ADOPT)
    assert said.code == Exit.ERROR
    assert said.out.startswith(f"set up by hand, for {SPEC} to say:\n")
    assert "boot-loader-unknown" in said.out
    assert "from now on" not in said.out


def test_a_host_is_cleaned_by_a_spec_that_was_written_from_its_capture(
    site: Site, capture: str, type_: Type, tmp_path: Path
) -> None:
    spec = tmp_path / "gpucloud.yaml"
    type_("plan", "--adopt", "--from", capture, "--spec", str(spec), "--name", "gpu01", "--write-spec")
    (site.root / SPEC[1:]).write_text(spec.read_text())
    assert type_("apply", *ADOPT, "--yes").code == Exit.FINE
    assert not (site.root / "etc/driverctl.d/pci-0000:3b:00.0").exists()
    assert (site.root / SPEC[1:]).read_text() == spec.read_text()
