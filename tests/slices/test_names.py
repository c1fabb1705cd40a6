"""Names of types are read by NVIDIA's grammar; what Intel's say of themselves by the kernel's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.slices.name import parse_gvt_memory, parse_type_name

_GIB = 1024


@pytest.mark.parametrize(
    ("name", "short", "memory", "slices", "edition"),
    [
        ("GRID T4-4Q", "T4-4Q", 4 * _GIB, None, "vWS"),
        ("GRID M60-0B", "M60-0B", 512, None, "vPC"),
        ("GRID T4-2B4", "T4-2B4", 2 * _GIB, None, "vPC"),
        ("NVIDIA A40-12", "A40-12", 12 * _GIB, None, None),
        ("NVIDIA A16-16A", "A16-16A", 16 * _GIB, None, "vApps"),
        ("NVIDIA A100-3-20C", "A100-3-20C", 20 * _GIB, 3, "vGPU for Compute"),
        ("GRID A100-1-5CME", "A100-1-5CME", 5 * _GIB, 1, "vGPU for Compute"),
        ("H200X-141C", "H200X-141C", 141 * _GIB, None, "vGPU for Compute"),
        ("NVIDIA RTX6000-Ada-48Q", "RTX6000-Ada-48Q", 48 * _GIB, None, "vWS"),
        (
            "NVIDIA RTX Pro 6000 Blackwell DC-1-24Q",
            "RTX Pro 6000 Blackwell DC-1-24Q",
            24 * _GIB,
            1,
            "vWS",
        ),
    ],
)
def test_a_name_says_what_the_type_is(
    name: str, short: str, memory: int, slices: int | None, edition: str | None
) -> None:
    found = parse_type_name(name)
    assert found is not None
    assert (found.short, found.memory_mib, found.mig_slices, found.edition) == (
        short,
        memory,
        slices,
        edition,
    )


@pytest.mark.parametrize("name", ["i915-GVTg_V5_4", "T4", "", "T4-", "-4Q", "T4-4Z", "T4-4Q\nT4-8Q"])
def test_another_name_is_none(name: str) -> None:
    assert parse_type_name(name) is None


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_none(text: str) -> None:
    found = parse_type_name(text)
    assert found is None or found.memory_mib > 0


def test_memory_of_gvt_is_both_its_parts() -> None:
    text = "low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\nresolution: 1920x1200\nweight: 4\n"
    assert parse_gvt_memory(text) == 640
    assert parse_gvt_memory("low_gm_size: 128MB") is None


@given(st.text(max_size=300))
def test_any_description_has_memory_or_none(text: str) -> None:
    assert parse_gvt_memory(text) is None
