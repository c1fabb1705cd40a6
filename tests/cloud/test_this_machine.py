"""Folders, devices, programs and modules of this machine: what is missing is said with its package."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

import pytest
from tests.cloud.builders import at

from gpucloud.cloud.definition.parts import Accelerator, UserNetwork
from gpucloud.cloud.libvirt.binding import advice, import_system_module, venv_advice
from gpucloud.cloud.libvirt.machine.devices import LiveDevices
from gpucloud.cloud.libvirt.machine.emulator import choose_accelerator, find_user_network, has_uefi
from gpucloud.cloud.libvirt.machine.memory import read_free_memory_mib
from gpucloud.cloud.libvirt.machine.places import Places
from gpucloud.cloud.packages import install_line
from gpucloud.cloud.programs import run
from gpucloud.model.failure import Failure
from gpucloud.model.host import Kvm
from gpucloud.model.unknown import Unknown


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "guests", tmp_path / "logs", tmp_path / "lock")


def test_qemus_user_can_enter_a_guests_folder_but_not_list_it(places: Places) -> None:
    assert places.make_folder("one").stat().st_mode & 0o777 == 0o711


def test_the_last_folder_takes_its_parent_with_it(places: Places) -> None:
    places.make_folder("one")
    places.make_folder("two")
    places.remove_folder("one")
    assert places.forgotten([]) == ("two",)
    places.remove_folder("two")
    assert not places.guests.exists()


def test_logs_put_aside_by_virtlogd_are_removed_too(places: Places) -> None:
    places.make_folder("one")
    for name in ("one.log", "one.log.0", "one.log.1", "one-more.log"):
        (places.logs / name).touch()
    places.remove_log("one")
    assert [path.name for path in places.logs.iterdir()] == ["one-more.log"]


def test_a_second_launch_waits_for_the_first(places: Places) -> None:
    told: list[str] = []
    with places.lock.open("a") as first:
        fcntl.flock(first, fcntl.LOCK_EX)

        def say_and_let_go() -> None:
            told.append("waiting")
            fcntl.flock(first, fcntl.LOCK_UN)

        with places.locked(say_and_let_go):
            assert told == ["waiting"]


def test_where_no_lock_can_be_made_root_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(Failure, match="run as root"),
        Places(tmp_path, tmp_path, tmp_path / "absent/lock").locked(lambda: None),
    ):
        pass


def test_a_functions_driver_is_read_from_sysfs(tmp_path: Path) -> None:
    device = tmp_path / "sys/bus/pci/devices/0000:3b:00.0"
    device.mkdir(parents=True)
    devices = LiveDevices(tmp_path)
    assert devices.driver(at("3b:00.0")) is None
    (device / "driver").symlink_to("../../../bus/pci/drivers/vfio-pci")
    assert devices.driver(at("3b:00.0")) == "vfio-pci"
    assert devices.is_free(at("3b:00.0")), "without a group there is nothing to hold"


def test_without_qemu_the_package_is_named() -> None:
    with pytest.raises(Failure, match=install_line("qemu-system-x86_64")):
        find_user_network(lambda _: False, lambda _: False)


def test_qemu_of_the_rhel_family_has_no_network_of_its_own() -> None:
    assert find_user_network(lambda _: False, lambda _: True) is UserNetwork.PASST
    assert find_user_network(lambda _: True, lambda _: False) is UserNetwork.SLIRP


def test_free_memory_is_what_programs_can_still_have(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:        2048000 kB\nMemAvailable:    1024000 kB\n")
    assert read_free_memory_mib(meminfo) == 1000
    meminfo.write_text("MemTotal:        2048000 kB\n")
    assert read_free_memory_mib(meminfo) is None


def test_firmware_packages_tell_of_themselves(tmp_path: Path) -> None:
    assert not has_uefi(tmp_path)
    (tmp_path / "60-edk2-x86_64.json").touch()
    assert has_uefi(tmp_path)


@pytest.mark.parametrize(
    ("kvm", "accelerator"),
    [
        (Kvm(has_device=True, refusal=None), Accelerator.KVM),
        (Kvm(has_device=True, refusal=Unknown("not root")), Accelerator.KVM),
        (Kvm(has_device=True, refusal="operation not supported"), Accelerator.EMULATION),
        (Kvm(has_device=False, refusal=None), Accelerator.EMULATION),
        (Kvm(has_device=Unknown("no /dev"), refusal=None), Accelerator.EMULATION),
    ],
)
def test_kvm_is_used_only_where_it_makes_guests(kvm: Kvm, accelerator: Accelerator) -> None:
    assert choose_accelerator(kvm) is accelerator


def test_a_virtual_environment_that_does_not_see_the_systems_packages_is_said(tmp_path: Path) -> None:
    assert venv_advice(tmp_path, is_venv=False) == ""
    settings = tmp_path / "pyvenv.cfg"
    settings.write_text("home = /usr/bin\ninclude-system-site-packages = true\n")
    assert venv_advice(tmp_path, is_venv=True) == ""
    settings.write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    assert "python3 -m venv --system-site-packages /opt/gpucloud" in venv_advice(tmp_path, is_venv=True)


def test_for_a_python_that_is_not_the_distributions_the_module_is_to_be_built() -> None:
    told = advice("3.11", "python3.10")
    assert told.startswith("the distribution's is for python3.10")
    assert install_line("libvirt-headers").split()[-1] in told
    assert told.endswith(f"{sys.executable} -m pip install libvirt-python")


def test_for_the_distributions_own_python_its_package_is_told() -> None:
    assert install_line("python3-libvirt") in advice("3.11", "python3.11")


def test_a_module_that_only_the_system_could_have_is_named_with_its_package() -> None:
    before = list(sys.path)
    with pytest.raises(Failure, match=install_line("python3-libvirt", "libvirt")):
        import_system_module("no_such_module_anywhere", Path("python{}.{}".format(*sys.version_info)))
    assert sys.path == before


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["no-such-program"], f"the program no-such-program is missing; {install_line('no-such-program')}"),
        (["sh", "-c", "echo this broke >&2; exit 3"], "sh ended with 3: this broke; try it by hand: sh -c"),
        (["sh", "-c", "exit 4"], "sh ended with 4: it said nothing"),
    ],
)
def test_a_program_that_fails_can_be_tried_by_hand(argv: list[str], says: str) -> None:
    with pytest.raises(Failure) as caught:
        run(argv)
    assert str(caught.value).startswith(says)


def test_no_program_runs_for_ever() -> None:
    with pytest.raises(Failure, match="had not ended after"):
        run(["sh", "-c", "while :; do :; done"], timeout_s=0.1)
