"""Whether a guest has its licence: out of texts that people published (texts/README.md says where)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.unknown import Unknown
from gpucloud.slices.licence.gridd import troubles_in
from gpucloud.slices.licence.judge import judge
from gpucloud.slices.licence.smi import State, parse_smi

TEXTS = Path(__file__).parent / "texts"
BEFORE = datetime(2022, 5, 26, 1, tzinfo=UTC)
AFTER = datetime(2022, 5, 27, 0, 8, 28, tzinfo=UTC)
SMI = """\
GPU 00000000:02:01.0
    Product Name                          : {name}
    GPU Virtualization Mode
        Virtualization Mode               : {mode}
    vGPU Software Licensed Product
        Product Name                      : NVIDIA RTX Virtual Workstation
        License Status                    : {status}
    Clocks
        Graphics                          : 1410 MHz
"""


def text_of(name: str) -> str:
    return (TEXTS / f"{name}.txt").read_text()


def smi(status: str, name: str = "NVIDIA A16-4Q", mode: str = "VGPU") -> str:
    return SMI.format(name=name, mode=mode, status=status)


def report(*lines: str, smi_text: str = "") -> str:
    shown = [f"smi {line}" for line in (smi_text or smi("Unlicensed")).splitlines()]
    return "\n".join(f"gpucloud-licence {line}" for line in ("begin", *lines, *shown, "end"))


def reasons(text: str) -> list[str]:
    return [reason.id for reason in judge(text, BEFORE).reasons]


def test_a_licence_is_proven_with_its_end() -> None:
    verdict = judge(text_of("licensed-a100-4c"), BEFORE)
    (gpu,) = verdict.gpus
    assert verdict.is_licensed is True
    assert verdict.reasons == ()
    assert (gpu.address, gpu.name, gpu.mode) == ("00000000:02:01.0", "GRID A100-4C", "VGPU")
    assert (gpu.product, gpu.state, gpu.expiry) == ("NVIDIA Virtual Compute Server", State.LICENSED, AFTER)


def test_a_licence_that_has_ended_is_none() -> None:
    verdict = judge(text_of("licensed-a100-4c"), AFTER)
    assert verdict.is_licensed is False
    assert [reason.id for reason in verdict.reasons] == ["ended"]


def test_the_time_before_restrictions_is_no_licence() -> None:
    verdict = judge(text_of("unlicensed-a100-4c"), BEFORE)
    assert verdict.is_licensed is False
    assert verdict.gpus[0].state is State.GRACE
    assert [reason.id for reason in verdict.reasons] == ["not-shown"]


def test_lines_without_their_gpu_prove_nothing() -> None:
    assert isinstance(judge(text_of("unlicensed-vcs"), BEFORE).is_licensed, Unknown)


@pytest.mark.parametrize(
    ("status", "state", "expiry"),
    [
        ("Licensed", State.LICENSED, None),
        ("Licensed (Expiry: Permanent)", State.LICENSED, None),
        ("Licensed (Expiry: N/A)", State.LICENSED, None),
        (
            "Licensed (Expiry: 2025-10-5 1:57:32 GMT)",
            State.LICENSED,
            datetime(2025, 10, 5, 1, 57, 32, tzinfo=UTC),
        ),
        ("Unlicensed", State.UNLICENSED, None),
        ("Unlicensed (Unrestricted)", State.GRACE, None),
        ("Unlicensed (Restricted)", State.RESTRICTED, None),
    ],
)
def test_a_status_is_read_as_it_is_documented(status: str, state: State, expiry: datetime | None) -> None:
    (gpu,) = parse_smi(smi(status))
    assert (gpu.state, gpu.expiry) == (state, expiry)


@pytest.mark.parametrize("status", ["Licensed?", "licensed", "Licensed (Expiry: )", "Licensed (soon)", ""])
def test_words_that_nobody_documented_prove_nothing(status: str) -> None:
    assert isinstance(judge(smi(status), BEFORE).is_licensed, Unknown)


@pytest.mark.parametrize("end", ["2025-13-1 0:0:0 GMT", "2025-2-30 0:0:0 GMT", "tomorrow"])
def test_an_end_that_is_no_time_proves_nothing(end: str) -> None:
    assert isinstance(judge(smi(f"Licensed (Expiry: {end})"), BEFORE).is_licensed, Unknown)


def test_one_gpu_without_licence_is_a_guest_without() -> None:
    assert judge(smi("Licensed") + smi("Unlicensed"), BEFORE).is_licensed is False


@pytest.mark.parametrize(
    ("mode", "found"), [("VGPU", "driver"), ("Host VGPU", "host"), ("Pass-Through", "whole-card")]
)
def test_a_driver_that_knows_no_licences_is_told_from_a_host_and_a_whole_card(mode: str, found: str) -> None:
    text = f"GPU 00000000:02:01.0\n    Product Name : NVIDIA A16\n        Virtualization Mode : {mode}\n"
    assert reasons(text) == [found]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gridd-success", []),
        ("gridd-no-token", ["token"]),
        ("gridd-damaged-token", ["token"]),
        ("gridd-trusted-store", ["trusted-store"]),
        ("gridd-feature", ["feature-type", "no-server"]),
        ("gridd-pool", ["edition"]),
        ("gridd-clock", ["clock"]),
    ],
)
def test_the_journal_says_what_is_wrong(name: str, found: list[str]) -> None:
    assert [trouble.id for trouble, _ in troubles_in(text_of(name))] == found


def test_what_was_wrong_before_the_daemon_got_its_licence_is_over() -> None:
    assert troubles_in(text_of("gridd-no-token") + text_of("gridd-success")) == ()


def test_a_token_makes_up_for_an_address_that_is_not_set() -> None:
    lines = "Configuration parameter ( ServerAddress  ) not set", "NLS initialized"
    assert troubles_in("\n".join(f"nvidia-gridd[1]: {line}" for line in lines)) == ()


def test_a_guest_with_nothing_configured_is_told_so() -> None:
    assert reasons(report("service active")) == ["no-server"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("reach lic1 7070 unresolved unknown",), "name"),
        (("reach lic1 7070 192.0.2.7 closed",), "unreachable"),
        (("reach lic1 7070 192.0.2.7 silent",), "unreachable"),
        (
            (
                "reach lic1 443 192.0.2.7 open",
                "clock lic1 443 1653526800 Thu, 26 May 2022 03:00:00 GMT",
            ),
            "clock",
        ),
    ],
)
def test_the_way_to_the_server_is_looked_at_from_the_guest(lines: tuple[str, ...], found: str) -> None:
    assert reasons(report("conf ServerAddress=lic1", *lines, "service active")) == [found]


def test_a_server_that_answers_and_agrees_on_the_time_is_no_reason() -> None:
    lines = ("reach lic1 443 192.0.2.7 open", "clock lic1 443 1653526801 Thu, 26 May 2022 01:00:00 GMT")
    assert reasons(report("token 744 2345", *lines, "service active")) == ["not-shown"]


def test_a_service_that_does_not_run_asks_for_nothing() -> None:
    assert reasons(report("conf ServerAddress=lic1", "service inactive")) == ["service"]


@pytest.mark.parametrize(
    ("name", "mode", "feature", "is_wrong"),
    [
        ("NVIDIA A16-4Q", "VGPU", "1", False),
        ("NVIDIA A16-4Q", "VGPU", "2", False),
        ("NVIDIA A16-4Q", "VGPU", "4", True),
        ("GRID A100-4C", "VGPU", "4", False),
        ("NVIDIA A16-16A", "VGPU", "2", True),
        ("NVIDIA A16-4Q", "VGPU", "0", True),
        ("NVIDIA A16", "Pass-Through", "1", True),
        ("NVIDIA A16", "Pass-Through", "2", False),
    ],
)
def test_a_feature_type_must_be_for_the_gpu(name: str, mode: str, feature: str, is_wrong: bool) -> None:
    text = report(
        "conf ServerAddress=lic1",
        f"conf FeatureType={feature}",
        "service active",
        smi_text=smi("Unlicensed", name, mode),
    )
    assert reasons(text) == (["feature-type"] if is_wrong else ["not-shown"])


def test_the_last_whole_report_counts() -> None:
    old, new = report("service inactive", smi_text=smi("Unlicensed")), report(smi_text=smi("Licensed"))
    assert judge(f"{old}\n{new}\ngpucloud-licence begin\n", BEFORE).is_licensed is True


@given(st.text(max_size=300))
def test_no_text_is_a_proof_by_accident(text: str) -> None:
    assert judge(text, BEFORE).is_licensed is not True


@given(
    st.lists(st.sampled_from([*report("service active").splitlines(), *smi("Licensed").splitlines(), "x"]))
)
def test_lines_in_any_order_are_read_without_an_error(lines: list[str]) -> None:
    judge("\n".join(lines), BEFORE)


def test_texts_and_gpus_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        judge("x" * (4 * 1024 * 1024 + 1), BEFORE)
    with pytest.raises(ValueError, match="more than 64"):
        judge("GPU 00000000:02:01.0\n" * 65, BEFORE)
