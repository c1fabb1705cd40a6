"""What a release cannot do is refused with the release that can; what nobody could tell apart is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.hosts.catalogue import host_of
from tests.nova.render.clouds import CLOUDS

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, Sriov, VgpuType
from gpucloud.model.unknown import Unknown
from gpucloud.nova.releases.release import parse_release
from gpucloud.nova.render import LAYOUTS, Layout, Settings, render, settings_for
from gpucloud.spec import parse_spec

HGX = {"gpu01": "built-hgx-h100"}
T4 = {"gpu02": "built-nvidia-t4-mdev"}
A2 = {"gpu05": "built-nvidia-a2-vendor-vfio"}


def settings(pools: str, hosts: dict[str, str], release: str = "34", placement: str = "off") -> Settings:
    spec = parse_spec(f"openstack: {{release: '34', placement: {placement}}}\npools:\n{pools}")
    return settings_for(
        spec, {name: host_of(captured) for name, captured in hosts.items()}, parse_release(release)
    )


def refusal(pools: str, hosts: dict[str, str], release: str = "34", placement: str = "off") -> str:
    with pytest.raises(Failure) as caught:
        settings(pools, hosts, release, placement)
    assert "\n" not in str(caught.value)
    return str(caught.value)


TWO_POOLS = (
    "  one: {use: passthrough, match: {address: '13:00.0'}NOVA1}\n"
    "  two: {use: passthrough, match: {address: '23:00.0'}NOVA2}"
)


def test_equal_cards_of_two_pools_are_refused_without_placement() -> None:
    said = refusal(TWO_POOLS.replace("NOVA1", "").replace("NOVA2", ""), HGX)
    assert "alias one would also take 0000:23:00.0 of another pool" in said
    assert "placement: schedule" in said


def test_equal_cards_of_two_pools_are_told_apart_by_classes_in_placement() -> None:
    pools = TWO_POOLS.replace("NOVA1", ", nova: {resource_class: CUSTOM_ONE}").replace(
        "NOVA2", ", nova: {resource_class: CUSTOM_TWO}"
    )
    found = settings(pools, HGX, placement="schedule")
    assert [alias["resource_class"] for alias in found.aliases] == ["CUSTOM_ONE", "CUSTOM_TWO"]
    assert "of another pool" in refusal(pools, HGX, placement="report")


def test_pools_of_one_alias_are_one_to_flavors() -> None:
    pools = TWO_POOLS.replace("NOVA1", ", nova: {alias: gpu}").replace("NOVA2", ", nova: {alias: gpu}")
    assert len(settings(pools, HGX).aliases) == 1


def test_equal_cards_of_two_pools_on_two_hosts_are_a_warning() -> None:
    pools = (
        "  one: {use: passthrough, hosts: a, match: {model: '*H100*'}}\n"
        "  two: {use: passthrough, hosts: b, match: {model: '*H100*'}}"
    )
    found = settings(pools, {"a": "built-hgx-h100", "b": "built-hgx-h100"})
    assert any("host aggregates" in line for line in found.warnings)


@pytest.mark.parametrize(
    ("pools", "hosts", "release", "placement", "says"),
    [
        ("  a: {use: passthrough, match: {ids: 10de:1eb8}}", T4, "25", "report", "nova 26 (Zed) can"),
        (
            "  a: {use: passthrough, match: {ids: 10de:1eb8}}",
            T4,
            "26",
            "schedule",
            "nova 27 (2023.1 Antelope)",
        ),
        (
            "  a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {one_time_use: true}}",
            T4,
            "31",
            "report",
            "nova 32 (2025.2 Flamingo) can",
        ),
        (
            "  a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {managed: false}}",
            T4,
            "30",
            "off",
            "nova 31 (2025.1 Epoxy) can",
        ),
        (
            "  a: {use: vgpu, match: {ids: 10de:1eb8}, vgpu_types: {type: nvidia-230}}",
            T4,
            "16",
            "off",
            "nova 17",
        ),
        ("  a: {use: vgpu, match: {ids: 10de:25b6}}", A2, "30", "off", "nova 31 (2025.1 Epoxy) can"),
    ],
)
def test_the_release_that_can_is_named(
    pools: str, hosts: dict[str, str], release: str, placement: str, says: str
) -> None:
    assert says in refusal(pools, hosts, release, placement)


@pytest.mark.parametrize(
    ("pools", "hosts", "says"),
    [
        ("  a: {use: passthrough, match: {ids: 10de:25b6}}", A2, "has 16 VFs on; nova would offer both"),
        (
            "  a: {use: vgpu, match: {ids: 10de:25b6}, nova: {managed: true}}",
            A2,
            "libvirt would take 0000:41:00.4 from the vendor's driver",
        ),
        (
            (
                "  a: {use: vgpu, match: {ids: 10de:25b6}, "
                "vgpu_types: [{type: '745'}, {type: '750', address: '41:00.4'}]}"
            ),
            A2,
            "make a pool for each type",
        ),
        (
            "  a: {use: vgpu, match: {ids: 10de:1eb8}, vgpu_types: {type: nvidia-1}}",
            T4,
            "offers no vGPU type 'nvidia-1'; name one that it offers: nvidia-222 (GRID T4-1B)",
        ),
        (
            "  a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {device_type: type-PCI}}",
            T4,
            "0000:3b:00.0 is of type-PF",
        ),
        ("  a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {alias: '{{x}}'}}", T4, "a template reads"),
        (
            "  a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {one_time_use: true}}",
            T4,
            "one_time_use needs Placement",
        ),
    ],
)
def test_what_no_release_can_do_is_refused(pools: str, hosts: dict[str, str], says: str) -> None:
    assert says in refusal(pools, hosts)


def test_a_virtual_function_cannot_be_for_one_use() -> None:
    pools = "  a: {use: sriov, match: {address: '05:00.0'}, nova: {one_time_use: true}}"
    assert "is a virtual function" in refusal(pools, {"gpu04": "built-mi300x-gim"}, placement="report")


def test_one_alias_for_several_ids_needs_a_class_in_placement() -> None:
    pools = "  a: {use: passthrough, match: {ids: [10de:2330, 10de:1eb8]}NOVA}"
    hosts = {**HGX, **T4}
    assert len(settings(pools.replace("NOVA", ""), hosts).aliases) == 2
    assert "CUSTOM_A" in refusal(pools.replace("NOVA", ""), hosts, placement="schedule")
    (alias,) = settings(
        pools.replace("NOVA", ", nova: {resource_class: CUSTOM_A}"), hosts, placement="schedule"
    ).aliases
    assert "vendor_id" not in alias
    assert alias["resource_class"] == "CUSTOM_A"


def test_older_releases_count_a_single_type_as_vgpu_and_cut_every_card() -> None:
    pools = (
        "  a: {use: vgpu, match: {ids: 10de:1eb8}, vgpu_types: {type: nvidia-230, resource_class: CUSTOM_X}}"
    )
    said = refusal(pools, T4, "25")
    assert "counts 0000:3b:00.0 as VGPU" in said
    assert "nova 29 (2024.1 Caracal) can" in said


def with_second_t4(host: Host) -> Host:
    """The same host with another T4 at 0000:5e:00.0, which no pool takes."""
    assert isinstance(host.functions, dict)
    address = PciAddress.parse("0000:5e:00.0")
    other = replace(host.units[0].primary, address=address, sriov=Sriov(0, 0, ()))
    return replace(host, functions={**host.functions, address: other})


def test_a_card_outside_of_the_pools_is_not_cut_by_accident() -> None:
    spec = CLOUDS["a T4 cut"].parsed()
    hosts = {"gpu02": with_second_t4(host_of("built-nvidia-t4-mdev"))}
    with pytest.raises(Failure, match=r"would also cut 0000:5e:00\.0, which no pool takes"):
        settings_for(spec, hosts, parse_release("28"))
    (host,) = settings_for(spec, hosts, parse_release("29")).hosts
    assert host.mdev_types is not None
    assert host.mdev_types["nvidia-230"].device_addresses == ("0000:3b:00.0",)


def test_losses_are_warnings() -> None:
    pools = (
        "  a: {use: passthrough, match: {ids: 10de:1eb8}, "
        "nova: {numa_policy: socket, live_migratable: true, resource_class: CUSTOM_T4}}"
    )
    said = " ".join(settings(pools, T4, "22").warnings)
    assert "numa_policy socket is left out" in said
    assert "live_migratable is left out" in said
    assert "they need placement: report" in said


def test_live_migratable_false_is_not_written() -> None:
    """nova-compute takes even a no for a yes when it looks at libvirt's version."""
    pools = "  a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {live_migratable: false}}"
    (host,) = settings(pools, T4).hosts
    assert all("live_migratable" not in entry.written for entry in host.entries)


def test_guests_with_vgpus_that_move_get_time_for_it() -> None:
    (host,) = settings(CLOUDS["a T4 cut, with a class and a limit"].spec, T4).hosts
    assert dict(host.live_migration or {}) == {
        "live_migration_permit_post_copy": "false",
        "live_migration_downtime": "500000",
        "live_migration_downtime_steps": "3",
        "live_migration_downtime_delay": "3",
    }


def with_mediated_vfs(host: Host) -> Host:
    """The same host with an A2 whose VFs offer mediated devices, as before the vendor's VFIO."""
    assert isinstance(host.functions, dict)
    kind = VgpuType("nvidia-745", "NVIDIA A2-1B", 1)
    functions = {
        address: replace(each, vendor_vfio_types=(), mdev_types=(kind,)) if each.physical_function else each
        for address, each in host.functions.items()
    }
    return replace(host, functions=functions)


def test_a_limit_of_a_card_is_so_many_of_its_virtual_functions() -> None:
    pools = "{a: {use: vgpu, match: {ids: 10de:25b6}, vgpu_types: {type: nvidia-745, max_instances: 4}}}"
    spec = parse_spec(f"pools: {pools}")
    hosts = {"gpu05": with_mediated_vfs(host_of("built-nvidia-a2-vendor-vfio"))}
    (host,) = settings_for(spec, hosts, parse_release("34")).hosts
    assert host.mdev_types is not None
    assert host.mdev_types["nvidia-745"].device_addresses == tuple(f"0000:41:00.{n}" for n in range(4, 8))
    assert any("uses every VF" in line for line in settings_for(spec, hosts, parse_release("28")).warnings)


def test_no_limit_is_written_that_would_take_a_card_away() -> None:
    cloud = CLOUDS["a T4 cut, with a class and a limit"]
    found = settings_for(cloud.parsed(), cloud.looked_at(), parse_release("34"))
    assert any("would drop 0000:3b:00.0 whole" in line for line in found.warnings)


def test_faults_of_a_release_are_named() -> None:
    pools, host = CLOUDS["VFs of an MI300X"].spec, {"gpu04": "built-mi300x-gim"}
    assert any("LP 2098496" in line for line in settings(pools, host, "31.0.0", "schedule").warnings)
    assert not settings(pools, host, "31.1.0", "schedule").warnings
    assert any("network interface" in line for line in settings(pools, host, "19").warnings)


def test_a_pool_of_vgpus_without_types_says_so() -> None:
    (why,) = settings("  a: {use: vgpu, match: {ids: 10de:1eb8}}", T4).missing
    assert "no vgpu_types" in why


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_every_layout_holds_what_a_spec_alone_decides(layout: Layout) -> None:
    spec = parse_spec("pools: {a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {device_type: type-PF}}}")
    files = render(spec, {}, parse_release("23" if layout.name == "tripleo" else "34"), layout).files
    assert sum("1eb8" in text for text in files.values()) >= 1
    assert all(text.startswith("# Written by gpucloud nova render") for text in files.values())


def test_eight_equal_devices_need_limits_in_placement() -> None:
    pools = CLOUDS["eight H100"].spec
    assert not settings(pools, HGX, "34", "report").candidates
    assert len(settings(pools, HGX, "34", "schedule").candidates) == 3
    assert len(settings(pools, HGX, "31", "schedule").candidates) == 2
    assert not settings(pools, HGX, "30", "schedule").candidates
    assert any("take placement 13.0.0" in line for line in settings(pools, HGX, "30", "schedule").warnings)
    assert not any("13.0.0" in line for line in settings(pools, HGX, "31", "schedule").warnings)


def test_who_lets_a_device_back_after_each_guest_is_named() -> None:
    pools = "  a: {use: passthrough, match: {ids: 10de:1eb8}, nova: {one_time_use: true}}"
    assert any("reserved=0" in line for line in settings(pools, T4, "34", "report").warnings)


@pytest.mark.parametrize(
    ("layout", "release", "warns"),
    [("kolla-ansible", "30", True), ("kolla-ansible", "29", False), ("packages", "30", False)],
)
def test_containers_that_forget_what_libvirt_defines_are_named(
    layout: str, release: str, warns: bool
) -> None:
    cloud = CLOUDS["a T4 cut, with a class and a limit"]
    found = render(cloud.parsed(), cloud.looked_at(), parse_release(release), LAYOUTS[layout])
    assert any("/etc/mdevctl.d" in line for line in found.warnings) is warns


def test_companions_stay_out_of_device_spec_and_are_named() -> None:
    pools = "  a: {use: passthrough, match: {model: '*'}, nova: {device_type: type-PCI}}"
    found = settings(pools, {"pc": "board-msi-b450m-mortar-max"})
    (host,) = found.hosts
    assert any("on vfio-pci with it, not listed" in entry.remark for entry in host.entries)
    listed = {entry.address for entry in host.entries}
    assert listed == {str(unit.address) for unit in host_of("board-msi-b450m-mortar-max").units}


DESK = (
    "  a: {use: passthrough, match: {address: '26:00.0'}, "
    "nova: {device_type: type-PCI, companions: audio, KEYS}}"
)


def test_companions_that_guests_are_to_get_have_aliases_of_their_own() -> None:
    found = settings(DESK.replace("KEYS", "numa_policy: preferred"), {"pc": "board-msi-b450m-mortar-max"})
    (host,) = found.hosts
    assert [entry.address for entry in host.entries] == ["0000:26:00.0", "0000:26:00.1"]
    assert [alias["name"] for alias in found.aliases] == ["a", "a-audio"]
    assert {alias["numa_policy"] for alias in found.aliases} == {"preferred"}


def test_a_companion_has_a_class_of_its_own() -> None:
    pools = DESK.replace("KEYS", "resource_class: CUSTOM_A")
    found = settings(pools, {"pc": "board-msi-b450m-mortar-max"}, placement="schedule")
    assert [alias["resource_class"] for alias in found.aliases] == ["CUSTOM_A", "CUSTOM_A_AUDIO"]


def test_companions_of_several_cards_of_a_pool_are_refused() -> None:
    pools = DESK.replace("address: '26:00.0'", "model: '*'").replace("KEYS", "")
    assert "several cards here" in refusal(pools, {"pc": "board-msi-b450m-mortar-max"})


def test_a_card_without_the_companion_is_named() -> None:
    pools = DESK.replace("KEYS", "").replace("audio", "usb")
    assert any(
        "no function of the kind usb" in why
        for why in settings(pools, {"pc": "board-msi-b450m-mortar-max"}).missing
    )


def test_without_hosts_only_ids_are_decided_and_the_rest_is_named() -> None:
    pools = (
        "  a: {use: passthrough, match: {ids: 10DE:1EB8}}\n"
        "  b: {use: passthrough, match: {ids: 10de:2330}, nova: {device_type: type-PF}}\n"
        "  c: {use: vgpu, match: {ids: 10de:25b6}}"
    )
    found = settings(pools, {})
    assert [dict(entry.written) for entry in found.hosts[0].entries] == [
        {"vendor_id": "10de", "product_id": "1eb8"},
        {"vendor_id": "10de", "product_id": "2330"},
    ]
    assert [("device_type" in alias) for alias in found.aliases] == [False, True]
    assert [line.partition(":")[0] for line in found.missing] == ["pool a", "pool c"]


def test_a_named_host_that_was_not_looked_at_is_missing() -> None:
    pools = "  a: {use: passthrough, hosts: [gpu02, gpu09, 'gpu3*'], match: {ids: 10de:1eb8}}"
    hosts = {"gpu02.example.org": "built-nvidia-t4-mdev"}
    assert [line.partition(":")[0] for line in settings(pools, hosts).missing] == ["gpu09"]


def test_a_pool_without_cards_says_so() -> None:
    pools = "  a: {use: passthrough, match: {ids: 10de:1eb8}}\n  b: {use: sriov, match: {model: 'MI300*'}}"
    assert settings(pools, T4).missing == ("pool b: no card of the hosts that were looked at is in it",)


def test_a_card_that_is_cut_into_mig_instances_alone_is_none_of_novas() -> None:
    pools = "  a: {use: vgpu, match: {ids: 10de:20f1}, mig: {profile: 1g.5gb}}"
    (why,) = settings(pools, {"gpu04": "built-nvidia-a100-h100-mig"}).missing
    assert "is cut into MIG instances alone" in why


def test_cards_without_virtual_functions_yet_are_missing() -> None:
    pools = "  a: {use: sriov, match: {address: '15:00.0'}}"
    (why,) = settings(pools, {"gpu04": "built-mi300x-gim"}).missing
    assert "has no virtual functions yet" in why


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".x", "all", "controllers", "a\nb"])
def test_names_of_hosts_cannot_leave_the_folder(name: str) -> None:
    cloud = CLOUDS["a T4 whole"]
    with pytest.raises(Failure, match="cannot be a host's name"):
        render(
            cloud.parsed(),
            {name: host_of("built-nvidia-t4-mdev")},
            parse_release("34"),
            LAYOUTS["kolla-ansible"],
        )


def with_unseen_vfs(host: Host, enabled: int | Unknown) -> Host:
    """The same host with a card whose VFs could not be seen."""
    (unit,) = host.units
    sriov = Sriov(16, enabled, Unknown("its links are lost"))
    primary = replace(unit.primary, sriov=sriov)
    functions = {primary.address: primary}
    return replace(host, units=(replace(unit, functions=(primary,)),), functions=functions)


@pytest.mark.parametrize(
    ("use", "enabled"), [("sriov", 16), ("vgpu", 16), ("passthrough", Unknown("not read"))]
)
def test_a_card_whose_virtual_functions_are_not_seen_is_missing_with_the_reason(
    use: str, enabled: int | Unknown
) -> None:
    spec = parse_spec(f"pools: {{a: {{use: {use}, match: {{ids: 10de:25b6}}}}}}")
    hosts = {"gpu05": with_unseen_vfs(host_of("built-nvidia-a2-vendor-vfio"), enabled)}
    found = settings_for(spec, hosts, parse_release("34"))
    assert found.missing == ("gpu05: 0000:41:00.0 of pool a: its links are lost",)
    assert [host.entries for host in found.hosts] == [()]


def test_a_card_that_counts_virtual_functions_never_goes_whole() -> None:
    spec = parse_spec("pools: {a: {use: passthrough, match: {ids: 10de:25b6}}}")
    hosts = {"gpu05": with_unseen_vfs(host_of("built-nvidia-a2-vendor-vfio"), 16)}
    with pytest.raises(Failure, match="has 16 VFs on; nova would offer both"):
        settings_for(spec, hosts, parse_release("34"))


@pytest.mark.parametrize("left", [0, 2])
def test_virtual_functions_that_are_on_and_were_not_read_are_missed(left: int) -> None:
    host = host_of(A2["gpu05"])
    sriov = host.units[0].primary.sriov
    assert isinstance(sriov, Sriov)
    assert isinstance(sriov.vfs, tuple)
    assert not isinstance(host.functions, Unknown)
    lost = sriov.vfs[left:]
    seen = {address: each for address, each in host.functions.items() if address not in lost}
    spec = parse_spec(
        "openstack: {release: '34'}\npools:\n"
        "  a2: {use: vgpu, match: {ids: 10de:25b6}, vgpu_types: [{type: '745'}]}"
    )
    found = settings_for(spec, {"gpu05": replace(host, functions=seen)}, parse_release("34"))
    assert any(f"{len(lost)} of its 16 virtual functions were not read" in why for why in found.missing)
    assert not any("manager does not run" in why for why in found.missing)
