"""What gpucloud takes for granted about the kernel's driver core, as claims that any kernel can be asked.

The fake kernel and a real one answer the same tests. A machine plays a list of acts in one go, because each
word to a machine over ssh costs a second.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.prepare.fake_kernel import FakeKernel

Act = tuple[str, ...]
"""``write PATH TEXT`` gives an errno or 0; ``read``, ``link``, ``list PATH`` and ``driver ADDRESS`` look."""


class Machine(Protocol):
    """A kernel that can be asked."""

    def play(self, *acts: Act) -> list[Any]: ...


@dataclass(frozen=True)
class Subject:
    """A function that may be unbound and bound at will."""

    address: str
    driver: str
    """Its own, whose table has its id."""
    stranger: str = "vfio-pci"
    """A driver of the kernel that takes it only when an override names it."""

    @property
    def override(self) -> str:
        return f"/sys/bus/pci/devices/{self.address}/driver_override"

    def set(self, text: str) -> Act:
        return ("write", self.override, text)

    def bind(self, driver: str) -> Act:
        return ("write", f"/sys/bus/pci/drivers/{driver}/bind", self.address)

    def unbind(self, driver: str) -> Act:
        return ("write", f"/sys/bus/pci/drivers/{driver}/unbind", self.address)

    @property
    def probe(self) -> Act:
        return ("write", "/sys/bus/pci/drivers_probe", self.address)

    @property
    def bound(self) -> Act:
        return ("driver", self.address)

    @property
    def shown(self) -> Act:
        return ("read", self.override)


class KernelContract:
    """The claims. A subclass gives ``machine`` and ``subject``."""

    @pytest.fixture(autouse=True)
    def as_before(self, machine: Machine, subject: Subject) -> Iterator[None]:
        """Begin and end with the function at its own driver."""
        yield
        has = machine.play(subject.bound)[0]
        if has is not None:
            machine.play(subject.unbind(has))
        assert machine.play(subject.set("\n"), subject.bind(subject.driver)) == [0, 0]

    def test_unbinding_twice_is_no_device(self, machine: Machine, subject: Subject) -> None:
        unbind = subject.unbind(subject.driver)
        assert machine.play(unbind, subject.bound, unbind) == [0, None, errno.ENODEV]

    def test_only_the_driver_that_has_it_can_let_it_go(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(subject.unbind(subject.stranger), subject.bound)
        assert played == [errno.ENODEV, subject.driver]

    def test_a_driver_that_does_not_know_the_id_refuses(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(subject.unbind(subject.driver), subject.bind(subject.stranger), subject.bound)
        assert played == [0, errno.ENODEV, None]

    def test_a_function_that_has_a_driver_is_busy(self, machine: Machine, subject: Subject) -> None:
        assert machine.play(subject.bind(subject.driver), subject.bound) == [errno.EBUSY, subject.driver]

    def test_an_override_changes_nothing_by_itself(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(subject.set(subject.stranger), subject.bound, subject.shown)
        assert played == [0, subject.driver, subject.stranger]

    def test_with_an_override_only_that_driver_takes_it(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(
            subject.set(subject.stranger),
            subject.unbind(subject.driver),
            subject.bind(subject.driver),
            subject.bound,
            subject.bind(subject.stranger),
            subject.bound,
        )
        assert played == [0, 0, errno.ENODEV, None, 0, subject.stranger]

    def test_a_probe_takes_the_driver_of_the_override(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(
            subject.set(subject.stranger), subject.unbind(subject.driver), subject.probe, subject.bound
        )
        assert played == [0, 0, 0, subject.stranger]

    def test_a_probe_that_finds_nobody_is_no_error(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(
            subject.set("no-such-driver"), subject.unbind(subject.driver), subject.probe, subject.bound
        )
        assert played == [0, 0, 0, None]

    def test_a_probe_of_a_bound_function_does_nothing(self, machine: Machine, subject: Subject) -> None:
        assert machine.play(subject.probe, subject.bound) == [0, subject.driver]

    def test_an_override_outlives_an_unbind(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(subject.set(subject.driver), subject.unbind(subject.driver), subject.shown)
        assert played == [0, 0, subject.driver]

    def test_an_override_is_cut_at_the_newline(self, machine: Machine, subject: Subject) -> None:
        assert machine.play(subject.set("some-driver\nmore"), subject.shown) == [0, "some-driver"]

    def test_a_newline_clears_an_override(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(subject.set(subject.stranger), subject.set("\n"), subject.shown)
        assert played == [0, 0, "(null)"]

    def test_a_write_of_nothing_clears_nothing(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(subject.set(subject.stranger), subject.set(""), subject.shown)
        assert played == [0, 0, subject.stranger]

    def test_a_function_that_is_not_there_is_no_device(self, machine: Machine, subject: Subject) -> None:
        nobody = Subject("ffff:ff:1f.7", subject.driver)
        played = machine.play(nobody.bind(subject.driver), nobody.unbind(subject.driver), nobody.probe)
        assert played == [errno.ENODEV] * 3

    def test_a_driver_that_is_not_there_has_no_files(self, machine: Machine, subject: Subject) -> None:
        assert machine.play(subject.bind("no-such-driver")) == [errno.ENOENT]

    def test_vfio_shows_the_groups_that_it_has(self, machine: Machine, subject: Subject) -> None:
        group = ("link", f"/sys/bus/pci/devices/{subject.address}/iommu_group")
        number = machine.play(group)[0]
        taken = machine.play(
            subject.set(subject.stranger),
            subject.unbind(subject.driver),
            subject.bind(subject.stranger),
            ("list", "/sys/class/vfio"),
            subject.unbind(subject.stranger),
            ("list", "/sys/class/vfio"),
        )
        assert number in taken[3]
        assert number not in taken[5]


class FakeMachine:
    """The fake kernel, asked."""

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel

    def play(self, *acts: Act) -> list[Any]:
        return [self._act(*act) for act in acts]

    def _act(self, kind: str, where: str, text: str = "") -> Any:
        path = self._kernel.root / where.lstrip("/")
        match kind:
            case "write":
                return self._write(path, text)
            case "read":
                return path.read_text().strip()
            case "link":
                return path.readlink().name
            case "list":
                return sorted(each.name for each in path.iterdir())
        link = self._kernel.root / f"sys/bus/pci/devices/{where}/driver"
        return link.readlink().name if link.is_symlink() else None

    def _write(self, path: Path, text: str) -> int:
        try:
            self._kernel.store(path, text.encode())
        except OSError as error:
            return error.errno or -1
        return 0


class Run(Protocol):
    """A way to run programs on a machine: what ssh gives."""

    def __call__(self, argv: Sequence[str], *, timeout_s: float, input: str) -> Any: ...  # noqa: A002


_PLAY = r"""
import json, os, sys
def act(kind, where, text=""):
    if kind == "driver":
        kind, where = "link", f"/sys/bus/pci/devices/{where}/driver"
    try:
        if kind == "list":
            return sorted(os.listdir(where))
        if kind == "link":
            return os.path.basename(os.readlink(where))
        if kind == "read":
            return open(where).read().strip()
        file = os.open(where, os.O_WRONLY)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)
        return 0
    except OSError as error:
        return error.errno if kind == "write" else None
print(json.dumps([act(*each) for each in json.load(sys.stdin)]))
"""


class RealMachine:
    """A running machine, asked over something like ssh; it needs python3 and root."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def play(self, *acts: Act) -> list[Any]:
        done = self._run(["python3", "-S", "-c", _PLAY], timeout_s=60, input=json.dumps(acts))
        assert done.code == 0, done.stderr
        played: list[Any] = json.loads(done.stdout)
        return played
