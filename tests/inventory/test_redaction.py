"""Whose host a capture is of: its name is found everywhere, and everybody's words stay as they are."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.inventory.build import NAMES

from gpucloud.inventory import read_host
from gpucloud.inventory.capture import telling
from gpucloud.inventory.capture.allowlist import HOST_NAME, RULES, SECURE_BOOT, Kind
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.inventory.collect.wire import Stream

MAC = "b4:2e:99:a1:22:33"
GPU = "0000:3b:00.0"


def a_host(root: Path, name: str, release: str) -> HostTree:
    tree = HostTree(root)
    tree.function(GPU, "10de:1db4", "0302", driver="vfio-pci", group=61)
    tree.write("proc/sys/kernel/hostname", name)
    tree.write("proc/sys/kernel/osrelease", release)
    tree.write(f"lib/modules/{release}/modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko:")
    tree.write("usr/local/lib/modprobe.d/vfio.conf", "options vfio-pci ids=10de:1db4")
    return tree


@pytest.mark.parametrize("name", ["pve", "gpu01.local", "boot", "generic", "acme42"])
@pytest.mark.parametrize("release", ["6.8.12-4-pve", "6.8.0-51-generic", "6.8.12-acme42"])
def test_the_modules_of_the_running_kernel_are_found_whatever_the_host_is_named(
    tmp_path: Path, name: str, release: str
) -> None:
    tree = a_host(tmp_path / "host", name, release)
    path = tmp_path / "c.tar.gz"
    path.write_bytes(render_capture(collect_here(str(tree.root))))
    host = read_host(open_capture(path), NAMES)
    assert host.kernel.available_modules == frozenset(["vfio_pci"])
    directives = host.distribution.module_configuration
    assert isinstance(directives, tuple)
    assert "/usr/local/lib/modprobe.d/vfio.conf" in {each.path for each in directives}


def planted(name: str, uuid: str) -> Stream:
    """A stream in which the identifiers stand in every file that is collected, and in names of files."""
    stream = Stream()
    text = f"{name} x={name} alias {name} {uuid} {MAC}\nID={name}\noptions {name} {name}=1\n{name}-trainer\n"
    for number, rule in enumerate(RULES):
        if rule.kind is Kind.OPEN:
            continue
        path = rule.pattern.replace("@release", f"6.8-{name}").replace("[0-5]", "0").replace("*", f".{name}.")
        if rule.kind is Kind.LINK:
            stream.links[f"{path}{number}-{name}"] = f"../../{uuid}/{name}"
        else:
            stream.files[path] = text.encode()
    stream.files["/proc/900/comm"] = f"{name}-trainer\n".encode()
    stream.files["/proc/900/cmdline"] = f"qemu\n-name\nguest={name}\n".encode()
    stream.files[SECURE_BOOT] = b"\x06\0\0\0\1" + name.encode()
    stream.unread[f"/etc/{name}"] = f"{name} says no to {uuid}"
    stream.files[HOST_NAME] = f"{name}.example-{name}.org\n".encode()
    return stream


@given(name=st.from_regex(r"zq[a-z]{3,9}[0-9]{1,3}", fullmatch=True), uuid=st.uuids().map(str))
def test_no_byte_of_an_identifier_planted_in_every_file_is_in_a_capture(name: str, uuid: str) -> None:
    text = gzip.decompress(render_capture(planted(name, uuid)))
    assert [word for word in (name, uuid, MAC) if word.encode() in text] == []


def test_known_holders_keep_their_names_and_others_get_one() -> None:
    stream = Stream()
    for pid, name in ((1, "qemu-system-x86"), (2, "nvidia-persiste"), (3, "acmetrainer")):
        stream.files[f"/proc/{pid}/comm"] = f"{name}\n".encode()
    text = gzip.decompress(render_capture(stream)).decode()
    assert ["qemu-system-x86" in text, "nvidia-persiste" in text, "process-1" in text] == [True] * 3
    assert "acmetrainer" not in text


@given(
    st.from_regex(r"[A-Z]{2,8}", fullmatch=True).filter(lambda word: not telling.is_everybodys(word)),
    st.sampled_from(
        (
            "TOKEN={}",
            "{}=1",
            "echo {} > /sys/bus/pci/drivers/vfio-pci/bind",
            "echo ${} > /sys/bus/pci/drivers/vfio-pci/bind",
            "echo vfio-pci > /sys/bus/pci/devices/${}/driver_override",
            "for {} in 0000:3b:00.0; do",
            "modprobe {}",
            "/usr/local/bin/vfio-bind.sh {}",
        )
    ),
)
def test_a_word_in_capitals_that_is_not_everybodys_takes_its_line_with_it(word: str, line: str) -> None:
    assert word not in telling.telling_lines(line.replace("{}", word))


def test_names_of_scripts_and_units_are_replaced_alike_wherever_they_stand(tmp_path: Path) -> None:
    tree = HostTree(tmp_path / "host")
    start = "/usr/local/bin/acme-bank-vfio.sh"
    unit = "/etc/systemd/system/acme-bank.service"
    bind = "echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind"
    tree.write(start, f"#!/bin/sh\n{bind}")
    tree.write(unit, f"[Service]\nExecStart={start}\n[Install]\nWantedBy=multi-user.target")
    tree.link("/etc/systemd/system/multi-user.target.wants/acme-bank.service", unit)
    tree.write("/etc/udev/rules.d/70-acme.rules", 'RUN+="/sbin/vfio-acme"')
    tree.write("/etc/modprobe.d/vfio.conf", f"install vfio-pci {start}")
    tree.write("/usr/local/bin/vfio-bind.sh", bind)
    data = render_capture(collect_here(str(tree.root)))
    assert b"acme" not in gzip.decompress(data)
    (tmp_path / "c.tar.gz").write_bytes(data)
    reader = open_capture(tmp_path / "c.tar.gz")
    scripts = reader.list_dir("/usr/local/bin")
    assert isinstance(scripts, tuple)
    assert set(scripts) > {"vfio-bind.sh"}
    assert len(scripts) == 2
    script = next(name for name in scripts if name != "vfio-bind.sh")
    units = reader.list_dir("/etc/systemd/system/multi-user.target.wants")
    assert isinstance(units, tuple)
    assert len(units) == 1
    started = reader.read_text(f"/etc/systemd/system/{units[0]}")
    assert isinstance(started, str)
    assert f"ExecStart=/usr/local/bin/{script}" in started
    assert reader.read_text("/etc/modprobe.d/vfio.conf") == f"install vfio-pci /usr/local/bin/{script}\n"
