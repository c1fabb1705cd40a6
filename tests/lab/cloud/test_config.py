from __future__ import annotations

import json
import re
import socket
import stat
from configparser import RawConfigParser
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.lab.cloud.sites import site_in

from gpucloud.lab.cloud import broker, database, services, settings
from gpucloud.lab.cloud.settings import Compute
from gpucloud.lab.cloud.site import HOST, PORTS, SECRETS, Site, free_ports, new_passwords, write_secret
from gpucloud.model.failure import Failure


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = site_in(tmp_path / "cloud")
    services.write_config(made, Compute.FAKE)
    broker.prepare(made)
    write_secret(made.config / database.CONFIG, database.settings(made))
    return made


def test_every_port_is_another_one() -> None:
    found = free_ports()
    assert set(found) == set(PORTS)
    assert len(set(found.values())) == len(PORTS)


def test_no_port_is_one_that_the_kernel_lends_to_whoever_asks(tmp_path: Path) -> None:
    lent = tmp_path / "range"
    lent.write_text("10040\t65535\n")
    assert all(10_000 <= port < 10_040 for port in free_ports(lent).values())


def test_where_the_kernel_lends_all_it_is_said_what_to_do(tmp_path: Path) -> None:
    lent = tmp_path / "range"
    lent.write_text("1024\t65535\n")
    with pytest.raises(Failure, match=r"no 9 ports are free.*sysctl net\.ipv4\.ip_local_port_range"):
        free_ports(lent)


def test_a_port_that_somebody_listens_on_is_not_taken(tmp_path: Path) -> None:
    lent = tmp_path / "range"
    lent.write_text("10012\t65535\n")
    with ExitStack() as taken:
        for port in list(free_ports(lent).values())[:6]:
            taken.enter_context(socket.create_server((HOST, port)))
        with pytest.raises(Failure, match="no 9 ports are free"):
            free_ports(lent)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"clouds": {"lab": {"auth": null}}}'])
def test_a_clouds_yaml_without_a_password_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"password|Expecting"):
        settings.read_password(text, "lab")


def test_the_password_of_clouds_yaml_is_read_again(site: Site) -> None:
    assert settings.read_password(settings.clouds_yaml(site, "lab"), "lab") == "secret-of-admin"


def test_each_cloud_has_passwords_of_its_own() -> None:
    first, second = new_passwords(), new_passwords()
    assert set(first) == set(SECRETS)
    assert len({*first.values(), *second.values()}) == 2 * len(SECRETS)
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in first.values())


def test_nobody_else_can_read_what_holds_a_password(site: Site) -> None:
    assert stat.S_IMODE(site.folder.stat().st_mode) == 0o700
    with_secrets = [file for file in site.config.iterdir() if "secret-of-" in file.read_text()]
    assert len(with_secrets) >= 6
    assert {stat.S_IMODE(file.stat().st_mode) for file in with_secrets} == {0o600}


def test_no_password_is_among_the_arguments(site: Site) -> None:
    for service in services.everything(site):
        assert "secret-of-" not in " ".join(service.argv)


def test_nova_compute_cannot_reach_a_database(site: Site) -> None:
    (compute,) = [one for one in services.everything(site) if one.name == "nova-compute"]
    files = [Path(word.partition("=")[2]) for word in compute.argv if word.startswith("--config-file=")]
    assert len(files) == 3
    assert not any("mysql" in file.read_text() for file in files)


def test_what_listens_is_told_to_listen_on_loopback_only(site: Site) -> None:
    for port in ("keystone", "placement", "glance", "network", "nova"):
        assert f"bind = '{HOST}:{site.ports[port]}'" in (site.config / f"{port}-gunicorn.py").read_text()
    assert f"bind_address = {HOST}\n" in (site.config / database.CONFIG).read_text()
    assert f"listeners.tcp.1 = {HOST}:" in (site.config / "rabbitmq.conf").read_text()
    assert broker.nodes_argv(site)[:3] == ("epmd", "-address", HOST)


def test_every_service_of_openstack_finds_its_configuration_in_a_form_that_can_be_read(site: Site) -> None:
    for name in ("keystone.conf", "placement.conf", "glance-api.conf", "nova.conf", "nova-databases.conf"):
        parsed = RawConfigParser()
        parsed.read(site.config / name)
        assert parsed.sections()


def test_the_settings_of_an_api_are_python(site: Site) -> None:
    for file in site.config.glob("*-gunicorn.py"):
        compile(file.read_text(), file.name, "exec")


def test_each_database_of_a_service_is_made_and_given_to_the_account() -> None:
    lines = database.first_words(Site(Path("/f"), Path("/e"), {}, {"database": "p"})).splitlines()
    for name in ("keystone", "placement", "glance", "nova_api", "nova_cell0", "nova"):
        assert f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4;" in lines
        assert f"GRANT ALL ON {name}.* TO 'openstack'@'127.0.0.1';" in lines


def test_clouds_yaml_leads_to_keystone_as_the_administrator(site: Site) -> None:
    cloud = json.loads(settings.clouds_yaml(site, "lab"))["clouds"]["lab"]
    assert cloud["auth"]["auth_url"] == f"http://127.0.0.1:{site.ports['keystone']}/v3"
    assert cloud["auth"]["password"] == site.passwords["admin"]
    assert cloud["region_name"] == "lab"


def test_sections_are_written_as_oslo_config_reads_them() -> None:
    text = settings.render({"DEFAULT": {"a": "1"}, "other": {"b": "x = y"}})
    assert text == "[DEFAULT]\na = 1\n\n[other]\nb = x = y\n"
