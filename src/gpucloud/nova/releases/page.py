"""The reference pages of the releases, as Markdown, from the table that the code reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpucloud.nova.releases.fact import Fact
from gpucloud.nova.releases.options import ALIAS, DEVICE_SPEC, ENABLED_FILTERS
from gpucloud.nova.releases.platform import KOLLA_ANSIBLE, MIN_LIBVIRT, MIN_QEMU
from gpucloud.nova.releases.release import SERIES, Release
from gpucloud.nova.releases.table import TABLE


def render_pages() -> Mapping[str, str]:
    """File names to texts: one page for each series, and ``README.md`` that lists them."""
    pages = {_file_name(release): _render_page(release) for release in SERIES}
    return {"README.md": _render_index(), **pages}


def _file_name(release: Release) -> str:
    return f"{release.number}-{release.codename.lower()}.md"


def _render_index() -> str:
    heading = "| nova | release | devices | aliases | filters | libvirt | QEMU | kolla-ansible |"
    lines = [
        "# nova by release",
        "",
        "What nova reads, refuses and matches, by release: the table that `gpucloud nova` itself uses.",
        "The tests compare the rules for 15 to 34 with nova's own code. There is no package of 13 and 14;",
        "their code at the tags 13.0.0, 13.1.4, 14.0.0, 14.0.2 and 14.1.0 was compared by hand.",
        "What `gpucloud nova check` finds in files is in [findings.md](findings.md).",
        "",
        heading,
        "|---" * (heading.count("|") - 1) + "|",
    ]
    return "\n".join([*lines, *map(_index_row, SERIES)]) + "\n"


def _index_row(release: Release) -> str:
    facts = (DEVICE_SPEC, ALIAS, ENABLED_FILTERS, MIN_LIBVIRT, MIN_QEMU, KOLLA_ANSIBLE)
    cells = [_in_words(known.at(release)) for known in facts]
    link = f"[{release.title}]({_file_name(release)})"
    return f"| {' | '.join([str(release.number), link, *cells])} |"


def _render_page(release: Release) -> str:
    lines = [
        f"# nova {release.number}, {release.title}",
        "",
        f"Newest point version: {release}. Where point versions differ, the version of the change is named.",
    ]
    for subject, facts in TABLE.items():
        lines += [
            "",
            f"## {subject}",
            "",
            "| what | in this release | where it is written |",
            "|---|---|---|",
        ]
        lines += [
            f"| {known.says} | {_in_series(known, release.number)} | {_escaped(known.source)} |"
            for known in facts.values()
        ]
    return "\n".join(lines) + "\n"


def _in_series(known: Fact[object], number: int) -> str:
    """The value at the series' first version, and each change inside it."""
    first = Release(number, 0, 0)
    return "; ".join([_in_words(known.at(first)), *_changes_inside(known, number)])


def _changes_inside(known: Fact[object], number: int) -> Iterator[str]:
    for since, value in known.changes:
        for version in since.versions:
            if version.number == number and version != Release(number, 0, 0):
                yield f"from {version}: {_in_words(value)}"


def _in_words(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_in_words(item) for item in value)
    return f"`{_escaped(str(value).strip())}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
