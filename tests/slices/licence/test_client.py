"""What a guest is configured with: as gridd.conf.template, the registry and cloud-init have it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.slices.licence.client import Client, Feature, Server, Token
from gpucloud.slices.licence.render import cloud_config, linux_files, windows_files

TOKEN = Token(
    "client_configuration_token_05-25-2022-23-56-59.tok", b"eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.abc_-\n"
)
LEGACY = Client((Server("lic1"), Server("192.0.2.8", 7071)), Feature.WORKSTATION)


def test_a_legacy_server_and_its_second_stand_in_gridd_conf() -> None:
    (conf,) = linux_files(LEGACY)
    assert (conf.path, conf.mode) == ("/etc/nvidia/gridd.conf", 0o644)
    assert conf.content.decode().splitlines()[1:] == [
        "ServerAddress=lic1",
        "ServerPort=7070",
        "BackupServerAddress=192.0.2.8",
        "BackupServerPort=7071",
        "FeatureType=2",
    ]


def test_a_token_names_its_service_itself() -> None:
    conf, token = linux_files(Client(TOKEN))
    assert conf.content.decode().splitlines()[1:] == ["FeatureType=1"]
    assert token.path == f"/etc/nvidia/ClientConfigToken/{TOKEN.name}"
    assert (token.mode, token.content) == (0o744, TOKEN.content)


def test_windows_has_the_same_as_values_of_its_registry() -> None:
    (registry,) = windows_files(LEGACY)
    lines = registry.content.decode().split("\r\n")
    assert lines[0] == "Windows Registry Editor Version 5.00"
    assert lines[2] == r"[HKEY_LOCAL_MACHINE\SOFTWARE\NVIDIA Corporation\Global\GridLicensing]"
    assert lines[3:8] == [
        '"ServerAddress"="lic1"',
        '"ServerPort"="7070"',
        '"BackupServerAddress"="192.0.2.8"',
        '"BackupServerPort"="7071"',
        '"FeatureType"=dword:00000002',
    ]
    _, token = windows_files(Client(TOKEN))
    assert token.path.endswith("\\vGPU Licensing\\ClientConfigToken\\" + TOKEN.name)


def test_user_data_writes_the_files_and_then_asks_anew() -> None:
    config = cloud_config(Client(TOKEN, Feature.COMPUTE))
    written = config["write_files"]
    assert isinstance(written, list)
    assert [(each["path"], each["permissions"]) for each in written] == [
        ("/etc/nvidia/gridd.conf", "0644"),
        (f"/etc/nvidia/ClientConfigToken/{TOKEN.name}", "0744"),
    ]
    assert base64.b64decode(written[1]["content"]) == TOKEN.content
    assert config["runcmd"] == [["systemctl", "restart", "nvidia-gridd"]]


@given(st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?", fullmatch=True), st.integers(1, 65535))
def test_an_address_is_read_as_it_is_written(host: str, port: int) -> None:
    server = Server(host, port)
    assert Server.parse(str(server)) == server
    assert Server.parse(host) == Server(host)


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert Server.parse("[2001:db8::7]:443") == Server("[2001:db8::7]", 443)
    assert Server.parse("[2001:db8::7]") == Server("[2001:db8::7]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lic 1",
        "lic1:",
        "lic1:0",
        "lic1:65536",
        "lic1:7o",
        "lic1:\u0661\u0662",
        "-x",
        "a\nb",
        "$(id)",
        "2001:db8::7",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no address|no port"):
        Server.parse(text)


@given(st.text(max_size=40))
def test_an_address_can_hold_nothing_that_a_shell_or_a_file_would_read(text: str) -> None:
    try:
        server = Server.parse(text)
    except ValueError:
        return
    assert set(server.host) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-[]:")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("token.txt", TOKEN.content),
        ("../x.tok", TOKEN.content),
        ("x.tok", b""),
        ("x.tok", b"<html>Not Found</html> and so on"),
        ("x.tok", b"e" * 65_537),
    ],
)
def test_what_is_no_token_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(ValueError, match="tok"):
        Token(name, content)
