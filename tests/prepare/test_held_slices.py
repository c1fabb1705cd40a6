"""Which slices go when a layout is taken back, who has them, and what an undo that failed goes on with."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest
from tests.hosts.catalogue import host_of
from tests.prepare.doom import dies
from tests.prepare.site import Site
from tests.prepare.test_layout import restart, vgpu
from tests.prepare.test_slices import CARD, mdevs_of, mediated, vendor_site

from gpucloud.cli.main import call
from gpucloud.model.change import MakeMdev, SetVfs, SwitchVfs
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.journal import Status
from gpucloud.prepare.layout.held import users_of_cut
from gpucloud.slices import offers_of
from gpucloud.slices.layout.draft import function_of

pytestmark = pytest.mark.proof

MXGPU = "built-amd-s7150-mxgpu"
UNREAD = Unknown("it was not read")


@pytest.fixture
def cut(tmp_path: Path) -> Site:
    return three_after_a_restart(tmp_path)


def three_after_a_restart(folder: Path) -> Site:
    """A host that was restarted since a layout cut its card into three, and has them again."""
    site = vendor_site(folder)
    mediated(site)
    vgpu(site, "apply", "3b:00.0: 3 x nvidia-35", "--name", "gpu01", "--yes")
    restart(site)
    assert call(["boot"], site.desk) == Exit.FINE
    assert len(mdevs_of(site)) == 3
    return site


@pytest.mark.parametrize(("before", "after"), [(0, 2), (4, 2), (2, 4)])
@pytest.mark.parametrize("kind", [SetVfs, SwitchVfs])
def test_all_functions_go_when_another_number_of_them_comes_back(
    kind: type[SetVfs | SwitchVfs], before: int, after: int
) -> None:
    host = host_of(MXGPU)
    change = kind(address=function_of(offers_of(host)[0].unit), before=before, after=after)
    assert list(users_of_cut([change], host)) == [("0000:83:02.1", "guest desk7")]


@pytest.mark.parametrize(("before", "after"), [(4, 0), (2, 2)])
def test_no_function_goes_where_none_is_left_or_as_many_were_there(before: int, after: int) -> None:
    host = host_of(MXGPU)
    assert list(users_of_cut([vfs_of(host, before, after)], host)) == []


def vfs_of(host: Host, before: int, after: int) -> SetVfs:
    return SetVfs(address=function_of(offers_of(host)[0].unit), before=before, after=after)


def test_slices_that_are_not_known_are_not_free(cut: Site) -> None:
    host = cut.host()
    assert not isinstance(host.functions, Unknown)
    card = PciAddress.parse(CARD)
    function = replace(host.functions[card], mdevs=UNREAD)
    units = tuple(
        replace(unit, functions=(function, *unit.functions[1:])) if unit.address == card else unit
        for unit in host.units
    )
    unread = replace(host, functions={**host.functions, card: function}, units=units)
    made = MakeMdev(address=card, type="nvidia-35", uuid=mdevs_of(cut)[0])
    assert list(users_of_cut([made], unread)) == [(str(card), UNREAD)]
    other = MakeMdev(address=PciAddress.parse("0000:3c:00.0"), type="nvidia-35", uuid=mdevs_of(cut)[0])
    assert list(users_of_cut([other], unread)) == []


def test_slices_of_a_host_without_functions_are_not_free() -> None:
    host = host_of(MXGPU)
    change = vfs_of(host, 0, 2)
    assert (str(change.address), UNREAD) in users_of_cut([change], replace(host, functions=UNREAD))


def status_of(site: Site) -> Status:
    return site.journal.entry("1").read_progress().status


def test_an_undo_after_a_restart_that_failed_is_gone_on_with(
    cut: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = mdevs_of(cut)[1]
    take = cut.kernel.remove_store

    def refuse(uuid: str) -> None:
        if uuid == held:
            raise OSError(errno.EBUSY, "Device or resource busy")
        take(uuid)

    with monkeypatch.context() as patch:
        patch.setattr(cut.kernel, "remove_store", refuse)
        assert cut.desk.undo("1", force=False).left
    assert held in mdevs_of(cut)
    assert status_of(cut) is Status.LEFT
    assert cut.desk.undo("1", force=False).left == ()
    assert mdevs_of(cut) == []


def test_an_undo_after_a_restart_that_was_cut_off_anywhere_is_gone_on_with(tmp_path: Path) -> None:
    moment = 0
    while True:
        site = three_after_a_restart(tmp_path / str(moment))
        is_dead = dies(site, moment, lambda doomed: doomed.desk.undo("1", force=False))
        if not is_dead:
            break
        if status_of(site) is not Status.UNDONE:
            assert site.desk.undo("1", force=False).left == ()
        assert mdevs_of(site) == [], moment
        moment += 3
    assert moment >= 12


def test_a_start_closes_an_undo_that_the_power_cut_off(cut: Site) -> None:
    assert dies(cut, 8, lambda doomed: doomed.desk.undo("1", force=False))
    assert status_of(cut) is Status.UNDOING
    restart(cut)
    assert call(["boot"], cut.desk) == Exit.FINE
    assert status_of(cut) is Status.UNDONE
    assert mdevs_of(cut) == []


def test_a_second_start_in_the_same_boot_goes_on_with_an_undo(cut: Site) -> None:
    assert dies(cut, 8, lambda doomed: doomed.desk.undo("1", force=False))
    assert mdevs_of(cut) != []
    assert call(["boot"], cut.desk) == Exit.FINE
    assert status_of(cut) is Status.UNDONE
    assert mdevs_of(cut) == []


def test_an_undo_that_was_begun_gives_a_deleted_slice_back(
    cut: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mdevs_of(cut)
    vgpu(cut, "delete", first[0], "--yes")
    restart(cut)
    assert call(["boot"], cut.desk) == Exit.FINE
    with monkeypatch.context() as patch:
        patch.setattr(cut.kernel, "create_store", full)
        with pytest.raises(Failure, match="could not be taken back"):
            vgpu(cut, "undo")
    assert mdevs_of(cut) == first[1:]
    vgpu(cut, "undo")
    assert mdevs_of(cut) == first


def full(parent: str, kind: str, uuid: str) -> None:
    raise OSError(errno.ENOSPC, f"{parent} has no room for {uuid} of {kind}")
