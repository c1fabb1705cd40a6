"""A cloud that refuses, is missing, is silent or talks nonsense: one line with what helps, nothing done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.api_state import CloudState
from tests.cloud.openstack.publishing import HEAD
from tests.cloud.openstack.test_publish_cli import Desk, desk
from tests.cloud.openstack.test_publish_idempotent import cloud

from gpucloud.cloud.openstack.failures import said_by

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

__all__ = ["desk"]

NOT_ADMIN = "that needs the role admin"


def refused(desk: Desk, state: CloudState, *options: str, **served: Any) -> str:
    code, out, err = desk.publish(state, *(options or ("--yes",)), **served)
    assert code == 1, out
    assert err.count("\n") == 1, err
    assert {method for method, _ in state.calls} <= {"GET"}
    return err


def test_who_is_no_admin_is_told_which_call_needs_it(desk: Desk) -> None:
    state = cloud()
    state.is_admin = False
    err = refused(desk, state)
    assert "403" in err
    assert NOT_ADMIN in err
    assert "GET " in err


def test_an_older_cloud_is_named_as_such(desk: Desk) -> None:
    state = cloud()
    state.newest = (2, 53)
    assert "gpucloud needs nova 18.0.0 (Rocky)" in refused(desk, state)


@pytest.mark.parametrize("service", ["compute", "image", "placement"])
def test_a_service_that_is_missing_is_named(desk: Desk, service: str) -> None:
    err = refused(desk, cloud(), missing=frozenset({service}))
    assert f"cloud test has no {service} service in its catalogue" in err


def test_a_wrong_password_is_said_to_be_one(desk: Desk) -> None:
    err = refused(desk, cloud(), password="wrong")  # noqa: S106 - of a fake
    assert "cloud test does not take these credentials" in err


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<html>login here</html>", "the answer is no JSON"),
        (b"[" * 100_000, "the answer is no JSON"),
        (b"[]", "the answer has no flavors as the API describes it"),
        (b'{"flavors": [{"id": 1}]}', "as the API describes it"),
        (b'{"flavors": [{"id": "1", "name": "a", "extra_specs": {"a": 1}}]}', "values that are no text"),
        (b'{"flavors": [], "flavors_links": 5, "x": "' + b"x" * 65 * 1024 * 1024 + b'"}', "is larger than"),
    ],
    ids=["html", "nested", "a list", "no name", "numbers", "huge"],
)
def test_nonsense_is_no_list_of_flavors(desk: Desk, answer: bytes, says: str) -> None:
    assert says in refused(desk, cloud(), raw={"/compute/v2.1/flavors/detail": answer})


def test_a_listing_that_never_ends_is_broken_off(desk: Desk) -> None:
    page = b'{"images": [{"id": "i1", "name": "ubuntu"}], "next": "/v2/images?marker=i1"}'
    assert "GET image /images does not end" in refused(desk, cloud(), raw={"/image/v2/images": page})


def test_a_silent_service_is_not_waited_for_for_ever(desk: Desk) -> None:
    err = refused(desk, cloud(), "--yes", "--timeout", "1", raw={"/compute/v2.1/os-aggregates": b""})
    assert "compute of cloud test does not answer in time" in err


def test_a_cloud_that_is_down_is_said_to_be(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpucloud.cli.main import run

    desk.publish(cloud(), "--check")
    assert run(["publish", "--cloud", "test", "--spec", str(desk.spec)]) == 1
    (line,) = desk.told().splitlines()
    assert "identity of cloud test cannot be reached" in line


def test_a_cloud_that_clouds_yaml_has_not_is_named_with_those_it_has(desk: Desk) -> None:
    from gpucloud.cli.main import run

    desk.publish(cloud(), "--check")
    assert run(["publish", "--cloud", "tset", "--spec", str(desk.spec)]) == 2
    assert "Cloud tset was not found" in (told := desk.told())
    assert "clouds.yaml has: test" in told


def test_a_spec_without_a_release_asks_no_cloud(desk: Desk) -> None:
    state = cloud()
    desk.spec.write_text("publish: {flavors: {a: {vcpus: 1, ram_mib: 1, disk_gib: 1}}}\n")
    code, _, err = desk.publish(state, "--check")
    assert (code, state.calls) == (2, [])
    assert "does not say which nova the cloud has" in err


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (
            "flavors: {a: {vcpus: 1, ram_mib: 1, disk_gib: 1, projects: nobody}}",
            "there is no project 'nobody'",
        ),
        ("flavors: {a: {vcpus: 1, ram_mib: 1, disk_gib: 1, projects: twin}}", "2 projects are called 'twin'"),
        ("images: {windows: {gpu: true}}", "2 images are called 'windows'"),
        ("images: {plan9: {gpu: true}}", "there is no image 'plan9'"),
        ("aggregates: {a: {hosts: gpu09}}", "no nova-compute is on a host called gpu09"),
    ],
)
def test_what_the_cloud_has_not_is_named(desk: Desk, wish: str, says: str) -> None:
    state = cloud()
    state.projects |= {"p8": "twin", "p9": "twin"}
    desk.spec.write_text(f"{HEAD}publish:\n  {wish}\n")
    code, _, err = desk.publish(state, "--yes")
    assert code == 2
    assert says in err
    assert {method for method, _ in state.calls} == {"GET"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"forbidden": {"message": "no way.", "code": 403}}', "no way"),
        (b'{"error": {"message": "a\\nb"}}', "a b"),
        (b'{"errors": [{"detail": "no trait"}]}', "no trait"),
        (b"<html> <h1>409</h1> exists<br /> already </html>", "409 exists already"),
        (b"\xff\x00", "\ufffd\x00"),
        (b"", ""),
        (b"x" * 1000, "x" * 300 + "..."),
    ],
)
def test_each_service_says_why_in_its_own_form(body: bytes, said: str) -> None:
    assert said_by(body) == said


def test_no_key_leads_out_of_its_path(tmp_path: Path, desk: Desk) -> None:
    state = cloud()
    desk.spec.write_text(
        f"{HEAD}publish: {{flavors: {{a: {{vcpus: 1, ram_mib: 1, disk_gib: 1, "
        "extra_specs: {'a..b c:d': x}}}}\n"
    )
    assert desk.publish(state, "--yes")[0] == 0
    desk.spec.write_text(f"{HEAD}publish: {{flavors: {{a: {{vcpus: 1, ram_mib: 1, disk_gib: 1}}}}}}\n")
    code, _, err = desk.publish(state, "--yes", "--exact")
    assert code == 0, err
    (made,) = [each for each in state.flavors.values() if each["name"] == "a"]
    assert made["extra_specs"] == {}
