"""What of a host that was set up by hand is taken over, and what stays, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.prepare.adopt.hosts import SPEC, adoption, left, site_of
from tests.prepare.adopt.styles import BOUND, GIVEN, NIC, ONE_OF_TWO, OVERRIDE, TWINS, UNIT, Style
from tests.prepare.doom import dies
from tests.prepare.fake_host import BMC, Function, card
from tests.prepare.hosts import with_function
from tests.prepare.site import Site

from gpucloud.model.change import WriteFile
from gpucloud.model.failure import Failure
from gpucloud.model.plan import Adopted, Plan
from gpucloud.model.spec import Use
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.adopt import SpecFile, plan_adoption, read_files_by_hand
from gpucloud.spec import parse_spec

HOST = (*card(0x3B, 11), BMC)
RC = "/etc/rc.local"
MODPROBE = "/etc/modprobe.d/vfio.conf"
IDS = "options vfio-pci ids=10de:20b5,10de:1aef\n"


def site_with(
    folder: Path, files: Mapping[str, str], functions: Sequence[Function] = GIVEN, spec: str | None = None
) -> Site:
    site = site_of(folder, Style("debian-12", files, {}, functions))
    if spec is not None:
        (site.root / SPEC[1:]).write_text(spec)
    return site


def adopted(plan: Plan) -> Adopted:
    assert plan.wanted is not None
    assert plan.wanted.adopted is not None
    return plan.wanted.adopted


def pools_after(plan: Plan) -> str:
    """The text of the spec that the plan writes."""
    texts = [
        s.change.after.text for s in plan.steps if isinstance(s.change, WriteFile) and s.change.path == SPEC
    ]
    return texts[0] if texts else ""


def new_text(plan: Plan, path: str) -> str:
    (change,) = (s.change for s in plan.steps if isinstance(s.change, WriteFile) and s.change.path == path)
    return change.after.text


STAYS = {
    "a card that the host uses now": ({MODPROBE: IDS}, HOST, "3b:00.0 is with nvidia now"),
    "an equal card that the host uses": ({MODPROBE: IDS}, ONE_OF_TWO, "3c:00.0 is with nvidia now"),
    "a card that is not there": (
        {MODPROBE: "options vfio-pci ids=10de:2204\n"},
        GIVEN,
        "nothing here is 10de:2204",
    ),
    "a network card": (
        {MODPROBE: "options vfio-pci ids=8086:1521\n"},
        (*GIVEN, NIC),
        "is no GPU, and pools hold GPUs only",
    ),
    "a pattern of ids": (
        {MODPROBE: "options vfio-pci ids=10de:ffffffff\n"},
        GIVEN,
        "10de:ffffffff is no vendor and device of one model",
    ),
    "a list that is torn": ({MODPROBE: "options vfio-pci ids=10de\n"}, GIVEN, "10de is no vendor and device"),
    "modules that no card needs": (
        {"/etc/modules": "vfio-pci\n"},
        HOST,
        "no card is given to guests by hand",
    ),
    "a script that asks for more": (
        {
            MODPROBE: "install vfio-pci /usr/local/bin/vfio-bind.sh\n",
            "/usr/local/bin/vfio-bind.sh": "curl vfio\n",
        },
        GIVEN,
        "what it runs is not understood",
    ),
    "a script that nothing runs": (
        {"/usr/local/bin/vfio-bind.sh": OVERRIDE},
        GIVEN,
        "nothing that is known here runs it",
    ),
    "a loop over what is found when it runs": (
        {
            RC: "for i in /sys/bus/pci/devices/*/boot_vga; do\n"
            '  echo vfio-pci > "$(dirname $i)/driver_override"\ndone\n'
        },
        GIVEN,
        "not all of it is understood",
    ),
    "a unit that does more": (
        {"/etc/systemd/system/vfio.service": UNIT + "\n[Service]\nExecStartPost=/usr/bin/notify vfio\n"},
        GIVEN,
        "not all of it is understood",
    ),
    "a unit that a drop-in of another needs": (
        {
            "/etc/systemd/system/cards.service": UNIT,
            "/etc/systemd/system/nova-compute.service.d/gpu.conf": "[Unit]\nRequires=cards.service\n",
        },
        GIVEN,
        "/etc/systemd/system/nova-compute.service.d/gpu.conf names it",
    ),
    "a unit that one of a package needs": (
        {
            "/etc/systemd/system/cards.service": UNIT,
            "/usr/lib/systemd/system/cloud.service": "[Unit]\nBindsTo=cards.service\n",
        },
        GIVEN,
        "/usr/lib/systemd/system/cloud.service names it",
    ),
    "a unit that another requires by a link": (
        {
            "/etc/systemd/system/cards.service": UNIT,
            "/etc/systemd/system/libvirtd.service.requires/cards.service": UNIT,
        },
        GIVEN,
        "/etc/systemd/system/libvirtd.service.requires/cards.service names it",
    ),
    "options of a module in a list of modules": (
        {"/etc/initramfs-tools/modules": "vfio_iommu_type1 allow_unsafe_interrupts=1\n"},
        GIVEN,
        "it sets allow_unsafe_interrupts=1, too",
    ),
    "a unit that another needs": (
        {
            "/etc/systemd/system/cards.service": UNIT,
            "/etc/systemd/system/cloud.service": "[Unit]\nRequires=cards.service\n",
        },
        GIVEN,
        "/etc/systemd/system/cloud.service names it",
    ),
    "virtual functions of NVIDIA's": (
        {RC: "echo 8 > /sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs\n"},
        HOST,
        "NVIDIA's virtual functions are made by /usr/lib/nvidia/sriov-manage only",
    ),
    "a driver that is kept away": ({MODPROBE: "blacklist nouveau\n"}, GIVEN, "what it keeps away stays away"),
    "modules of mkinitcpio": (
        {"/etc/mkinitcpio.conf": "MODULES=(vfio_pci vfio)\n"},
        GIVEN,
        "an initramfs of mkinitcpio is made is not known",
    ),
    "a rule for every card": (
        {
            "/etc/udev/rules.d/1.rules": 'SUBSYSTEM=="pci", ATTR{vendor}=="0x10de",'
            ' ATTR{driver_override}="vfio-pci"\n'
        },
        GIVEN,
        "not all of it is understood",
    ),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_cannot_be_taken_over_is_named_and_stays(name: str, tmp_path: Path) -> None:
    files, functions, why = STAYS[name]
    site = site_with(tmp_path, files, functions)
    plan = adoption(site)
    assert why in "; ".join(left(plan).values())
    assert pools_after(plan) == ""
    assert not {step.change.path for step in plan.steps if isinstance(step.change, WriteFile)} & set(files)


def test_of_a_list_only_what_is_no_card_stays(tmp_path: Path) -> None:
    line = 'GRUB_CMDLINE_LINUX="vfio-pci.ids=10de:20b5,8086:1521,10de:1aef quiet"\n'
    plan = adoption(site_with(tmp_path, {"/etc/default/grub": line}, (*GIVEN, NIC)))
    assert new_text(plan, "/etc/default/grub") == 'GRUB_CMDLINE_LINUX="vfio-pci.ids=8086:1521 quiet"\n'
    assert "is no GPU" in left(plan)["8086:1521"]
    assert "0000:3b:00.0" in pools_after(plan)


def test_modules_stay_while_something_that_stays_needs_them(tmp_path: Path) -> None:
    files = {MODPROBE: IDS + "options vfio-pci ids=8086:1521\n", "/etc/modules": "vfio-pci\n"}
    plan = adoption(site_with(tmp_path, files, (*GIVEN, NIC)))
    assert left(plan)["vfio-pci"] == "other settings that stay need it"
    assert new_text(plan, MODPROBE) == "options vfio-pci ids=8086:1521\n"


def test_words_on_lines_that_go_on_are_found(tmp_path: Path) -> None:
    text = (
        'GRUB_CMDLINE_LINUX="quiet \\\n  vfio-pci.ids=10de:20b5 \\\n  splash"\nX="vfio-pci.ids=10de:20b5"\n'
    )
    plan = adoption(site_with(tmp_path, {"/etc/default/grub": text}))
    assert new_text(plan, "/etc/default/grub") == text.replace("  vfio-pci.ids=10de:20b5 ", " ", 1)


def test_the_rescue_systems_entry_is_named_and_not_touched(tmp_path: Path) -> None:
    entry = "title Rescue\noptions ro vfio-pci.ids=10de:20b5\n"
    files = {"/boot/loader/entries/a-0-rescue.conf": entry, MODPROBE: IDS}
    plan = adoption(site_of(tmp_path, Style("alma-9", files, {})))
    assert left(plan) == {"vfio-pci.ids=10de:20b5": "the entry of the rescue system is never touched"}
    assert "0000:3b:00.0" in pools_after(plan)


def with_vfs(site: Site, total: int, made: int) -> None:
    """The first card is one that makes virtual functions by sysfs."""
    place = site.root / "sys/bus/pci/devices/0000:3b:00.0"
    for name, text in {
        "vendor": "0x1002",
        "device": "0x74a1",
        "modalias": "pci:v00001002d000074A1sv00000000sd00000000bc12sc00i00",
        "sriov_totalvfs": str(total),
        "sriov_numvfs": str(made),
    }.items():
        (place / name).write_text(f"{text}\n")


VFS = "echo 4 > /sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs\n"
RULE = 'ACTION=="add", SUBSYSTEM=="pci", KERNEL=="0000:3b:00.0", ATTR{sriov_numvfs}="4"\n'


@pytest.mark.parametrize("files", [{RC: f"#!/bin/sh\n{VFS}"}, {"/etc/udev/rules.d/50-vfs.rules": RULE}])
def test_virtual_functions_that_were_made_by_hand_go_into_a_pool(
    files: Mapping[str, str], tmp_path: Path
) -> None:
    site = site_with(tmp_path, files, HOST)
    with_vfs(site, 8, 4)
    plan = adoption(site)
    assert left(plan) == {}
    (pool,) = parse_spec(pools_after(plan)).pools
    assert (pool.name, pool.use, pool.vfs) == ("adopted-gpu01-sriov", Use.SRIOV, 4)
    site.desk.apply(plan)
    assert adoption(site).is_empty


def test_other_virtual_functions_than_there_are_now_stay_a_persons_matter(tmp_path: Path) -> None:
    site = site_with(tmp_path, {RC: f"#!/bin/sh\n{VFS}"}, HOST)
    with_vfs(site, 8, 2)
    assert "has not 4 virtual functions now" in left(adoption(site))[VFS.strip()]


def test_what_is_not_known_of_a_host_is_no_permission(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODPROBE: IDS})
    found, host = read_files_by_hand(site.system, site.system.look), site.host()
    blind = replace(host, functions=Unknown("permission denied"), units=())
    plan = plan_adoption(blind, found, SpecFile(SPEC, None), "gpu01")
    assert "which devices are here is not known: permission denied" in left(plan)[IDS.strip()]
    odd = with_function(host, "3b:00.0", driver=Unknown("it was late"))
    plan = plan_adoption(odd, found, SpecFile(SPEC, None), "gpu01")
    assert "which driver has 3b:00.0 is not known: it was late" in left(plan)[IDS.strip()]
    with pytest.raises(Failure, match="the spec cannot be read: permission denied"):
        plan_adoption(host, found, SpecFile(SPEC, Unknown("permission denied")), "gpu01")


def test_lines_around_those_that_go_stay(tmp_path: Path) -> None:
    text = f"#!/bin/sh\nDISK=/dev/sdb\n# cards\n{BOUND}hdparm -B 255 $DISK || true\nexit 0\n"
    plan = adoption(site_with(tmp_path, {RC: text}))
    assert new_text(plan, RC) == "#!/bin/sh\nDISK=/dev/sdb\n# cards\nhdparm -B 255 $DISK || true\nexit 0\n"


@pytest.mark.parametrize(
    "text",
    [
        "cat > /etc/x <<EOF\necho 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind\nEOF\n",
        "bind() {\n  echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind\n}\nbind\n",
        'echo "a\necho 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind\n"\n',
        "if true; then\n  echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind\n  reboot\nfi\n",
        "echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind; mount /srv\n",
        "C=0000:3b:00.0\necho $C > /sys/bus/pci/drivers/vfio-pci/bind $(reboot)\n",
        "echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind\\\n && reboot\n",
        "echo -e '\\x1b]0;x' > /sys/bus/pci/drivers/vfio-pci/bind\x1b\n",
        "if [ $(reboot) ]; then\n  echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind\nfi\n",
        "modprobe vfio-pci; sleep `reboot`; echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind\n",
        "for a in 0000:3b:00.0; do\necho $a > /sys/bus/pci/drivers/vfio-pci/bind\n" * 5,
    ],
)
def test_what_is_not_understood_whole_is_not_touched(text: str, tmp_path: Path) -> None:
    plan = adoption(site_with(tmp_path, {RC: text}))
    assert plan.is_empty
    assert left(plan)
    assert all(each.isprintable() for each in left(plan))


def test_what_the_spec_already_says_is_not_said_twice(tmp_path: Path) -> None:
    spec = "# all of them\npools:\n  a100:\n    use: passthrough\n    match: {ids: 10de:20b5}\n"
    plan = adoption(site_with(tmp_path, {MODPROBE: IDS}, TWINS, spec))
    assert pools_after(plan) == ""
    assert left(plan) == {}
    assert plan.wanted is not None
    assert [pool.pool for pool in plan.wanted.taken] == ["a100"]


def test_what_the_spec_wants_otherwise_stays(tmp_path: Path) -> None:
    spec = "pools:\n  ours:\n    use: host\n    match: {model: '*'}\n"
    plan = adoption(site_with(tmp_path, {MODPROBE: IDS}, GIVEN, spec))
    assert "pool ours of the spec wants 3b:00.0 for host" in left(plan)[IDS.strip()]
    assert plan.is_empty


def test_a_spec_is_extended_with_its_comments_kept(tmp_path: Path) -> None:
    spec = (
        "# hall 2\npools:\n  other:   # not here\n    use: host\n    hosts: gpu07\n    match: {model: '*'}\n"
    )
    plan = adoption(site_with(tmp_path, {MODPROBE: IDS}, TWINS, spec))
    text = pools_after(plan)
    assert [line.split() for line in text.splitlines()[:6]] == [line.split() for line in spec.splitlines()]
    pool = parse_spec(text).pools[1]
    assert (pool.name, pool.use, pool.hosts) == ("adopted-gpu01-passthrough", Use.PASSTHROUGH, ("gpu01",))
    assert pool.matches[0].addresses == ("0000:3b:00.0", "0000:3c:00.0")


def test_a_card_that_came_later_joins_the_pool(tmp_path: Path) -> None:
    spec = (
        "pools:\n  adopted-gpu01-passthrough:\n    use: passthrough\n    hosts: gpu01\n"
        "    match:\n      - address: 0000:3c:00.0   # first\n"
    )
    plan = adoption(site_with(tmp_path, {"/etc/driverctl.d/pci-0000:3b:00.0": "vfio-pci\n"}, TWINS, spec))
    text = pools_after(plan)
    assert "# first" in text
    assert parse_spec(text).pools[0].matches[0].addresses == ("0000:3c:00.0", "0000:3b:00.0")


def test_a_spec_that_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODPROBE: IDS}, GIVEN, "pools: [\n")
    with pytest.raises(Failure, match=r"/srv/gpucloud\.yaml, line"):
        adoption(site)


def test_the_spec_alone_wants_nothing_more_afterwards(tmp_path: Path) -> None:
    files = {MODPROBE: IDS + "softdep nvidia pre: vfio-pci\n", "/etc/modules": "vfio-pci\n"}
    site = site_with(tmp_path, files)
    site.desk.apply(adoption(site))
    spec = parse_spec((site.root / SPEC[1:]).read_text())
    assert site.desk.plan_start(spec, "gpu01", force=False).is_empty
    own = (site.root / "etc/modules-load.d/gpucloud.conf").read_text()
    assert own.splitlines()[1:] == ["vfio-pci", "vfio_iommu_type1"]


def test_a_plan_that_was_cut_off_is_carried_on_with(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODPROBE: IDS, RC: "#!/bin/sh\n" + BOUND})
    plan = adoption(site)
    assert dies(site, 40, lambda doomed: doomed.desk.apply(plan))
    site.desk.resume()
    assert adoption(site).is_empty
    assert not (site.root / MODPROBE[1:]).exists()


def test_a_host_that_nobody_set_up_needs_nothing(tmp_path: Path) -> None:
    plan = adoption(site_with(tmp_path, {}, HOST))
    assert plan.is_empty
    assert adopted(plan).settings == ()


def test_what_the_running_kernel_was_told_and_no_file_says_is_named(tmp_path: Path) -> None:
    site = site_with(tmp_path, {})
    (site.root / "proc/cmdline").write_text("ro vfio-pci.ids=10de:20b5\n")
    plan = adoption(site)
    assert "none of the files that are known here says it" in left(plan)["vfio-pci.ids=10de:20b5"]


def test_what_the_kernel_was_told_until_the_restart_is_over(tmp_path: Path) -> None:
    line = 'GRUB_CMDLINE_LINUX="vfio-pci.ids=10de:20b5"\n'
    site = site_with(tmp_path, {"/etc/default/grub": line})
    (site.root / "proc/cmdline").write_text("ro vfio-pci.ids=10de:20b5\n")
    site.desk.apply(adoption(site))
    again = adoption(site)
    assert again.is_empty
    assert adopted(again).settings == ()


def test_what_could_not_be_read_is_said(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODPROBE: IDS})
    (site.root / "etc/modprobe.d/odd.conf").write_bytes(b"\xff\xfe options vfio-pci ids=1:2")
    plan = adoption(site)
    assert any("odd.conf is not UTF-8 text" in why for why in adopted(plan).unread)


def test_a_stored_adoption_is_refused_where_a_file_has_changed(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODPROBE: IDS})
    plan = adoption(site)
    (site.root / MODPROBE[1:]).write_text("options vfio-pci ids=10de:20b5\n")
    with pytest.raises(Failure, match="the host has changed since the plan"):
        site.desk.apply(plan)


def test_a_second_adoption_after_the_first_finds_nothing(tmp_path: Path) -> None:
    site = site_with(tmp_path, {MODPROBE: IDS, RC: "#!/bin/sh\n" + BOUND})
    site.desk.apply(adoption(site))
    again = adoption(site)
    assert again.is_empty
    assert adopted(again).settings == ()
