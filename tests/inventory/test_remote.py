"""Hosts over ssh: read with python3 or with a POSIX shell alone; names and answers are not trusted.

The ``ssh`` of these tests runs what it is asked to run here, below a directory that stands for the host.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import shutil
import sys
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.hosts.catalogue import BUILT
from tests.inventory.build import NAMES, add_many_processors, read

from gpucloud.inventory import read_host
from gpucloud.inventory.collect.envoy import HEAD_LIMIT, HEADS
from gpucloud.inventory.collect.wire import parse_stream
from gpucloud.inventory.remote import collect_remote, open_remote, python_script, shell_script
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.model.unknown import Unknown

pytestmark = pytest.mark.proof

_TOOLS = ("sh", "head", "ls", "od", "sed", "tr")


def ssh_with_python(folder: Path) -> tuple[str, ...]:
    """An ssh to a host that has python3."""
    return fake_ssh(folder, {"python3": sys.executable, "sh": "/bin/sh"})


def ssh_with_tools(folder: Path) -> tuple[str, ...]:
    """An ssh to a host that has a shell and the tools of any Unix."""
    return fake_ssh(folder, {tool: shutil.which(tool) or tool for tool in _TOOLS})


def ssh_with_busybox(folder: Path) -> tuple[str, ...]:
    """An ssh to a host that has busybox and nothing else."""
    return fake_ssh(folder, dict.fromkeys(_TOOLS, shutil.which("busybox") or "busybox"))


def fake_ssh(folder: Path, programs: dict[str, str]) -> tuple[str, ...]:
    path = folder / "bin"
    path.mkdir()
    for name, program in programs.items():
        (path / name).symlink_to(program)
    script = folder / "ssh"
    script.write_text(
        f'#!/bin/sh\n# ssh -- HOST COMMAND\nPATH={path}\nexport PATH\nexec "{path}/sh" -c "$3"\n'
    )
    script.chmod(0o755)
    return (str(script),)


def answering(folder: Path, lines: str) -> tuple[str, ...]:
    """An ssh that does these lines of shell in place of connecting."""
    script = folder / "ssh"
    script.write_text(f"#!/bin/sh\n{lines}\n")
    script.chmod(0o755)
    return (str(script),)


FACTS = "printf '\\ngpucloud: facts follow\\n'"
"""What stands before the facts."""
GREETING = "printf 'E\\nF/etc/hostname\\n+Welcome to gpu01, '; echo 'set: no tty' >&2; "


def greeting(ssh: tuple[str, ...]) -> tuple[str, ...]:
    """An ssh to a host whose login shell prints before it runs a command, as .bashrc may."""
    script = Path(ssh[0])
    script.write_text(script.read_text().replace('-c "$3"', f'-c "{GREETING}$3"'))
    return ssh


def same(host: Host) -> Host:
    """A host without what another way of reading it cannot know."""
    unasked = dataclasses.replace(host.kvm, refusal=Unknown("not asked"))
    return dataclasses.replace(host, source="", kvm=unasked)


WAYS = [ssh_with_python, ssh_with_tools, ssh_with_busybox]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "name", ["built-laptop-rtx4070-vmd", "built-mi300x-gim", "built-nvidia-a2-vendor-vfio"]
)
def test_a_remote_host_is_read_as_the_running_one(way: object, name: str, tmp_path: Path) -> None:
    assert callable(way)
    tree = BUILT[name](tmp_path / "a host")
    remote = open_remote("root@gpu01", ssh=way(tmp_path), root=str(tree.root))
    host = read_host(remote, NAMES)
    assert host.source == "root@gpu01"
    assert same(host) == same(read(tree))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_shell_that_greets_is_not_listened_to(way: object, tmp_path: Path) -> None:
    assert callable(way)
    tree = BUILT["built-arc-a770"](tmp_path / "host")
    remote = open_remote("gpu01", ssh=greeting(way(tmp_path)), root=str(tree.root))
    assert same(read_host(remote, NAMES)) == same(read(tree))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_interrupts_and_processors_without_end_are_read_as_far_as_is_needed(
    way: object, tmp_path: Path
) -> None:
    assert callable(way)
    tree = HostTree(tmp_path / "host")
    add_many_processors(tree)
    stream = collect_remote("gpu01", ssh=way(tmp_path), root=str(tree.root))
    assert all(len(stream.files[path]) <= HEAD_LIMIT + 1 for path in HEADS)
    host = read_host(open_remote("gpu01", ssh=(str(tmp_path / "ssh"),), root=str(tree.root)), NAMES)
    assert host.iommu.has_interrupt_remapping is True
    assert host.cpu == read(tree).cpu


def test_a_shell_that_greets_and_then_fails_says_why(tmp_path: Path) -> None:
    ssh = answering(tmp_path, "echo Welcome; echo 'sh: not allowed' >&2; exit 126")
    with pytest.raises(Failure, match="gpu01 could not be read: sh: not allowed"):
        collect_remote("gpu01", ssh=ssh)


def test_a_shell_that_greets_and_does_nothing_is_no_host(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cut short"):
        collect_remote("gpu01", ssh=answering(tmp_path, "echo Welcome; echo E"))


def test_a_shell_alone_cannot_ask_kvm_and_says_so(tmp_path: Path) -> None:
    tree = BUILT["built-arc-a770"](tmp_path / "host")
    host = read_host(open_remote("gpu01", ssh=ssh_with_tools(tmp_path), root=str(tree.root)), NAMES)
    assert isinstance(host.kvm.refusal, Unknown)
    assert "python3" in host.kvm.refusal.why


@pytest.mark.parametrize(
    "name",
    [
        "-oProxyCommand=x",
        "root@-oProxyCommand=x",
        "a b",
        "",
        "root@",
        "a;reboot",
        "$(x)",
        "a\nb",
        "--",
        "u@h@i",
    ],
)
def test_a_host_name_is_never_an_option_or_a_command(name: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    with pytest.raises(Failure, match="is no host for ssh") as caught:
        collect_remote(name, ssh=answering(tmp_path, f"touch {marker}"))
    assert caught.value.code is Exit.USAGE
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["gpu01", "root@gpu01.example.org", "10.0.0.7", "root@fe80::1%eth0", "gpu_1-a"]
)
def test_names_that_ssh_takes_are_passed_on(name: str, tmp_path: Path) -> None:
    ssh = answering(tmp_path, f'test "$1" = -- && test "$2" = "{name}" && {FACTS} && echo E')
    assert collect_remote(name, ssh=ssh).files == {}


def test_a_host_that_cannot_be_reached_says_what_ssh_said(tmp_path: Path) -> None:
    ssh = answering(tmp_path, "echo 'banner' >&2; echo 'ssh: connect: Connection refused' >&2; exit 255")
    with pytest.raises(
        Failure, match=r"gpu01 cannot be reached: ssh: connect: Connection refused; try: ssh gpu01 true"
    ):
        collect_remote("gpu01", ssh=ssh)


def test_a_machine_without_ssh_says_so() -> None:
    with pytest.raises(Failure, match="install the OpenSSH client"):
        collect_remote("gpu01", ssh=("/nonexistent/ssh",))


def test_a_host_that_sends_without_end_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="sends more than"):
        collect_remote("gpu01", ssh=answering(tmp_path, "exec yes 'F/etc/x'"))


def test_a_host_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="takes too long"):
        collect_remote("gpu01", ssh=answering(tmp_path, "exec tail -f /dev/null"), timeout_s=0.2)


def test_an_answer_that_is_cut_short_is_no_host(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="cut short"):
        collect_remote("gpu01", ssh=answering(tmp_path, f"{FACTS}; echo D/sys"))


@pytest.mark.parametrize(
    "line", [b"Welcome to gpu01", b"+text", b"F../etc", b"F/a/../b", b"X/a\tzz", b"L/a", b"Q/a"]
)
def test_lines_that_no_collector_prints_are_refused(line: bytes) -> None:
    with pytest.raises(Failure, match="no fact"):
        parse_stream(line + b"\nE\n", "gpu01")


def test_a_shell_script_quotes_what_it_is_given() -> None:
    assert b"root='/a'\\''b'" in shell_script("/a'b")


def test_the_collector_speaks_the_python_of_old_hosts() -> None:
    source = python_script("/").decode()
    ast.parse(source, feature_version=(3, 6))
    imported = {name.split(".")[0] for name in re.findall(r"^(?:from|import) (\S+)", source, re.MULTILINE)}
    assert imported <= sys.stdlib_module_names
    assert "from __future__ import annotations" not in source  # 3.7 and newer
