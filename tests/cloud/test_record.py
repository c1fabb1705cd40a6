"""What gpucloud keeps in libvirt's metadata comes back as it was."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.definition.record import NAMESPACE, Record, in_namespace, parse_record, render_record
from gpucloud.model.guest import SeenFunction
from gpucloud.model.pci import PciAddress, PciClass, PciId

ADDRESSES = st.builds(
    PciAddress, st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7)
)
IDS = st.builds(PciId, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
SEEN = st.builds(
    SeenFunction,
    ADDRESSES,
    IDS,
    st.builds(PciClass, st.integers(0, 0xFFFFFF)),
    st.lists(st.integers(0, 2**52), max_size=6).map(tuple),
)
# XML has no control characters; the texts that are kept come from checked names and paths.
TEXTS = st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=1)
RECORDS = st.builds(
    Record,
    nonce=st.text("0123456789abcdef", min_size=32, max_size=32),
    units=st.lists(ADDRESSES).map(tuple),
    image=st.none() | TEXTS,
    started_at_s=st.floats(0, 2**40),
    ends_at_s=st.none() | st.floats(0, 2**40),
    log=TEXTS,
    seen=st.none() | st.lists(SEEN).map(tuple),
    failure=st.none() | TEXTS,
)


def _in_domain(element: ET.Element) -> ET.Element:
    domain = ET.Element("domain")
    ET.SubElement(domain, "metadata").append(element)
    return ET.fromstring(ET.tostring(domain))  # noqa: S314 - made here


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert parse_record(_in_domain(in_namespace(render_record(record)))) == record


def test_a_domain_without_record_is_not_gpuclouds() -> None:
    assert parse_record(_in_domain(ET.Element("{urn:someone-else}guest"))) is None


@pytest.mark.parametrize("attributes", [{}, {"nonce": "0" * 32, "log": "l", "started": "yesterday"}])
def test_a_record_of_another_form_is_an_error(attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_record(_in_domain(ET.Element(f"{{{NAMESPACE}}}guest", attributes)))
