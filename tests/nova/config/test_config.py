"""Files of nova.conf, read and added up. That oslo.config reads the same: tests/nova/oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.nova.config import Configuration, Setting, read_config_file
from gpucloud.nova.releases.options import OptionName

SPEC, OLD, OLDEST = (
    OptionName("pci", "device_spec"),
    OptionName("pci", "passthrough_whitelist"),
    OptionName("DEFAULT", "pci_passthrough_whitelist"),
)


def _values(text: str) -> list[tuple[str, str, str, int]]:
    return [(one.section, one.name, one.value, one.line) for one in read_config_file("f", text).settings]


def _added(*texts: str) -> Configuration:
    return Configuration(tuple(read_config_file(f"f{n}", text) for n, text in enumerate(texts)))


def test_repeats_are_kept_with_their_lines() -> None:
    assert _values("[pci]\nalias = a\n# note\nalias: b\n") == [
        ("pci", "alias", "a", 2),
        ("pci", "alias", "b", 4),
    ]


def test_an_indented_line_goes_on_with_the_value() -> None:
    assert _values('[pci]\nalias = {"name":\n  "a"}\n\tx\n') == [("pci", "alias", '{"name":\n"a"}\nx', 2)]


def test_whichever_sign_comes_first_assigns() -> None:
    assert _values('[pci]\nalias : {"a": "b=c"}\nb = c:d\n') == [
        ("pci", "alias", '{"a": "b=c"}', 2),
        ("pci", "b", "c:d", 3),
    ]


@pytest.mark.parametrize(("written", "read"), [("'{}'", "{}"), ('"a"', "a"), ("'", ""), ("'a\"", "'a\"")])
def test_equal_quotes_around_a_value_are_dropped(written: str, read: str) -> None:
    assert [value for _, _, value, _ in _values(f"[a]\nb = {written}\n")] == [read]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = b", "Failed to parse f: at f:1, Section must be started before assignment: ''"),
        ("[pci\na = b", "Failed to parse f: at f:1, Invalid section (must end with ]): '[pci'"),
        ("[]", "Failed to parse f: at f:1, Empty section name: '[]'"),
        ("[a]\n\n b", "Failed to parse f: at f:3, Unexpected continuation line: ' b'"),
        ("[a]\nb", "Failed to parse f: at f:2, No ':' or '=' found in assignment: 'b'"),
        ("[a]\n= b", "Failed to parse f: at f:2, Key cannot be empty: '= b'"),
    ],
)
def test_what_stops_every_service_is_told_in_its_words(text: str, message: str) -> None:
    assert str(read_config_file("f", text).error) == message


def test_names_add_up_file_by_file_with_the_current_one_last() -> None:
    both = _added(
        "[pci]\ndevice_spec = S\npassthrough_whitelist = P\n[DEFAULT]\npci_passthrough_whitelist = D\n",
        "[PCI]\npassthrough_whitelist = Q\n",
    )
    assert [one.value for one in both.every(SPEC, (OLDEST, OLD))] == ["D", "P", "S", "Q"]


def test_the_last_file_decides_and_in_it_the_current_name() -> None:
    both = _added("[pci]\ndevice_spec = S\n", "[pci]\npassthrough_whitelist = Q\npassthrough_whitelist = R\n")
    found = both.last(SPEC, (OLDEST, OLD))
    assert found == Setting("pci", "passthrough_whitelist", "R", "f1", 3)
    assert both.last(OLDEST) is None


def test_the_default_section_is_written_in_capitals_alone() -> None:
    assert _added("[default]\npci_passthrough_whitelist = D\n").every(OLDEST) == ()


@given(st.text())
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    found = read_config_file("f", text)
    assert found.error is None or (found.error.line is not None and found.error.line >= 1)
    assert all(one.section and one.name and one.line >= 1 for one in found.settings)
