"""Pasted evidence into a Case: parsers first, then the partial host that their facts make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from gpucloud.doctor.case import Case
from gpucloud.doctor.evidence.boot import MOST_DIRECTIVES
from gpucloud.doctor.evidence.paper import Paper, is_guest_key
from gpucloud.doctor.evidence.partial import partial_host, places
from gpucloud.doctor.evidence.pasted import Pasted
from gpucloud.doctor.evidence.pci import MOST_FUNCTIONS
from gpucloud.doctor.evidence.phrase import Remark, find_remarks
from gpucloud.doctor.evidence.phrases import PHRASES
from gpucloud.doctor.evidence.phrases.kernel import NO_GROUPS
from gpucloud.doctor.evidence.request import MOST_PROPERTIES
from gpucloud.doctor.evidence.settings import MOST_SETTINGS
from gpucloud.doctor.evidence.text import Chunk, Line, chunks
from gpucloud.model.finding import Evidence

STRUCTURE_CHARACTERS = 2_000_000
"""How much of each text is read as listing or configuration; messages are looked for beyond it."""
MOST_LINES = 150_000
"""Lines of one input that are read as listing or configuration."""
OPENING_CHARACTERS, _OPENINGS_CHARACTERS = 16_000, 64_000
"""How much of the beginning of each text is kept, and of all, to see what the report speaks about."""
_FEW_WORDS = 3
_FIRST = 240
"""Characters of a text in which it may say that a command printed nothing."""
_MOST_REMARKS = 24
_INTERESTING = re.compile(
    r"[:=\[<{|]|^\s*(?:options|blacklist|softdep|install)\s|/etc/kernel/cmdline", re.IGNORECASE
)


_COMMENT = re.compile(r"#(?! CONFIG_\w+ is not set)")
"""A comment of a configuration file. In a kernel's it is how an option that is off is written."""
_NOTHING = re.compile(
    r"(?:[^\n]{0,80}\b(?:ls|find|tree)\b[^\n]{0,40}/sys/kernel/iommu_groups[^\n]{0,40}(?:\n|$))?"
    r"\W{0,20}(?:no output|empty|nothing|none|total 0|0 directories, 0 files)?\W{0,20}",
    re.IGNORECASE,
)
"""What people paste or write for a command that printed nothing; the command itself may stand before it."""


def gather(pasted: Pasted) -> Case:
    """Everything that can be read from pasted evidence, as a case for the rules."""
    paper = Paper(environment=pasted.environment)
    for key, pieces in pasted.texts:
        _read(paper, key, pieces)
    paper.nova.finish()
    paper.skipped.extend((*pasted.notes, *_left_out(paper)))
    return Case(partial_host(pasted.source, paper), shown=places(paper), paper=paper)


def _left_out(paper: Paper) -> Iterator[str]:
    if paper.nova.has_more:
        yield f"nova's options after the first {MOST_SETTINGS}"
    if paper.listing.has_more or paper.guest_listing.has_more:
        yield f"PCI functions after the first {MOST_FUNCTIONS}"
    if paper.tried.filling:
        words = sorted(paper.tried.filling)
        named = ", ".join(map(repr, words[:_FEW_WORDS]))
        more = f" and {len(words) - _FEW_WORDS} words more" if len(words) > _FEW_WORDS else ""
        yield f"some of the lines with {named}{more}: they fill the text"
    if paper.lines_read >= MOST_LINES:
        yield f"after the first {MOST_LINES} lines only messages, no listings"
    if paper.request.has_more:
        yield f"properties of flavors and images after the first {MOST_PROPERTIES}"
    if paper.boot.has_more:
        yield f"directives of modprobe and kernel arguments after the first {MOST_DIRECTIVES}"


def _read(paper: Paper, key: str, pieces: Iterable[str]) -> None:
    seen, first = 0, ""
    for chunk in chunks(key, pieces):
        first = first or chunk.text[:_FIRST]
        paper.has_text = paper.has_text or any(map(str.isalnum, chunk.text))
        _keep_opening(paper, chunk)
        _read_messages(paper, chunk)
        if seen <= STRUCTURE_CHARACTERS:
            _read_lines(paper, chunk)
        seen += len(chunk.text)
    if "iommu_group" in key.lower() and _NOTHING.fullmatch(first.strip()):
        paper.has_text = paper.has_text or bool(first.strip())  # an empty list says something here
        said = Remark(NO_GROUPS, Evidence(key, first.strip().partition("\n")[0] or "(no output)", 1))
        paper.remarks.setdefault(NO_GROUPS.name, []).append(said)
    if seen > STRUCTURE_CHARACTERS:
        paper.skipped.append(
            f"{key}: after its first {STRUCTURE_CHARACTERS // 1_000_000} MB only messages, no listings"
        )


def _keep_opening(paper: Paper, chunk: Chunk) -> None:
    kept = paper.opening.get(chunk.key, "")
    room = min(OPENING_CHARACTERS - len(kept), _OPENINGS_CHARACTERS - sum(map(len, paper.opening.values())))
    paper.opening[chunk.key] = f"{kept}{chunk.text[:room]}\n" if room > 0 else kept


def _read_messages(paper: Paper, chunk: Chunk) -> None:
    is_configuration = "conf" in chunk.key
    # What was said often enough is not looked for again: its further remarks would not be kept.
    wanted = (one for one in PHRASES if len(paper.remarks.get(one.name, ())) < _MOST_REMARKS)
    for remark in find_remarks(chunk, wanted, paper.tried):
        if is_configuration and _COMMENT.match(remark.evidence.text):
            continue
        kept = paper.remarks.setdefault(remark.phrase.name, [])
        if len(kept) < _MOST_REMARKS and all(remark.evidence != one.evidence for one in kept):
            kept.append(remark)


def _read_lines(paper: Paper, chunk: Chunk) -> None:
    is_guest = is_guest_key(chunk.key)
    for line in islice(chunk.lines(), MOST_LINES - paper.lines_read):
        paper.lines_read += 1
        if not line.text or line.text.isspace():
            paper.listing.read(line)
        elif is_guest:
            _read_guest_line(paper, line)
        else:
            _read_line(paper, line)


def _read_guest_line(paper: Paper, line: Line) -> None:
    paper.guest_listing.read(line)
    paper.shapes.read(line)


def _read_line(paper: Paper, line: Line) -> None:
    paper.listing.read(line)
    if _INTERESTING.search(line.text) is not None:
        paper.boot.read(line)
        paper.nova.read(line)
        paper.request.read(line)
        paper.shapes.read(line)
