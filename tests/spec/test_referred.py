"""A pool that a flavor or quota asks for, and that the file has not, is named with its line."""

from __future__ import annotations

import pytest

from gpucloud.model.failure import Exit, Failure
from gpucloud.spec import parse_spec
from gpucloud.spec.referred import unknown_pools

POOLS = """pools:
  A100-pass: {use: passthrough, match: {model: 'A100*'}}
  desks: {use: vgpu, match: {model: '*T4*'}, vgpu_types: [{type: T4-4Q}]}
publish:
"""
FLAVOR = "  flavors:\n    small: {{vcpus: 1, ram_mib: 1, disk_gib: 1, gpus: {{{}: 1}}}}\n"


@pytest.mark.parametrize(
    ("publish", "line", "says"),
    [
        (
            FLAVOR.format("a100-pas"),
            6,
            "publish.flavors.small.gpus: there is no pool 'a100-pas'; did you mean 'A100-pass'?",
        ),
        (FLAVOR.format("x"), 6, "there is no pool 'x'; known are: A100-pass, desks"),
        (FLAVOR.format("desks/T4-8Q"), 6, "pool desks has no vGPU type 'T4-8Q'; did you mean 'T4-4Q'?"),
        (FLAVOR.format("A100-pass/T4-8Q"), 6, "has no vGPU type 'T4-8Q'; it has no vgpu_types"),
        (
            "  quotas: {unified: true, default: {gpus: {desk: 1}}}\n",
            5,
            "publish.quotas.default.gpus: there is no",
        ),
        (
            "  quotas:\n    projects:\n      lab:\n        gpus:\n          desk: 1\n",
            9,
            "quotas.projects.lab.gpus",
        ),
    ],
)
def test_what_is_not_there_is_named_with_its_line(publish: str, line: int, says: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_spec(POOLS + publish, judge=unknown_pools)
    assert caught.value.code is Exit.USAGE
    assert f"gpucloud.yaml, line {line}: " in str(caught.value)
    assert says in str(caught.value)


def test_where_there_are_no_pools_that_is_said() -> None:
    with pytest.raises(Failure, match="there is no pool 'x'; the file has no pools"):
        parse_spec("publish:\n" + FLAVOR.format("x"), judge=unknown_pools)


@pytest.mark.parametrize("publish", ["", FLAVOR.format("A100-pass"), FLAVOR.format("desks/T4-4Q")])
def test_what_is_there_is_taken(publish: str) -> None:
    text = POOLS + (publish or "  quotas: {}\n")
    assert parse_spec(text, judge=unknown_pools) == parse_spec(text)


def test_a_spec_that_was_applied_once_stays_readable() -> None:
    assert parse_spec(POOLS + FLAVOR.format("x")).publish is not None
