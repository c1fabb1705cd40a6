"""A host's files in one file: exact, as confined as any capture, and refused when it is not sound."""

from __future__ import annotations

import errno
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.host_tree import HostTree
from tests.inventory.build import NAMES, addresses

from gpucloud.inventory import read_host
from gpucloud.inventory.capture.allowlist import RULES, Kind
from gpucloud.inventory.capture.open import open_capture
from gpucloud.inventory.capture.packed import Packed, parse_packed, render_packed
from gpucloud.inventory.capture.tree import Tree
from gpucloud.inventory.capture.write import collect_here, prove_capture, render_capture
from gpucloud.inventory.collect.wire import Stream
from gpucloud.inventory.folder import Folder
from gpucloud.model.failure import Failure

NAME = st.text("abc-:.", min_size=1, max_size=4).filter(lambda name: name.strip("."))
PATH = st.lists(NAME, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


def packed(root: object) -> Packed:
    return parse_packed(json.dumps(root).encode(), "a test")


@given(st.dictionaries(PATH, st.binary(max_size=20)))
def test_every_byte_of_every_file_comes_back(files: dict[str, bytes]) -> None:
    tree = Tree()
    for path, data in files.items():
        tree.add_file(path, data)
    kept = [(path, entry) for path, entry in tree.entries() if isinstance(entry, bytes)]
    read = parse_packed(render_packed(tree.entries()), "a test")
    assert [(path, read.read(path, 100)) for path, _ in kept] == kept


def test_a_packed_host_is_read_as_its_folder(tmp_path: Path) -> None:
    tree = HostTree(tmp_path / "host")
    tree.function("0000:3b:00.0", "10de:1db4", "0302", driver="nvidia", group=7)
    entries = collect_here(str(tree.root)).tree().entries()
    read, folder = parse_packed(render_packed(entries), "a test"), Folder(tree.root)
    device = "/sys/bus/pci/devices/0000:3b:00.0"
    wanted = frozenset(("class", "driver", "iommu_group", "none"))
    assert read.contents(device, wanted, 100)[1:] == folder.contents(device, wanted, 100)[1:]
    assert read.read(f"{device}/class", 100) == folder.read(f"{device}/class", 100)
    assert read.target(device) == folder.target(device)
    assert read.has_folder(f"{device}/iommu_group/devices")
    assert not read.has_folder(f"{device}/class")


def test_it_may_lie_in_a_folder_too(tmp_path: Path) -> None:
    tree = HostTree(tmp_path / "host")
    tree.function("0000:3b:00.0", "10de:1db4", "0302")
    place = tmp_path / "unpacked" / "gpu01" / "gpucloud"
    place.mkdir(parents=True)
    place.joinpath("host.json").write_bytes(render_packed(collect_here(str(tree.root)).tree().entries()))
    assert read_host(open_capture(tmp_path / "unpacked"), NAMES).units[0].addresses == addresses(
        "0000:3b:00.0"
    )


def test_the_archive_holds_two_files(tmp_path: Path) -> None:
    HostTree(tmp_path / "host")
    archive = tmp_path / "capture.tar.gz"
    archive.write_bytes(render_capture(collect_here(str(tmp_path / "host"))))
    with tarfile.open(archive) as members:
        assert members.getnames() == ["gpucloud/manifest.json", "gpucloud/host.json"]


@pytest.mark.parametrize(
    "root",
    [
        [],
        "text",
        {"sys": 7},
        {"sys": None},
        {"sys": ["one", "two"]},
        {"sys": [""]},
        {"sys": [7]},
        {"sys": ["x" * 5000]},
        {"..": {}},
        {".": {}},
        {"": {}},
        {"a/b": {}},
        {"sys": {"a\0b": "text"}},
    ],
)
def test_what_is_no_tree_of_files_is_refused(root: object) -> None:
    with pytest.raises(Failure, match=r"its gpucloud/host\.json is damaged"):
        packed(root)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"a":' * 50_000, b"[" * 50_000])
def test_damaged_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Failure, match=r"its gpucloud/host\.json is damaged"):
        parse_packed(data, "a test")


def test_more_entries_than_any_host_has_are_refused_before_they_are_read() -> None:
    with pytest.raises(Failure, match="more than 1000000 entries"):
        parse_packed(b'{"a":' * 1_000_001, "a test")


@pytest.mark.proof
def test_a_host_of_8000_functions_is_read_from_what_is_written_of_it(tmp_path: Path) -> None:
    stream = Stream()
    for number in range(8000):
        address = f"{number >> 11:04x}:{number >> 3 & 0xFF:02x}:00.{number & 7}"
        place = f"/sys/bus/pci/devices/{address}"
        stream.links[place] = f"../../../devices/pci{address[:7]}/{address}"
        stream.links[f"{place}/iommu_group"] = f"../../../kernel/iommu_groups/{number}"
        stream.files[f"/sys/kernel/iommu_groups/{number}/type"] = b"DMA-FQ\n"
        for rule in RULES:
            if rule.kind is Kind.FILE and rule.folder == "/sys/bus/pci/devices/*" and "[" not in rule.pattern:
                stream.files[f"{place}/{rule.pattern.rpartition('/')[2]}"] = b"0x00000000\n"
    (tmp_path / "c.tar.gz").write_bytes(render_capture(stream))
    names = open_capture(tmp_path / "c.tar.gz").list_dir("/sys/bus/pci/devices")
    assert isinstance(names, tuple)
    assert len(names) == 8000


def test_links_lead_nowhere_outside() -> None:
    read = packed({"sys": {"up": ["../../../etc/x"], "loop": ["loop"]}, "etc": {"x": "inside"}})
    assert read.read("/sys/up", 100) == b"inside"
    with pytest.raises(OSError, match="Too many levels") as raised:
        read.read("/sys/loop", 100)
    assert raised.value.errno == errno.ELOOP


def test_text_that_stands_for_no_bytes_is_an_error_and_no_traceback() -> None:
    read = packed({"sys": {"odd": "\ud800", "byte": "\udcff", "long": "x" * 101}})
    assert read.read("/sys/byte", 100) == b"\xff"
    texts = read.contents("/sys", frozenset(("odd", "byte", "long")), 100).texts
    assert texts["byte"] == "\ufffd"
    assert [getattr(texts[name], "errno", None) for name in ("odd", "long")] == [errno.EILSEQ, errno.EFBIG]


def test_a_packed_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "gpucloud"
    place.mkdir()
    with place.joinpath("host.json").open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(Failure, match=r"its gpucloud/host\.json cannot be read \(longer than"):
        open_capture(tmp_path)


def test_a_written_capture_that_cannot_be_opened_again_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "c.tar.gz"
    path.write_bytes(render_capture(Stream())[:-40])
    with pytest.raises(Failure, match="could not be opened again"):
        prove_capture(path)
    assert not path.exists()
    path.write_bytes(render_capture(Stream()))
    prove_capture(path)
    assert path.exists()
