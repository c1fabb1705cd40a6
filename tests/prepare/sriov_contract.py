"""What gpucloud takes for granted about virtual functions, as claims that any kernel can be asked."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
from tests.prepare.kernel_contract import Act, Machine, Subject


class SriovContract:
    """The claims. A subclass gives ``machine``, and a ``subject`` that can have four and has none."""

    @pytest.fixture(autouse=True)
    def as_before(self, machine: Machine, subject: Subject) -> Iterator[None]:
        """Begin and end with the function at its own driver and without virtual functions."""
        yield
        if machine.play(subject.bound)[0] is None:
            assert machine.play(subject.bind(subject.driver)) == [0]
        assert machine.play(number(subject, 0), shown(subject)) == [0, "0"]

    def test_as_many_are_made_as_are_written(self, machine: Machine, subject: Subject) -> None:
        assert machine.play(number(subject, 3), shown(subject)) == [0, "3"]

    def test_the_number_that_is_there_is_no_error(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(number(subject, 0), number(subject, 2), number(subject, 2), shown(subject))
        assert played == [0, 0, 0, "2"]

    def test_another_number_is_busy_unless_it_goes_through_none(
        self, machine: Machine, subject: Subject
    ) -> None:
        played = machine.play(number(subject, 2), number(subject, 4), shown(subject))
        assert played == [0, errno.EBUSY, "2"]
        played = machine.play(number(subject, 0), number(subject, 4), shown(subject))
        assert played == [0, 0, "4"]

    def test_more_than_the_function_can_have_are_out_of_range(
        self, machine: Machine, subject: Subject
    ) -> None:
        assert machine.play(number(subject, 5), shown(subject)) == [errno.ERANGE, "0"]

    def test_a_function_without_driver_makes_none(self, machine: Machine, subject: Subject) -> None:
        played = machine.play(subject.unbind(subject.driver), number(subject, 2), shown(subject))
        assert played == [0, errno.ENOENT, "0"]


def number(subject: Subject, wanted: int) -> Act:
    return ("write", _attribute(subject), str(wanted))


def shown(subject: Subject) -> Act:
    return ("read", _attribute(subject))


def _attribute(subject: Subject) -> str:
    return f"/sys/bus/pci/devices/{subject.address}/sriov_numvfs"
