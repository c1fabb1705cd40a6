"""`gpucloud status` as it is typed: captures, and a cloud behind real sockets."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

import pytest
from tests.cloud.openstack.api_server import serving
from tests.cloud.status.stock_state import EPYC, stock
from tests.hosts.catalogue import capture_of

from gpucloud.cli.guests.telling import telling
from gpucloud.cli.main import run


@pytest.fixture
def epyc(tmp_path: Path) -> Path:
    folder = tmp_path / "gpu01"
    folder.mkdir()
    return capture_of("server-epyc-6x-v100-groups", folder)


def test_a_capture_is_shown_unit_by_unit(epyc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--from", str(epyc)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "gpu01: 1 host, 6 units in 4 IOMMU groups: 0+ used, 0+ free, 2 stranded by groups, 6 unknown"
    )
    assert "0000:27:00.0  GV100GL [Tesla V100 PCIe 16GB]  19" in out
    assert "1 x GV100GL [Tesla V100 PCIe 16GB]  10de:1db4  0+   <=4      2" in out
    assert "19     ?        unknown" in out
    assert "could not look at services: libvirt is asked on this machine only" in out


def test_several_captures_are_a_row_each_and_one_object(
    epyc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", "--from", str(epyc), "--from", f"other={epyc}", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in shown["hosts"]] == ["gpu01", "other"]
    assert shown["total"]["units"] == 12
    assert shown["flavors"][0]["sold"]["most"] == 8
    assert shown["flavors"][0]["sold"]["stranded"] == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "{0}", "--from", "{0}"), "two hosts are called gpu01; give each a name: HOST=CAPTURE"),
        (("--config", "{0}"), "are for a cloud; name it with --cloud"),
        (("--cloud", "x", "--config", "{0}"), "name the cloud's with --release"),
        (("--from", "x="), "names no host"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: tuple[str, ...], said: str, epyc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", *(word.format(epyc) for word in words)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.proof
@pytest.mark.filterwarnings("ignore:Support for InfluxDB")
def test_a_cloud_behind_sockets_is_shown_with_what_a_capture_adds(
    epyc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = stock(used=EPYC[2:3])
    state.guest_on("gpu01", "train", "id-gpu.1")
    with serving(state, tmp_path) as clouds:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        assert run(["status", "--cloud", "test", "--from", f"gpu01={epyc}"]) == 0
        assert run(["status", "--cloud", "test", "--format", "json"]) == 0
    table, document = capsys.readouterr().out.rsplit("\n{", 1)
    assert table.startswith("cloud test: 2 hosts, 6 units in 4 IOMMU groups: 1 used, 5 free, 2 stranded")
    assert "services: image 1 of 1, nova-compute 2 of 2, placement 1 of 1" in table
    assert "gpu01  6      4       1     5     2         train (CUSTOM_PCI_10DE_1DB4:1)  ready" in table
    assert "gpu.1           CUSTOM_PCI_10DE_1DB4:1" in table
    assert json.loads("{" + document)["total"]["groups"] == {
        "unknown": "no API tells IOMMU groups: give a capture of the host with --from HOST=CAPTURE"
    }
    assert {method for method, _ in state.calls} == {"GET"}


def test_what_takes_long_says_how_far_it_is_until_it_is_over() -> None:
    told: list[str] = []
    twice = Event()

    def tell(line: str) -> None:
        told.append(line)
        if len(told) == 2:
            twice.set()

    with telling(lambda: f"{len(told)} lines", tell, every_s=0.001):
        assert twice.wait(10)
    count = len(told)
    assert told[:2] == ["0 lines", "1 lines"]
    assert len(told) == count


def test_what_is_over_soon_says_nothing() -> None:
    told: list[str] = []
    with telling(lambda: "far", told.append, every_s=60):
        pass
    assert told == []
