"""A launch ends with a guest that has seen all it was given, or with nothing at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cloud.builders import at, card, function, held_by, host, memory_bar, unit
from tests.cloud.fake_hypervisor import (
    FakeHypervisor,
    Running,
    loses,
    panics,
    reports,
    stays_silent,
    switches_off,
)
from tests.cloud.here import FREE_MEMORY_MIB, Machine, machine

from gpucloud.cloud.libvirt.domain import Domain, DomainState
from gpucloud.cloud.protocol import Patience
from gpucloud.model.failure import Failure
from gpucloud.model.guest import Guest, GuestSpec, GuestState
from gpucloud.model.host import Kvm

HOST = host(card("3b:00", group=1), card("5e:00", group=2))
SPEC = GuestSpec("one", 1)
MINUTE = Patience(timeout_s=60)


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return machine(FakeHypervisor(HOST), tmp_path)


def _launch(here: Machine, spec: GuestSpec = SPEC, patience: Patience = MINUTE) -> Guest:
    return here.cloud.launch(spec, patience, lambda _: None)


def _fails(here: Machine, match: str, spec: GuestSpec = SPEC) -> None:
    """Launch, see it fail for this reason, and see that nothing of it is left."""
    with pytest.raises(Failure, match=match):
        _launch(here, spec)
    assert here.hypervisor.running == {}
    assert here.leftovers() == []
    assert here.deadline.armed == {}


def test_a_guest_that_never_reports_is_ended_and_its_last_words_are_told(here: Machine) -> None:
    here.hypervisor.behaviour = stays_silent
    _fails(here, "did not say in 60 s what it sees: it did not report; its last words: BdsDxe")
    assert here.places.log("one").exists(), "the console is kept"


def test_a_guest_whose_kernel_panics_is_noticed_at_once(here: Machine) -> None:
    here.hypervisor.behaviour = panics
    _fails(here, "does not come up: its kernel panicked: No working init found.; its console is kept")
    assert here.time.seconds < 30


def test_a_guest_that_switches_itself_off_is_noticed_early(here: Machine) -> None:
    here.hypervisor.behaviour = switches_off
    _fails(here, "ended before it reported; its last words: .*reboot: Power down")
    assert here.time.seconds < 30


def test_a_function_that_the_guest_does_not_see_is_named(here: Machine) -> None:
    here.hypervisor.behaviour = loses("0000:3b:00.1")
    _fails(here, "does not have all it was given: 0000:3b:00.1 .* is not in its PCI list")


def test_forged_text_on_the_console_is_not_a_report(here: Machine) -> None:
    def forges(hypervisor: FakeHypervisor, running: Running) -> None:
        nonce = "a" * 32
        running.prints(f"gpucloud-report {nonce} begin\ngpucloud-report {nonce} end 0\n")

    here.hypervisor.behaviour = forges
    _fails(here, "its report did not become whole")


def test_a_console_of_a_guest_that_is_not_there_is_refused_for_that_before_the_terminal_is_looked_at(
    here: Machine,
) -> None:
    with pytest.raises(Failure, match="there is no guest nosuch"):
        here.cloud.attach("nosuch", lambda _: None)


def test_escape_sequences_of_a_guest_are_not_in_the_error(here: Machine) -> None:
    here.hypervisor.behaviour = lambda _, running: running.prints("\x1b[2J\x1b]0;owned\x07bye\r\n")
    with pytest.raises(Failure) as caught:
        _launch(here)
    assert caught.value.what.isprintable()


def test_an_interrupt_leaves_nothing(here: Machine) -> None:
    def interrupt(hypervisor: FakeHypervisor, running: Running) -> None:
        running.prints("so far")
        raise KeyboardInterrupt

    here.hypervisor.behaviour = interrupt
    with pytest.raises(KeyboardInterrupt):
        _launch(here, replace(SPEC, lifetime_s=60))
    assert (here.hypervisor.running, list(here.leftovers()), here.deadline.armed) == ({}, [], {})
    assert not here.places.log("one").exists()


def test_a_failed_guest_can_be_kept_and_says_why(here: Machine) -> None:
    here.hypervisor.behaviour = stays_silent
    with pytest.raises(Failure):
        _launch(here, patience=Patience(60, keeps_failed=True))
    guest = here.cloud.show("one")
    assert guest.state is GuestState.FAILED
    assert guest.failure is not None
    assert "did not say in 60 s" in guest.failure
    here.cloud.destroy("one", lambda _: None)
    assert here.leftovers() == []


def test_the_time_limit_is_set_before_the_guest_starts_and_gone_after_it(here: Machine) -> None:
    armed: list[dict[str, int]] = []

    def look(hypervisor: FakeHypervisor, running: Running) -> None:
        armed.append(dict(here.deadline.armed))
        reports(hypervisor, running)

    here.hypervisor.behaviour = look
    _launch(here, replace(SPEC, lifetime_s=7200))
    assert armed == [{"one": 7200}]
    here.cloud.destroy("one", lambda _: None)
    assert here.deadline.armed == {}


def test_an_image_that_does_not_boot_is_refused_before_anything_is_made(here: Machine) -> None:
    _fails(here, "does not boot", replace(SPEC, image="/images/broken"))
    assert here.hypervisor.calls == []


def test_the_agent_in_an_image_is_asked_when_the_console_is_silent(here: Machine) -> None:
    here.hypervisor.behaviour = stays_silent
    here.hypervisor.agent_answers = True
    assert _launch(here, replace(SPEC, image="/images/good")).state is GuestState.RUNNING


def test_a_foreign_guests_name_and_functions_are_left_to_it(here: Machine) -> None:
    functions = (at("3b:00.0"), at("3b:00.1"))
    foreign = Domain("windows", "u", DomainState.RUNNING, 1, 1, functions, None)
    here.hypervisor.foreign.append(foreign)
    with pytest.raises(Failure, match="which gpucloud did not make"):
        _launch(here, replace(SPEC, name="windows"))
    assert _launch(here).units == (at("5e:00.0"),)
    assert [guest.name for guest in here.cloud.list()] == ["one"]
    with pytest.raises(Failure, match="gpucloud did not make guest windows"):
        here.cloud.destroy("windows", lambda _: None)


def test_what_guests_left_that_ended_by_themselves_is_removed_by_the_next_launch(here: Machine) -> None:
    _launch(here, replace(SPEC, name="gone", lifetime_s=60))
    here.hypervisor.running.clear()
    _launch(here)
    assert [path.name for path in here.places.guests.iterdir()] == ["one"]
    assert here.deadline.armed == {}


def test_a_name_is_free_again_once_its_guest_has_ended(here: Machine) -> None:
    _launch(here)
    here.hypervisor.running.clear()
    assert _launch(here).name == "one"


def test_a_unit_that_is_not_prepared_is_refused(tmp_path: Path) -> None:
    here = machine(FakeHypervisor(host(held_by(card("3b:00"), "nouveau"))), tmp_path)
    _fails(here, "held by the host's driver nouveau.*gpucloud plan --unit 0000:3b:00.0")


def test_bars_that_the_processor_cannot_reach_are_refused(tmp_path: Path) -> None:
    large = unit(function("3b:00.0", bars=(memory_bar(1, 256 << 30),)))
    here = machine(FakeHypervisor(host(large, bits=38)), tmp_path)
    _fails(here, r"BARs of these GPUs \(256 GiB\) need addresses up to .*has 38 bits")


def test_more_memory_than_there_is_is_refused_because_vfio_takes_all_of_it(here: Machine) -> None:
    large = replace(SPEC, memory_mib=FREE_MEMORY_MIB + 1)
    _fails(
        here,
        "is to have 8193M of memory, with its GPUs all of it at once, and 8G are free; give it less",
        large,
    )
    assert _launch(here, replace(large, gpus=0)).units == ()


def test_without_kvm_the_wait_tells_that_guests_are_emulated(tmp_path: Path) -> None:
    slow = replace(HOST, kvm=Kvm(has_device=True, refusal="KVM_CREATE_VM: operation not supported"))
    here = machine(FakeHypervisor(slow, stays_silent), tmp_path)
    _fails(here, "guests are emulated here.*--timeout")


def test_libvirt_is_asked_seldom_while_waiting(here: Machine) -> None:
    here.hypervisor.behaviour = stays_silent
    with pytest.raises(Failure):
        _launch(here)
    assert here.hypervisor.calls.count("is_active") <= 12


def test_a_destroyed_guest_whose_function_is_still_in_use_is_said(here: Machine) -> None:
    _launch(here)
    here.devices.held.add(at("3b:00.1"))
    with pytest.raises(Failure, match=r"is ended, but 0000:3b:00\.1 is still in use"):
        here.cloud.destroy("one", lambda _: None)


def test_a_destroyed_guest_whose_function_changed_driver_is_said(here: Machine) -> None:
    _launch(here)
    here.devices.drivers[at("3b:00.1")] = "snd_hda_intel"
    with pytest.raises(Failure, match="bound to snd_hda_intel now; gpucloud plan --unit"):
        here.cloud.destroy("one", lambda _: None)


def test_a_function_that_libvirt_did_not_give_is_noticed(here: Machine) -> None:
    def drop(hypervisor: FakeHypervisor, running: Running) -> None:
        running.domain = replace(running.domain, functions=running.domain.functions[:1])

    here.hypervisor.behaviour = drop
    _fails(here, r"libvirt did not give guest one what was asked: 0000:3b:00\.1 differ")


def test_following_a_console_ends_with_the_guest(here: Machine) -> None:
    _launch(here)
    heard = here.cloud.console("one", follows=True)
    assert "gpucloud-report" in next(heard)
    here.hypervisor.running.clear()
    assert list(heard) == []
