"""A host over a real ssh is the host itself."""

from __future__ import annotations

import json

import pytest

from gpucloud.cli.scan import scanned
from gpucloud.inventory import read_host
from gpucloud.inventory.remote import open_remote
from gpucloud.lab.host import LabHost
from gpucloud.model.failure import Failure
from gpucloud.model.plain import to_plain


def ssh_to(host: LabHost) -> tuple[str, ...]:
    """The ssh that reaches a server: its configuration names its keys by paths from its folder."""
    return ("env", "-C", str(host.folder), "ssh", "-F", "ssh_config")


@pytest.mark.lab
def test_units_read_over_ssh_are_those_that_the_server_reads_itself(card_audio: LabHost) -> None:
    remote = read_host(open_remote("gpucloud-lab", ssh=ssh_to(card_audio)))
    own = json.loads(card_audio.run(["gpucloud", "scan", "--format", "json"], ok=(0,)).stdout)
    seen = json.loads(json.dumps(to_plain(scanned(remote))))
    assert [unit["functions"] for unit in seen["units"]] == [unit["functions"] for unit in own["units"]]
    assert to_plain(remote.iommu) == own["host"]["iommu"]
    assert remote.source == "gpucloud-lab"


@pytest.mark.lab
def test_a_host_that_does_not_let_us_in_is_named(card_audio: LabHost) -> None:
    ssh = (*ssh_to(card_audio), "-o", "User=nobody", "-o", "BatchMode=yes", "-o", "ControlPath=none")
    with pytest.raises(Failure, match="gpucloud-lab cannot be reached"):
        open_remote("gpucloud-lab", ssh=ssh)
