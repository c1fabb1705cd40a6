"""Whose quota counts, and what keystone limits of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cloud.openstack.explain.asking import CARD, Desk
from tests.cloud.openstack.explain.test_ten_setups import failed
from tests.cloud.openstack.explain.way_state import Provider, WayState, offer, way

pytestmark = [
    pytest.mark.proof,
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),  # of openstacksdk itself
]

THEIRS = "b" * 32
UNIFIED = "[quota]\ndriver = nova.quota.UnifiedLimitsDriver\n"
QUOTA = "the quota allows it"


def limit(name: str, amount: int, project: str | None = None) -> dict[str, Any]:
    of = {
        "id": f"{name}-{project}",
        "service_id": "svc-nova",
        "region_id": "RegionOne",
        "resource_name": name,
    }
    if project is None:
        return {**of, "default_limit": amount}
    return {**of, "resource_limit": amount, "project_id": project, "domain_id": None}


def sliced(registered: int | None = None, own: int | None = None, *, of: str = "p") -> WayState:
    """That cloud with a flavor of one slice, four of which are free."""
    state = way()
    state.projects = {"p": "demo", THEIRS: "research"}
    offer(state, "vgpu.1", {"resources:VGPU": "1"})
    state.providers.append(Provider("rp-card", "rp-gpu01", {"VGPU": (4, 0)}))
    if registered is not None:
        state.registered["r"] = limit("class:VGPU", registered)
    if own is not None:
        state.limits["l"] = limit("class:VGPU", own, of)
    return state


def unified(desk: Desk) -> tuple[str, ...]:
    options = desk.config()
    with (desk.folder / "api.conf").open("a") as file:
        file.write(UNIFIED)
    return options


@pytest.mark.parametrize(
    ("registered", "own", "used", "is_refused"),
    [
        (0, None, 0, True),
        (4, 0, 0, True),
        (0, 2, 1, False),
        (2, None, 2, True),
        (-1, None, 9, False),
        (0, -1, 9, False),
        (None, None, 0, False),
    ],
)
def test_keystones_limits_of_a_class(
    desk: Desk, registered: int | None, own: int | None, used: int, is_refused: bool
) -> None:
    state = sliced(registered, own)
    state.usages["p"] = {"VGPU": used}
    told = desk.explain(state, "vgpu.1", *unified(desk))
    assert told.cause == ("quota" if is_refused else None), told.out
    if is_refused:
        most = registered if own is None else own
        assert told.step == QUOTA
        title = f"Keystone limits VGPU to {most} for demo, and {used} are used, and the flavor asks for 1"
        assert told.root["title"] == title
        assert "nova/limit/placement.py" in told.root["why"]


def test_limits_of_other_services_and_regions_are_not_novas(desk: Desk) -> None:
    state = sliced()
    state.registered["r"] = limit("class:VGPU", 0) | {"service_id": "svc-glance"}
    state.registered["q"] = limit("class:VGPU", 0) | {"region_id": "RegionTwo"}
    assert desk.explain(state, "vgpu.1", *unified(desk)).code == 0


def test_without_novas_files_it_is_likely_that_keystone_counts(desk: Desk) -> None:
    told = desk.explain(sliced(0), "vgpu.1")
    assert (told.code, told.cause, told.root["confidence"]) == (3, "quota", 0.8)


def test_with_files_of_another_driver_it_is_said_what_keystone_has(desk: Desk) -> None:
    told = desk.explain(sliced(0), "vgpu.1", *desk.config())
    assert told.code == 0
    assert "whether nova counts VGPU" in told.unseen
    assert {"step": QUOTA, "state": "not all of it seen"} in told.plain["steps"]


@pytest.mark.parametrize(
    ("release", "more", "is_refused"),
    [
        ("29.0.1", "", True),
        ("31.3.1", "", False),
        ("31.3.1", "unified_limits_resource_list = servers, class:VGPU", True),
        ("31.3.1", "unified_limits_resource_strategy = ignore", True),
        (
            "31.3.1",
            "unified_limits_resource_strategy = ignore\nunified_limits_resource_list = class:VGPU",
            False,
        ),
    ],
)
def test_a_class_without_a_registered_limit(desk: Desk, release: str, more: str, is_refused: bool) -> None:
    state, options = sliced(), (*unified(desk), "--release", release)
    with (desk.folder / "api.conf").open("a") as file:
        file.write(more)
    state.registered["d"] = limit("class:DISK_GB", -1)
    told = desk.explain(state, "vgpu.1", *options)
    assert told.cause == ("quota" if is_refused else None), told.out
    if is_refused:
        assert told.root["title"].startswith("Keystone has no registered limit of class:VGPU, which nova")


@pytest.mark.parametrize(("release", "cause"), [("33.0.0", None), ("34.0.0", "quota")])
def test_devices_of_an_alias_count_from_the_release_that_counts_them(
    desk: Desk, release: str, cause: str | None
) -> None:
    state = sliced()
    state.registered["r"] = limit("class:CUSTOM_PCI_10DE_1DB4", 0)
    state.providers.append(Provider("rp-pci", "rp-gpu01", {"CUSTOM_PCI_10DE_1DB4": (1, 0)}))
    config = desk.config()
    with (desk.folder / "api.conf").open("a") as file:
        file.write(f"pci_in_placement = true\n{UNIFIED}")
    assert desk.explain(state, "gpu.1", *config, "--release", release).cause == cause


def test_without_the_role_the_use_of_a_class_is_not_seen(desk: Desk) -> None:
    state = sliced(2)
    state.is_admin = False
    assert "how many VGPU the project has of its 2" in desk.explain(state, "vgpu.1").unseen
    state.registered["r"] = limit("class:VGPU", 0)
    assert desk.explain(state, "vgpu.1").cause == "quota"


def test_limits_that_keystone_does_not_show(desk: Desk) -> None:
    state = sliced(0)
    state.faults = [("GET", "/registered_limits", 403)]
    told = desk.explain(state, "vgpu.1")
    assert "keystone's limits of resource classes (DISK_GB, VGPU)" in told.unseen
    assert {"step": QUOTA, "state": "not all of it seen"} in told.plain["steps"]


@pytest.mark.parametrize("named", ["research", THEIRS])
def test_the_quota_of_a_users_project(desk: Desk, named: str) -> None:
    state = sliced()
    state.absolutes[THEIRS] = {**state.absolute, "totalCoresUsed": 20}
    assert desk.explain(state, "gpu.1").code == 0
    told = desk.explain(state, "gpu.1", "--project", named)
    assert (told.code, told.cause, told.plain["project"]) == (3, "quota", "research")
    assert told.root["fix"]["commands"] == ["openstack quota set --cores 24 research"]


@pytest.mark.parametrize("knows_system", [True, False])
def test_keystones_limits_of_a_users_project(desk: Desk, knows_system: bool) -> None:
    state = sliced(4, 0, of=THEIRS)
    state.absolutes[THEIRS] = state.absolute
    state.knows_system = knows_system
    told = desk.explain(state, "vgpu.1", "--project", "research")
    if knows_system:
        assert told.cause == "quota"
    else:
        assert "keystone's limits of resource classes (DISK_GB, VGPU)" in told.unseen
        state.shows_all_limits = True
        assert desk.explain(state, "vgpu.1", "--project", "research").cause == "quota"


def test_the_project_is_named_in_the_step(desk: Desk) -> None:
    told = desk.explain(sliced(), "gpu.1", *desk.config(), *desk.devices(CARD), shape="text")
    assert f"  {QUOTA} (project demo): passed\n" in told.out


def test_another_project_is_for_administrators(desk: Desk) -> None:
    state = sliced()
    state.is_admin = False
    told = desk.explain(state, "gpu.1", "--project", "research")
    assert told.code == 1
    assert "identity:list_projects" in told.plain["error"]


@pytest.mark.parametrize(
    ("projects", "said"),
    [({}, "there is no project research"), ({"x": "research", "y": "research"}, "2 projects are called")],
)
def test_projects_that_cannot_be_meant(desk: Desk, projects: dict[str, str], said: str) -> None:
    state = sliced()
    state.projects = projects
    told = desk.explain(state, "gpu.1", "--project", "research")
    assert told.code == 2
    assert said in told.err


def test_a_server_has_its_own_project(desk: Desk) -> None:
    told = desk.explain(failed(sliced()), "train", "--project", "research")
    assert told.code == 2
    assert "train is a server, which is of its own project" in told.err


@pytest.mark.parametrize(
    ("release", "registered", "is_refused"),
    [("31.3.1", False, False), ("31.3.1", True, True), ("29.0.1", False, True)],
)
def test_a_limit_of_0_that_nova_shows_for_none(
    desk: Desk, release: str, registered: bool, is_refused: bool
) -> None:
    state, options = sliced(-1), (*unified(desk), "--release", release)
    state.registered["d"] = limit("class:DISK_GB", -1)
    state.absolute["maxTotalCores"] = 0
    if registered:
        state.registered["c"] = limit("class:VCPU", 0)
    told = desk.explain(state, "vgpu.1", *options)
    assert told.cause == ("quota" if is_refused else None), told.out
