"""What a real kernel says of each topology."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.lab.record import State

Server = Callable[[str], LabHost]


def say(host: LabHost, script: str) -> list[str]:
    return host.run(["sh", "-c", script], ok=(0,)).stdout.split()


def groups(host: LabHost) -> list[set[str]]:
    """The IOMMU groups, by the short addresses of what is in them."""
    listed = say(host, "cd /sys/kernel/iommu_groups && ls -d */devices/* 2>/dev/null || true")
    found: dict[str, set[str]] = {}
    for path in listed:
        number, _, address = path.partition("/devices/")
        found.setdefault(number, set()).add(address.removeprefix("0000:"))
    return list(found.values())


def driver(host: LabHost, address: str) -> str:
    target = say(host, f"readlink /sys/bus/pci/devices/0000:{address}/driver || echo none")
    return target[0].rpartition("/")[2]


def tables(host: LabHost) -> set[str]:
    return set(say(host, "ls /sys/firmware/acpi/tables"))


@pytest.mark.lab
def test_a_card_and_its_audio_are_one_group_that_stock_drivers_hold(card_audio: LabHost) -> None:
    assert {"00:0a.0", "00:0a.1"} in groups(card_audio)
    assert driver(card_audio, "00:0a.0") == "aty128fb"
    assert driver(card_audio, "00:0a.1") == "snd_hda_intel"
    assert "DMAR" in tables(card_audio)


@pytest.mark.lab
def test_the_servers_own_display_is_the_boot_display(card_audio: LabHost) -> None:
    assert say(card_audio, "cat /sys/bus/pci/devices/0000:00:02.0/boot_vga") == ["1"]
    assert say(card_audio, "cat /sys/bus/pci/devices/0000:00:0a.0/boot_vga") == ["0"]


@pytest.mark.lab
def test_libvirt_answers_and_guests_can_be_virtualized(card_audio: LabHost) -> None:
    assert "QEMU 7.2" in card_audio.run(["virsh", "version"], ok=(0,)).stdout
    assert say(card_audio, "test -c /dev/kvm && echo yes") == ["yes"]
    shown = card_audio.run(["virsh", "nodedev-dumpxml", "pci_0000_00_0a_1"], ok=(0,)).stdout
    assert "<iommuGroup" in shown


@pytest.mark.lab
def test_the_product_is_on_the_server(card_audio: LabHost) -> None:
    assert "card-audio" in card_audio.run(["gpucloud", "lab", "topologies"], ok=(0,)).stdout


@pytest.mark.lab
def test_files_and_input_arrive_as_they_are(card_audio: LabHost) -> None:
    content = bytes(range(256)) * 40
    card_audio.put(content, "/run/lab test/it's here", mode=0o600)
    assert card_audio.get("/run/lab test/it's here") == content
    done = card_audio.run(["sh", "-c", 'cat; echo "$1"; exit 3', "sh", "a  b"], input="in\n")
    assert (done.stdout, done.code) == ("in\na  b\n", 3)


@pytest.mark.lab
def test_nothing_failed_while_it_booted(card_audio: LabHost) -> None:
    assert say(card_audio, "systemctl --failed --no-legend --plain") == []


@pytest.mark.lab
@pytest.mark.slow
def test_twins_are_alike_and_in_two_groups(server: Server) -> None:
    host = server("twins")
    assert {"00:0a.0", "00:0a.1"} in groups(host)
    assert {"00:0b.0", "00:0b.1"} in groups(host)
    for slot in ("0a", "0b"):
        assert say(host, f"lspci -n -s {slot}.0")[-1] == "1002:5046"
        assert driver(host, f"00:{slot}.0") == "aty128fb"
        assert driver(host, f"00:{slot}.1") == "snd_hda_intel"


@pytest.mark.lab
@pytest.mark.slow
def test_cards_behind_ports_without_acs_share_a_group(server: Server) -> None:
    host = server("pair-no-acs")
    assert {"00:08.0", "00:08.1", "01:00.0", "01:00.1", "02:00.0", "02:00.1"} in groups(host)
    assert driver(host, "01:00.0") == driver(host, "02:00.0") == "aty128fb"


@pytest.mark.lab
@pytest.mark.slow
def test_the_console_holds_the_boot_display(server: Server) -> None:
    host = server("boot-display")
    assert {"00:0a.0", "00:0a.1"} in groups(host)
    assert say(host, "cat /sys/bus/pci/devices/0000:00:0a.0/boot_vga") == ["1"]
    assert driver(host, "00:0a.0") == "none"
    assert "vesafb" in host.run(["cat", "/proc/iomem"], ok=(0,)).stdout


@pytest.mark.lab
@pytest.mark.slow
def test_amds_iommu_makes_groups_without_being_asked(server: Server) -> None:
    host = server("amd-iommu")
    assert "IVRS" in tables(host)
    assert {"00:0a.0", "00:0a.1"} in groups(host)
    assert driver(host, "00:0a.0") == "aty128fb"


@pytest.mark.lab
@pytest.mark.slow
def test_an_iommu_that_is_off_in_firmware_has_no_table_and_no_groups(server: Server) -> None:
    host = server("iommu-off")
    assert not tables(host) & {"DMAR", "IVRS"}
    assert groups(host) == []


@pytest.mark.lab
@pytest.mark.slow
def test_an_iommu_that_the_kernel_does_not_use_has_a_table_and_no_groups(server: Server) -> None:
    host = server("iommu-not-asked")
    assert "DMAR" in tables(host)
    assert groups(host) == []


@pytest.mark.lab
@pytest.mark.slow
def test_after_a_power_cut_only_what_was_flushed_is_there(server: Server, lab: Lab) -> None:
    host = server("card-audio")
    say(host, "echo kept >/root/kept; sync; echo lost >/root/lost")
    host.kill()
    assert State.DEAD in [one.state for one in lab.hosts() if one.name == host.name]
    host.restart()
    assert say(host, "cat /root/kept; ls /root/lost 2>/dev/null || echo gone") == ["kept", "gone"]
    assert {"00:0a.0", "00:0a.1"} in groups(host)
    assert driver(host, "00:0a.1") == "snd_hda_intel"


@pytest.mark.lab
@pytest.mark.slow
def test_what_tells_why_something_failed_is_kept(server: Server) -> None:
    host = server("card-audio")
    host.put(b"plan", "/var/lib/gpucloud/journal/one/plan.json")
    kept = host.keep_evidence()
    assert "DMAR" in (kept / "dmesg.txt").read_text()
    assert {"console.log", "journal.txt", "gpucloud-state.tar"} <= {entry.name for entry in kept.iterdir()}
