"""What nvidia-smi prints of MIG is read defensively: cut, mixed, hostile."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hosts.catalogue import host_of

from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.slices.mig.card import GpuInstance, MigCard
from gpucloud.slices.mig.evidence import Evidence, mig_of, parse_evidence
from gpucloud.slices.mig.log import parse_log
from gpucloud.slices.mig.tables import parse_tables

SMI = Path(__file__).parent / "smi"
TABLES, LOG = (SMI / "a100.txt").read_text(), (SMI / "log.xml").read_text()
A100, H100 = PciAddress.parse("0000:3b:00.0"), PciAddress.parse("0000:5b:00.0")


def one_log(card: PciAddress, attached: str) -> str:
    """The log of one card, as ``-i`` makes it."""
    gpu = f"<gpu id='0000{card}'><mig_mode><current_mig>Enabled</current_mig></mig_mode></gpu>"
    return f"<nvidia_smi_log><attached_gpus>{attached}</attached_gpus>{gpu}</nvidia_smi_log>"


def instances_of(card: PciAddress, evidence: Evidence) -> tuple[GpuInstance, ...] | Unknown:
    functions = host_of("built-nvidia-a100-h100-mig").functions
    assert not isinstance(functions, Unknown)
    mig = mig_of(functions[card], evidence)
    assert isinstance(mig, MigCard)
    return mig.instances


def test_tables_say_profiles_places_and_instances() -> None:
    listed = parse_tables(TABLES)[0]
    profiles = listed.profiles(())
    assert isinstance(profiles, tuple)
    assert [(each.id, each.name, each.free, each.total, each.placements) for each in profiles[:3]] == [
        (19, "1g.5gb", 1, 7, "{0,1,2,3,4,5,6}:1"),
        (20, "1g.5gb+me", 1, 1, "{0,1,2,3,4,5,6}:1"),
        (14, "2g.10gb", 0, 3, "{0,2,4}:2"),
    ]
    assert profiles[3].memory_mib == 19968
    assert {each.id: (each.name, each.start, each.size) for each in listed.instances.values()} == {
        5: ("2g.10gb", 4, 2),
        1: ("4g.20gb", 0, 4),
    }
    assert listed.compute == {5: [0], 1: [0]}


def test_without_placements_they_are_unknown_unless_the_model_is_known() -> None:
    lines = [line for line in TABLES.splitlines() if not line.startswith("GPU")]
    listed = parse_tables("\n".join(lines))[0]
    found = listed.profiles(())
    assert isinstance(found, Unknown)
    assert "lgipp" in found.why


def test_a_log_says_modes_and_devices_of_each_card() -> None:
    first, second = parse_log(LOG)
    assert (first.address, first.is_on, first.pending, first.devices) == (
        A100,
        True,
        True,
        {1: (0,), 5: (0,)},
    )
    assert isinstance(first.is_mixed, Unknown)
    assert (second.address, second.is_on, second.pending, second.is_mixed) == (H100, False, True, True)
    assert second.devices == {}


def test_tables_and_a_log_in_one_text_are_both_read() -> None:
    evidence = parse_evidence([TABLES + LOG], (A100, H100), {})
    assert set(evidence.logged) == {A100, H100}
    assert set(evidence.listed) == {A100}


def test_tables_are_on_the_same_cards_whatever_the_order_of_the_logs() -> None:
    first, second = one_log(A100, "2"), one_log(H100, "2")
    for logs in ([first, second], [second, first], [first, second, first]):
        assert set(parse_evidence([TABLES, *logs], (A100, H100), {}).listed) == {A100}


def test_tables_beside_the_log_of_one_card_of_several_are_refused() -> None:
    with pytest.raises(ValueError, match="logs are of 1 of 2 GPUs"):
        parse_evidence([one_log(H100, "2"), TABLES], (A100, H100), {})
    assert set(parse_evidence([one_log(H100, "2")], (A100, H100), {}).logged) == {H100}


def test_tables_beside_a_log_that_counts_no_cards_are_in_the_order_of_the_host() -> None:
    assert set(parse_evidence([one_log(H100, ""), TABLES], (H100, A100), {}).listed) == {A100}


def test_a_log_of_another_host_is_refused() -> None:
    with pytest.raises(ValueError, match=f"a log is about {A100}, where"):
        parse_evidence([LOG], (H100,), {})


def test_without_a_log_cards_are_in_the_order_of_their_addresses() -> None:
    assert set(parse_evidence([TABLES], (A100, H100), {}).listed) == {A100}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LOG[:-30], "cut off"),
        (LOG.replace("<driver_version>", "<!ENTITY a 'b'><driver_version>"), "declarations"),
        (LOG.replace("</mig_mode>", ""), "no XML"),
    ],
)
def test_a_log_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_log(text)


def test_a_table_about_a_card_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="GPU 0, and there are 0"):
        parse_evidence([TABLES], (), {})


def test_a_text_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="text 2 of nvidia-smi holds none"):
        parse_evidence([TABLES, "bash: nvidia-smi: command not found"], (A100,), {})


NONE = "No GPU instances found: Not Found\n"


def test_no_instances_is_an_answer() -> None:
    assert instances_of(A100, parse_evidence([one_log(A100, "1"), NONE], (A100,), {A100: {}})) == ()
    assert not parse_evidence([TABLES + NONE], (A100,), {}).has_none


def test_no_instances_of_one_card_does_not_hide_those_of_another() -> None:
    """The answer does not say of which card it is: ``nvidia-smi mig -lgi -i 1``."""
    by_log = parse_evidence([LOG, NONE], (A100, H100), {})
    by_driver = parse_evidence([NONE], (A100, H100), {A100: {1: (0,)}, H100: {}})
    for evidence in (by_log, by_driver):
        found = instances_of(A100, evidence)
        assert isinstance(found, Unknown)
        assert "and some are there" in found.why
        assert instances_of(H100, evidence) == ()


def test_no_compute_instances_is_an_answer() -> None:
    parse_evidence(["No compute instances found: Not Found\n"], (A100,), {})


def test_places_beyond_any_card_are_none() -> None:
    assert parse_tables("GPU  0 Profile ID 19 Placements: {0,999}:1") == {}
    assert parse_tables("GPU  0 Profile ID 19 Placements: {0}:0") == {}


@given(st.text(max_size=500))
def test_any_text_is_tables_or_none(text: str) -> None:
    parse_tables(text)


@given(st.integers(0, len(TABLES)), st.integers(0, len(TABLES)))
def test_any_part_of_tables_is_read_without_error(begin: int, end: int) -> None:
    for listed in parse_tables(TABLES[begin:end]).values():
        listed.profiles(())


@given(st.text(max_size=40))
def test_any_value_in_a_log_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert len(parse_log(LOG.replace("Enabled", text).replace("<index>0", f"<index>{text}"))) <= 2
