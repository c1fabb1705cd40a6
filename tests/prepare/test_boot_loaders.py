"""Kernel arguments in boot loaders' files are read as the shell reads them, and added once."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpucloud.model.boot import BootFiles
from gpucloud.model.change import Content, FileState
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.boot.loaders import BootEntries, GrubDropIn, GrubFile, Loader
from gpucloud.prepare.boot.loaders.grub import add_to_line
from gpucloud.prepare.boot.loaders.loader import kernel_words
from gpucloud.prepare.boot.paths import GRUB, GRUB_DROP_INS, GRUB_ENVIRONMENT

_NORMAL, _ALWAYS = "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_CMDLINE_LINUX"
NAMES = st.sampled_from([_ALWAYS, _NORMAL])
WORDS = st.sampled_from(
    ["quiet", "iommu=pt", "intel_iommu=on", "root=/dev/a", "a.b=c,d", f"${_NORMAL}", f"${{{_ALWAYS}}}"]
)
VALUES = st.lists(WORDS, max_size=4).map(" ".join)
LINES = st.one_of(
    st.builds('{}="{}"'.format, NAMES, VALUES),
    st.builds('export {}="{}"'.format, NAMES, VALUES),
    st.builds("{}={}".format, NAMES, st.sampled_from(["quiet", "iommu=pt", "''", '""'])),
    st.builds('{}="{}"  # {}'.format, NAMES, VALUES, WORDS),
    st.builds("  {}='{}'".format, NAMES, st.sampled_from(["quiet splash", ""])),
    st.builds('#{}="{}"'.format, NAMES, VALUES),
    st.builds("GRUB_TIMEOUT={}".format, st.integers(0, 9)),
    st.builds("GRUB_TIMEOUT=1; {}='{}'".format, NAMES, WORDS.filter(lambda word: "$" not in word)),
    st.builds('{}="{} \\\n quiet"'.format, NAMES, WORDS),
    st.builds('{}="quiet\nsplash" # "a'.format, NAMES),
    st.builds('{}="a.b=\\"c\\" "\'quiet splash\''.format, NAMES),
    st.builds("{}=quiet\\ splash".format, NAMES),
    st.just("# it's a comment"),
    st.just(""),
)
FILES = st.lists(LINES, max_size=6).map(lambda lines: "\n".join([*lines, ""]))


def told_by_the_shell(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """The two variables after all files, as grub-mkconfig has them when it has sourced them."""
    script = "\n".join([*texts, f'printf "%s|%s" "${_ALWAYS}" "${_NORMAL}"'])
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"PATH": "/nowhere"},
    )
    always, _, normal = done.stdout.partition("|")
    return always.split(), normal.split()


def files_of(grub: str, *drop_ins: str) -> BootFiles:
    names = [f"{number}.cfg" for number in range(len(drop_ins))]
    files = {
        GRUB: grub,
        **{f"{GRUB_DROP_INS}/{name}": text for name, text in zip(names, drop_ins, strict=True)},
    }
    states = {path: FileState(Content(text)) for path, text in files.items()}
    return BootFiles(states, {GRUB_DROP_INS: tuple(names), "/etc/default": ("grub", "grub.d")})


@settings(max_examples=60, deadline=None)
@given(FILES, st.lists(FILES, max_size=2))
def test_grubs_files_are_read_as_the_shell_reads_them(grub: str, drop_ins: list[str]) -> None:
    found = GrubDropIn().arguments(files_of(grub, *drop_ins))
    always, normal = told_by_the_shell([grub, *drop_ins])
    assert isinstance(found, tuple)
    assert [argument.text for argument in found] == [*always, *normal]


@settings(max_examples=60, deadline=None)
@given(FILES, NAMES)
def test_added_words_are_there_for_the_shell_and_nothing_else_changes(grub: str, name: str) -> None:
    before, after = told_by_the_shell([grub]), told_by_the_shell([add_to_line(grub, name, ["new=1"])])
    place = [_ALWAYS, _NORMAL].index(name)
    assert "new=1" in after[place]
    gone = [[word for word in words if word != "new=1"] for words in after]
    assert set(gone[place]) == set(before[place])


ENDS = st.sampled_from(["--", '\\"q', "#", "#x", "---", 'x=\\"a -- b\\"', "$Z"])
WITH_ENDS = st.lists(
    st.one_of(
        LINES,
        st.builds('{}="{} {} {}"'.format, NAMES, WORDS, ENDS, WORDS),
        st.just('Z="a -- b"'),
        st.just("Z=a"),
    ),
    max_size=5,
).map("\n".join)


@settings(max_examples=50, deadline=None)
@given(WITH_ENDS, NAMES)
def test_words_come_before_those_of_init_and_comments_or_it_cannot_be_told(grub: str, name: str) -> None:
    file = GrubFile((), name)
    said = file.arguments(files_of(grub))
    if isinstance(said, Unknown):
        return
    (after,) = file.add(files_of(grub), ["new=1", "newer"]).values()
    assert after is not None
    old, new = (
        " ".join(word for part in told_by_the_shell([text]) for word in part) for text in (grub, after)
    )
    assert kernel_words(old, is_grubs=True) == tuple(argument.text for argument in said)
    words = kernel_words(new, is_grubs=True)
    assert {"new=1", "newer"} <= {*words}
    assert [word for word in words if not word.startswith("new")] == [argument.text for argument in said]


@settings(max_examples=50, deadline=None)
@given(WITH_ENDS)
def test_the_drop_in_comes_before_those_of_init_and_comments_or_it_cannot_be_told(grub: str) -> None:
    if isinstance(GrubDropIn().arguments(files_of(grub)), Unknown):
        return
    (drop_in,) = GrubDropIn().add(files_of(grub), ["new=1"]).values()
    always, normal = told_by_the_shell([grub, drop_in or ""])
    assert {"new=1", "$gpucloud_trial"} <= {*kernel_words(" ".join((*always, *normal)), is_grubs=True)}


def test_what_is_said_behind_the_kernels_part_of_the_first_variable_is_never_told() -> None:
    found = GrubDropIn().arguments(files_of(f'{_ALWAYS}="ro -- single"\n'))
    assert isinstance(found, Unknown)
    assert f"{_ALWAYS} has --, behind which {_NORMAL} never gets to the kernel" in found.why


def test_a_later_drop_in_that_puts_all_behind_the_kernels_part_hides_it() -> None:
    states = {f"{GRUB_DROP_INS}/zzz.cfg": FileState(Content(f'{_NORMAL}="-- ${_NORMAL}"\n'))}
    found = GrubDropIn().arguments(BootFiles(states, {GRUB_DROP_INS: ("zzz.cfg",)}))
    assert isinstance(found, Unknown)
    assert "zzz.cfg is read after" in found.why


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('X="a -- b"\n', 'X="a new=1 -- b"\n'),
        ('X="a #b"\n', 'X="a new=1 #b"\n'),
        ('Y="-- b"\nX="a $Y"\n', 'Y="-- b"\nX="a $Y"\nX="new=1 $X"\n'),
        ("Z=b\\", 'Z=b\\\n\nX="new=1"\n'),
        ('X="a \\\n b"\n', 'X="a \\\n b"\nX="$X new=1"\n'),
        ('X="a\nb"\n', 'X="a\nb"\nX="$X new=1"\n'),
        ("X=\"a \"'b'\n", 'X="a "\'b\'\nX="$X new=1"\n'),
        ("X=a\\ b", 'X=a\\ b\nX="$X new=1"\n'),
        ('X="a"\nX+=" b"\n', 'X="a"\nX+=" b"\nX="$X new=1"\n'),
        ('X="a"\nY="$X"\n', 'X="a"\nY="$X"\nX="$X new=1"\n'),
        ('T=1; X="a" # "b\n', 'T=1; X="a new=1" # "b\n'),
        ('T=1\r\nX="a"\r\n', 'T=1\r\nX="a new=1"\r\n'),
        ("T=1\r\nX=a\r\n", 'T=1\r\nX="a new=1"\r\n'),
        ("#X=a\n", '#X=a\nX="new=1"\n'),
        ('X="a" Y=b\n', 'X="a" Y=b\nX="$X new=1"\n'),
        ("T=1", 'T=1\nX="new=1"\n'),
    ],
)
def test_an_assignment_is_changed_in_place_only_where_it_is_plain(before: str, after: str) -> None:
    assert add_to_line(before.replace("X", _ALWAYS), _ALWAYS, ["new=1"]) == after.replace("X", _ALWAYS)


@settings(max_examples=60, deadline=None)
@given(FILES)
def test_a_drop_in_adds_to_whatever_was_said_before(grub: str) -> None:
    (drop_in,) = GrubDropIn().add(files_of(grub), ["a=1", "b=2"]).values()
    assert drop_in is not None
    assert told_by_the_shell([grub, drop_in])[1] == [
        *told_by_the_shell([grub])[1],
        "a=1",
        "b=2",
        "$gpucloud_trial",
    ]


@given(st.text("GRUB_CMDLINE_LINUX='\"\\ #$\n=", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for loader in (GrubDropIn(), GrubFile(()), BootEntries(has_grub=True)):
        loader.arguments(files_of(text))
        loader.add(files_of(text), ["a=1"])


@given(st.text("options kernelopts=$\n#ab", max_size=60))
def test_any_entry_is_read_without_an_error(text: str) -> None:
    folder = "/boot/loader/entries"
    files = BootFiles({f"{folder}/a.conf": FileState(Content(text))}, {folder: ("a.conf",)})
    loader = BootEntries(has_grub=True)
    loader.arguments(files)
    loader.add(files, ["a=1"])


def why(loader: Loader, files: BootFiles) -> str:
    found = loader.arguments(files)
    return found.why if isinstance(found, Unknown) else ""


def test_without_its_file_grub_cannot_be_told_anything() -> None:
    assert (
        why(GrubFile(()), BootFiles({}, {"/etc/default": (), GRUB_DROP_INS: None})) == f"{GRUB} is not there"
    )


def test_a_drop_in_that_a_distribution_may_read_must_not_hide_the_file() -> None:
    assert "sets GRUB_CMDLINE_LINUX_DEFAULT anew" in why(GrubFile(()), files_of("", f"{_NORMAL}=quiet\n"))
    assert "line 1 sets GRUB_CMDLINE_LINUX_DEFAULT only" in why(
        GrubFile(()), files_of("", f"true && {_NORMAL}=a")
    )
    adding = files_of(f"{_NORMAL}='a iommu=pt'\n", f'{_NORMAL}="${_NORMAL} b intel_iommu=off"\n')
    found = GrubFile(()).arguments(adding)
    assert isinstance(found, tuple)
    assert [each.text for each in found] == ["a", "iommu=pt", "intel_iommu=off"]


def test_a_quote_without_its_end_in_grubs_line_is_refused() -> None:
    assert "GRUB_CMDLINE_LINUX has a quote without its end" in why(
        GrubDropIn(), files_of(f'{_ALWAYS}="a \\"b"\n')
    )


def test_a_hidden_drop_in_is_not_read() -> None:
    states = {GRUB: FileState(Content(f"{_NORMAL}=a\n"))}
    states[f"{GRUB_DROP_INS}/.b.cfg"] = FileState(Content(f"{_NORMAL}=b\n"))
    files = BootFiles(states, {GRUB_DROP_INS: (".b.cfg",), "/etc/default": ("grub", "grub.d")})
    found = GrubDropIn().arguments(files)
    assert isinstance(found, tuple)
    assert [each.text for each in found] == ["a"]


FOLDER = "/boot/loader/entries"


def entries_of(grub: str, block: str = "") -> BootFiles:
    entry = FileState(Content("linux /l\noptions ro $tuned_params $other\n"))
    states = {
        GRUB: FileState(Content(grub)),
        f"{FOLDER}/a.conf": entry,
        GRUB_ENVIRONMENT: FileState(Content(block)),
    }
    none = dict.fromkeys(("/boot/efi/loader/entries", "/efi/loader/entries"))
    return BootFiles(states, {**none, FOLDER: ("a.conf",), "/etc/default": ("grub",)})


def test_boot_entries_that_are_not_in_grubs_menu_are_refused() -> None:
    assert "says GRUB_ENABLE_BLSCFG=false" in why(
        BootEntries(has_grub=True), entries_of("GRUB_ENABLE_BLSCFG=false\n")
    )
    assert why(BootEntries(has_grub=True), entries_of("GRUB_ENABLE_BLSCFG=true\n")) == ""
    assert why(BootEntries(has_grub=False), entries_of("GRUB_ENABLE_BLSCFG=false\n")) == ""


def test_what_tuned_says_in_grubs_environment_is_told_to_the_kernel() -> None:
    found = BootEntries(has_grub=True).arguments(entries_of("", "tuned_params=iommu=pt isolcpus=1\n"))
    assert isinstance(found, tuple)
    assert [each.text for each in found] == ["ro", "iommu=pt", "isolcpus=1", "$other"]
