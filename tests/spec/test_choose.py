"""Which pool takes a card."""

from __future__ import annotations

import pytest
from tests.hosts.catalogue import host_of as captured_host
from tests.prepare.fake_host import BMC, build, card, host_of

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import ParentName
from gpucloud.model.unknown import Unknown
from gpucloud.spec import hosts_of, parse_spec, pool_of, pool_of_parent, render_spec, strangers, unmatched

NO_NAME = Unknown("a capture holds no name")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """Two A100 (10de:20b5) at 3b:00 and 3c:00, and the server's own screen."""
    return host_of(build(tmp_path_factory.mktemp("host"), [*card(0x3B, 11), *card(0x3C, 12), BMC]))


def taken(host: Host, match: str, more: str = "", name: str | Unknown = "gpu01.example.org") -> list[str]:
    """Addresses that one pool with this match takes."""
    spec = parse_spec(f"pools:\n  a:\n    use: host\n    match: {match}\n{more}")
    return [unit.address.short for unit in host.units if pool_of(spec, name, unit) is not None]


@pytest.mark.parametrize(
    ("match", "addresses"),
    [
        ("{address: 3b:00.0}", ["3b:00.0"]),
        ("{address: 3b:00.1}", ["3b:00.0"]),  # its audio function names the card
        ("{address: '0000:3?:*'}", ["3b:00.0", "3c:00.0"]),
        ("{ids: 10de:20b5}", ["3b:00.0", "3c:00.0"]),
        ("{ids: 10DE:20B5, address: '3c:*'}", ["3c:00.0"]),
        ("[{ids: 10de:20b5, address: '3c:*'}, {group: 11}]", ["3b:00.0", "3c:00.0"]),
        ("{group: [11, 30]}", ["02:00.0", "3b:00.0"]),
        ("{model: 'a100*'}", ["3b:00.0", "3c:00.0"]),
        ("{model: 'NVIDIA*A100*'}", ["3b:00.0", "3c:00.0"]),
        ("{model: 'GA100 [A100 PCIe 80GB]'}", ["3b:00.0", "3c:00.0"]),  # as scan prints it
        ("{address: '000[01]:3b:*'}", ["3b:00.0"]),
        ("{address: '000[01]:*'}", ["02:00.0", "3b:00.0", "3c:00.0"]),
        ("{address: '0001:*'}", []),
        ("{model: 'H100*'}", []),
    ],
)
def test_a_match_takes_the_cards_it_says(host: Host, match: str, addresses: list[str]) -> None:
    assert taken(host, match) == addresses


def test_a_vf_that_is_seen_alone_goes_with_its_pf() -> None:
    host = captured_host("built-nvidia-a2-vendor-vfio")
    assert len(taken(host, f"{{address: '{host.units[0].address}'}}")) == 1


@pytest.mark.parametrize(
    ("hosts", "is_taken"),
    [
        ("gpu01", True),
        ("gpu01.example.org", True),
        ("GPU0[1-3]", True),
        ("rack-a", True),
        ("gpu1", False),
        ("[gpu02, rack-b]", False),
    ],
)
def test_a_pool_is_on_the_hosts_it_names(host: Host, hosts: str, is_taken: bool) -> None:
    groups = "host_groups: {rack-a: [gpu01, gpu05], rack-b: gpu02}\n"
    assert bool(taken(host, "{group: 11}", f"    hosts: {hosts}\n{groups}")) is is_taken


def test_a_card_in_two_pools_is_refused_with_both_names(host: Host) -> None:
    spec = parse_spec(
        "pools:\n  a: {use: host, match: {group: 11}}\n  b: {use: passthrough, match: {ids: 10de:20b5}}\n"
    )
    units = {unit.address.short: unit for unit in host.units}
    with pytest.raises(Failure, match=r"0000:3b:00\.0 is in two pools: a and b; narrow match"):
        pool_of(spec, NO_NAME, units["3b:00.0"])
    assert pool_of(spec, NO_NAME, units["3c:00.0"]) == spec.pool("b")


def test_a_name_is_asked_for_only_where_it_matters(host: Host) -> None:
    assert taken(host, "{group: 11}", name=NO_NAME) == ["3b:00.0"]
    assert taken(host, "{group: 99}", "    hosts: gpu01\n", name=NO_NAME) == []
    with pytest.raises(Failure, match="pool a is only on some hosts"):
        taken(host, "{group: 11}", "    hosts: gpu01\n", name=NO_NAME)


def test_groups_are_written_out() -> None:
    spec = parse_spec(
        "host_groups: {rack: [gpu01, gpu02]}\n"
        "pools: {a: {use: host, hosts: [gpu02, rack, 'x*'], match: {model: x}}}\n"
    )
    assert hosts_of(spec, spec.pools[0]) == ("gpu02", "gpu01", "x*")


@pytest.mark.parametrize(
    ("hosts", "name", "named"),
    [
        ("rack-z", "gpu01", "rack-z"),
        ("'gpu0['", "gpu01", "gpu0["),
        ("[a, b, c, d]", "gpu01", "a, b, c, ..."),
        ("[rack-a, rack-z]", "gpu09", "rack-z"),
    ],
)
def test_a_group_that_is_not_there_is_named(hosts: str, name: str, named: str) -> None:
    spec = parse_spec(
        f"host_groups: {{rack-a: gpu01}}\npools: {{p: {{use: host, hosts: {hosts}, match: {{group: 1}}}}}}\n"
    )
    (line,) = strangers(spec, name)
    assert line.startswith(f"pool p is not on this host ({name}), and host_groups has no {named}: ")


@pytest.mark.parametrize("hosts", ["rack-a", "gpu01", "'gpu0[1-8]'", "[rack-z, gpu01]"])
def test_a_pool_that_is_here_or_on_a_group_names_no_stranger(hosts: str) -> None:
    spec = parse_spec(
        f"host_groups: {{rack-a: gpu09}}\npools: {{p: {{use: host, hosts: {hosts}, match: {{group: 1}}}}}}\n"
    )
    assert list(strangers(spec, "gpu01")) == []
    assert list(strangers(spec, NO_NAME)) == []


@pytest.mark.parametrize("text", ["3b.00.0", "3b:0.0", "00:3b:00.0", "3b:00", "0000:3b:00.9"])
def test_what_is_neither_an_address_nor_a_pattern_is_refused(host: Host, text: str) -> None:
    with pytest.raises(Failure, match="it must be a PCI address"):
        taken(host, f"{{address: '{text}'}}")


PARENTS = (
    "pools:\n"
    "  a: {use: vgpu, match: {parent: [mtty, mdpy]}, hosts: gpu01}\n"
    "  b: {use: vgpu, match: {parent: mtty}HERE}\n"
)


def test_a_parent_that_is_no_pci_function_is_in_the_pool_that_names_it(host: Host) -> None:
    spec = parse_spec(PARENTS.replace("HERE", ", hosts: gpu02"))
    found = [pool_of_parent(spec, "gpu01", ParentName(name)) for name in ("mtty", "mdpy", "mbochs")]
    assert found == [spec.pool("a"), spec.pool("a"), None]
    assert all(pool_of(spec, "gpu01", unit) is None for unit in host.units)  # no card is meant
    assert parse_spec(render_spec(spec)) == spec


def test_a_parent_in_two_pools_is_refused_with_both_names() -> None:
    spec = parse_spec(PARENTS.replace("HERE", ""))
    with pytest.raises(Failure, match="mtty is in two pools: a and b; narrow match"):
        pool_of_parent(spec, "gpu01", ParentName("mtty"))


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (
            "{address: ['3b:00.0', '99:00.0']}",
            "pool a names 0000:99:00.0, where this host has no GPU; it has ",
        ),
        ("{address: '3d:00.1'}", "pool a names 0000:3d:00.1, where this host has no GPU; it has "),
        ("{model: 'H9000'}", "no pool matches a GPU of this host; it has "),
    ],
)
def test_what_a_pool_names_and_the_host_has_not_is_said_with_what_it_has(
    host: Host, match: str, said: str
) -> None:
    spec = parse_spec(f"pools: {{a: {{use: passthrough, match: {match}}}}}")
    (line,) = unmatched(spec, "gpu01", host.units)
    assert line.startswith(said)
    assert "3b:00.0 GA100 [A100 PCIe 80GB], 3c:00.0 GA100" in line


@pytest.mark.parametrize(
    "match",
    ["{address: '3b:00.1'}", "{address: ['3b:*', '99:*']}", "{model: '*A100*'}"],
)
def test_what_is_there_or_a_pattern_is_not_said(host: Host, match: str) -> None:
    other = "t4: {use: vgpu, match: {model: '*T4*'}}"
    spec = parse_spec(f"pools: {{a: {{use: passthrough, match: {match}}}, {other}}}")
    assert list(unmatched(spec, "gpu01", host.units)) == []


def test_a_spec_without_pools_and_a_host_without_cards_are_said(host: Host) -> None:
    assert list(unmatched(parse_spec(""), "gpu01", host.units)) == [
        "the spec has no pools: every card stays with the host"
    ]
    spec = parse_spec("pools: {a: {use: passthrough, match: {address: '3b:00.0'}}}")
    assert next(unmatched(spec, "gpu01", ())).endswith("it has none")
