"""The module ``gpucloud.host.gpucloud``: runs on a host with the Python of Ansible there, 3.7 or newer.

gpucloud itself wants a newer one: this finds that, unpacks what the action sent, asks, and tells.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: gpucloud
short_description: Make the GPUs of a host ready for guests
version_added: 0.1.0
description:
  - Plans what the host needs, and does it if that is anything. Every change is in a journal on the host
    before it is made, and read back after; a change that fails is taken back.
  - Nothing has to be installed on the host. gpucloud comes with this collection and is put into
    C(/usr/local/lib/gpucloud), with C(/usr/local/sbin/gpucloud) to run it, when something is changed.
  - A host is never restarted by this module. See RV(needs_restart).
options:
  state:
    description:
      - V(applied) makes the host as wanted.
      - V(undone) takes back what O(entry) of the host's journal changed. Where the host has started with it,
        it acts until the next start, see RV(needs_restart).
      - V(verified) fails where the host is not as it was applied, and changes nothing.
      - V(idle) fails where a guest runs on the host, and changes nothing.
    choices: [applied, undone, verified, idle]
    default: applied
    type: str
  spec:
    description: A C(gpucloud.yaml) on the controller; what the host's next start needs for its pools is done.
    type: path
  units:
    description: PCI addresses of GPUs that are made ready in the running kernel, until its next start.
    type: list
    elements: str
  layout:
    description:
      - Lines that say how the host's cards are cut into slices, as C(gpucloud vgpu apply) takes them.
      - Those for other hosts are passed over.
    type: list
    elements: str
  smi:
    description: NVIDIA's program on the host, which makes MIG instances for O(layout), O(create), O(delete).
    type: str
    default: nvidia-smi
  create:
    description:
      - A type of which one more slice is cut of O(card), as C(gpucloud vgpu create) takes it.
      - Each such task makes one more. O(layout) says how many there are to be, and may be repeated.
    type: str
  card:
    description: The card of which O(create) cuts, by its address.
    type: str
  delete:
    description: A slice that goes, as C(gpucloud vgpu delete) takes it. A host that does not have it fails.
    type: str
  name:
    description: What the spec, or a line of the layout, calls the host. The name in the inventory by default.
    type: str
  force:
    description: Accept to lose the host's last console.
    type: bool
    default: false
  journal:
    description: The folder on the host in which the journal is.
    type: path
    default: /var/lib/gpucloud
  plans:
    description:
      - A folder on the controller with a plan for each host, C(NAME.json), that was shown before. That plan
        is done, or, where the host has changed since, nothing.
    type: path
  entry:
    description:
      - The entry of the host's journal that O(state=undone) takes back, as RV(answer) of an earlier task
        names it. Of one that is taken back already nothing is changed.
      - V(last) is the last one that stands, so that each further task takes back one more.
      - V(none) takes nothing back; RV(needs_restart) tells whether the host still runs with what was.
    type: str
    default: last
  program:
    description:
      - A command on the host that is given an order and answers it, instead of the program that this
        collection brings.
    type: list
    elements: str
attributes:
  check_mode:
    description: Plans, and changes nothing; nothing is left on the host.
    support: full
  diff_mode:
    description: Shows each file and attribute of the kernel before and after.
    support: full
  platform:
    platforms: linux
requirements:
  - Python 3.11 or newer on the host, beside the one that Ansible uses if that is older.
author: gpucloud
"""

EXAMPLES = r"""
- name: GPUs as the spec wants them from the next start on
  gpucloud.host.gpucloud:
    spec: gpucloud.yaml
  become: true
  register: gpus

- name: Restart where that needs it
  ansible.builtin.reboot:
  when: gpus.needs_restart
  become: true

- name: The host started as it should
  gpucloud.host.gpucloud:
    state: verified
  become: true

- name: What that task changed, taken back
  gpucloud.host.gpucloud:
    state: undone
    entry: "{{ gpus.answer.entry }}"
  become: true
  when: gpus.answer.entry

- name: One card, at once, without a restart
  gpucloud.host.gpucloud:
    units: ['3b:00.0']
  become: true
"""

RETURN = r"""
needs_restart:
  description: What is applied acts from the next start on, or what was taken back until then.
  returned: success
  type: bool
answer:
  description: How it ended, with the changes, the journal entry, and in check mode the whole plan.
  returned: always
  type: dict
  contains:
    code:
      description: What the exit code of C(gpucloud) would be.
      type: int
    changes:
      description: What is to be changed, or was, in order.
      type: list
    entry:
      description: The journal entry; C(gpucloud undo ENTRY) on the host takes it back.
      type: str
ansible_facts:
  description: The GPUs of the host.
  returned: success
  type: dict
  contains:
    gpucloud:
      description: Has C(units), each with C(address), C(name), C(functions), C(drivers) and C(groups).
      type: dict
"""

PLACE = Path("/usr/local/lib/gpucloud")
LINK = Path("/usr/local/sbin/gpucloud")
MARK = "# brought by the Ansible collection gpucloud.host"
LOOKS = {"verified": "verify", "idle": "idle"}
CHANGES = {"applied": ("plan", "apply"), "undone": ("standing", "undo")}
"""What is asked first, and what is asked to do that; the verbs of ``gpucloud.fleet.order``."""
WANTED = ("_spec_text", "units", "layout", "create", "delete")
OLDEST = (3, 11)
NEWEST_MINOR = 20

ARGUMENTS = {
    "state": {"choices": ["applied", "undone", "verified", "idle"], "default": "applied"},
    "entry": {"type": "str", "default": "last"},
    "spec": {"type": "path"},
    "units": {"type": "list", "elements": "str"},
    "layout": {"type": "list", "elements": "str"},
    "smi": {"type": "str", "default": "nvidia-smi"},
    "create": {"type": "str"},
    "card": {"type": "str"},
    "delete": {"type": "str"},
    "name": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "journal": {"type": "path", "default": "/var/lib/gpucloud"},
    "plans": {"type": "path"},
    "program": {"type": "list", "elements": "str"},
    # What the action adds, which read the files of the controller:
    "_spec_text": {"type": "str"},
    "_plan_text": {"type": "str"},
    "_archive": {"type": "path"},
    "_key": {"type": "str"},
}


def find_python() -> str | None:
    """A Python that runs gpucloud: this one, or the newest beside it."""
    if sys.version_info >= OLDEST:
        return sys.executable
    names = (f"python3.{minor}" for minor in range(NEWEST_MINOR, OLDEST[1] - 1, -1))
    return next(filter(None, map(shutil.which, names)), None)


class Program:
    """gpucloud on this host: unpacked for this task, or in its place to stay."""

    def __init__(self, module: Any, python: str) -> None:
        self.python, self.place = python, PLACE / module.params["_key"]
        self.folder = self.place if self.place.is_dir() else unpack(module.params["_archive"], module.tmpdir)

    @property
    def argv(self) -> list[str]:
        return [self.python, "-I", str(self.folder / "serve")]

    def settle(self) -> None:
        """Put the program where it stays: what is applied can be looked at and undone without Ansible."""
        if self.folder == self.place:
            if not os.path.lexists(str(LINK)):
                self.link()
            return
        PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=str(PLACE)) as half:
            whole = Path(half) / "program"
            shutil.copytree(str(self.folder), str(whole))
            whole.chmod(0o755)
            whole.rename(self.place)
        self.folder = self.place
        self.link()
        for other in PLACE.iterdir() if is_ours(LINK) else ():
            if other != self.place:
                shutil.rmtree(str(other), ignore_errors=True)  # nothing leads to it any more

    def link(self) -> None:
        """Make it the host's ``gpucloud``, unless somebody else has put one there."""
        if os.path.lexists(str(LINK)) and not is_ours(LINK):
            return
        LINK.parent.mkdir(parents=True, exist_ok=True)
        new = LINK.with_suffix(".new")
        new.write_text(f'#!/bin/sh\n{MARK}\nexec {self.python} -I {self.place}/gpucloud "$@"\n')
        new.chmod(0o755)
        new.rename(LINK)


def unpack(archive: str, folder: str) -> Path:
    """Unpack what the action sent into a folder that Ansible removes."""
    target = tempfile.mkdtemp(dir=folder)
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(target, filter="data")
        else:  # an older Python; the archive is our own
            packed.extractall(target)  # noqa: S202
    return Path(target)


def is_ours(path: Path) -> bool:
    """Claims that this module wrote the file."""
    try:
        with path.open(errors="replace") as file:
            return MARK in file.read(4096)
    except OSError:
        return False


class Given:
    """A program that is on the host already."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv

    def settle(self) -> None:
        """It is where it stays."""


def order(module: Any, verb: str) -> dict[str, Any]:
    """What is asked; the shape is that of ``gpucloud.fleet.order.Order``."""
    given = module.params
    return {
        "verb": verb,
        "units": given["units"] or [],
        "spec": given["_spec_text"],
        "host_name": given["name"],
        "plan": given["_plan_text"] if verb == "apply" else None,
        "is_forced": given["force"],
        "state": given["journal"],
        "entry": given["entry"],
        "layout": given["layout"] or [],
        "smi": given["smi"],
        **{each: given[each] or "" for each in ("create", "card", "delete")},
    }


def stop(module: Any, **fields: Any) -> NoReturn:
    """End badly."""
    module.fail_json(**fields)
    raise AssertionError("fail_json ends the process")


def ask(module: Any, argv: list[str], verb: str) -> dict[str, Any]:
    """Ask and give the answer. In a session of its own: if the connection breaks, the work still ends."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        stop(module, msg=f"{argv[0]} cannot be run: {error.strerror}", answer=None)
    out, said = process.communicate(json.dumps(order(module, verb)).encode())
    try:
        answer: dict[str, Any] = json.loads(out.decode())
    except ValueError:
        lines = said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        stop(module, msg="gpucloud gave no answer: " + lines[-1], answer=None, said=lines[-20:])
    if answer["code"]:
        text = "; ".join(filter(None, (answer["what"], answer["then"])))
        stop(module, msg=text, answer=answer, changed=answer["has_changed"], **details(module, answer))
    return answer


def details(module: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """The diff, where it is wanted."""
    if not module._diff:
        return {}
    return {"diff": [difference(change) for change in answer["changes"]]}


def difference(change: dict[str, Any]) -> dict[str, str]:
    """One change as Ansible shows it."""
    texts = {side: change[side] or "" for side in ("before", "after")}
    ended = {side: text if not text or text.endswith("\n") else text + "\n" for side, text in texts.items()}
    return {"before_header": change["path"], "after_header": change["path"], **ended}


def tell(module: Any, answer: dict[str, Any], is_changed: bool) -> None:
    """End well."""
    module.exit_json(
        changed=is_changed,
        answer=answer,
        needs_restart=answer["waits_for_restart"],
        ansible_facts={"gpucloud": {"units": answer["units"]}} if answer["units"] else {},
        **details(module, answer),
    )


def find_program(module: Any) -> Any:
    """What answers: the command that is given, or what came with the task."""
    if module.params["program"]:
        return Given(module.params["program"])
    if not module.params["_key"]:
        stop(module, msg="this module needs its action: call it as gpucloud.host.gpucloud", answer=None)
    python = find_python()
    if python is None:
        has = ".".join(map(str, sys.version_info[:2]))
        stop(
            module,
            msg=f"the host has Python {has}, and gpucloud needs 3.11 or newer; nothing was done. "
            "Install one beside it: dnf install python3.11, apt-get install python3.11",
            answer=None,
        )
    return Program(module, str(python))


def main() -> None:
    """Do what the task says."""
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[("spec", "units", "layout", "create", "delete")],
        required_together=[("create", "card")],
    )
    program, state = find_program(module), module.params["state"]
    if state in LOOKS:
        tell(module, ask(module, program.argv, LOOKS[state]), False)
    wanted = any(module.params[each] for each in WANTED)
    if state == "applied" and not wanted:
        stop(module, msg="what is wanted? Give one of spec, units, layout, create, delete", answer=None)
    look, do = CHANGES[state]
    answer = ask(module, program.argv, look)
    is_due = bool(answer["changes"] or answer["entry"])
    if module.check_mode or not is_due:
        tell(module, answer, is_due)
    program.settle()
    answer = ask(module, program.argv, do)
    tell(module, answer, answer["has_changed"])


if __name__ == "__main__":
    main()
