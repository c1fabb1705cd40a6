"""A spec is read strictly, with the line of what is wrong."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.failure import Exit, Failure
from gpucloud.model.pci import PciId
from gpucloud.model.spec import Match, Spec, Use
from gpucloud.spec import parse_spec
from gpucloud.spec.page import EXAMPLE

POOL = "pools:\n  a:\n    use: passthrough\n    match: {model: 'A100*'}\n"
PARENT = "pools:\n  a:\n    use: vgpu\n    match: {parent: mtty}\n"
FLAVOR = "publish:\n  flavors:\n    a:\n      vcpus: 1\n      ram_mib: 1\n      disk_gib: 1\n"


def why(text: str) -> str:
    with pytest.raises(Failure) as caught:
        parse_spec(text)
    assert caught.value.code is Exit.USAGE
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_example_of_the_page_is_read() -> None:
    spec = parse_spec(EXAMPLE)
    assert [pool.name for pool in spec.pools] == ["a100", "desktops", "containers"]
    assert spec.host_groups[0].hosts == ("gpu0[1-8]",)
    assert spec.openstack is not None
    assert spec.openstack.release == "2025.1"
    desktops = spec.pool("desktops")
    assert desktops is not None
    assert desktops.use is Use.VGPU
    assert desktops.matches == (Match(ids=(PciId(0x10DE, 0x2235),)),)
    assert desktops.vgpu_types[0].max_instances == 4


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_wants_nothing(text: str) -> None:
    assert parse_spec(text) == Spec()


def test_values_are_taken_as_they_are_written() -> None:
    spec = parse_spec(
        "openstack: {release: 2025.10}\n"
        "pools:\n  a:\n    use: host\n"
        "    match: {address: [12:00.0, 0001:3b:00.1, 0000:3B:*], ids: 10de:0000}\n"
    )
    assert spec.openstack is not None
    assert spec.openstack.release == "2025.10"
    assert spec.pools[0].matches[0].addresses == ("0000:12:00.0", "0001:3b:00.1", "0000:3b:*")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("pool: {}\n", 1, "did you mean 'pools'?"),
        (POOL + "    numa: 1\n", 5, "pools.a has no key 'numa'; known are: use, match"),
        (POOL + "    hots: gpu01\n", 5, "did you mean 'hosts'?"),
        (POOL + "    nova: {resource-class: CUSTOM_A}\n", 5, "did you mean 'resource_class'?"),
        (POOL + "    nova: {resource_class: custom_a}\n", 5, "pools.a.nova.resource_class is 'custom_a'"),
        (POOL + "    nova: {managed: maybe}\n", 5, "it must be `true` or `false`"),
        (POOL + "    nova: {alias: 'a:1'}\n", 5, "which flavors could not write"),
        (POOL + "    nova: [a]\n", 5, "pools.a.nova is a list; it must be a table"),
        (POOL + "    vfs: 4\n", 2, "pools.a: vfs with use: passthrough"),
        (PARENT.replace("vgpu", "sriov"), 2, "pools.a: match.parent with use: sriov; write use: vgpu"),
        (PARENT.replace("mtty", "mtty, model: x"), 2, "pools.a: match.parent beside cards"),
        (PARENT.replace("{parent: mtty}", "[{parent: mtty}, {model: x}]"), 2, "match.parent beside cards"),
        (PARENT + "    vfs: 4\n", 2, "pools.a: vfs or vgpu_types.address with match.parent"),
        (PARENT + "    nova: {managed: false}\n", 2, "pools.a: nova.managed with match.parent"),
        (PARENT.replace("mtty", "'0000:3b:00.0'"), 4, "it must be a name of `/sys/class/mdev_bus`"),
        (PARENT.replace("mtty", "'mt*'"), 4, "parent is 'mt*'"),
        (POOL + "    mig: {profile: 1g.5gb}\n", 2, "pools.a: mig with use: passthrough"),
        (PARENT + "    mig: {profile: 1g.5gb}\n", 2, "pools.a: mig with match.parent"),
        (POOL + "    mig: {profile: 1g5gb}\n", 5, "it must be a MIG profile: `1g.5gb`"),
        (POOL + "    vgpu_types: {type: nvidia-1}\n", 2, "vgpu_types with use: passthrough"),
        (POOL + "    use: host\n", 5, "the key 'use' is there twice; it is already on line 3"),
        (POOL + "    hosts: [gpu01,\n      gpu 02]\n", 6, "pools.a.hosts is 'gpu 02'"),
        ("pools:\n  a:\n    use: passthru\n    match: {model: x}\n", 3, "did you mean 'passthrough'?"),
        ("pools:\n  a:\n    use: host\n", 3, "pools.a.match is missing"),
        ("pools:\n  a:\n    use: host\n    match: []\n", 4, "pools.a.match is an empty list"),
        ("pools:\n  a:\n    use: host\n    match: {}\n", 2, "an entry of match has no condition"),
        ("pools:\n  a b:\n    use: host\n    match: {model: x}\n", 2, "a name in pools is 'a b'"),
        ("pools:\n  a:\n    use: host\n    match: {ids: 0x10de}\n", 4, "as lspci -nn prints them"),
        ("pools:\n  a:\n    use: host\n    match: {group: 0x12}\n", 4, "a whole number from 0"),
        ("pools:\n  a:\n    use: host\n    match: {address: here}\n", 4, "a PCI address"),
        ("pools:\n", 1, "pools is empty"),
        ("pools: &a {}\n", 1, "&a names a value for later"),
        ("pools: {}\nopenstack: *a\n", 2, "*a refers to another place"),
        ("pools: !!python/object:os.system {}\n", 1, "is not read; leave it out"),
        ("pools: {}\n---\nopenstack: {}\n", 2, "a second document begins"),
        ("? [a]\n: b\n", 1, "a key is a list or a table"),
        ("- a\n", 1, "the file is a list"),
        (FLAVOR + "      vcpu: 1\n", 7, "did you mean 'vcpus'?"),
        (FLAVOR + "      gpu: {a: 1}\n", 7, "did you mean 'gpus'?"),
        (FLAVOR + "      gpus: {a: 0}\n", 7, "publish.flavors.a.gpus.a is '0'"),
        (FLAVOR + "      extra_specs: {'a=b': 1}\n", 7, "a key as nova takes it"),
        ("publish:\n  quotas: {default: {servers: -2}}\n", 2, "`-1` is no limit"),
        ("publish:\n  flavor: {}\n", 2, "did you mean 'flavors'?"),
        (FLAVOR + "      extra_specs: {'..': 1}\n", 7, "not `.` or `..`"),
        ("publish:\n  flavors:\n    a: {vcpus: 1, ram_mib: 1}\n", 3, "publish.flavors.a.disk_gib is missing"),
        ("publish:\n  quotas: {default: {resources: {DISK: 1}}}\n", 2, "a resource class of Placement"),
        ("publish:\n  flavors:\n    a: {vcpus: 1}\n", 3, "publish.flavors.a.ram_mib is missing"),
        ("pools: {\n", 2, "it is not YAML"),
        ("a:\n\t- b\n", 2, "it is not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, says: str) -> None:
    message = why(text)
    assert message.startswith(f"gpucloud.yaml, line {line}: ")
    assert says in message


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 30_000,
        "[" + "a," * 100_000 + "]",
        "pools: {a: &a [x], b: [*a, *a, *a]}",
        "a: " + "x" * 600_000,
        "a: \x00",
        "a: \ud800",
        '"\\ud800": 1',
        "x: [" + "{}," * 60_000 + "]",
        "%YAML 9.9\n---\na: 1",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_is_refused_in_one_line(text: str) -> None:
    assert len(why(text)) < 400


@given(st.text(alphabet=st.sampled_from(" \n:-[]{}#&*!|>'\"%@`?,abpools\tx"), max_size=80))
def test_any_text_is_a_spec_or_a_failure(text: str) -> None:
    with contextlib.suppress(Failure):
        parse_spec(text)
