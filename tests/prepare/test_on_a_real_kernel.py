"""The same claims and promises, asked of a real kernel: contract, kill -9, twins, and the last console."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from tests.lab.conftest import card_audio, lab, server
from tests.prepare.kernel_contract import KernelContract, Machine, RealMachine, Subject

from gpucloud.demo.witness import drivers_script
from gpucloud.lab.host import LabHost
from gpucloud.lab.process import Completed
from gpucloud.model.failure import Exit

__all__ = ["card_audio", "lab", "server"]

CARD = "00:0a.0"

_KILL = """
log=/var/lib/gpucloud/journal/$1/log
gpucloud apply --unit 00:0a.0 --yes >/dev/null 2>&1 &
until [ "$(cat $log 2>/dev/null | wc -l)" -ge "$2" ]; do kill -0 $! || exit 9; done
kill -9 $!
wait $!
test $? -eq 137
"""
"""Waits for a number of events in the journal's next entry, and kills the writer."""


def gpucloud(host: LabHost, *words: str, ok: tuple[int, ...] = (0,)) -> Completed:
    return host.run(["gpucloud", *words], ok=ok, timeout_s=300)


def drivers(host: LabHost) -> list[str]:
    return host.run(["sh", "-c", drivers_script()], ok=(0,)).stdout.splitlines()


def modules(host: LabHost) -> list[str]:
    return sorted(host.run(["ls", "/sys/module"], ok=(0,)).stdout.split())


@pytest.mark.lab
class TestRealKernel(KernelContract):
    @pytest.fixture(autouse=True, scope="class")
    def with_vfio(self, card_audio: LabHost) -> Iterator[None]:
        card_audio.run(["modprobe", "vfio-pci"], ok=(0,))
        yield
        card_audio.run(["modprobe", "-r", "vfio-pci"], ok=(0,))

    @pytest.fixture
    def subject(self) -> Subject:
        return Subject("0000:00:0a.1", "snd_hda_intel")

    @pytest.fixture
    def machine(self, card_audio: LabHost) -> Machine:
        return RealMachine(card_audio.run)


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("events", [2, 5, 8])
@pytest.mark.parametrize("way_out", [("undo",), ("apply", "--resume")])
def test_killed_at_a_position_the_host_is_as_before_or_as_planned(
    card_audio: LabHost,
    events: int,
    way_out: tuple[str, ...],
) -> None:
    before = drivers(card_audio)
    listed = json.loads(gpucloud(card_audio, "undo", "--list", "--format", "json").stdout)
    entry = f"{len(listed) + 1:04d}"
    card_audio.run(["sh", "-c", _KILL, "sh", entry, str(events)], ok=(0,), timeout_s=300)
    gpucloud(card_audio, "apply", "--unit", CARD, "--yes", ok=(Exit.ERROR,))
    gpucloud(card_audio, *way_out)
    if way_out == ("undo",):
        assert drivers(card_audio) == before
    else:
        gpucloud(card_audio, "verify")
        gpucloud(card_audio, "undo")
        assert drivers(card_audio) == before


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
