"""The same claims and promises, asked of a real kernel: contract, kill -9, twins, and the last console."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.prepare.cuts import WAYS_OUT, every_other
from tests.prepare.kernel_contract import KernelContract, Machine, RealMachine, Subject

from gpucloud.demo.witness import drivers_script
from gpucloud.lab.host import LabHost
from gpucloud.lab.process import Completed
from gpucloud.model.failure import Exit

CARD = "00:0a.0"

_DIE = """
import os, signal, sys, time
sys.path.insert(0, "/opt/gpucloud/lib")
from pathlib import Path
from gpucloud.inventory import open_host
from gpucloud.prepare.desk import Desk
from gpucloud.prepare.journal import STATE, Journal
from gpucloud.prepare.journal.disk import RealDisk
from gpucloud.prepare.system import LiveSystem

class Doomed(RealDisk):
    left = int(sys.argv[2])

    def append(self, path, data):
        Doomed.left -= 1
        if Doomed.left == 0 and sys.argv[3] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        super().append(path, data)
        if Doomed.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

desk = Desk(open_host, LiveSystem(), Journal(STATE, time.time, Doomed()))
desk.apply(desk.plan([sys.argv[1]], force=False))
"""
"""Applies as the program does, and dies by SIGKILL before or after the n-th event is on the disk."""

_KILLED = 'python3 -c "$1" "$2" "$3" "$4"; test $? -eq 137'


def gpucloud(host: LabHost, *words: str, ok: tuple[int, ...] = (0,)) -> Completed:
    return host.run(["gpucloud", *words], ok=ok, timeout_s=300)


def drivers(host: LabHost) -> list[str]:
    return host.run(["sh", "-c", drivers_script()], ok=(0,)).stdout.splitlines()


def modules(host: LabHost) -> list[str]:
    return sorted(host.run(["ls", "/sys/module"], ok=(0,)).stdout.split())


@pytest.fixture(scope="module")
def with_vfio(card_audio: LabHost) -> Iterator[LabHost]:
    """The shared server with vfio's modules, as the contract wants it."""
    modules = ("vfio-pci", "vfio_iommu_type1")
    card_audio.run(["modprobe", "-a", *modules], ok=(0,))
    yield card_audio
    card_audio.run(["modprobe", "-r", *modules], ok=(0,))


@pytest.mark.lab
class TestRealKernel(KernelContract):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject("0000:00:0a.1", "snd_hda_intel")

    @pytest.fixture
    def machine(self, with_vfio: LabHost) -> Machine:
        return RealMachine(with_vfio.run)


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "when", "way_out"), every_other([(2, "after"), (4, "before"), (6, "after")], WAYS_OUT)
)
def test_killed_at_a_position_the_host_is_as_before_or_as_planned(
    card_audio: LabHost, event: int, when: str, way_out: tuple[str, ...]
) -> None:
    before, loaded = drivers(card_audio), modules(card_audio)
    card_audio.run(["sh", "-c", _KILLED, "sh", _DIE, CARD, str(event), when], ok=(0,), timeout_s=300)
    refused = gpucloud(card_audio, "apply", "--unit", CARD, "--yes", ok=(Exit.ERROR,))
    assert "unfinished" in refused.stderr
    gpucloud(card_audio, *way_out)
    if way_out != ("undo",):
        gpucloud(card_audio, "verify")
        gpucloud(card_audio, "undo")
    assert drivers(card_audio) == before
    assert modules(card_audio) == loaded


@pytest.mark.lab
@pytest.mark.slow
def test_of_two_identical_cards_only_the_named_one_goes(server: Callable[[str], LabHost]) -> None:
    host = server("twins")
    before, loaded = drivers(host), modules(host)
    gpucloud(host, "apply", "--unit", CARD, "--yes")
    changed = [line for line in drivers(host) if line not in before]
    assert changed == [
        "0000:00:0a.0 driver vfio-pci override vfio-pci",
        "0000:00:0a.1 driver vfio-pci override vfio-pci",
    ]
    gpucloud(host, "verify")
    gpucloud(host, "undo")
    assert drivers(host) == before
    assert modules(host) == loaded


@pytest.mark.lab
@pytest.mark.slow
def test_the_last_console_goes_only_with_force(server: Callable[[str], LabHost]) -> None:
    host = server("boot-display")
    before = drivers(host)
    refused = gpucloud(host, "plan", "--unit", CARD, ok=(Exit.ERROR,))
    assert "--force" in refused.stderr
    gpucloud(host, "apply", "--unit", CARD, "--force", "--yes")
    gpucloud(host, "verify")
    assert "vesafb" not in host.run(["cat", "/proc/iomem"], ok=(0,)).stdout
    gpucloud(host, "undo")
    assert drivers(host) == before
