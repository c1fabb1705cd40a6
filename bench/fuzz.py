"""Whether any text stops the doctor: ``python bench/fuzz.py [--inputs N] [--seconds S] [--seed N]``.

Takes the collected reports and the synthetic ones, changes them at random (bits flipped, stretches cut,
repeated and joined with others, words of the phrase book and odd characters put in) and lets the doctor read
each, as pasted text or as a document, down to the text and JSON printed. Every so often one is repeated until
it is 1 MiB long. No input may raise an exception, or take more than one second of processor time.

With ``--guided`` atheris chooses the changes by the code that they reach (pip install atheris), and prints
its own tally. An input that fails is kept in a file, whose path is printed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import Pasted, from_mapping, from_text
from gpucloud.doctor.evidence.phrases import PHRASES
from gpucloud.doctor.evidence.text import decode
from gpucloud.doctor.report import render_object, render_text

TESTS = Path(__file__).parents[1] / "tests"
FOLDERS = (TESTS / "cases", TESTS / "doctor" / "synthetic")
LIMIT_S = 1.0
LONG_BYTES = 1 << 20
LONG_EVERY = 2000
ODD = (
    b"\x00", b"\x1b[31m", b"\x1b]0;", b"\r\n", b"\r", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc4\xb0",
    b"\xe2\x80\x9c", b"[pci]\n", b"alias = {", b'"}', b"[" * 40, b"{" * 40, b"GRUB_CMDLINE_LINUX=",
    b"0000:01:00.0 ", b"[10de:2330]", b"IOMMU Group 1:\n\t", b"pci_passthrough:alias=a:1,", b"<hostdev",
    b"</domain>", b"9" * 30, b": " * 20,
)  # fmt: skip


class Found(Exception):  # noqa: N818 - what was looked for
    """An input that stops the doctor, and how."""

    def __init__(self, how: str, data: bytes) -> None:
        super().__init__(how)
        self.data = data


@dataclass
class Tally:
    """What was run so far."""

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
            read(data)
        except Exception as error:
            raise Found(f"{type(error).__name__}: {error}", data) from error
        seconds = time.process_time() - started
        self.inputs += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if seconds > LIMIT_S:
            raise Found(f"{seconds:.2f} s for {len(data)} bytes", data)


def read(data: bytes) -> None:
    """Judge an input as the command line does; its first byte says whether it is text or a document."""
    diagnosis = diagnose(
        gather(_document(data) if data[:1] > b"\x7f" else from_text("fuzz", (decode(data),)))
    )
    render_text(diagnosis)
    json.dumps(render_object(diagnosis))


def _document(data: bytes) -> Pasted:
    """Texts under keys, which a form feed divides as a document's structure would."""
    keys = ("dmesg", "lspci", "nova_conf", "guest_dmesg", "libvirt_xml", "cmdline", "flavor", "other")
    parts = decode(data[1:]).split("\f")
    evidence = {keys[n % len(keys)] + str(n // len(keys) or ""): part for n, part in enumerate(parts)}
    return from_mapping(
        "fuzz", {"environment": {"os": parts[0][:50], "cpu": parts[-1][:50]}, "evidence": evidence}
    )


def seeds() -> list[bytes]:
    """The evidence of every report kept in the tests, as documents and as text."""
    found = []
    for path in sorted(path for folder in FOLDERS for path in folder.glob("*.yaml")):
        document = yaml.safe_load(path.read_text())
        pasted = from_mapping(path.stem, document if isinstance(document, dict) else {})
        texts = ["".join(pieces) for _, pieces in pasted.texts]
        found += [b"\xff" + "\f".join(texts).encode(), "\n".join(texts).encode()]
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

    def put_odd(self) -> None:
        self.data[self.at : self.at] = self.chance.choice(ODD)

    def put_words(self) -> None:
        self.data[self.at : self.at] = self.chance.choice(PHRASES).needle.encode()


CHANGES = (Draft.flip, Draft.cut, Draft.repeat, Draft.splice, Draft.put_odd, Draft.put_words)


def mutate(chance: random.Random, corpus: Sequence[bytes]) -> bytes:
    """A seed after one to six changes."""
    draft = Draft(chance, corpus, bytearray(chance.choice(corpus)))
    for _ in range(chance.randint(1, 6)):
        draft.move()
        chance.choice(CHANGES)(draft)
    return bytes(draft.data[:LONG_BYTES])


def run(inputs: int, seconds: float, seed: int) -> Tally:
    """Judge so many inputs, or as many as fit in the time."""
    chance, corpus, tally = random.Random(seed), seeds(), Tally()  # noqa: S311 - no secret
    end = time.monotonic() + seconds
    while tally.inputs < inputs and time.monotonic() < end:
        data = mutate(chance, corpus)
        tally.judge(data)
        if tally.inputs % LONG_EVERY == 0:
            tally.long_inputs += 1
            tally.judge((data * (LONG_BYTES // max(len(data), 1) + 1))[:LONG_BYTES])
    return tally


def run_guided(inputs: int, seconds: float, seed: int) -> Tally:
    """The same with changes chosen by atheris; it ends the process itself when it is done."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # not among the project's dependencies

    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(data)
        options = [f"-runs={inputs}", f"-max_total_time={seconds:.0f}", f"-seed={seed}", "-timeout=10"]
        atheris.instrument_all()
        atheris.Setup([sys.argv[0], *options, "-max_len=20000", folder], tally.judge)
        atheris.Fuzz()
    return tally


def main() -> int:
    """Run, and print how many inputs were judged."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", action="store_true")
    asked = parser.parse_args()
    try:
        tally = (run_guided if asked.guided else run)(asked.inputs, asked.seconds, asked.seed)
    except Found as found:
        with tempfile.NamedTemporaryFile(prefix="gpucloud-fuzz-", delete=False) as kept:
            kept.write(found.data)
        print(f"{found}: {kept.name}")
        return 1
    print(
        f"{tally.inputs} inputs, {tally.long_inputs} of them of 1 MiB: no exception, "
        f"slowest {tally.slowest_s:.2f} s of processor time (aim: at most {LIMIT_S:.0f} s)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
