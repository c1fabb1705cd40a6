"""Any text in any file: it is looked through without harm, and what is foreign stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.prepare.adopt.arguments import settings_in_arguments
from gpucloud.prepare.adopt.clear import clear
from gpucloud.prepare.adopt.decide import Verdict
from gpucloud.prepare.adopt.modules import (
    settings_in_dracut,
    settings_in_list,
    settings_in_mkinitcpio,
    settings_in_modprobe,
)
from gpucloud.prepare.adopt.programs import (
    settings_in_rc_local,
    settings_in_rules,
    settings_in_script,
    settings_in_unit,
)
from gpucloud.prepare.adopt.script import Meaning, chunks_of
from gpucloud.prepare.adopt.setting import Setting

FOREIGN = (
    "mount /srv",
    "# vfio notes",
    "",
    "  hdparm -B 255 /dev/sda || true",
    "if [ -e /etc/x ]; then\n  touch /run/x\nfi",
    "for d in a b; do\n  echo $d\ndone",
    "A=1",
    "swapoff -a; swapon -a",
)
OURS = (
    "modprobe vfio-pci",
    "echo 0000:3b:00.0 > /sys/bus/pci/drivers/vfio-pci/bind",
    'echo "10de 20b5" > /sys/bus/pci/drivers/vfio-pci/new_id',
    "for a in 0000:3b:00.0 0000:3b:00.1; do\n  echo vfio-pci > /sys/bus/pci/devices/$a/driver_override\ndone",
    "echo 4 > /sys/bus/pci/devices/0000:3c:00.0/sriov_numvfs",
)
ENDS = st.sampled_from(["\n", "\r\n"])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=400) | st.lists(
    st.sampled_from((*FOREIGN, *OURS, "\\", "EOF", "<<EOF", "done", "fi", "{", "'", "ids=::,")), max_size=12
).map("\n".join)
ARGUMENTS = st.lists(
    st.sampled_from(
        (
            "quiet",
            "vfio-pci.ids=10de:20b5",
            "pci_stub.ids=1:2,",
            "rd.driver.pre=vfio-pci",
            "root=/dev/sda",
            "$x",
        )
    ),
    max_size=6,
)


def cleared(path: str, text: str, settings: list[Setting]) -> str | None:
    """The file with all of these taken out."""
    files = BootFiles({path: FileState(Content(text))}, {})
    verdicts = [Verdict(each, (), None if each.stays is None else "stays") for each in settings]
    new = clear(files, verdicts, (), {}).cleared.files
    return new[path].text if path in new else text


@given(st.lists(st.tuples(st.sampled_from((*FOREIGN, *OURS)), st.booleans()), max_size=10))
def test_of_rc_local_exactly_the_foreign_lines_stay(parts: list[tuple[str, bool]]) -> None:
    lines = [part for part, _ in parts]
    text = "".join(f"{line}\n" for line in ("#!/bin/sh", *lines, "exit 0"))
    kept = "".join(f"{line}\n" for line in ("#!/bin/sh", *(x for x in lines if x in FOREIGN), "exit 0"))
    assert cleared("/etc/rc.local", text, list(settings_in_rc_local("/etc/rc.local", text, {}))) == kept


@given(TEXTS)
def test_chunks_of_any_text_cover_its_lines_once(text: str) -> None:
    covered = [n for chunk in chunks_of(text, {}) for n in range(chunk.first, chunk.last + 1)]
    assert covered == list(range(1, len(text.splitlines()) + 1))


@given(TEXTS)
def test_what_goes_of_any_text_is_whole_lines_that_are_understood(text: str) -> None:
    new = cleared("/etc/rc.local", text, list(settings_in_rc_local("/etc/rc.local", text, {})))
    ours = {n for c in chunks_of(text, {}) if c.meaning is Meaning.OURS for n in range(c.first, c.last + 1)}
    kept = [line for n, line in enumerate(text.splitlines(keepends=True), 1) if n not in ours]
    assert new == "".join(kept)


@pytest.mark.parametrize(
    "settings_in",
    [
        settings_in_modprobe,
        settings_in_list,
        settings_in_dracut,
        settings_in_mkinitcpio,
        settings_in_rules,
        settings_in_script,
        lambda path, text, scripts: settings_in_unit(path, text, scripts, ()),
        lambda path, text, _: settings_in_arguments(path, text),
    ],
)
@given(text=TEXTS)
def test_no_text_breaks_it_and_lines_that_nothing_names_stay(settings_in, text: str) -> None:  # type: ignore[no-untyped-def]
    path = "/etc/modprobe.d/x.conf"
    settings = list(settings_in(path, text, {}))
    new = cleared(path, text, settings)
    if new is not None and not settings:
        assert new == text


@given(ARGUMENTS, st.sampled_from(['GRUB_CMDLINE_LINUX="{}"  # mine', "options {}", "kernelopts={}"]), ENDS)
def test_of_arguments_exactly_the_foreign_words_stay(words: list[str], line: str, end: str) -> None:
    path = "/etc/default/grub"
    text = f"# head{end}{line.format(' '.join(words))}{end}TAIL=1{end}"
    new = cleared(path, text, list(settings_in_arguments(path, text)))
    assert new is not None
    kept = [word for word in words if "ids=" not in word and "rd.driver" not in word]
    assert new.split() == f"# head{end}{line.format(' '.join(kept))}{end}TAIL=1{end}".split()
    assert new.endswith(f"{end}TAIL=1{end}")
