"""``plan``, ``apply``, ``verify`` and ``undo`` with a spec, as they are typed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.prepare.boot_hosts import SPEC, Tools, build_family
from tests.prepare.site import Site

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit, Failure
from gpucloud.prepare.system import System


@dataclass
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    failure: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Type = Callable[..., Said]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A Debian host that starts with GRUB; what its tools made is there."""
    kernel = build_family(tmp_path / "root", "debian-12")
    assert isinstance(kernel.tools, Tools)
    for program in ("update-initramfs", "update-grub"):
        kernel.tools.make(program)
    (tmp_path / "gpucloud.yaml").write_text(SPEC)
    return Site(kernel, tmp_path / "state", wrap=anybody)


def anybody(system: System) -> System:
    """A system on which this user, who may not be root, may give files to root: nobody gets them."""
    put = system.put
    owner = {"uid": os.getuid(), "gid": os.getgid()}
    look = system.look
    system.put = lambda path, state: put(path, replace(state, **owner))  # type: ignore[method-assign,arg-type]
    system.look = lambda path: _as_root(look(path))  # type: ignore[method-assign]
    return system


def _as_root(state: Any) -> Any:
    return replace(state, uid=0, gid=0) if hasattr(state, "uid") else state


@pytest.fixture
def type_(site: Site, capsys: pytest.CaptureFixture[str]) -> Type:
    def type_words(*words: str) -> Said:
        code, failure = 0, ""
        try:
            code = call(words, site.desk)
        except Failure as error:
            code, failure = error.code, str(error)
        return Said(code, capsys.readouterr().out, failure)

    return type_words


@pytest.fixture
def spec(tmp_path: Path) -> str:
    return str(tmp_path / "gpucloud.yaml")


def test_a_plan_shows_each_file_as_a_diff_and_changes_nothing(site: Site, type_: Type, spec: str) -> None:
    before = site.picture()
    said = type_("plan", "--spec", spec)
    assert said.code == Exit.FINE
    assert "   --- /dev/null\n   +++ /etc/default/grub.d/zz-gpucloud.cfg\n   @@ -0,0 +1,2 @@\n" in said.out
    assert ", so the kernel has to be told intel_iommu=on iommu=pt" in said.out
    assert "   risk: a firmware with a faulty IOMMU table may not start" in said.out
    assert "they act after a restart" in said.out
    assert "then runs update-initramfs -u -k all and update-grub\n" in said.out
    assert site.picture() == before
    assert not site.state.exists()


def test_check_says_by_its_code_whether_changes_are_pending(type_: Type, spec: str) -> None:
    assert type_("plan", "--spec", spec, "--check").code == Exit.PENDING
    assert type_("apply", "--spec", spec, "--yes").code == Exit.FINE
    said = type_("plan", "--spec", spec, "--check")
    assert said.code == Exit.FINE
    assert said.out == (
        "nothing to do: this host starts as its spec wants it\npool a100 (passthrough): 3b:00.0\n"
    )


def test_json_holds_the_whole_files(type_: Type, spec: str) -> None:
    plan = type_("plan", "--spec", spec, "--format", "json").json["plan"]
    assert plan["needs_reboot"] is True
    files = {step["change"]["path"]: step for step in plan["steps"] if step["change"]["kind"] == "write-file"}
    step = files["/etc/modules-load.d/gpucloud.conf"]
    assert step["change"]["before"] is None
    assert step["change"]["after"]["text"].endswith("vfio-pci\nvfio_iommu_type1\n")
    assert step["because"]


def test_the_whole_way_and_back(site: Site, type_: Type, spec: str) -> None:
    before = site.picture()
    said = type_("apply", "--spec", spec, "--yes")
    assert said.code == Exit.FINE
    assert "what was changed acts from the next start on" in said.out
    assert type_("verify").out == "the host is as planned\n"
    assert type_("apply", "--spec", spec, "--yes").out == "nothing to do: the host is as planned\n"
    assert type_("undo").code == Exit.FINE
    assert site.picture() == before


@pytest.mark.parametrize("is_dangling", [False, True])
def test_no_start_is_changed_that_could_not_look_at_itself(
    site: Site, type_: Type, spec: str, *, is_dangling: bool
) -> None:
    program = site.root / "usr/local/bin/gpucloud"
    program.unlink()
    if is_dangling:
        program.symlink_to("gone")
    before = site.picture()
    said = type_("apply", "--spec", spec, "--yes")
    assert said.code == Exit.ERROR
    assert "so the next start could not look at itself; link it there" in said.failure
    assert site.picture() == before
    assert type_("plan", "--spec", spec).code == Exit.FINE


def test_nothing_is_begun_that_a_tool_which_is_not_there_would_have_to_end(
    site: Site, type_: Type, spec: str
) -> None:
    (site.root / "usr/sbin/update-grub").unlink()
    before = site.picture()
    said = type_("apply", "--spec", spec, "--yes")
    assert said.code == Exit.ERROR
    assert said.failure.startswith("update-grub is in none of /usr/local/sbin, ")
    assert site.picture() == before
    assert not site.journal.entries()


def test_a_stored_plan_is_refused_on_a_host_that_changed(
    site: Site, type_: Type, spec: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "plan.json")
    type_("plan", "--spec", spec, "--output", file)
    (site.root / "etc/default/grub").write_text("GRUB_CMDLINE_LINUX=splash\n")
    said = type_("apply", file)
    assert said.code == Exit.ERROR
    assert "the host has changed since the plan: /etc/default/grub was sha256" in said.failure


def test_a_stored_plan_is_applied_on_the_host_as_it_was(type_: Type, spec: str, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    type_("plan", "--spec", spec, "--output", file)
    assert type_("apply", file).code == Exit.FINE
    assert type_("verify").code == Exit.FINE


def test_units_and_a_spec_are_not_asked_for_together(type_: Type, spec: str) -> None:
    said = type_("plan", "--spec", spec, "--unit", "3b:00.0")
    assert said.code == Exit.USAGE
    assert "--unit and --spec were given" in said.failure


def test_a_spec_that_is_wrong_is_said_with_its_line(type_: Type, spec: str) -> None:
    Path(spec).write_text("pools:\n  a: {use: passthru, match: {model: x}}\n")
    said = type_("plan", "--spec", spec)
    assert said.code == Exit.USAGE
    assert said.failure.endswith(
        "gpucloud.yaml, line 2: pools.a.use is 'passthru'; did you mean 'passthrough'?"
    )


def test_a_pool_is_found_by_the_name_that_is_given(type_: Type, spec: str) -> None:
    Path(spec).write_text(SPEC + "    hosts: gpu07\n")
    said = type_("plan", "--spec", spec, "--name", "gpu01")
    assert "nothing to do" in said.out
    assert "pool a100 (passthrough): no GPU of this host" in said.out
    assert "zz-gpucloud" in type_("plan", "--spec", spec, "--name", "gpu07").out


def test_a_spec_that_is_not_there_is_all_that_is_said(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failure) as caught:
        call(["plan", "--spec", str(tmp_path / "nope.yaml")], site.desk)
    assert caught.value.code is Exit.USAGE
    assert capsys.readouterr() == ("", "")
