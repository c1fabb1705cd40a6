"""Captures that gpucloud writes: everything that is read, nothing that tells whose host it is."""

from __future__ import annotations

import dataclasses
import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.hosts.catalogue import BUILT
from tests.inventory.build import NAMES, read

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.allowlist import RULES, Kind
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.redact import Redactor
from gpucloud.inventory.capture.write import collect_here, render_capture
from gpucloud.model.host import Host

pytestmark = pytest.mark.proof

_UUID = "3e6be9de-8139-11d1-9106-a43f08d823a6"
_MAC = "b4:2e:99:a1:22:33"


def capture(root: Path, path: Path, *, is_redacted: bool) -> bytes:
    """Write a capture of a tree; give what is in it, unpacked."""
    data = render_capture(collect_here(str(root)), is_redacted=is_redacted)
    path.write_bytes(data)
    return gzip.decompress(data)


def same(host: Host) -> Host:
    return dataclasses.replace(host, source="")


def arguments_of(path: Path) -> tuple[str, ...]:
    found = read_host(open_capture(path), NAMES).kernel.arguments
    assert isinstance(found, tuple)
    return found


@pytest.fixture
def private(tmp_path: Path) -> HostTree:
    """A host full of things that are nobody's business."""
    tree = BUILT["built-mi300x-gim"](tmp_path / "host")
    tree.write("proc/sys/kernel/hostname", "gpu-sirius.example.org")
    tree.write(
        "proc/cmdline",
        f"root=UUID={_UUID} resume=UUID={_UUID} rd.luks.uuid=luks-{_UUID}"
        " ip=10.1.2.3::10.1.2.1:255.0.0.0:gpu-sirius:eth0:off"
        f" ifname=lan0:{_MAC} rd.iscsi.password=hunter2 systemd.hostname=gpu-sirius intel_iommu=on iommu=pt"
        " vfio-pci.ids=10de:2330,10de:22a3 modprobe.blacklist=nouveau,nvidiafb nvidia.NVreg_Host=gpu-sirius"
        " quiet rd.lvm.lv=vg_sirius/root correcthorse -- --token battery",
    )
    tree.write(
        "etc/modprobe.d/site.conf",
        "# written by alice on gpu-sirius\nblacklist nouveau\n"
        "options vfio-pci ids=10de:2330 disable_idle_d3=1\n"
        f"options vpn peer=10.9.8.7 key=swordfish\ninstall vpn /usr/local/bin/vpn-{_UUID} --user alice\n"
        "softdep nvidia pre: vfio-pci",
    )
    tree.write("etc/modprobe.d/gpu-sirius.conf", "blacklist nova_core")
    tree.write("boot/loader/entries/6a9857a393724b7a981ebb5b8495b9ea-6.8.0.conf", "title Fedora")
    tree.write("etc/dracut.conf.d/gpu.conf", 'add_drivers+=" vfio vfio_pci "\nnfs_domain="example.org"')
    tree.write(
        "proc/net/route",
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "enxb42e99a12233 00000000 0102010A 0003 0 0 0 00000000 0 0 0",
    )
    card = "devices/pci0000:00/0000:00:03.0/net/enxb42e99a12233"
    tree.folder(f"sys/{card}")
    tree.link("sys/class/net/enxb42e99a12233", f"../../{card}")
    return tree


SECRETS = [
    "sirius",
    "hunter2",
    "correcthorse",
    "battery",
    "swordfish",
    "alice",
    "example.org",
    "10.1.2",
    "10.9.8",
    "0102010A",
    "b42e99",
    "ml7",
]


@pytest.mark.parametrize("name", sorted(BUILT))
def test_a_capture_holds_everything_that_is_read_of_a_host(name: str, tmp_path: Path) -> None:
    tree = BUILT[name](tmp_path / "host")
    capture(tree.root, tmp_path / "c.tar.gz", is_redacted=False)
    assert same(read_host(open_capture(tmp_path / "c.tar.gz"), NAMES)) == same(read(tree))


def test_an_unpacked_capture_is_read_like_the_packed_one(private: HostTree, tmp_path: Path) -> None:
    import tarfile

    capture(private.root, tmp_path / "c.tar.gz", is_redacted=True)
    with tarfile.open(tmp_path / "c.tar.gz") as archive:
        archive.extractall(tmp_path / "unpacked", filter="tar")
    assert same(read_host(open_capture(tmp_path / "unpacked"), NAMES)) == same(
        read_host(open_capture(tmp_path / "c.tar.gz"), NAMES)
    )


def test_the_same_facts_are_the_same_bytes(private: HostTree, tmp_path: Path) -> None:
    first = capture(private.root, tmp_path / "a", is_redacted=True)
    assert capture(private.root, tmp_path / "b", is_redacted=True) == first
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_in_a_capture_tells_whose_host_it_is(private: HostTree, tmp_path: Path) -> None:
    text = capture(private.root, tmp_path / "c.tar.gz", is_redacted=True).decode(errors="replace")
    assert [secret for secret in (*SECRETS, _UUID, _MAC) if secret in text] == []


def test_what_decides_about_gpus_stays_readable(private: HostTree, tmp_path: Path) -> None:
    capture(private.root, tmp_path / "c.tar.gz", is_redacted=True)
    host = read_host(open_capture(tmp_path / "c.tar.gz"), NAMES)
    whole = read(private)
    assert {
        "intel_iommu=on",
        "iommu=pt",
        "vfio-pci.ids=10de:2330,10de:22a3",
        "modprobe.blacklist=nouveau,nvidiafb",
        "quiet",
        "root=UUID=uuid-1",
        "resume=UUID=uuid-1",
        "nvidia.NVreg_Host=host",
    } <= set(arguments_of(tmp_path / "c.tar.gz"))
    directives = host.distribution.module_configuration
    assert isinstance(directives, tuple)
    texts = {directive.line: directive.text for directive in directives if "site" in directive.path}
    assert texts[2] == "blacklist nouveau"
    assert texts[3] == "options vfio-pci ids=10de:2330 disable_idle_d3=1"
    assert texts[6] == "softdep nvidia pre: vfio-pci"
    assert 'add_drivers+=" vfio vfio_pci "' in {directive.text for directive in directives}
    assert host.vital == whole.vital
    assert host.units == whole.units
    assert host.functions is not None


def test_identifiers_stay_when_asked_for(private: HostTree, tmp_path: Path) -> None:
    text = capture(private.root, tmp_path / "c.tar.gz", is_redacted=False).decode(errors="replace")
    assert _UUID in text
    assert "hunter2" in text
    assert "sirius.example.org" not in text


def test_a_boot_loaders_entries_are_there_without_their_names(private: HostTree, tmp_path: Path) -> None:
    capture(private.root, tmp_path / "c.tar.gz", is_redacted=True)
    assert read_host(open_capture(tmp_path / "c.tar.gz"), NAMES).distribution.boot_loaders == ("grub", "bls")


def test_only_listed_files_are_in_a_capture(private: HostTree, tmp_path: Path) -> None:
    private.write("etc/shadow", "root:x")
    private.write("etc/modprobe.d/notes.txt", "private")
    private.write("proc/1/environ", "TOKEN=1")
    private.write("sys/bus/pci/devices/0000:05:00.0/vpd", "serial")
    text = capture(private.root, tmp_path / "c.tar.gz", is_redacted=False).decode(errors="replace")
    assert [word for word in ("shadow", "notes.txt", "environ", "vpd") if word in text] == []


def test_what_could_not_be_read_is_unknown_in_the_capture_too(private: HostTree, tmp_path: Path) -> None:
    place = private.root / private.place("0000:15:00.0") / "current_link_speed"
    place.mkdir()
    capture(private.root, tmp_path / "c.tar.gz", is_redacted=True)
    text = str(read_host(open_capture(tmp_path / "c.tar.gz"), NAMES).units[1].primary.link)
    assert "not a regular file" in text


def test_a_capture_without_a_rule_does_not_claim_absence(private: HostTree, tmp_path: Path) -> None:
    """An older gpucloud collected less: what it did not ask for is Unknown, not absent."""
    import json
    import tarfile

    capture(private.root, tmp_path / "c.tar.gz", is_redacted=True)
    with tarfile.open(tmp_path / "c.tar.gz") as archive:
        archive.extractall(tmp_path / "old", filter="tar")
    manifest = tmp_path / "old/gpucloud/manifest.json"
    plain = json.loads(manifest.read_text())
    plain["collected"] = [path for path in plain["collected"] if "boot_vga" not in path]
    manifest.write_text(json.dumps(plain))
    gpu = read_host(open_capture(tmp_path / "old"), NAMES).units[0].primary
    assert "boot_vga is not in the capture" in str(gpu.is_boot_vga)


def test_patterns_name_files_below_the_roots_that_hold_facts() -> None:
    roots = {"sys", "proc", "etc", "lib", "usr", "run", "boot", "efi", "dev"}
    assert {rule.pattern.split("/")[1] for rule in RULES} <= roots
    assert all(".." not in rule.pattern for rule in RULES)
    assert not any(
        rule.pattern.endswith(("/vpd", "/config", "/rom")) for rule in RULES if rule.kind is not Kind.OPEN
    )


_TOKEN = st.from_regex(r"[a-zA-Z][a-zA-Z0-9!$%^&*_.:/@-]{7,30}", fullmatch=True).map(lambda text: f"Zq{text}")
_KEY = st.sampled_from(
    ["ip", "password", "rd.iscsi.initiator", "systemd.setenv", "root", "netroot", "BOOT_IMAGE", "x"]
)


@given(secret=_TOKEN, key=_KEY)
def test_no_value_of_an_unknown_argument_survives(secret: str, key: str) -> None:
    text = f'quiet {key}={secret} {key}="{secret} more" {secret} intel_iommu=on -- {secret}'
    redacted = Redactor([], []).arguments(text)
    assert secret not in redacted
    assert redacted.startswith("quiet ")
    assert "intel_iommu=on" in redacted


@given(
    uuid=st.uuids().map(str),
    mac=st.lists(st.integers(0, 255), min_size=6, max_size=6).map(
        lambda parts: ":".join(f"{p:02x}" for p in parts)
    ),
    ip=st.ip_addresses(v=4).map(str),
    name=st.from_regex(r"[a-z][a-z0-9-]{3,20}", fullmatch=True),
    key=st.sampled_from(["vfio_pci.ids", "nvidia.NVreg", "console", "video", "root", "ip"]),
)
def test_identifiers_are_found_inside_values_that_are_kept(
    uuid: str, mac: str, ip: str, name: str, key: str
) -> None:
    redacted = Redactor([name], []).arguments(f"{key}=a,{uuid},{mac};{ip}/8,{name}.x")
    assert [each for each in (uuid, mac, ip) if each in redacted] == []
    assert re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", redacted.partition("=")[2]) is None


@given(
    secret=_TOKEN,
    directive=st.sampled_from(
        ["options vpn key=", "install vpn /bin/", "nfs_domain=", "", "alias net-pf-1 "]
    ),
)
def test_no_secret_of_module_configuration_survives(secret: str, directive: str) -> None:
    assert secret not in Redactor([], []).directive(f"{directive}{secret}")


@given(st.lists(st.uuids().map(str), min_size=2, max_size=5))
def test_the_same_identifier_gets_the_same_placeholder_and_others_another(uuids: list[str]) -> None:
    words = Redactor([], []).arguments(" ".join(f"root=UUID={uuid}" for uuid in uuids)).split()
    pairs = set(zip(uuids, words, strict=True))
    assert len(pairs) == len(set(uuids)) == len(set(words))
