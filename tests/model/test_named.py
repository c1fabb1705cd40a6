"""A GPU that is named and is not one is said with what is there, and with what could have been named."""

from __future__ import annotations

import pytest
from tests.doctor.build import card, function, host

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.units.named import units_named

HOST = host(
    card("3b:00", "nvidia", "snd_hda_intel"),
    card("5e:00", "nvidia", group=2),
    others=[function("00:1f.3", kind="audio", device_name="Cannon Lake PCH cAVS")],
)


@pytest.mark.parametrize("name", ["3b:00.0", "0000:3b:00.0", "3B:00.1"])
def test_an_address_of_the_card_or_of_its_companion_names_the_card(name: str) -> None:
    (unit,) = units_named(HOST, [name])
    assert str(unit.address) == "0000:3b:00.0"


def test_a_card_that_is_named_twice_is_one() -> None:
    assert len(units_named(HOST, ["5e:00.0", "3b:00.0", "3b:00.1"])) == 2


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("99:00.0", "there is nothing at 0000:99:00.0 on test host"),
        ("00:1f.3", "0000:00:1f.3 (Cannon Lake PCH cAVS) is no GPU on test host"),
        ("foo", "no PCI address such as 3b:00.0: 'foo'"),
    ],
)
def test_what_is_no_gpu_is_wrong_usage_and_says_what_could_be_named(name: str, what: str) -> None:
    with pytest.raises(Failure) as caught:
        units_named(HOST, [name])
    assert caught.value.code == Exit.USAGE
    assert str(caught.value) == f"{what}; its GPUs are --unit 3b:00.0, --unit 5e:00.0"


def test_a_host_without_gpus_says_so() -> None:
    with pytest.raises(Failure, match="no GPU was found there: gpucloud scan says what was seen"):
        units_named(host(), ["3b:00.0"])
