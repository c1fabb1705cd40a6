"""What kolla-ansible does beside what is rendered for it: its commands, and its own list of devices."""

from __future__ import annotations

import pytest
from tests.nova.render.clouds import CLOUDS

from gpucloud.nova.releases.release import parse_release
from gpucloud.nova.render import LAYOUTS, Rendered, render

CLOUD = CLOUDS["a T4 whole"]


def rendered(release: str, placement: str = "off", layout: str = "kolla-ansible") -> Rendered:
    return render(CLOUD.parsed(placement), CLOUD.looked_at(), parse_release(release), LAYOUTS[layout])


@pytest.mark.parametrize(("release", "tag"), [("19", "nova"), ("20", "nova-cell"), ("34", "nova-cell")])
def test_computes_have_a_role_of_their_own_since_train(release: str, tag: str) -> None:
    steps = rendered(release).steps
    assert any(line.endswith(f"reconfigure --tags {tag} --limit COMPUTES") for line in steps)
    assert not any("Train" in line for line in steps)


@pytest.mark.parametrize(
    ("release", "placement", "said"),
    [
        ("21", "off", None),
        ("25", "off", "which an override replaces"),
        ("31", "off", None),
        ("31", "report", "adds devices by devname, with which nova-compute does not start"),
    ],
)
def test_kollas_own_list_of_devices_is_named_where_it_harms(
    release: str, placement: str, said: str | None
) -> None:
    warnings = [line for line in rendered(release, placement).warnings if "enable_neutron_sriov" in line]
    assert len(warnings) == (0 if said is None else 1)
    assert all(said is not None and said in line for line in warnings)
    assert not any(
        "enable_neutron_sriov" in line for line in rendered(release, placement, "packages").warnings
    )
