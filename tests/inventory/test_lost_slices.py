"""Virtual functions of a copy that has lost links: found by the other end, or unknown; never none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.host_tree import HostTree
from tests.inventory.build import NAMES, addresses, function

from gpucloud.cli.main import run
from gpucloud.inventory import read_host
from gpucloud.inventory.capture.open import open_capture
from gpucloud.model.failure import Exit
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, Sriov
from gpucloud.model.unknown import Unknown

CARD = "0000:3b:00.0"
VFS = ("0000:3b:00.4", "0000:3b:00.5")
BOTH = addresses(*VFS)


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    tree = HostTree(tmp_path / "host", flat=True)
    tree.function(CARD, "1002:74a1", "1200", group=61, driver="gim", sriov_totalvfs=8, sriov_numvfs=2)
    for number, address in enumerate(VFS):
        tree.function(address, "1002:74b5", "1200", group=62 + number)
        tree.vf(CARD, number, address)
    return tree


def lose(tree: HostTree, address: str, name: str) -> None:
    (tree.root / tree.place(address) / name).unlink()


def lose_card(tree: HostTree) -> None:
    for number in range(2):
        lose(tree, CARD, f"virtfn{number}")


def lose_slices(tree: HostTree) -> None:
    for address in VFS:
        lose(tree, address, "physfn")


def lose_half(tree: HostTree) -> None:
    lose(tree, CARD, "virtfn0")
    lose(tree, VFS[1], "physfn")


def captured(tree: HostTree) -> Host:
    return read_host(open_capture(tree.root), NAMES)


@pytest.mark.parametrize("some", [lose_card, lose_slices, lose_half])
def test_one_end_of_a_link_tells_what_both_would(some: Callable[[HostTree], None], tree: HostTree) -> None:
    whole = captured(tree)
    some(tree)
    host = captured(tree)
    assert function(host, CARD).sriov == Sriov(8, 2, BOTH)
    assert {function(host, each).physical_function for each in VFS} == {PciAddress.parse(CARD)}
    assert host.units == whole.units


def test_fewer_than_are_counted_are_unknown_and_not_none(tree: HostTree) -> None:
    lose_card(tree)
    lose(tree, VFS[0], "physfn")
    sriov = function(captured(tree), CARD).sriov
    assert sriov == Sriov(8, 2, Unknown("2 virtual functions are on, of which 1 can be seen"))


def test_a_link_that_leads_to_no_function_is_said(tree: HostTree) -> None:
    (tree.root / tree.place(CARD) / "sriov_numvfs").unlink()
    lose(tree, CARD, "virtfn0")
    tree.link(f"{tree.place(CARD)}/virtfn0", "../elsewhere")
    sriov = function(captured(tree), CARD).sriov
    assert isinstance(sriov, Sriov)
    assert sriov.vfs == Unknown(f"virtfn0 of {CARD}: leads to 'elsewhere'")


def test_none_are_on_where_the_kernel_counts_none(tree: HostTree) -> None:
    lose_card(tree)
    lose_slices(tree)
    tree.write(f"{tree.place(CARD)}/sriov_numvfs", 0)
    assert function(captured(tree), CARD).sriov == Sriov(8, 0, ())


def test_scan_does_not_say_that_nobody_uses_slices_it_cannot_see(
    tree: HostTree, capsys: pytest.CaptureFixture[str]
) -> None:
    for some, used_by in ((None, "-"), (lose_card, "-"), (lose_slices, "?")):
        if some:
            some(tree)
        assert run(["scan", "--from", str(tree.root)]) == Exit.FINE
        row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("3b:00.0"))
        assert " ".join(row.split()).endswith(f" {used_by} passthrough, sriov")
