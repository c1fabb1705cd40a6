"""A command in a guest and what it left, framed on the serial console. What is printed there is hostile.

The guest prints its result several times, as a line of the kernel can break into one: every line has the
nonce of the command and a number, so what is whole of each time adds up.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

MARK = "gpucloud-run"
KEPT_BYTES = 48 * 1024
"""Of the output the end: in base64, with its marks, it fits into the 100 KiB that nova gives of a console."""
_WIDTH = 256

_NO_FILE = b"the guest cannot make a temporary file, and did not run the command\n"
_NOT_RUN = 125
"""As env(1), timeout(1) and docker-run(1) have it where they fail themselves."""

RUN_SCRIPT = rf"""
gpucloud_run() {{
  nonce=$1; shift
  echo "{MARK} $nonce begin"
  out=$(mktemp) && lines=$(mktemp) || {{
    for pause in 0 2 5 10 20 40 60; do
      sleep "$pause"
      echo "{MARK} $nonce 0 {base64.b64encode(_NO_FILE).decode()}"
      echo "{MARK} $nonce end {len(_NO_FILE)} {_NOT_RUN}"
    done
    return
  }}
  "$@" </dev/null >"$out" 2>&1
  code=$?
  size=$(wc -c <"$out")
  tail -c {KEPT_BYTES} "$out" | base64 | tr -d '\n' | fold -w {_WIDTH} >"$lines"
  for pause in 0 2 5 10 20 40 60; do
    sleep "$pause"
    number=0
    while read -r line || [ -n "$line" ]; do
      echo "{MARK} $nonce $number $line"
      number=$((number + 1))
    done <"$lines"
    echo "{MARK} $nonce end $((size)) $code"
  done
  rm -f "$out" "$lines"
}}
"""
"""POSIX shell that runs a command and prints its result; coreutils and busybox have what it calls."""

_LINE = re.compile(rf"(?:^|\W){MARK} (?P<nonce>[0-9a-f]{{32}}) (?P<rest>[ -~]{{1,300}})", re.ASCII)
_PIECE = re.compile(rf"(?P<number>[0-9]{{1,3}}) (?P<text>[A-Za-z0-9+/=]{{1,{_WIDTH}}})", re.ASCII)
_END = re.compile(r"end (?P<size>[0-9]{1,15}) (?P<code>[0-9]{1,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left.

    Args:
        code: its exit code; 128 and the signal that ended it, as the shell has it.
        output: standard output and error, as they came; of a long one the end.
        lost_bytes: so many before them are not kept.
    """

    code: int
    output: bytes
    lost_bytes: int


def has_begun(text: str, nonce: str) -> bool:
    """Claims that the guest has started the command."""
    return any(rest == "begin" for rest in _own_lines(text, nonce))


def parse_result(text: str, nonce: str) -> Result | None:
    """The result in the text of a console; None where not all of it is there yet."""
    pieces: dict[int, set[str]] = {}
    ends: list[tuple[int, int]] = []
    for rest in _own_lines(text, nonce):
        if piece := _PIECE.fullmatch(rest):
            pieces.setdefault(int(piece["number"]), set()).add(piece["text"])
        elif end := _END.fullmatch(rest):
            ends.append((int(end["size"]), int(end["code"])))
    return next((found for size, code in ends if (found := _whole(pieces, size, code)) is not None), None)


def _own_lines(text: str, nonce: str) -> Iterator[str]:
    for line in text.splitlines():
        match = _LINE.search(line)
        if match is not None and match["nonce"] == nonce:
            yield match["rest"].rstrip()


def _whole(pieces: dict[int, set[str]], size: int, code: int) -> Result | None:
    """The pieces put together, each of the length that it must have."""
    kept = min(size, KEPT_BYTES)
    chars = -(-kept // 3) * 4
    lengths = [min(_WIDTH, chars - at) for at in range(0, chars, _WIDTH)]
    found = [
        next((each for each in pieces.get(n, ()) if len(each) == wanted), None)
        for n, wanted in enumerate(lengths)
    ]
    try:
        output = base64.b64decode("".join(each or "-" for each in found), validate=True)
    except binascii.Error:
        return None
    return Result(code, output, size - kept) if len(output) == kept else None
