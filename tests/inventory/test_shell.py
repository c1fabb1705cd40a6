"""What a file assigns is told as the shell has it, or not at all."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpucloud.inventory.shell import NotToldError, commands, values

OF = ("A", "B")
WORDS = st.sampled_from(
    ["a", "'b c'", '"d $A"', '"${B}"', '"${A:+x $A}"', "${B:-y}", "\\ e", '"$(echo f)"', "`echo g`",
     "$A$B", "~", '"it\'s"', "'\"'", '"\\$A"', "$C", "${A%x}", "${C:=z}", "$((A=1))", "a#b", '"h\ni"',
     "'j\nk'", "l\\\nm", "$"]
)  # fmt: skip
NAMES = st.sampled_from(["A", "B", "C"])
PLAIN = st.builds("{}={}".format, NAMES, st.lists(WORDS, max_size=3).map("".join))
COMMANDS = st.one_of(
    PLAIN,
    PLAIN.map("export {}".format),
    st.builds("{} {}".format, PLAIN, PLAIN),
    st.builds("{} true".format, PLAIN),
    st.builds("unset {}".format, NAMES),
    st.builds("export {}".format, NAMES),
    st.builds("{} # {}".format, PLAIN, PLAIN),
    PLAIN.map("# {}".format),
    st.just("true"),
    st.just("f"),
    st.just(":"),
    PLAIN.map("eval {}".format),
)
FRAMES = st.sampled_from(
    ["{}", "if false; then\n{}\nfi", "false && {}", "true || {}", "true &&\n{}", "({})", "{{ {}; }}",
     "f() {{ {}; }}", "for C in 1 2; do {}; done", "case x in\nx) {} ;;\ny) {} ;;\nesac", "{} | true",
     "cat <<E >/dev/null\n{}\nE\n", "cat <<-'E' >/dev/null\n\t{}\n\tE\n", "! {}", "{} >/dev/null",
     "while false; do\n{}\ndone", "if true\nthen {}\nelse {}\nfi", "echo $({}) >/dev/null",
     "exit 0\n{}", "f()\n{{\n{}\n}}"]
)  # fmt: skip


def framed(frame: str, command: str) -> str:
    return frame.replace("{}", command).replace("{{", "{").replace("}}", "}")


FILES = st.lists(st.builds(framed, FRAMES, COMMANDS), max_size=6).map("\n".join)


def told_by_the_shell(text: str, *shell: str) -> list[str] | None:
    """None where the shell does not take the file, or ends in it, as grub-mkconfig does at an error."""
    script = f'A= B=\nf() {{ :; }}\n{text}\nprintf \'%s|%s|\' "$A" "$B"\n'
    argv = [*(shell or ("/bin/sh",)), "-c", script]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=30)
    return (
        done.stdout.rsplit("|", 2)[:2] if done.stdout.endswith("|") and done.stdout.count("|") == 2 else None
    )


def told(text: str) -> list[str] | None:
    try:
        have = values(text, dict.fromkeys(OF, ""), OF)
    except NotToldError:
        return None
    return [have[name] for name in OF]


@settings(max_examples=150, deadline=None)
@example("C=a\nf() { C=b; }\nf\nA=$C")
@example("A=1; true && A=2")
@given(FILES)
def test_what_is_told_is_what_the_shell_has(text: str) -> None:
    found = told(text)
    shell = told_by_the_shell(text) if found is not None else None
    assert found is None or shell is None or found == shell


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ('A="a b"\n', "a b"),
        ('X=`( . /etc/os-release; echo ${NAME:-Debian} ) 2>/dev/null || echo Debian`\nA="quiet"\n', "quiet"),
        ('A="quiet"\nif [ -e /x ]; then\n  OTHER=1\nfi\n', "quiet"),
        ('A="quiet"\nA="${A:+$A }\\$tuned_params"\n', "quiet $tuned_params"),
        ('X=1\nA="quiet x=$X"\n', "quiet x=1"),
        ('A="a\nb" # "c\n', "a\nb"),
        ("A=a; export A B\n", "a"),
        ("A=a\r\n", "a\r"),
        ("A=a\nA+=' b'\n", "a b"),
        ("cat <<E\nA=never\nE\n", ""),
        ("  A='a'\"b\"\\ c\n", "ab c"),
    ],
)
def test_usual_forms_are_told(text: str, has: str) -> None:
    assert values(text, dict.fromkeys(OF, ""), OF)["A"] == has


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\nif true; then A=1; fi\n", 2),
        ("true &&\n  A=1\n", 2),
        ("A=$(cat /x)\n", 1),
        ("A=$X\n", 1),
        ("x=1\n\n. /etc/default/more\n", 3),
        ("f() {\nA=1\n}\n", 2),
        ("readonly A\n", 1),
        ('B=1\nA="a\n', 2),
        ("fi\n", 1),
    ],
)
def test_what_cannot_be_told_names_its_line(text: str, line: int) -> None:
    with pytest.raises(NotToldError, match=f"line {line} "):
        values(text, dict.fromkeys(OF, ""), OF)


@pytest.mark.parametrize("text", ["if true", "cat <<E\nA=1\n", "A=${B", "A=$(", "A=`", "{ A=1"])
def test_what_has_no_end_is_not_told(text: str) -> None:
    with pytest.raises(NotToldError):
        values(text, dict.fromkeys(OF, ""), OF)


@pytest.mark.parametrize(
    "text",
    [
        *("if . /etc/x; then :; fi", "while . /etc/x; do break; done", "FOO=1 . /etc/x", "\\. /etc/x"),
        *(">/dev/null . /etc/x", "2>&1 . /etc/x", "2> /dev/null eval A=1", '"eval" A=1', "FOO=1 eval A=1"),
        *("command . /etc/x", "! . /etc/x", "$X A=1", "for A in 1 2; do :; done", "break", "{ continue; }"),
        *("N=A; export $N=1", 'export "A"=1', "unset \\A", "N=A; read ${N} </x", "printf -v $N 1"),
        *("export A={a,b}", "export A=/*", "export A=$B", "RANDOM=1; A=$RANDOM", "_=1; A=$_"),
        "[ -e / ] && return",
        'X=; A="${X:-a\\}b}"',
    ],
)  # fmt: skip
def test_a_command_that_may_change_anything_leaves_nothing_told(text: str) -> None:
    assert told(f"{text}\n") is None


@pytest.mark.parametrize(
    "text",
    [
        *("A=1 2>/dev/null", "A=1 >&2", "true 2>&1; A=1", "true >| /dev/null; A=1", "A=a*b", "A={a,b}"),
        *("case x in a|b) ;; *) X=1; esac; A=1", "case x in esac; A=1", "for i in 1; do break; done; A=1"),
        *("A=a;#it's", "A='a'#b", "A=a#b", "X=$(# it's\necho a); A=1", "X=`echo \"it's\"`; A=1", "A=a\\\nb"),
        *("A\\\n=1", "A=1 B=$A", 'A="$\'a\'"', "A=a$", 'A="%$%"', "X=; A=${X:-a}"),
        "A=1; if true; then ( : ); fi",
    ],
)  # fmt: skip
@pytest.mark.parametrize("shell", [("/bin/sh",), ("bash", "--posix")])
def test_odd_commands_are_told_as_every_shell_has_them_or_not_at_all(shell: Sequence[str], text: str) -> None:
    assert told(f"{text}\n") in (None, told_by_the_shell(text, *shell))


@given(st.text("AB='\"\\ #$\n={}()`;&|<fi", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found: Sequence[object] = commands(text)
    except NotToldError:
        found = ()
    assert all(text[each.begin : each.end] == each.text for each in found)  # type: ignore[attr-defined]
    told(text)


@pytest.mark.parametrize("piece", ["(", '"$(', "${", "`", "'", "\\", "{ ", "<<E\n", "A=", "if ", "$A"])
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    told(piece * 20_000)
