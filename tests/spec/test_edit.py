"""A spec written, and edited with its comments kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.pci import PciId
from gpucloud.model.spec import (
    HostGroup,
    Match,
    MigChoice,
    NovaSettings,
    OpenStack,
    Placement,
    Pool,
    Spec,
    Use,
    VgpuChoice,
)
from gpucloud.model.spec.catalogue import (
    AggregateWish,
    Amount,
    Catalogue,
    FlavorWish,
    ImageWish,
    ProjectQuota,
    Quotas,
    QuotaWish,
    Setting,
)
from gpucloud.spec import edit_spec, parse_spec, render_spec
from gpucloud.spec.page import EXAMPLE
from gpucloud.spec.write import plain_of

pytestmark = pytest.mark.proof

COMMENTED = """\
# the machines in hall 2
openstack:
  release: 2025.1   # until March

pools:
  # bought 2021
  a100:
    use: passthrough
    match:
    - address: [3b:00.0, "3c:00.0"]   # left to right
    nova: {resource_class: CUSTOM_A100}
  old:
    use: host   # to be sold
    match: {model: "K80*"}
"""
WORDS = st.text("abz09", min_size=1, max_size=5)
NOVA = st.builds(
    NovaSettings,
    alias=st.none() | WORDS,
    resource_class=st.none() | st.just("CUSTOM_A"),
    traits=st.lists(st.sampled_from(["CUSTOM_X", "HW_Y", "1"]), unique=True).map(tuple),
    numa_policy=st.none() | st.just("socket"),
    managed=st.none() | st.booleans(),
)
MATCHES = st.builds(
    Match,
    models=st.lists(
        st.sampled_from(["A100*", "true", "12:30", "null", "- x", "# y", "a: b", "0x1"]), unique=True
    ).map(tuple),
    ids=st.lists(st.builds(PciId, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)), unique=True).map(tuple),
    groups=st.lists(st.integers(0, 99), min_size=1, unique=True).map(tuple),
)
CHOICES = st.builds(
    VgpuChoice, WORDS, max_instances=st.none() | st.integers(1, 9), addresses=st.just(("0000:3b:*",))
)
POOLS = st.builds(
    Pool,
    WORDS,
    st.just(Use.VGPU),
    st.lists(MATCHES, min_size=1, max_size=2, unique=True).map(tuple),
    hosts=st.lists(WORDS, unique=True).map(tuple),
    nova=NOVA,
    vgpu_types=st.lists(CHOICES, max_size=2, unique=True).map(tuple),
    vfs=st.none() | st.integers(1, 256),
    mig=st.lists(
        st.builds(MigChoice, st.sampled_from(["1g.5gb", "3g.20gb", "1g.10gb+me"]), st.integers(1, 7)),
        max_size=2,
        unique=True,
    ).map(tuple),
)
SETTINGS = st.lists(
    st.builds(Setting, st.sampled_from(["hw:a", "b", "c d"]), st.sampled_from(["1", "true", "x: y"])),
    max_size=2,
    unique_by=lambda setting: setting.name,
).map(tuple)
AMOUNTS = st.lists(
    st.builds(Amount, st.sampled_from(["a", "b/NVIDIA A40-8Q"]), st.integers(1, 9)),
    max_size=2,
    unique_by=lambda amount: amount.name,
).map(tuple)
FLAVORS = st.builds(
    FlavorWish,
    WORDS,
    st.integers(1, 64),
    st.integers(1, 4096),
    st.integers(0, 9),
    AMOUNTS,
    st.sampled_from([(), ("CUSTOM_X",)]),
    st.sampled_from([(), ("one", "two words")]),
    st.booleans(),
    SETTINGS,
)
QUOTAS = st.builds(QuotaWish, st.none() | st.integers(-1, 9), st.none(), st.just(0), AMOUNTS)
CATALOGUES = st.builds(
    Catalogue,
    st.lists(FLAVORS, max_size=2, unique_by=lambda flavor: flavor.name).map(tuple),
    st.builds(Quotas, st.booleans(), QUOTAS, st.builds(ProjectQuota, WORDS, QUOTAS).map(lambda one: (one,))),
    st.builds(ImageWish, WORDS, st.booleans(), st.booleans(), SETTINGS).map(lambda one: (one,)),
    st.builds(AggregateWish, WORDS, st.just(("h1",)), SETTINGS, st.just(())).map(lambda one: (one,)),
)
SPECS = st.builds(
    Spec,
    st.none()
    | st.builds(
        OpenStack,
        st.sampled_from(["2025.10", "31", "1e3"]),
        st.none() | WORDS,
        st.none() | st.just(Placement.OFF),
    ),
    st.lists(st.builds(HostGroup, WORDS, st.just(("h1", "h2"))), unique_by=lambda group: group.name).map(
        tuple
    ),
    st.lists(POOLS, max_size=3, unique_by=lambda pool: pool.name).map(tuple),
    CATALOGUES,
)


@given(SPECS)
def test_what_is_written_is_read_back(spec: Spec) -> None:
    assert parse_spec(render_spec(spec)) == spec


@pytest.mark.proof
@given(SPECS, SPECS)
def test_any_spec_can_become_any_other(before: Spec, after: Spec) -> None:
    edited = parse_spec(edit_spec(render_spec(before), after))
    assert plain_of(edited) == plain_of(after)


@pytest.mark.parametrize("text", [COMMENTED, EXAMPLE, "", "# only a comment\n"])
def test_what_says_the_same_stays_byte_for_byte(text: str) -> None:
    assert edit_spec(text, parse_spec(text)) == text


def test_an_edit_changes_the_lines_it_is_about() -> None:
    spec = parse_spec(COMMENTED)
    (a100, old) = spec.pools
    wanted = replace(spec, pools=(a100, replace(old, use=Use.PASSTHROUGH)))
    assert changed_lines(COMMENTED, edit_spec(COMMENTED, wanted)) == ["    use: passthrough # to be sold"]


def test_a_new_pool_is_added_at_the_end() -> None:
    spec = parse_spec(COMMENTED)
    new = Pool("new", Use.HOST, (Match(groups=(7,)),))
    edited = edit_spec(COMMENTED, replace(spec, pools=(*spec.pools, new)))
    assert changed_lines(COMMENTED, edited) == ["  new:", "    use: host", "    - group: 7"]


LISTED = """\
pools:
  a100:
    use: passthrough
    match:
      - address:
          - 0000:3b:00.0   # left
          - 0000:3c:00.0   # right
      - model: "K80*"   # old ones
    hosts: gpu01   # rack a
  one:
    use: passthrough
    match: {address: ["0000:5b:00.0"]}   # alone
"""


def test_what_is_added_to_a_list_leaves_the_comments_of_the_others() -> None:
    spec = parse_spec(LISTED)
    (a100, one) = spec.pools
    longer = replace(a100.matches[0], addresses=(*a100.matches[0].addresses, "0000:5e:00.0"))
    more = replace(one.matches[0], addresses=(*one.matches[0].addresses, "0000:5f:00.0"))
    pools = (replace(a100, matches=(longer, *a100.matches[1:])), replace(one, matches=(more,)))
    edited = edit_spec(LISTED, replace(spec, pools=pools))
    assert changed_lines(LISTED, edited) == [
        "          - 0000:5e:00.0",
        '    match: {address: ["0000:5b:00.0", 0000:5f:00.0]} # alone',
    ]


def test_one_condition_that_stands_alone_becomes_a_list_with_its_comment() -> None:
    spec = parse_spec(LISTED)
    (a100, one) = spec.pools
    pools = (a100, replace(one, matches=(*one.matches, Match(models=("A100*",)))))
    edited = edit_spec(LISTED, replace(spec, pools=pools))
    assert parse_spec(edited).pools == pools
    for comment in ("# left", "# right", "# old ones", "# rack a"):
        assert comment in edited


def test_a_pool_that_is_not_wanted_goes() -> None:
    spec = parse_spec(COMMENTED)
    edited = edit_spec(COMMENTED, replace(spec, pools=spec.pools[:1]))
    assert "K80" not in edited
    assert "# bought 2021" in edited
    assert "# left to right" in edited


def changed_lines(before: str, after: str) -> list[str]:
    """Lines of ``after`` that ``before`` has not, but for the layout of lists."""
    known = {line.strip() for line in before.splitlines()}
    return [line for line in after.splitlines() if line.strip() and line.strip() not in known]


@pytest.mark.parametrize(
    ("text", "kept"),
    [("# our hosts", "# our hosts\n"), ("null\n", ""), ("---\n# ours", "---\n# ours\n"), ("~", "")],
)
def test_a_file_that_says_nothing_keeps_its_comments_and_gets_the_rest(text: str, kept: str) -> None:
    wanted = parse_spec("pools: {a: {use: host, match: {ids: '10de:20b5'}}}\n")
    edited = edit_spec(text, wanted)
    assert edited.startswith(f"{kept}pools:")
    assert parse_spec(edited) == wanted


def test_a_file_with_crlf_keeps_its_line_ends_and_comments() -> None:
    text = "# ours\npools:\n  a:\n    use: host\n    match: {model: 'A*'}  # all\n".replace("\n", "\r\n")
    before = parse_spec(text)
    more = replace(before, pools=(*before.pools, replace(before.pools[0], name="b")))
    edited = edit_spec(text, more)
    assert edited.count("\n") == edited.count("\r\n")
    assert "\r\r" not in edited
    assert edited.startswith(text)
    assert parse_spec(edited) == more
    nothing = "# ours\r\n"
    assert edit_spec(nothing, more).startswith("# ours\r\npools:\r\n")
