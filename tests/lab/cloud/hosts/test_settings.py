"""What a server is told, so that its nova-compute reaches the cloud and nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import RawConfigParser
from pathlib import Path

import pytest
from tests.lab.cloud.sites import site_in

from gpucloud.lab.cloud import services
from gpucloud.lab.cloud.hosts import settings
from gpucloud.lab.cloud.services import NOVA_CONF
from gpucloud.lab.cloud.settings import Compute
from gpucloud.lab.cloud.site import HOST


@pytest.fixture
def told(tmp_path: Path) -> Mapping[str, str]:
    site = site_in(tmp_path / "cloud")
    services.write_config(site, Compute.NONE)
    return settings.files(site, "gpu01", (site.config / NOVA_CONF).read_text())


def _options(told: Mapping[str, str]) -> RawConfigParser:
    """As oslo.config reads both files: what the second says counts."""
    parser = RawConfigParser()
    for path in (settings.CONF, settings.OWN_CONF):
        parser.read_string(told[path])
    return parser


def test_nothing_leads_to_loopback_or_to_folders_of_this_machine(
    told: Mapping[str, str], tmp_path: Path
) -> None:
    nova = {path: text for path, text in told.items() if path != "/etc/hosts"}
    assert not [path for path, text in nova.items() if HOST in text or str(tmp_path) in text]


def test_each_service_is_asked_where_the_server_can_reach_it(told: Mapping[str, str]) -> None:
    options = _options(told)
    assert options["DEFAULT"]["transport_url"].endswith(f"@{settings.OUTSIDE}:20002/")
    assert options["placement"]["auth_url"] == f"http://{settings.OUTSIDE}:20005/v3"
    found = {name: options[name]["endpoint_override"] for name in ("placement", "glance", "neutron")}
    assert found == {
        "placement": f"http://{settings.OUTSIDE}:20006",
        "glance": f"http://{settings.OUTSIDE}:20007",
        "neutron": f"http://{settings.OUTSIDE}:20008",
    }


def test_it_is_a_host_of_its_own_that_drives_libvirt(told: Mapping[str, str]) -> None:
    options = _options(told)
    assert options["DEFAULT"]["host"] == told["/etc/hostname"].strip() == "gpu01"
    assert options["DEFAULT"]["compute_driver"] == "libvirt.LibvirtDriver"
    assert told[settings.GPUS_CONF] == ""


def test_it_may_not_reach_the_databases(told: Mapping[str, str]) -> None:
    assert not [path for path, text in told.items() if "secret-of-database" in text]


def test_a_host_that_is_emulated_has_time_to_say_that_it_is_up(told: Mapping[str, str]) -> None:
    options = _options(told)
    assert int(options["DEFAULT"]["service_down_time"]) > 4 * int(options["DEFAULT"]["report_interval"])
