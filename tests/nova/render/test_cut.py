"""Of a card that is cut nova is told of what guests can have: no more, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.hosts.catalogue import host_of

from gpucloud.model.host import Host
from gpucloud.model.pci import VgpuType
from gpucloud.nova.releases.release import parse_release
from gpucloud.nova.render import LAYOUTS, render
from gpucloud.nova.render.rendered import Rendered
from gpucloud.spec import parse_spec

VENDOR, MDEV = "built-nvidia-a2-vendor-vfio", "built-nvidia-a2-mdev-of-vfs"
LATEST = parse_release("34")


def rendered(host: Host, types: str, nova: str = "{}") -> Rendered:
    spec = parse_spec(
        "openstack: {release: '34', placement: report}\n"
        f"pools: {{a2: {{use: vgpu, match: {{ids: '10de:25b6'}}, vgpu_types: [{types}], nova: {nova}}}}}"
    )
    return render(spec, {"gpu05": host}, LATEST, LAYOUTS["packages"])


def listed(made: Rendered) -> list[str]:
    texts = "\n".join(made.files.values())
    return [
        line.split('"address": "')[1][:12] for line in texts.splitlines() if line.startswith("device_spec")
    ]


ALL = {"745": "NVIDIA A2-1B", "751": "NVIDIA A2-4Q", "753": "NVIDIA A2-16Q"}


def cut(types: Mapping[str, int], offered: Mapping[str, str] = ALL) -> Host:
    """The host with types on some of its virtual functions, and what the others offer."""
    host = host_of(VENDOR)
    assert isinstance(host.functions, Mapping)
    functions = dict(host.functions)
    kinds = tuple(VgpuType(id_, name, 1) for id_, name in offered.items())
    for address, each in host.functions.items():
        if each.current_vgpu_type is not None:
            current = types.get(str(address), 0)
            own = () if current else kinds
            functions[address] = replace(each, current_vgpu_type=current, vendor_vfio_types=own)
    return replace(host, functions=functions)


@pytest.mark.parametrize(
    ("kind", "count"), [("NVIDIA A2-1B", 16), ("NVIDIA A2-4Q", 4), ("751", 4), ("NVIDIA A2-16Q", 1)]
)
def test_no_more_vfs_are_sold_than_the_card_has_room_for(kind: str, count: int) -> None:
    found = listed(rendered(cut({}), f"{{type: {kind!r}}}"))
    assert found == [f"0000:41:{4 + number >> 3:02x}.{(4 + number) & 7}" for number in range(count)]


def test_a_card_that_is_being_cut_sells_what_it_offers_besides() -> None:
    assert len(listed(rendered(host_of(VENDOR), "{type: NVIDIA A2-1B}"))) == 16


def test_a_limit_of_the_spec_holds_below_that() -> None:
    assert len(listed(rendered(cut({}), "{type: NVIDIA A2-4Q, max_instances: 2}"))) == 2


def test_of_a_card_that_is_cut_the_vfs_with_the_type_are_sold() -> None:
    made = rendered(cut({"0000:41:00.5": 751, "0000:41:01.0": 751}, {}), "{type: NVIDIA A2-4Q}")
    assert listed(made) == ["0000:41:00.5", "0000:41:01.0"]
    assert any("gpucloud boot does" in line for line in made.warnings)


def test_a_number_that_a_full_card_does_not_name_is_said_to_be_taken_for_the_type() -> None:
    full = cut({"0000:41:00.5": 753}, {})
    (said,) = rendered(full, "{type: NVIDIA A2-4Q}").missing
    assert "753 of its VFs is taken for NVIDIA A2-4Q" in said
    assert rendered(full, "{type: '753'}").missing == ()


def test_publish_is_to_be_told_what_only_hosts_show() -> None:
    said = [
        any("write nova: {managed: false}" in line for line in made.warnings)
        for made in (
            rendered(cut({}), "{type: NVIDIA A2-4Q}"),
            rendered(cut({}), "{type: NVIDIA A2-4Q}", "{managed: false}"),
            rendered(host_of(MDEV), "{type: NVIDIA A2-4Q}"),
        )
    ]
    assert said == [True, False, False]


def test_vfs_of_another_type_are_not_sold_and_are_named() -> None:
    made = rendered(
        cut({"0000:41:00.5": 751, "0000:41:01.0": 745}, {"745": "NVIDIA A2-1B"}),
        "{type: NVIDIA A2-4Q}",
    )
    assert listed(made) == ["0000:41:00.5"]
    assert any("cut into another type than NVIDIA A2-4Q: 0000:41:01.0" in line for line in made.missing)


def test_vfs_that_carry_mediated_devices_must_be_there_before_nova() -> None:
    made = rendered(host_of(MDEV), "{type: NVIDIA A2-4Q}")
    (line,) = [line for line in made.warnings if "before nova-compute starts" in line]
    assert "the VFs of 0000:41:00.0 must be on" in line


def test_traits_of_mediated_devices_are_said_to_be_set_by_hand() -> None:
    made = rendered(host_of(MDEV), "{type: NVIDIA A2-4Q}", "{traits: [CUSTOM_DESK]}")
    (line,) = [line for line in made.warnings if "no traits" in line]
    assert "gpu05_pci_0000_41_00_4" in line
    assert "--trait CUSTOM_DESK UUID" in line


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("{type: NVIDIA A2-1-4C}], mig: [{profile: 1g.4gb, count: 2}", "(2 x 1g.4gb) are not made yet"),
        ("{type: NVIDIA A2-1-4C}", "cut from a MIG instance, of which the pool names none: write mig:"),
        ("{type: NVIDIA A2-4Q}", "its manager does not run, or the card is in MIG mode"),
    ],
)
def test_where_vfs_are_on_and_offer_nothing_the_next_step_is_named(types: str, said: str) -> None:
    made = rendered(cut({}, {}), types)
    assert listed(made) == []
    (line,) = made.missing
    assert "its VFs are on" in line
    assert said in line
