"""Real guests: libvirt, QEMU, vfio and two identical cards of a server in the laboratory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.cloud.cli_cloud import CliCloud
from tests.cloud.contract import CloudContract, Ground
from tests.cloud.lab_host import ask_qemu, cards_of, drivers_of, leftovers, sh

from gpucloud.cloud.kernel_lines import parse_kernel_lines
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.model.guest import GuestSpec

SPEC = GuestSpec("one", 1)


@pytest.fixture(scope="module")
def prepared(lab: Lab) -> Iterator[LabHost]:
    """A server whose two cards are with vfio."""
    with lab.up("twins", "test-guests") as host:
        units = [word for unit in cards_of(host) for word in ("--unit", unit)]
        host.run(["gpucloud", "apply", *units, "--yes"], timeout_s=300, ok=(0,))
        yield host


@pytest.mark.lab
@pytest.mark.timeout(1800)
class TestLibvirtInTheLab(CloudContract):
    @pytest.fixture
    def ground(self, prepared: LabHost) -> Ground:
        return Ground(CliCloud(prepared), 2, SPEC, [])


def _launch_in_background(host: LabHost, name: str, limit: str) -> str:
    """Start a launch that nobody waits for, until its guest runs; gives the command's process id."""
    command = f"setsid gpucloud launch --name {name} --for {limit} >/run/{name}.out 2>&1 </dev/null"
    pid = sh(host, f"{command} & echo $!").strip()
    sh(host, f"until virsh domid {name} 2>/dev/null; do sleep 1; done", timeout_s=120)
    return pid


@pytest.mark.lab
@pytest.mark.timeout(900)
def test_a_time_limit_holds_though_the_command_was_killed(prepared: LabHost) -> None:
    pid = _launch_in_background(prepared, "limited", "90s")
    sh(prepared, f"kill -9 {pid}")
    assert '"starting"' in sh(prepared, "gpucloud list --format json")
    sh(prepared, "while virsh domid limited 2>/dev/null; do sleep 2; done", timeout_s=240)
    sh(prepared, "while [ -e /var/lib/libvirt/gpucloud/limited ]; do sleep 1; done", timeout_s=60)
    assert sh(prepared, "gpucloud list --format json").strip() == "[]"
    ground = Ground(CliCloud(prepared), 2, SPEC, [])
    ground.cloud.destroy(ground.launch(gpus=2).name, lambda _: None)
    assert leftovers(prepared) == ""


@pytest.mark.lab
@pytest.mark.timeout(900)
def test_an_interrupted_launch_leaves_nothing(prepared: LabHost) -> None:
    pid = _launch_in_background(prepared, "broken", "1h")
    sh(prepared, f"kill -TERM {pid}; while [ -e /proc/{pid} ]; do sleep 1; done", timeout_s=120)
    assert "was interrupted, and nothing of it is left" in sh(prepared, "tail -n 1 /run/broken.out")
    assert leftovers(prepared) == ""


@pytest.mark.lab
@pytest.mark.timeout(900)
def test_both_cards_go_into_one_guest_and_stay_with_vfio_after_it(prepared: LabHost) -> None:
    ground = Ground(CliCloud(prepared), 2, SPEC, [])
    guest = ground.launch(gpus=2)
    assert guest.seen is not None
    assert [str(seen.id) for seen in guest.seen].count("1002:5046") == 2
    said = "".join(ground.cloud.console(guest.name, follows=False))
    assert parse_kernel_lines(said) == {seen.address: seen.id for seen in guest.seen}
    _assert_has_the_address_bits_of_its_host(prepared, guest.name)
    ground.cloud.destroy(guest.name, lambda _: None)
    assert drivers_of(prepared).count("vfio-pci") == len(guest.functions)
    assert leftovers(prepared) == ""


def _assert_has_the_address_bits_of_its_host(host: LabHost, guest: str) -> None:
    """libvirt took the words for it, and QEMU, under KVM, made of them what the host's processor has."""
    domain = sh(host, f"virsh dumpxml {guest}")
    assert domain.startswith("<domain type='kvm'")
    assert "<qemu:arg value='host-x86_64-cpu.host-phys-bits=on'/>" in domain
    bits = int(sh(host, "sed -n 's/.*: \\([0-9]*\\) bits physical.*/\\1/p' /proc/cpuinfo | head -n 1"))
    place = "/machine/unattached/device[0]"  # as query-cpus-fast names the first processor
    assert ask_qemu(host, guest, "qom-get", path=place, property="host-phys-bits") is True
    assert ask_qemu(host, guest, "qom-get", path=place, property="phys-bits") == bits
