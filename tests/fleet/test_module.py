"""The module in a playbook of somebody else's, run by the real Ansible on a fake host."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.fleet import Fleet

from gpucloud.fleet import collection
from gpucloud.fleet.collection import write_collection
from gpucloud.fleet.run import find_program

PLAYBOOK = """\
- hosts: gpu01
  gather_facts: false
  tasks:
    - name: GPUs
      gpucloud.host.gpucloud:
        spec: gpucloud.yaml
        program: "{{ gpucloud_program }}"
      register: gpus
    - ansible.builtin.copy:
        dest: "{{ results }}"
        content: "{{ {'gpus': gpus, 'facts': ansible_facts.gpucloud} | to_json }}"
      check_mode: false
      diff: false
"""


def ansible(fleet: Fleet, playbook: str, *options: str, ok: Sequence[int] = (0,)) -> tuple[str, Any]:
    """Run a playbook from a folder with the collection; gives what it printed and what it kept."""
    folder = fleet.folder
    if not (folder / "collections").exists():
        write_collection(folder / "collections")
    (folder / "site.yml").write_text(playbook)
    results = folder / "results.json"
    argv = [find_program(), "-i", str(fleet.inventory), "-e", f"results={results}", *options, "site.yml"]
    done = subprocess.run(
        argv,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )
    assert done.returncode in ok, done.stdout + done.stderr
    return done.stdout, json.loads(results.read_text()) if results.exists() else None


@pytest.mark.proof
def test_check_and_diff_mode_show_what_would_change_and_change_nothing(fleet: Fleet) -> None:
    (member, _), spec = fleet.members, fleet.spec
    before = member.picture
    out, kept = ansible(fleet, PLAYBOOK, "--check", "--diff")
    assert spec.exists()
    assert "changed: [gpu01]" in out
    assert (
        "--- before: /etc/modules-load.d/gpucloud.conf\n+++ after: /etc/modules-load.d/gpucloud.conf\n" in out
    )
    assert "+vfio_iommu_type1\n" in out
    assert kept["gpus"]["changed"] is True
    assert kept["gpus"]["needs_restart"] is True
    assert member.picture == before
    assert member.journal == []


@pytest.mark.proof
def test_it_changes_once_and_gives_the_gpus_as_facts(fleet: Fleet) -> None:
    (member, _), spec = fleet.members, fleet.spec
    assert spec.exists()
    _, first = ansible(fleet, PLAYBOOK)
    assert first["gpus"]["changed"] is True
    assert first["gpus"]["answer"]["entry"] == "0001"
    assert "diff" not in first["gpus"]
    _, second = ansible(fleet, PLAYBOOK, "--diff")
    assert second["gpus"]["changed"] is False
    assert second["gpus"]["needs_restart"] is True, "the restart is still due"
    assert member.journal == ["applied"]
    cards = [unit["address"] for unit in second["facts"]["units"]]
    assert {"0000:3b:00.0", "0000:3c:00.0"} <= set(cards)


@pytest.mark.proof
def test_what_cannot_be_done_fails_with_what_to_do(fleet: Fleet) -> None:
    out, _ = ansible(fleet, PLAYBOOK.replace("spec: gpucloud.yaml", "units: ['99:00.0']"), ok=(2,))
    assert "99:00.0" in out
    out, _ = ansible(fleet, PLAYBOOK.replace("spec: gpucloud.yaml", "force: false"), ok=(2,))
    assert "what is wanted? Give one of spec, units, layout, create, delete" in out


@pytest.mark.proof
def test_the_program_of_the_collection_answers_and_nothing_is_left(fleet: Fleet) -> None:
    """On this very machine: whether guests run here is only looked at."""
    playbook = """\
- hosts: gpu01
  gather_facts: false
  tasks:
    - gpucloud.host.gpucloud: {state: idle}
      register: gpus
      ignore_errors: true
    - ansible.builtin.copy: {dest: "{{ results }}", content: "{{ gpus | to_json }}"}
"""
    place = Path("/usr/local/lib/gpucloud")
    before = place.exists()
    _, kept = ansible(fleet, playbook)
    assert kept["answer"]["verb"] == "idle"
    assert place.exists() is before


@pytest.mark.proof
def test_ansible_documents_it(fleet: Fleet) -> None:
    write_collection(fleet.folder / "collections")
    argv = [str(Path(find_program()).with_name("ansible-doc")), "--json", "gpucloud.host.gpucloud"]
    where = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(fleet.folder / "collections")}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=where)
    doc = json.loads(done.stdout)["gpucloud.host.gpucloud"]
    assert set(doc["doc"]["options"]) >= {
        "state",
        "spec",
        "units",
        "name",
        "force",
        "journal",
        "plans",
        "program",
    }
    assert doc["return"]["needs_restart"]
    assert "gpucloud.host.gpucloud" in doc["examples"]


def test_what_runs_with_the_hosts_own_python_is_written_for_old_ones() -> None:
    source = (Path(collection.__file__).parent / "ansible/plugins/modules/gpucloud.py").read_text()
    ast.parse(source, feature_version=(3, 7))
