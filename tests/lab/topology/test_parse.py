from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.lab.topology.devices import FUNCTIONS
from gpucloud.lab.topology.parse import (
    FREE_SLOTS,
    Iommu,
    Topology,
    load_topology,
    parse_topology,
    topology_names,
)
from gpucloud.model.failure import Exit, Failure

SMALLEST = 'title = "x"\niommu = "none"\n'


def refusal(text: str) -> str:
    with pytest.raises(Failure) as refused:
        parse_topology("mine", text)
    assert refused.value.code is Exit.USAGE
    return str(refused.value)


def test_every_topology_that_comes_along_is_right() -> None:
    assert {
        "amd-iommu",
        "boot-display",
        "card-audio",
        "iommu-not-asked",
        "iommu-off",
        "mdev",
        "pair-no-acs",
        "sriov",
        "twins",
    } <= set(topology_names())
    assert all(load_topology(name).name == name for name in topology_names())


def test_a_card_with_audio_is_two_functions_in_one_slot() -> None:
    (card,) = load_topology("card-audio").cards
    assert (card.slot, card.functions) == (0x0A, ("rage128", "hda-audio"))


def test_what_is_left_out_has_a_default() -> None:
    topology = parse_topology("mine", SMALLEST)
    assert (topology.iommu, topology.cpus, topology.memory_mib) == (Iommu.NONE, 2, 2560)
    assert topology.interrupt_remapping
    assert not topology.own_display
    assert topology.cards == ()


@pytest.mark.parametrize(
    ("added", "named"),
    [
        ("colour = 1", "unknown key 'colour'"),
        ('memory_mib = "2G"', "memory_mib"),
        ("cpus = 0", "cpus"),
        ("cpus = true", "cpus"),
        ('kernel_arguments = ["a b"]', "kernel_arguments"),
        ('kernel_arguments = "quiet"', "kernel_arguments"),
        ("own_display = 1", "own_display"),
        ('cards = ["rage128"]', "cards"),
        ('[[cards]]\nslot = 0x0a\nfunctions = ["voodoo2"]', "rage128"),
        ("[[cards]]\nslot = 0x0a\nfunctions = []", "functions"),
        ('[[cards]]\nslot = 3\nfunctions = ["usb"]', "slot"),
        ('[[cards]]\nfunctions = ["usb"]', "slot is missing"),
        ('[[cards]]\nport = "a"\nfunctions = ["usb"]', "port"),
        ('[[cards]]\nslot = 9\nfunctions = ["usb"]\n' * 2, "cards"),
        ('[[ports]]\nname = "a"\nslot = 8\n' * 2, "ports"),
        ('[[ports]]\nname = "a"\nslot = 8\nfunction = 1\n', "function 0"),
        ('[[ports]]\nname = "a"\nslot = 8\n[[cards]]\nslot = 8\nfunctions = ["usb"]', "0x08"),
        ('mdev = ["nvidia"]', "mtty"),
        ('[[ports]]\nname = "A,acs=on"\nslot = 8\n', "name"),
    ],
)
def test_what_is_wrong_is_named(added: str, named: str) -> None:
    assert named in refusal(SMALLEST + added)


def test_text_that_is_not_toml_is_refused_in_one_line() -> None:
    assert "not TOML" in refusal("title = ")


def test_a_topology_of_ones_own_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SMALLEST)
    assert load_topology(path).name == "mine"
    assert load_topology(str(path)).title == "x"


@pytest.mark.parametrize("wanted", ["no-such", "/nowhere/x.toml", "../x.toml"])
def test_a_topology_that_is_not_there_is_refused(wanted: str) -> None:
    with pytest.raises(Failure) as refused:
        load_topology(wanted)
    assert refused.value.code is Exit.USAGE


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * 70_000])
def test_a_file_that_is_no_topology_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(Failure):
        load_topology(path)


slots = st.lists(st.sampled_from(FREE_SLOTS), unique=True, max_size=5)
functions = st.lists(st.sampled_from(sorted(FUNCTIONS)), min_size=1, max_size=8)


@given(slots, functions, st.sampled_from(list(Iommu)), st.booleans(), st.integers(1, 64))
def test_what_is_written_is_what_is_read(
    slots: list[int], functions: list[str], iommu: Iommu, remapping: bool, cpus: int
) -> None:
    cards = "".join(f"[[cards]]\nslot = {slot:#x}\nfunctions = {functions}\n" for slot in slots)
    text = (
        f'title = "x"\niommu = "{iommu}"\ninterrupt_remapping = {str(remapping).lower()}\n'
        f"cpus = {cpus}\n{cards}"
    )
    topology = parse_topology("mine", text)
    assert [card.slot for card in topology.cards] == slots
    assert all(card.functions == tuple(functions) for card in topology.cards)
    assert (topology.iommu, topology.interrupt_remapping, topology.cpus) == (iommu, remapping, cpus)
    assert topology.source == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["title", "iommu", "cpus", "cards", "ports", "kernel_arguments", "memory_mib", "else"])


@given(st.dictionaries(keys, values))
def test_whatever_is_written_is_read_or_refused(data: dict[str, object]) -> None:
    lines = [f"{key} = {toml(value)}" for key, value in data.items() if value is not None]
    with suppress(Failure):
        assert isinstance(parse_topology("mine", "\n".join(lines)), Topology)


def toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(toml(item) for item in value if item is not None)}]"
        case str():
            return '"' + "".join(char if char.isalnum() else "\\u0020" for char in value) + '"'
        case _:
            return str(value)


def test_sample_drivers_are_named_once_each_and_none_by_default() -> None:
    assert load_topology("mdev").mdev == ("mtty", "mdpy", "mbochs")
    assert parse_topology("mine", SMALLEST + 'mdev = ["mdpy", "mdpy"]\n').mdev == ("mdpy",)
    assert load_topology("card-audio").mdev == ()
