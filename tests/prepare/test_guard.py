"""The start after a change of how the host starts: confirmed if it is right, taken back if it is not."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.boot_hosts import SPEC, Tools, build_family
from tests.prepare.grub import Menu
from tests.prepare.site import Site
from tests.prepare.test_boot_apply import mine

from gpucloud.cli.main import call
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Host
from gpucloud.prepare.apply import apply
from gpucloud.prepare.boot.state import plan_state
from gpucloud.prepare.boot.wanted import ELSEWHERE
from gpucloud.prepare.guard import look_at_start
from gpucloud.prepare.journal import Status
from gpucloud.prepare.journal.disk import RealDisk
from gpucloud.prepare.takeback import Watch
from gpucloud.prepare.trial import on_trial
from gpucloud.spec import parse_spec

ROUTE = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A Debian host; what its tools made is there."""
    kernel = build_family(tmp_path / "root", "debian-12")
    assert isinstance(kernel.tools, Tools)
    for program in ("update-initramfs", "update-grub"):
        kernel.tools.make(program)
    return Site(kernel, tmp_path / "state")


def set_route(root: Path, text: str) -> None:
    (root / "proc/net").mkdir(parents=True, exist_ok=True)
    (root / "proc/net/route").write_text(text)


def prepared(site: Site, *, route: str = "there") -> dict[str, str]:
    """Apply, on a host with a network or without; give the tree as it was before."""
    old = site.picture()
    plan = mine(site.desk.plan_start(parse_spec(SPEC), "gpu01", force=False))
    facts = tuple(replace(fact, value=route) if fact.key == "default route" else fact for fact in plan.facts)
    assert apply(replace(plan, facts=facts), site.system, site.journal).failure is None
    assert isinstance(site.kernel.tools, Tools)
    site.kernel.tools.runs.clear()
    set_route(site.root, ROUTE)
    return old


def restart(site: Site, *, binds: bool = True) -> None:
    """What a start makes of it: another boot id, and the early script's bindings."""
    (site.root / "proc/sys/kernel/random/boot_id").write_text("another boot\n")
    for address in ("0000:3b:00.0", "0000:3b:00.1") if binds else ():
        site.kernel.load("vfio_pci")
        driver = site.root / f"sys/bus/pci/devices/{address}/driver"
        site.kernel.unbind_store("pci", driver.readlink().name, address)
        (site.root / f"sys/bus/pci/devices/{address}/driver_override").write_text("vfio-pci\n")
        site.kernel.bind_store("pci", "vfio-pci", address)


def runs(site: Site) -> list[str]:
    assert isinstance(site.kernel.tools, Tools)
    return site.kernel.tools.runs


def same_files(site: Site, old: dict[str, str]) -> bool:
    """Claims that all but the kernel's own files are as before."""
    kernels = ("sys", "proc")
    now = {path: text for path, text in site.picture().items() if not path.startswith(kernels)}
    return now == {path: text for path, text in old.items() if not path.startswith(kernels)}


def test_before_the_restart_nothing_is_decided(site: Site) -> None:
    prepared(site)
    assert site.desk.look_at_start() is None
    assert [entry.id for entry in on_trial(site.journal)] == ["0001"]


def test_a_start_that_is_right_is_confirmed(site: Site) -> None:
    prepared(site)
    restart(site)
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ()
    assert found[1] is None
    assert site.desk.look_at_start() is None
    assert site.journal.entry("1").read_progress().is_confirmed
    assert site.journal.entry("1").read_progress().status is Status.APPLIED


def test_a_card_that_is_not_bound_brings_the_files_back(site: Site) -> None:
    old = prepared(site)
    restart(site, binds=False)
    found = site.desk.look_at_start()
    assert found is not None
    start, outcome = found
    assert start.wrong == ("0000:3b:00.0 is with nvidia", "0000:3b:00.1 is with snd_hda_intel")
    assert outcome is not None
    assert outcome.left == ()
    assert same_files(site, old)
    assert runs(site) == ["update-initramfs", "update-grub"] or runs(site) == [
        "update-grub",
        "update-initramfs",
    ]
    assert site.desk.look_at_start() is None


def test_a_start_without_groups_is_wrong(site: Site) -> None:
    prepared(site)
    restart(site, binds=False)
    without_groups(site)
    found = site.desk.look_at_start()
    assert found is not None
    assert "there are no IOMMU groups" in found[0].wrong


def without_groups(site: Site) -> None:
    for group in site.root.glob("sys/bus/pci/devices/*/iommu_group"):
        group.unlink()
    shutil.rmtree(site.root / "sys/kernel/iommu_groups")
    (site.root / "sys/kernel/iommu_groups").mkdir()


def looks_at(site: Site, waits: int) -> int:
    """How often the host is read until the start is judged."""
    looks: list[None] = []

    def read_host() -> Host:
        looks.append(None)
        return site.host()

    assert look_at_start(on_trial(site.journal), site.system, read_host, waits) is not None
    return len(looks)


def test_what_cannot_come_without_groups_is_not_waited_for(site: Site) -> None:
    prepared(site)
    restart(site, binds=False)
    assert looks_at(site, waits=5) > 10
    without_groups(site)
    assert looks_at(site, waits=5) == 3


def test_the_network_is_waited_for_without_groups_too(site: Site) -> None:
    """Without it the host is started again, so that it is not judged too early."""
    prepared(site)
    restart(site, binds=False)
    without_groups(site)
    set_route(site.root, "")
    assert looks_at(site, waits=5) > 10


def test_cards_are_not_waited_for_without_groups(site: Site) -> None:
    prepared(site)
    restart(site, binds=False)
    without_groups(site)
    state = plan_state(site.host(), parse_spec(SPEC), "gpu01")
    assert "has no IOMMU group" in state.missing[0]
    assert not state.is_awaited


def test_a_host_that_nobody_can_reach_is_started_again_as_before(site: Site) -> None:
    old = prepared(site)
    restart(site)
    set_route(site.root, ROUTE.splitlines()[0] + "\n")
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ("there is no default route",)
    assert same_files(site, old)
    assert runs(site)[-1] == "systemctl"
    assert site.desk.look_at_start() is None


class NoInitramfs(Tools):
    """No initramfs finds room."""

    def make(self, program: str) -> None:
        if program == "update-initramfs":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().make(program)


def test_a_host_that_nobody_can_reach_is_started_again_also_where_its_initramfs_cannot_be_made(
    site: Site,
) -> None:
    """The old entry is what starts, and has its own; what is left is gone on with there."""
    prepared(site)
    restart(site)
    set_route(site.root, ROUTE.splitlines()[0] + "\n")
    site.kernel.tools = NoInitramfs(site.root, [])
    found = site.desk.look_at_start()
    assert found is not None
    assert found[1] is not None
    assert found[1].left != ()
    assert Menu(site.root).look() == "old"
    assert runs(site)[-1] == "systemctl"


def test_a_host_that_never_had_a_network_is_not_asked_for_one(site: Site) -> None:
    prepared(site, route="(none)")
    restart(site)
    set_route(site.root, "")
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ()


def test_a_host_whose_network_is_in_a_vrf_has_one_before_and_after(site: Site) -> None:
    table = "Id 10:\n  |-- 0.0.0.0\n     /0 universe UNICAST\n"
    (site.root / "proc/net/fib_trie").write_text(table)
    (site.root / "sys/devices/pci0000:00/0000:02:00.0/net/eth0").mkdir(parents=True)
    (site.root / "sys/class/net").mkdir(parents=True)
    (site.root / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:02:00.0/net/eth0")
    planned = site.desk.plan_start(parse_spec(SPEC), "gpu01", force=False)
    assert [fact.value for fact in planned.facts if fact.key == "default route"] == [ELSEWHERE]
    prepared(site, route=ELSEWHERE)
    restart(site)
    set_route(site.root, "")
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ()


def test_a_tunnels_table_is_no_network_where_the_main_table_had_one(site: Site) -> None:
    prepared(site)
    restart(site)
    set_route(site.root, "")
    (site.root / "proc/net/fib_trie").write_text("Id 52:\n  |-- 0.0.0.0\n     /0 universe UNICAST\n")
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ("there is no default route",)


def test_what_comes_late_is_waited_for(site: Site) -> None:
    prepared(site)
    restart(site)
    set_route(site.root, "")
    looks: list[None] = []

    def read_host() -> Host:
        looks.append(None)
        if len(looks) == 3:
            set_route(site.root, ROUTE)
        return site.host()

    start = look_at_start(on_trial(site.journal), site.system, read_host)
    assert start is not None
    assert start.wrong == ()


def test_a_card_that_was_taken_out_is_no_reason(site: Site) -> None:
    prepared(site)
    restart(site, binds=False)
    for function in ("0000:3b:00.0", "0000:3b:00.1"):
        (site.root / "sys/bus/pci/devices" / function).unlink()
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ()


def test_a_card_that_was_taken_out_is_named_by_the_unit_and_by_verify(site: Site) -> None:
    prepared(site)
    restart(site)
    for function in ("0000:3b:00.0", "0000:3b:00.1"):
        (site.root / "sys/bus/pci/devices" / function).unlink()
    with pytest.raises(Failure, match=r"3b:00.0 of pool a100 is gone: nothing is at its address"):
        call(["boot"], site.desk)
    assert site.journal.entry("1").read_progress().is_confirmed
    assert [mismatch.seen.partition(";")[0] for mismatch in site.desk.verify(None)] == [
        "3b:00.0 of pool a100 is gone: nothing is at its address"
    ]


def test_another_device_in_the_place_of_a_card_is_named(site: Site) -> None:
    prepared(site)
    restart(site)
    (site.root / "sys/bus/pci/devices/0000:3b:00.0/class").write_text("0x020000\n")
    (site.root / "sys/bus/pci/devices/0000:3b:00.1").unlink()
    seen = [mismatch.seen.partition(";")[0] for mismatch in site.desk.verify(None)]
    assert "3b:00.0 of pool a100 is gone: another device is at its address" in seen


def test_verify_looks_at_the_start_too(site: Site) -> None:
    prepared(site)
    assert site.desk.verify(None) == ()
    restart(site, binds=False)
    assert [(mismatch.path, mismatch.seen) for mismatch in site.desk.verify(None)] == [
        ("this start", "0000:3b:00.0 is with nvidia"),
        ("this start", "0000:3b:00.1 is with snd_hda_intel"),
    ]


def test_a_person_can_confirm(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    prepared(site)
    assert call(["confirm"], site.desk) == Exit.FINE
    assert capsys.readouterr().out == "confirmed: journal entry 0001 stays; back with: gpucloud undo\n"
    restart(site, binds=False)
    assert site.desk.look_at_start() is None
    with pytest.raises(Failure, match="nothing waits to be confirmed"):
        call(["confirm"], site.desk)


def test_the_unit_says_how_the_start_was(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["boot"], site.desk) == Exit.FINE
    assert capsys.readouterr().out == "no spec or layout is applied here\n"
    prepared(site)
    restart(site, binds=False)
    with pytest.raises(Failure) as caught:
        call(["boot"], site.desk)
    assert caught.value.code is Exit.UNDONE
    assert "0000:3b:00.0 is with nvidia" in str(caught.value)


def test_undo_after_a_confirmed_start_brings_the_files_back(site: Site) -> None:
    old = prepared(site)
    restart(site)
    site.desk.look_at_start()
    assert site.desk.undo("last", force=False).left == ()
    assert same_files(site, old)


def edited(site: Site, path: str) -> str:
    """Somebody adds a line to a file that gpucloud wrote."""
    file = site.root / path
    file.write_text(f"{file.read_text()}# mine\n")
    return file.read_text()


OWN = "etc/modprobe.d/gpucloud.conf"


def test_files_that_somebody_edited_meanwhile_come_back_too_and_the_edit_is_kept(site: Site) -> None:
    old = prepared(site)
    restart(site, binds=False)
    edit, entry = edited(site, OWN), edited(site, "boot/grub/custom.cfg")
    found = site.desk.look_at_start()
    assert found is not None
    assert found[1] is not None
    assert found[1].left == ()
    assert same_files(site, old)
    kept = [Path(line.rpartition(" is kept in ")[2]) for line in found[1].kept]
    assert [file.read_text() for file in kept] == [edit, entry]
    assert [file.parent for file in kept] == [site.state / "journal/0001/edited"] * 2


def test_a_file_that_somebody_removed_meanwhile_is_said_to_be_as_before(site: Site) -> None:
    (site.root / OWN).parent.mkdir(parents=True, exist_ok=True)
    (site.root / OWN).write_text("options mine\n")
    prepared(site)
    restart(site, binds=False)
    (site.root / OWN).unlink()
    found = site.desk.look_at_start()
    assert found is not None
    assert found[1] is not None
    assert found[1].kept == (f"/{OWN}, which somebody else has removed since, is as before",)
    assert (site.root / OWN).read_text() == "options mine\n"


def test_a_removed_file_is_told_to_be_as_before_when_it_is(site: Site) -> None:
    (site.root / OWN).parent.mkdir(parents=True, exist_ok=True)
    (site.root / OWN).write_text("options mine\n")
    prepared(site)
    (site.root / OWN).unlink()
    texts: list[str] = []

    def tell(line: str) -> None:
        if "is as before" in line:
            texts.append((site.root / OWN).read_text())

    site.desk.undo("last", force=True, watch=Watch(tell))
    assert texts == ["options mine\n"]


class NoRoom(RealDisk):
    """Nothing new finds room any more."""

    def create(self, path: Path, data: bytes) -> None:
        del data
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def test_an_edit_that_cannot_be_kept_is_not_lost_and_the_old_entry_starts(site: Site) -> None:
    prepared(site)
    restart(site, binds=False)
    edit = edited(site, OWN)
    found = Site(site.kernel, site.state, NoRoom()).desk.look_at_start()
    assert found is not None
    assert found[1] is not None
    assert f"what somebody else made of /{OWN} cannot be kept: No space left on device" in found[1].left[0]
    assert (site.root / OWN).read_text() == edit
    assert Menu(site.root).start() == "old"


def test_an_undo_that_is_forced_keeps_the_edit_too(site: Site) -> None:
    old = prepared(site)
    edit = edited(site, OWN)
    with pytest.raises(Failure, match="is neither as before nor as planned"):
        site.desk.undo("last", force=False)
    (line,) = site.desk.undo("last", force=True).kept
    assert Path(line.rpartition(" is kept in ")[2]).read_text() == edit
    assert same_files(site, old)


IN_A_NETWORK = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "virbr0\t007AA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
)
"""192.168.1.0/24 and 10.0.0.0/24 by cards, and libvirt's own, which no card carries."""
NO_NETWORKS = IN_A_NETWORK.splitlines()[0] + "\n"


def reached_on_link(site: Site) -> None:
    """Apply on a host of a management network without a default route."""
    net = site.root / "sys/class/net"
    net.mkdir(parents=True)
    for name, place in (("eth0", "pci0000:00/0000:02:00.0"), ("eth1", "pci0000:00/0000:02:00.0")):
        (site.root / f"sys/devices/{place}/net/{name}").mkdir(parents=True)
        (net / name).symlink_to(f"../../devices/{place}/net/{name}")
    (site.root / "sys/devices/virtual/net/virbr0").mkdir(parents=True)
    (net / "virbr0").symlink_to("../../devices/virtual/net/virbr0")
    set_route(site.root, IN_A_NETWORK)
    plan = mine(site.desk.plan_start(parse_spec(SPEC), "gpu01", force=False))
    keys = [fact.key for fact in plan.facts if fact.key.startswith("network")]
    assert keys == ["network 10.0.0.0/24", "network 192.168.1.0/24"]
    assert apply(plan, site.system, site.journal).failure is None
    assert isinstance(site.kernel.tools, Tools)
    site.kernel.tools.runs.clear()
    restart(site)


def test_a_host_without_a_default_route_is_asked_for_the_networks_that_it_was_in(site: Site) -> None:
    reached_on_link(site)
    found = site.desk.look_at_start()
    assert found is not None
    assert (found[0].wrong, found[0].has_network) == ((), True)


def test_a_host_that_has_lost_all_its_networks_is_started_again_as_before(site: Site) -> None:
    reached_on_link(site)
    set_route(site.root, NO_NETWORKS)
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == (
        "the host is not in its network 10.0.0.0/24",
        "the host is not in its network 192.168.1.0/24",
    )
    assert not found[0].has_network
    assert runs(site)[-1] == "systemctl"


def test_a_host_that_has_lost_one_of_them_gets_its_files_back_and_is_left_running(site: Site) -> None:
    reached_on_link(site)
    set_route(site.root, "".join(IN_A_NETWORK.splitlines(keepends=True)[:2]))
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ("the host is not in its network 10.0.0.0/24",)
    assert found[0].has_network
    assert "systemctl" not in runs(site)


def test_a_default_route_that_came_makes_up_for_a_network(site: Site) -> None:
    reached_on_link(site)
    set_route(site.root, ROUTE)
    found = site.desk.look_at_start()
    assert found is not None
    assert found[0].wrong == ()
