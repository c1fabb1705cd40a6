"""The witness reads lines as they are and names every difference, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpucloud.demo.witness import differences, drivers_script, files_script, parse_lines

places = st.text(st.characters(exclude_characters="\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), min_size=1)
pictures = st.dictionaries(places, places)


@given(pictures)
def test_what_was_printed_is_read_back(picture: dict[str, str]) -> None:
    text = "".join(f"{place}\t{seen}\n" for place, seen in picture.items())
    assert parse_lines(text, "\t") == picture


@given(pictures, pictures)
def test_every_difference_is_named_once(before: dict[str, str], after: dict[str, str]) -> None:
    changed = {place for place in before.keys() | after.keys() if before.get(place) != after.get(place)}
    assert len(differences(before, after)) == len(changed)
    assert differences(before, before) == ()


def test_the_scripts_leave_out_only_what_lives_by_itself() -> None:
    assert "-path /etc" not in files_script()
    assert "-path /var/lib/gpucloud" in files_script()
    assert "driver_override" in drivers_script()
