"""Who and what keeps a card with the host, by name and with the way out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.prepare.hosts import causes, only_refusal, plan_for, with_function
from tests.prepare.site import Site

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.host import Vital
from gpucloud.model.pci import Holder, MediatedDevice, PciAddress, Sriov
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.plan import choose_units, plan_passthrough, recheck, render_plan

QEMU = Holder(812, "qemu-system-x86", "/dev/vfio/11", "web1")
DAEMON = Holder(77, "nvidia-persiste", "/dev/nvidia0")
STRANGER = Holder(4711, "python3", "/dev/nvidia0")


@pytest.mark.parametrize(
    ("holder", "says", "do"),
    [
        (QEMU, "guest web1 (qemu-system-x86, process 812, /dev/vfio/11)", "gpucloud destroy web1"),
        (DAEMON, "nvidia-persiste (process 77, /dev/nvidia0)", "systemctl stop nvidia-persistenced"),
        (STRANGER, "python3 (process 4711, /dev/nvidia0)", "kill 4711"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_holder_is_named_with_what_makes_it_let_go(
    site: Site, holder: Holder, says: str, do: str, force: bool
) -> None:
    plan = plan_for(with_function(site.host(), "3b:00.0", holders=(holder,)), "3b:00.0", force=force)
    assert causes(plan) == ["gpu-in-use"]
    assert says in only_refusal(plan)
    assert do in only_refusal(plan)


def test_a_listener_that_lets_the_driver_go_keeps_no_card(site: Site) -> None:
    listener = Holder(800, "systemd-logind", "/dev/input/event9")
    plan = plan_for(with_function(site.host(), "3b:00.1", holders=(listener,)), "3b:00.0")
    assert plan.refusals == ()
    assert plan.steps


def test_a_holder_of_a_companion_counts(site: Site) -> None:
    sound = Holder(900, "pipewire", "/dev/snd/controlC1")
    plan = plan_for(with_function(site.host(), "3b:00.1", holders=(sound,)), "3b:00.0")
    assert "systemctl --user stop pipewire" in only_refusal(plan)


def test_a_holder_of_another_card_does_not(site: Site) -> None:
    assert not plan_for(with_function(site.host(), "3c:00.0", holders=(DAEMON,)), "3b:00.0").refusals


def test_a_guest_that_has_a_card_that_is_ready_is_no_reason(site: Site) -> None:
    site.apply("3b:00.0")
    assert plan_for(with_function(site.host(), "3b:00.0", holders=(QEMU,)), "3b:00.0").is_empty


def test_holders_that_could_not_be_seen_are_no_permission(site: Site) -> None:
    host = with_function(site.host(), "3b:00.0", holders=Unknown("12 processes did not let us look"))
    plan = plan_for(host, "3b:00.0", force=True)
    assert causes(plan) == ["holders-unknown"]
    assert "as root" in only_refusal(plan)


def test_a_function_without_driver_needs_no_holders(site: Site) -> None:
    host = with_function(site.host(), "3b:00.1", driver=None, holders=Unknown("not looked for"))
    assert not plan_for(host, "3b:00.0").refusals


@pytest.mark.parametrize("fact", ["driver", "driver_override"])
def test_what_could_not_be_given_back_is_not_taken(site: Site, fact: str) -> None:
    host = with_function(site.host(), "3b:00.1", **{fact: Unknown("not in the capture")})
    assert causes(plan_for(host, "3b:00.0", force=True)) == ["driver-unknown"]


@pytest.mark.parametrize("force", [False, True])
def test_a_card_with_the_root_disk_on_it_is_never_given_away(site: Site, force: bool) -> None:
    vital = (Vital(PciAddress.parse("0000:3b:00.1"), "root disk"),)
    plan = plan_for(replace(site.host(), vital=vital), "3b:00.0", force=force)
    assert causes(plan) == ["unit-is-vital"]
    assert "never forced" in only_refusal(plan)


def test_not_knowing_what_the_host_needs_is_no_permission(site: Site) -> None:
    host = replace(site.host(), vital=Unknown("/proc/self/mountinfo is not there"))
    assert causes(plan_for(host, "3b:00.0", force=True)) == ["vital-unknown"]


def test_what_a_capture_lacks_is_left_to_the_host_where_no_step_depends_on_it(site: Site) -> None:
    unread = Unknown("not in the capture")
    host = with_function(replace(site.host(), vital=unread), "3b:00.0", holders=unread)
    units = choose_units(host, ["3b:00.0"])
    plan = plan_passthrough(host, units, is_captured=True)
    assert [step.change for step in plan.steps] == [step.change for step in site.plan("3b:00.0").steps]
    assert [refusal.cause for refusal in plan.unseen] == ["vital-unknown", "holders-unknown"]
    shown = render_plan(plan)
    assert "so the host itself is asked before anything is done there:\n" in shown
    assert "hang on is not known (not in the capture) (vital-unknown)" in shown


def test_a_driver_that_a_capture_lacks_leaves_nothing_to_plan(site: Site) -> None:
    host = with_function(site.host(), "3b:00.1", driver=Unknown("not in the capture"))
    plan = plan_passthrough(host, choose_units(host, ["3b:00.0"]), is_captured=True)
    assert (causes(plan), plan.steps, plan.unseen) == (["driver-unknown"], (), ())


def test_the_host_itself_decides_what_a_capture_left_open(site: Site) -> None:
    unread = Unknown("not in the capture")
    captured = with_function(replace(site.host(), vital=unread), "3b:00.0", holders=unread)
    plan = plan_passthrough(captured, choose_units(captured, ["3b:00.0"]), is_captured=True)
    assert recheck(plan, site.plan("3b:00.0")).steps == plan.steps
    host = replace(site.host(), vital=Unknown("permission denied"))
    with pytest.raises(Failure, match="permission denied"):
        recheck(plan, plan_for(host, "3b:00.0"))


def test_virtual_functions_would_vanish(site: Site) -> None:
    host = with_function(site.host(), "3b:00.0", sriov=Sriov(total=16, enabled=4, vfs=()))
    plan = plan_for(host, "3b:00.0")
    assert causes(plan) == ["virtual-functions-enabled"]
    assert "sriov_numvfs" in only_refusal(plan)


VGPU = MediatedDevice("2d3a3f0a-7c0f-4c3a-9d2e-8a1f0d4e5b6c", "nvidia-233", "/dev/vfio/90")


def test_mediated_devices_would_vanish_even_where_no_guest_has_them(site: Site) -> None:
    other = replace(VGPU, name="9d2e3f0a-7c0f-4c3a-9d2e-8a1f0d4e5b6c", node="/dev/vfio/91")
    plan = plan_for(with_function(site.host(), "3b:00.0", mdevs=(VGPU, other)), "3b:00.0", force=True)
    assert causes(plan) == ["mediated-devices-there"]
    assert "2 mediated devices (vGPUs)" in only_refusal(plan)
    assert "/sys/bus/pci/devices/0000:3b:00.0/*-*-*-*-*/remove" in only_refusal(plan)


def test_the_guests_of_mediated_devices_are_named(site: Site) -> None:
    guest = Holder(4242, "qemu-system-x86", "/dev/vfio/90", "win1")
    plan = plan_for(with_function(site.host(), "3b:00.0", mdevs=(VGPU,), holders=(guest, DAEMON)), "3b:00.0")
    assert causes(plan) == ["gpu-in-use", "mediated-devices-there"]
    assert "1 mediated device (vGPUs, in use by guest win1)" in plan.refusals[1].why


def test_a_plan_rests_on_the_mediated_devices_that_were_not_there(site: Site) -> None:
    before = site.plan("3b:00.0")
    after = plan_for(with_function(site.host(), "3b:00.0", mdevs=(VGPU,)), "3b:00.0")
    with pytest.raises(Failure, match="mediated device"):
        recheck(before, after)


def test_a_kernel_without_vfio_is_named(site: Site) -> None:
    host = site.host()
    kernel = replace(host.kernel, available_modules=frozenset({"vfio_iommu_type1"}))
    plan = plan_for(replace(host, kernel=kernel), "3b:00.0")
    assert causes(plan) == ["wrong-kernel-module"]
    assert "vfio_pci" in only_refusal(plan)


def test_all_reasons_are_told_at_once_and_nothing_is_planned(site: Site) -> None:
    host = with_function(site.host(), "3b:00.0", holders=(DAEMON,))
    host = with_function(host, "3c:00.1", holders=(STRANGER,))
    plan = plan_for(host, "3b:00.0", "3c:00.0")
    assert causes(plan) == ["gpu-in-use", "gpu-in-use"]
    assert not plan.is_empty


def test_what_is_known_is_told_before_what_is_not_and_each_thing_once(site: Site) -> None:
    unread = Unknown("not in the capture")
    host = with_function(site.host(), "3b:00.0", holders=unread, sriov=Sriov(total=16, enabled=4, vfs=()))
    host = with_function(host, "3b:00.1", holders=unread, driver_override=unread)
    host = replace(host, vital=unread)
    assert causes(plan_for(host, "3b:00.0")) == [
        "virtual-functions-enabled",
        "driver-unknown",
        "vital-unknown",
        "holders-unknown",
    ]


def test_a_gpu_that_is_not_there_is_an_error_that_names_those_that_are(site: Site) -> None:
    with pytest.raises(Failure, match=r"nothing at 0000:05:00.0 .*--unit 02:00.0, --unit 3b:00.0"):
        site.plan("05:00.0")


@pytest.mark.parametrize("names", [(), ("first",), ("3b:00.9",), ("../etc",)])
def test_no_card_is_taken_on_a_guess(site: Site, names: tuple[str, ...]) -> None:
    with pytest.raises(Failure) as raised:
        site.plan(*names)
    assert raised.value.code == Exit.USAGE
