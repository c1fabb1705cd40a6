"""Whether any input stops the doctor: ``python bench/fuzz.py [--inputs N] [--seconds S] [--part PART]``.

Takes the collected reports and the synthetic ones, as YAML, JSON and text, changes them at random (bits
flipped, stretches cut, repeated and joined with others, words of the phrase book and odd characters put in)
and lets the doctor read each as the command line does, from bytes down to the text and JSON printed. Every so
often one is repeated until it is 1 MiB long. No input may raise an exception, put a control character into
what is printed, or take longer than a second of processor time for 1 MiB (a quarter of it for less).

``--part`` reads less of the way and so more inputs: ``document`` composes YAML and JSON, ``lines`` lets the
parsers of lines read, ``messages`` the phrase book; ``whole`` is everything. With ``--guided`` atheris
chooses the changes by the code that they reach (dependency group ``fuzz``). An input that fails is kept in a
file, whose path is printed.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import runpy
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.boot import BootSettings
from gpucloud.doctor.evidence.gather import MOST_LINES, gather
from gpucloud.doctor.evidence.pasted import Pasted, from_mapping, from_text
from gpucloud.doctor.evidence.pci import PciListing
from gpucloud.doctor.evidence.phrase import Tried, find_remarks
from gpucloud.doctor.evidence.phrases import PHRASES
from gpucloud.doctor.evidence.request import Request
from gpucloud.doctor.evidence.settings import NovaSettings
from gpucloud.doctor.evidence.shapes import Shapes
from gpucloud.doctor.evidence.text import Chunk, chunks, clean_text
from gpucloud.doctor.intake.decode import Account, read_text
from gpucloud.doctor.intake.document import looks_like_document, parse_document
from gpucloud.doctor.report import render_object, render_text, summary

TESTS = Path(__file__).parents[1] / "tests"
FOLDERS = (TESTS / "cases", TESTS / "doctor" / "synthetic", TESTS / "doctor" / "listings")
LIMIT_S, SHORT = 1.0, 0.25
LONG_BYTES = 1 << 20
LONG_EVERY = 2000
ODD = (
    b"\x00", b"\x1b[31m", b"\x1b]0;", b"\r\n", b"\r", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc4\xb0", b"\x1f\x8b",
    b"\xe2\x80\x9c", b"\xe2\x80\xa8", b"[pci]\n", b"alias = {", b'"}', b"[" * 40, b"{" * 40, b" " * 400,
    b"GRUB_CMDLINE_LINUX=", b"0000:01:00.0 ", b"[10de:2330]", b"IOMMU Group 1:\n\t", b"9" * 30, b": " * 20,
    b"pci_passthrough:alias=a:1,", b"<hostdev", b"</domain>", b"evidence:\n  ", b"  dmesg: |\n    ", b"&a ",
    b"*a", b"? ", b"!!binary ", b"---\n", b"options vfio-pci ids=", b'{"evidence": {"dmesg": "',
)  # fmt: skip


class Found(Exception):  # noqa: N818 - what was looked for
    """An input that stops the doctor, and how."""

    def __init__(self, how: str, data: bytes) -> None:
        super().__init__(how)
        self.data = data


@dataclass
class Tally:
    """What was run so far of one part."""

    read: Callable[[bytes], None]
    limit_s: float = LIMIT_S
    """For 1 MiB; a quarter of it for less."""
    inputs: int = 0
    long_inputs: int = 0
    slowest_s: float = 0.0

    def judge(self, data: bytes) -> None:
        """Let the doctor read one input.

        Raises:
            Found: it raised an exception or took too long.
        """
        started = time.process_time()
        try:
            self.read(data)
        except Exception as error:
            raise Found(f"{type(error).__name__}: {error}", data) from error
        seconds = time.process_time() - started
        self.inputs += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if seconds > self.limit_s * (1 if len(data) >= LONG_BYTES else SHORT):
            raise Found(f"{seconds:.2f} s for {len(data)} bytes", data)


def read_whole(data: bytes) -> None:
    """Everything, as the command line does it."""
    diagnosis = diagnose(gather(_pasted(data)))
    shown = render_text(diagnosis)
    if not shown.replace("\n", "").isprintable():
        raise ValueError("a control character is printed")
    render_object(diagnosis)
    summary(diagnosis)


def _pasted(data: bytes) -> Pasted:
    text = _text(data)
    document = (
        parse_document(clean_text(text), is_json=text[:1] == "{") if looks_like_document(text) else None
    )
    return from_mapping("fuzz", document) if document is not None else from_text("fuzz", (text,))


def _text(data: bytes) -> str:
    account = Account()
    return "".join(read_text(io.BytesIO(data).read, account))


def read_document(data: bytes) -> None:
    """Bytes into the texts of a document."""
    text = clean_text(_text(data))
    for is_json in (True, False):
        document = parse_document(text, is_json=is_json)
        if document is not None:
            json.dumps(document)
            from_mapping("fuzz", document)


def read_lines(data: bytes) -> None:
    """Every parser of lines, over every line."""
    listing, boot, nova, request, shapes = PciListing(), BootSettings(), NovaSettings(), Request(), Shapes()
    lines = (line for chunk in _chunks(data) for line in chunk.lines())
    for line in islice(lines, MOST_LINES):
        for parser in (listing, boot, nova, request, shapes):
            parser.read(line)
    nova.finish()


def read_messages(data: bytes) -> None:
    """The phrase book."""
    for chunk in _chunks(data):
        for remark in find_remarks(chunk, PHRASES, Tried()):
            if "\n" in remark.evidence.text:
                raise ValueError(f"{remark.phrase.name} is shown on several lines")


def _chunks(data: bytes) -> list[Chunk]:
    return list(chunks("fuzz", read_text(io.BytesIO(data).read, Account())))


PARTS = {"whole": read_whole, "document": read_document, "lines": read_lines, "messages": read_messages}


def seeds() -> list[bytes]:
    """The evidence of every report kept in the tests, as it is and as text."""
    found = []
    for path in sorted(path for folder in FOLDERS for path in folder.glob("*.yaml")):
        raw = path.read_bytes()
        document = parse_document(raw.decode(), is_json=False) or {}
        found += [raw, "\n".join("".join(text) for _, text in from_mapping("", document).texts).encode()]
        if len(found) % 6 == 0:
            found.append(json.dumps({"evidence": document.get("evidence")}).encode())
    found += [path.read_bytes() for folder in FOLDERS for path in sorted(folder.glob("*.txt"))]
    return found


@dataclass
class Draft:
    """An input in the making, and the stretch of it that changes next."""

    chance: random.Random
    corpus: Sequence[bytes]
    data: bytearray
    at: int = 0
    to: int = 0

    def move(self) -> None:
        """Choose another stretch: mostly short, now and then a page."""
        self.at = self.chance.randrange(len(self.data) + 1)
        self.to = min(len(self.data), self.at + self.chance.choice((1, 1, 4, 20, 200, 2000)))

    def flip(self) -> None:
        if self.at < self.to:
            self.data[self.at] ^= 1 << self.chance.randrange(8)

    def cut(self) -> None:
        del self.data[self.at : self.to]

    def repeat(self) -> None:
        self.data[self.at : self.at] = self.data[self.at : self.to] * self.chance.randint(1, 20)

    def splice(self) -> None:
        other = self.chance.choice(self.corpus)
        begin = self.chance.randrange(len(other) + 1)
        self.data[self.at : self.to] = other[begin : begin + self.chance.choice((20, 200, 2000))]

    def stretch(self) -> None:
        short = self.data[self.at : self.at + self.chance.randint(1, 12)] or b" "
        self.data[self.at : self.at] = short * (self.chance.choice((300, 3000)) // len(short))

    def put_odd(self) -> None:
        self.data[self.at : self.at] = self.chance.choice(ODD)

    def put_words(self) -> None:
        self.data[self.at : self.at] = self.chance.choice(PHRASES).needle.encode()


CHANGES = (Draft.flip, Draft.cut, Draft.repeat, Draft.stretch, Draft.splice, Draft.put_odd, Draft.put_words)


def mutate(chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """A seed after one to six changes."""
    draft = Draft(chance, corpus, bytearray(chance.choice(corpus)))
    for _ in range(chance.randint(1, 6)):
        draft.move()
        chance.choice(CHANGES)(draft)
    return bytes(draft.data[:LONG_BYTES])


def run(tally: Tally, inputs: int, seconds: float, seed: int) -> None:
    """Judge so many inputs, or as many as fit in the time."""
    chance, corpus = random.Random(seed), seeds()  # noqa: S311 - no secret
    end = time.monotonic() + seconds
    while tally.inputs < inputs and time.monotonic() < end:
        data = mutate(chance, corpus)
        tally.judge(data)
        if tally.inputs % LONG_EVERY == 0:
            tally.long_inputs += 1
            tally.judge((data * (LONG_BYTES // max(len(data), 1) + 1))[:LONG_BYTES])


def run_guided(part: str, inputs: int, seconds: float, seed: int) -> None:
    """The same with changes chosen by atheris; it ends the process itself when it is done."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # not among the project's dependencies

    for name in [one for one in sys.modules if one.startswith("gpucloud")]:
        del sys.modules[name]
    with atheris.instrument_imports(include=["gpucloud.doctor"]):
        watched = runpy.run_path(__file__)  # this file once more, over modules that report where they are
    tally = watched["Tally"](watched["PARTS"][part])
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(data)
        options = [f"-runs={inputs}", f"-max_total_time={seconds:.0f}", f"-seed={seed}", "-timeout=10"]
        atheris.Setup([sys.argv[0], *options, "-max_len=20000", folder], tally.judge)
        atheris.Fuzz()


def main() -> int:
    """Run, and print how many inputs were judged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=PARTS, default="whole")
    parser.add_argument("--guided", action="store_true")
    asked = parser.parse_args()
    tally = Tally(PARTS[asked.part])
    try:
        if asked.guided:
            run_guided(asked.part, asked.inputs, asked.seconds, asked.seed)
        run(tally, asked.inputs, asked.seconds, asked.seed)
    except Found as found:
        with tempfile.NamedTemporaryFile(prefix="gpucloud-fuzz-", delete=False) as kept:
            kept.write(found.data)
        print(f"after {tally.inputs} inputs, {found}: {kept.name}")
        return 1
    print(
        f"{asked.part}: {tally.inputs} inputs, {tally.long_inputs} of them of 1 MiB: no exception, "
        f"slowest {tally.slowest_s:.2f} s of processor time (aim: at most {LIMIT_S:.0f} s for 1 MiB)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
