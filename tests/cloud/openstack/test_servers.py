"""Guests on OpenStack: the contract of clouds, and that nothing of ours is left whatever goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.cloud.contract import ClockContract, Ground
from tests.cloud.here import FakeTime
from tests.cloud.openstack.flaky import FAULTS, Flaky
from tests.cloud.openstack.server_state import Made, ServersState, prints_report, servers_state

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.servers.choose import gpus_of
from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud, new_in
from gpucloud.cloud.openstack.servers.launch import Wishes
from gpucloud.cloud.openstack.servers.waiting import Pauses
from gpucloud.cloud.openstack.time import CloudTime, clock_of
from gpucloud.cloud.protocol import Patience
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec, GuestState

SPEC = GuestSpec("one", 1, image="ubuntu")


def cloud_on(
    state: ServersState,
    send: Send | None = None,
    wishes: Wishes | None = None,
    time: FakeTime | None = None,
) -> OpenStackCloud:
    time = time or FakeTime()
    clock = Clock(time.now, time.since_boot, time.wait)
    return OpenStackCloud(send or Flaky(state, ()), wishes, clock)


def launch(
    state: ServersState,
    script: Iterable[str] = (),
    *,
    spec: GuestSpec = SPEC,
    keeps: bool = False,
    wishes: Wishes | None = None,
) -> Guest:
    send = Flaky(state, script)
    try:
        return cloud_on(state, send, wishes).launch(spec, Patience(60, keeps), lambda _: None)
    finally:
        send.finish()


def left(state: ServersState) -> list[str]:
    """Names of servers, without that of somebody else."""
    return [server.name for server in state.made.values() if server.id != "s-0"]


class TestOpenStackCloud(ClockContract):
    @pytest.fixture
    def ground(self) -> Ground:
        time = FakeTime()
        return Ground(cloud_on(servers_state(), time=time), 2, SPEC, [], time.wait)


SCRIPTS = st.builds(
    lambda well, faults: ["ok"] * well + faults,
    st.integers(0, 12),
    st.lists(st.sampled_from(FAULTS), max_size=20),
)


@given(SCRIPTS, st.booleans())
@example(["ok", "ok", "ok", "lost"], False)
@example(["ok", "ok", "ok", "late", "500", "down"], False)
@example([*["ok"] * 10, *["500"] * 4], False)
@example(["ok", "ok", "ok", "ok", "500", "500", "500", "500", "interrupt", "gone"], True)
def test_a_launch_makes_one_guest_or_leaves_nothing(script: list[str], is_soft: bool) -> None:
    state = servers_state()
    state.is_soft = is_soft
    try:
        launch(state, script)
    except (Failure, KeyboardInterrupt):
        assert (left(state), state.free_gpus) == ([], 2)
    else:
        assert cloud_on(state).show("one").state is GuestState.RUNNING
        assert (left(state), state.free_gpus) == (["one"], 1)
    assert state.made["s-0"].status == "ACTIVE"


def test_a_launch_outlives_a_service_that_fails_for_a_moment() -> None:
    assert launch(servers_state(), [*["ok"] * 5, "500", "down", "429"]).state is GuestState.RUNNING


@given(st.lists(st.sampled_from(FAULTS), max_size=20))
def test_what_was_destroyed_is_gone(script: list[str]) -> None:
    state = servers_state()
    launch(state)
    cloud = cloud_on(state, Flaky(state, ["ok", *(each for each in script if each != "interrupt")]))
    assert cloud.destroy("one", lambda _: None).name == "one"
    assert (left(state), state.free_gpus) == ([], 2)


def test_a_server_that_stays_is_named_with_what_the_cloud_says() -> None:
    state = servers_state()
    state.becomes = ("ERROR",)
    state.faults = [("DELETE", "servers", 409)]
    with pytest.raises(Failure, match=r"could not make .* may still run, .*409 injected") as caught:
        launch(state)
    assert caught.value.code is Exit.UNDO_FAILED
    assert "openstack server delete s-1" in caught.value.then


def test_nova_says_why_a_server_could_not_be_made() -> None:
    state = servers_state()
    state.free_gpus = 0
    with pytest.raises(Failure, match="nova could not make guest one: No valid host was found"):
        launch(state)
    assert left(state) == []


def test_a_quota_is_quoted() -> None:
    state = servers_state()
    state.most_servers = 1
    with pytest.raises(Failure, match="does not make guest one: Quota exceeded for instances"):
        launch(state)
    assert left(state) == []


def _lacks_a_gpu(server: Made) -> str:
    return prints_report(replace(server, gpus=0))


@pytest.mark.parametrize(
    ("prints", "says"),
    [
        (_lacks_a_gpu, "its PCI list has 0 GPUs, and its flavor gives 1"),
        (lambda _: "", "did not say in 60 s what it sees: it did not report; its console stayed empty"),
        (lambda _: "Kernel panic - not syncing: VFS\n", "does not come up: its kernel panicked: VFS"),
        (lambda one: prints_report(replace(one, nonce="0" * 32)), "its report did not become whole"),
    ],
    ids=["no gpu", "silent", "panic", "another launch's"],
)
def test_a_guest_without_its_gpus_is_no_guest(prints: object, says: str) -> None:
    state = servers_state()
    state.prints = prints  # type: ignore[assignment]
    with pytest.raises(Failure, match=says):
        launch(state)
    assert left(state) == []


def test_a_guest_that_failed_can_be_kept_and_says_why() -> None:
    state = servers_state()
    state.prints = _lacks_a_gpu
    with pytest.raises(Failure):
        launch(state, keeps=True)
    (guest,) = cloud_on(state).list()
    assert guest.state is GuestState.FAILED
    assert guest.failure is not None
    assert "0 GPUs" in guest.failure


def test_a_guest_that_nova_could_not_make_can_be_kept_and_is_not_reaped() -> None:
    state, time = servers_state(), FakeTime()
    state.free_gpus = 0
    with pytest.raises(Failure, match="nova could not make guest one: No valid host was found"):
        launch(state, keeps=True)
    time.wait(86_400)
    cloud = cloud_on(state, time=time)
    assert cloud.reap(lambda _: None) == ()
    assert [(guest.state, guest.failure) for guest in cloud.list()] == [
        (GuestState.FAILED, "No valid host was found")
    ]


class Killed(BaseException):
    """Of a client by SIGKILL: nothing of it is done any more."""


@pytest.mark.parametrize("keeps", [False, True])
def test_a_guest_whose_launch_was_killed_is_reaped_when_it_had_to_be_over(*, keeps: bool) -> None:
    state, time = servers_state(), FakeTime()

    def dies(call: Call) -> object:
        if call.method == "GET" and "POST" in {method for method, _ in state.calls}:
            raise Killed
        return Flaky(state, ())(call)

    with suppress(Killed):
        cloud_on(state, dies).launch(SPEC, Patience(60, keeps), lambda _: None)
    cloud = cloud_on(state, time=time)
    assert cloud.reap(lambda _: None) == ()
    time.wait(3600)
    assert [guest.name for guest in cloud.reap(lambda _: None)] == ["one"]
    assert (left(state), state.free_gpus) == ([], 2)


def test_a_launch_asks_for_no_more_than_it_must() -> None:
    state = servers_state()
    state.becomes = ("ACTIVE",)
    launch(state)
    before, after = state.calls[:3], state.calls[3:]
    assert sorted(before) == [
        ("GET", "compute /flavors/detail?limit=1000"),
        ("GET", "compute /servers/detail?name=%5Eone%24&limit=1000"),
        ("GET", "image /images?name=ubuntu&limit=1000"),
    ]
    assert [f"{method} {target}" for method, target in after] == [
        "POST compute /servers",
        "GET compute /servers/detail?name=%5Eone%24&limit=1000",
        "GET compute /servers/s-1",
        "POST compute /servers/s-1/action",
        "POST compute /servers/s-1/metadata",
    ]


@given(st.floats(0, 600))
def test_a_look_comes_soon_after_what_is_waited_for(ready_s: float) -> None:
    time = FakeTime()
    pauses = Pauses(Clock(time.now, time.since_boot, time.wait))
    while time.seconds < ready_s:
        pauses.wait()
    assert time.seconds - ready_s <= min(1.0, max(0.1, 0.04 * ready_s)) + 1e-6


@pytest.mark.parametrize("seconds", [-7200.0, 7200.0])
def test_a_guest_ends_by_the_clouds_clock_whatever_those_of_launcher_and_reaper_say(seconds: float) -> None:
    state, there = servers_state(), FakeTime()
    wrong = Clock(lambda: there.now() + seconds, there.since_boot, there.wait)
    heard = CloudTime(there.since_boot)

    def sends(call: Call) -> object:
        heard.hear(formatdate(there.now(), usegmt=True))
        return Flaky(state, ())(call)

    mine = OpenStackCloud(sends, clock=clock_of(heard, wrong, pytest.fail))
    guest = mine.launch(replace(SPEC, lifetime_s=600), Patience(60), lambda _: None)
    assert guest.ends_at_s == guest.started_at_s + 600
    assert abs(guest.started_at_s - there.now()) < 60
    assert mine.reap(lambda _: None) == ()
    extended = mine.extend("one", 1200, lambda _: None)
    assert extended.ends_at_s is not None
    assert abs(extended.ends_at_s - there.now() - 1200) < 2
    there.wait(1210)
    assert [guest.name for guest in mine.reap(lambda _: None)] == ["one"]


@given(st.lists(st.sampled_from(FAULTS), max_size=20))
def test_a_reap_that_ends_well_leaves_nothing_that_is_over(script: list[str]) -> None:
    state, time = servers_state(), FakeTime()
    for name in ("one", "two"):
        launch(state, spec=replace(SPEC, name=name, lifetime_s=60))
    time.wait(3600)
    faults = (each for each in script if each != "interrupt")
    try:
        cloud_on(state, Flaky(state, faults), time=time).reap(lambda _: None)
    except Failure:
        cloud_on(state, time=time).reap(lambda _: None)
    assert (left(state), state.free_gpus) == ([], 2)


def test_a_guest_that_ends_before_it_reports_is_said_to() -> None:
    state = servers_state()
    state.becomes = ("ACTIVE", "SHUTOFF")
    state.prints = lambda _: "Power down\n"
    with pytest.raises(Failure, match="became SHUTOFF before it reported; its last words: Power down"):
        launch(state)


@pytest.mark.parametrize(
    ("spec", "wishes", "says"),
    [
        (replace(SPEC, image=None), Wishes(), "boots an image of it, and none is named"),
        (replace(SPEC, image="debian"), Wishes(), "there is no image 'debian'"),
        (replace(SPEC, image="twin"), Wishes(), "several images are called 'twin'"),
        (replace(SPEC, image="large"), Wishes(), "image large needs a disk of 21 GiB, flavor gpu.1 has 20"),
        (replace(SPEC, image="hungry"), Wishes(), "needs 9000 MiB of memory, flavor gpu.1 has 8192"),
        (replace(SPEC, image="new"), Wishes(), "image new is queued"),
        (replace(SPEC, cpus=64), Wishes(), "gives that many GPUs with 64 processors"),
        (SPEC, Wishes(flavor="gpu.9"), "there is no flavor 'gpu.9'"),
        (SPEC, Wishes(flavor="gpu.2"), "1 wanted, and flavor gpu.2 gives 2 GPUs"),
        (
            replace(SPEC, memory_mib=9000),
            Wishes(flavor="foreign"),
            "4 processors, 8G, and more was asked",
        ),
        (replace(SPEC, name="theirs"), Wishes(), "a server theirs already, which gpucloud did not make"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    spec: GuestSpec, wishes: Wishes, says: str
) -> None:
    state = servers_state()
    for key, name in (("i2", "twin"), ("i3", "twin")):
        state.add_image(key, name)
    state.add_image("i4", "large", virtual_size=(20 << 30) + 1)
    state.add_image("i5", "hungry", min_ram=9000)
    state.add_image("i6", "new", status="queued", size=None)
    with pytest.raises(Failure, match=says):
        launch(state, spec=spec, wishes=wishes)
    assert {method for method, _ in state.calls} <= {"GET"}


def test_of_two_launches_at_once_with_one_name_none_makes_a_second() -> None:
    state = servers_state()
    twin = replace(state.made["s-0"], id="s-9", name="one")
    send = Flaky(state, ())

    def send_beside_another(call: Call) -> object:
        if call.method == "POST" and call.path == "/servers":
            state.made["s-9"] = twin
        return send(call)

    with pytest.raises(Failure, match="there is a server one already"):
        cloud_on(state, send_beside_another).launch(SPEC, Patience(60), lambda _: None)
    assert set(state.made) == {"s-0", "s-9"}


def test_a_flavor_of_others_is_taken_only_by_name() -> None:
    state = servers_state()
    del state.flavors["id-gpu.1"]
    with pytest.raises(Failure, match="1 wanted, and no flavor of gpucloud publish gives that many GPUs"):
        launch(state)
    assert launch(state, wishes=Wishes(flavor="foreign")).gpus == 1


def test_of_a_named_flavor_some_aliases_may_be_of_other_devices_than_gpus() -> None:
    state = servers_state()
    state.flavors["id-foreign"]["extra_specs"]["pci_passthrough:alias"] = "v100:1,sound:2"
    with pytest.raises(Failure, match="4 wanted, and flavor foreign gives 3 GPUs"):
        launch(state, spec=replace(SPEC, gpus=4), wishes=Wishes(flavor="foreign"))
    assert launch(state, wishes=Wishes(flavor="foreign")).gpus == 1


def test_companions_of_cards_do_not_count_as_gpus() -> None:
    assert gpus_of({"pci_passthrough:alias": "v100:2,v100-audio:2,v100-usb:2,l4-audio:1"}) == {
        "v100": 2,
        "l4-audio": 1,
    }


@pytest.mark.parametrize(
    ("extra_specs", "gpus"),
    [
        ({"pci_passthrough:alias": "a100:2, nic:1"}, {"a100": 2}),
        ({"pci_passthrough:alias": "mlx5-vf:1,h100:1"}, {"h100": 1}),
        ({"pci_passthrough:alias": "gpu-with-ib:2"}, {"gpu-with-ib": 2}),
        ({"resources:CUSTOM_NVME": "1", "resources1:VGPU": "1"}, {"VGPU": 1}),
        ({"resources:CUSTOM_BAREMETAL_GOLD": "1"}, {}),
        (
            {"resources:CUSTOM_PCI_15B3_101E": "4", "resources1:CUSTOM_PCI_10DE_20B5": "1"},
            {"CUSTOM_PCI_10DE_20B5": 1},
        ),
    ],
)
def test_network_cards_and_disks_do_not_count_as_gpus(
    extra_specs: dict[str, str], gpus: dict[str, int]
) -> None:
    assert gpus_of(extra_specs) == gpus


def test_a_flavor_is_chosen_by_its_gpus_alone() -> None:
    state = servers_state()
    state.flavors["id-gpu.1"]["extra_specs"]["pci_passthrough:alias"] += ",nic:1"
    assert launch(state).gpus == 1


def test_a_keypair_is_made_where_the_cloud_has_none_and_taken_where_it_has() -> None:
    state = servers_state()
    wishes = Wishes(key="mine", public_key="ssh-ed25519 AAAA me")
    launch(state, wishes=wishes)
    launch(state, spec=replace(SPEC, name="two"), wishes=wishes)
    assert state.keypairs == {"mine": "ssh-ed25519 AAAA me"}
    assert sum(call == ("POST", "compute /os-keypairs") for call in state.calls) == 1
    with pytest.raises(Failure, match="no keypair 'other', and there is no public key here"):
        launch(state, spec=replace(SPEC, name="three"), wishes=Wishes(key="other"))
    assert left(state) == ["one", "two"]


def test_the_deadline_is_in_the_metadata() -> None:
    state = servers_state()
    guest = launch(state, spec=replace(SPEC, lifetime_s=90))
    assert state.made[guest.id].metadata["gpucloud:ends_at"] == str(int(guest.started_at_s) + 90)


def test_a_console_is_followed_to_its_end() -> None:
    state = servers_state()
    launch(state)
    looks = iter(["one\n", "one\ntwo\n", "one\ntwo\n", "one\ntwo\nthree\n"])
    state.prints = lambda server: next(looks)
    state.made["s-1"].ahead = ["ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF"]
    assert "".join(cloud_on(state).console("one", follows=True)) == "one\ntwo\nthree\n"


@given(st.lists(st.text("ab\n", max_size=40), max_size=8), st.integers(150, 300))
def test_nothing_of_a_console_is_said_twice(pieces: list[str], kept: int) -> None:
    lines = [f"{number}:{piece}\n" for number, piece in enumerate(pieces)]
    whole = before = said = ""
    for line in lines:
        whole += line
        said += new_in(whole[-kept:], before)
        before = whole[-kept:]
    assert said == whole


def test_two_guests_of_one_name_are_told_apart_by_their_ids() -> None:
    state = servers_state()
    launch(state)
    state.made["s-9"] = replace(state.made["s-1"], id="s-9")
    with pytest.raises(Failure, match="2 guests are called one: s-1, s-9"):
        cloud_on(state).destroy("one", lambda _: None)


def test_a_users_own_config_goes_to_the_guest_with_the_report() -> None:
    state = servers_state()
    sent: list[str] = []
    state.seen_user_data = sent.append
    spec = replace(SPEC, config='{"runcmd": [["systemctl", "restart", "nvidia-gridd"]]}')
    cloud_on(state).launch(spec, Patience(60), lambda _: None)
    config = json.loads(sent[0].partition("\n")[2])
    assert (len(config["bootcmd"]), config["runcmd"]) == (1, [["systemctl", "restart", "nvidia-gridd"]])


def test_a_guest_that_was_put_aside_as_its_client_was_killed_is_reaped() -> None:
    """reclaim_instance_interval: no listing has it, and it keeps its GPU."""
    state, time = servers_state(), FakeTime()
    state.is_soft = True
    free = state.free_gpus
    spec = replace(SPEC, lifetime_s=3600)
    cloud_on(state, time=time).launch(spec, Patience(60), lambda _: None)
    (one,) = (each for each in state.made.values() if each.name == "one")
    one.status = "SOFT_DELETED"
    assert cloud_on(state, time=time).list() == ()
    assert cloud_on(state, time=time).reap(lambda _: None) == ()
    time.wait(4000)
    assert [guest.name for guest in cloud_on(state, time=time).reap(lambda _: None)] == ["one"]
    assert (left(state), state.free_gpus) == ([], free)


def test_a_reap_says_that_servers_of_a_cell_that_is_down_cannot_be_seen() -> None:
    """Listings leave them out without a word."""
    state, time = servers_state(), FakeTime()
    cloud_on(state, time=time).launch(replace(SPEC, lifetime_s=3600), Patience(60), lambda _: None)
    time.wait(4000)
    state.is_down = True
    with pytest.raises(Failure, match="are in a cell that does not answer: s-0, s-1"):
        cloud_on(state, time=time).reap(lambda _: None)
    state.is_down = False
    assert [guest.name for guest in cloud_on(state, time=time).reap(lambda _: None)] == ["one"]


def test_a_cloud_before_nova_19_is_reaped_all_the_same() -> None:
    state = servers_state()
    state.newest = (2, 65)
    assert cloud_on(state).reap(lambda _: None) == ()


def test_a_lost_answer_of_a_cell_that_went_down_is_not_called_nothing() -> None:
    """The server may be there: it is not listed."""
    state = servers_state()
    send = Flaky(state, ())

    def lose(call: Call) -> object:
        answer = send(call)
        if (call.method, call.path) == ("POST", "/servers"):
            state.is_down = True
            raise Failure("POST compute /servers: no answer", "look whether it runs")
        return answer

    with pytest.raises(
        Failure, match="whether a server one was made cannot be seen: a cell does not"
    ) as found:
        cloud_on(state, lose).launch(SPEC, Patience(60), lambda _: None)
    assert found.value.code == Exit.UNDO_FAILED


def test_a_server_that_comes_long_after_its_launch_gave_up_is_ended_by_reap() -> None:
    said: list[str] = []
    late: list[Call] = []
    state, time = servers_state(), FakeTime()
    send = Flaky(state, ())

    def hold_back(call: Call) -> object:
        if (call.method, call.path) == ("POST", "/servers"):
            late.append(call)
            raise Failure("POST compute /servers: no answer", "look whether it runs")
        return send(call)

    with pytest.raises(Failure, match="no answer"):
        cloud_on(state, hold_back, time=time).launch(SPEC, Patience(60), said.append)
    assert "nova shows no server one; should one come later, gpucloud reap --cloud ends it" in said[-1]
    send(late[0])
    assert left(state) == ["one"]
    time.wait(4000)
    assert [guest.name for guest in cloud_on(state, time=time).reap(lambda _: None)] == ["one"]
    assert (left(state), state.free_gpus) == ([], 2)
