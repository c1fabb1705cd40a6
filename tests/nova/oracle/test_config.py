"""Whole files of nova.conf: nova with its library for options, and gpucloud, make the same of them.

Compared are: the message for a file that cannot be read; values that are not of their option's type; the
values of the options for devices, aliases and filters, added up over files and old names; what becomes of
them; the sections of vGPU types. From these follows whether each service starts, and with which message.
Of 13.1.4 and 14.1.0, unpacked from the repository, the values of wrong types were compared by hand: they are
the same, and in 13 the order of groups is that in which a service imports its modules.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.nova.oracle.ask import ask
from tests.nova.oracle.config_cases import random_files
from tests.nova.oracle.environment import PACKAGES

from gpucloud.nova.check import Case, Service, check
from gpucloud.nova.check.start import missing_filters, wrong_values
from gpucloud.nova.config import Configuration, read_config_file, read_list
from gpucloud.nova.mdev import MdevSection
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import pci, scheduler, vgpu
from gpucloud.nova.releases.known import KnownOption, known_options
from gpucloud.nova.releases.release import Release, parse_release

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(900)]

_WRONG = "ConfigFileValueError"
_WHERE = " while calling a Python object"
SEED, COUNT = 2026, 2000
each_release = pytest.mark.parametrize("version", PACKAGES)


def _files(texts: tuple[str, ...], folder: Path) -> Configuration:
    return Configuration(
        tuple(read_config_file(str(folder / f"{number}.conf"), text) for number, text in enumerate(texts))
    )


def ask_gpucloud(release: Release, texts: tuple[str, ...], folder: Path) -> dict[str, Any]:
    files = _files(texts, folder)
    case = Case(files, release, Service.SCHEDULER)
    if files.error is not None:
        return {"unreadable": check(case).error.message}  # type: ignore[union-attr]
    filters = case.filters if case.filters is not None else scheduler.DEFAULT_FILTERS.at(release)
    return {
        "wrong": [[refusal.exception, refusal.message] for _, refusal in wrong_values(case)],
        "device_spec": _parsed(case, case.spec_settings, case.specs, is_alias=False),
        "alias": _parsed(case, case.alias_settings, case.aliases, is_alias=True),
        "filters": list(filters),
        "missing": list(missing_filters(case)),
        "mdev": {
            name: _section(case, name, section, release)
            for name, section in case.mdev_sections.items()
            if vgpu.MDEV_GROUPS.at(release)
        },
    }


def _parsed(case: Case, settings: Any, parsed: Any, *, is_alias: bool) -> Any:
    values = case.values_of(settings)
    if isinstance(values, Refusal):
        return {"raises": [values.exception, values.message]}
    if isinstance(parsed, Refusal):
        return {"values": list(values), "parsed": {"raises": [parsed.exception, parsed.message]}}
    return {"values": list(values), "parsed": sorted(parsed) if is_alias else True}


def _section(case: Case, name: str, section: MdevSection, release: Release) -> dict[str, Any]:
    compute = Case(case.configuration, release, Service.COMPUTE)
    keys = compute.mdev_keys_of(name)
    plain: dict[str, Any] = {
        "device_addresses": list(section.device_addresses),
        "mdev_class": section.mdev_class,
        "max_instances": section.max_instances,
    }
    shown = {}
    for key in vgpu.MDEV_KEYS.at(release):
        refusal = None
        if key in keys:
            found = [each for setting, each in wrong_values(compute) if setting == keys[key]]
            refusal = found[0] if found else None
        shown[key] = plain[key] if refusal is None else {"raises": [refusal.exception, refusal.message]}
    return dict(sorted(shown.items()))


@each_release
def test_nova_and_gpucloud_read_the_same_files_alike(version: str, tmp_path: Path) -> None:
    release = parse_release(version)
    cases = list(random_files(SEED, COUNT))
    theirs = ask(version, "config_worker", cases, str(tmp_path))
    different = [
        (case, part, known.get(part), mine.get(part))
        for case, known in zip(cases, theirs, strict=True)
        for mine in (ask_gpucloud(release, case, tmp_path),)
        for part in _different(known, mine, release)
    ]
    assert not different, f"{len(different)} of {COUNT}: {different[:3]}"
    starting = [
        (case, services)
        for case, known in zip(cases, theirs, strict=True)
        if (services := _check_starts(known, case, release, tmp_path))
    ]
    assert not starting, f"{len(starting)} of {COUNT}: {starting[:3]}"


@each_release
def test_the_table_of_options_is_that_of_the_release(version: str) -> None:
    (theirs,) = ask(version, "known_options")
    release = parse_release(version)
    mine = {
        section: {
            name: [age.kind, _written(age)]
            for name, ages in names.items()
            for age in ages
            if age.is_in(release)
        }
        for section, names in known_options().items()
    }
    newest = {name for name in PACKAGES if name.startswith(f"{release.number}.")}
    for section, names in mine.items():
        if version == max(newest):
            assert names == theirs.get(section, {}), section
        assert theirs.get(section, {}).items() <= names.items()


def _written(age: KnownOption) -> str:
    return "?" if age.default is None else age.default


def _comparable(part: Any, release: Release) -> Any:
    """Without the dump of the schema that follows a refused alias before 17, or where Python gave up."""
    part = json.loads(json.dumps(part).replace(_WHERE, ""))
    if isinstance(part, dict) and release.number < 17 and isinstance(part.get("parsed"), dict):
        return {**part, "parsed": [text.split("\n")[0] for text in part["parsed"].get("raises", ())]}
    return part


def _refuses(part: Any) -> bool:
    return isinstance(part, dict) and ("raises" in part or _refuses(part.get("parsed")))


def _starts(known: dict[str, Any], service: Service, release: Release) -> bool:
    """Whether a service starts, after what its release reads when it does so."""
    if "unreadable" in known or known["wrong"]:
        return False
    reads = {
        "device_spec": service.value in pci.SPEC_READ_AT_START.at(release),
        "alias": service.value in pci.ALIAS_READ_AT_START.at(release),
    }
    if any(reads[part] and _refuses(known[part]) for part in reads):
        return False
    if service is Service.SCHEDULER:
        return not known["missing"]
    sections = known["mdev"].values() if vgpu.SEVERAL_TYPES.at(release) else ()
    wrong = any(_refuses(value) for section in sections for value in section.values())
    return not (service is Service.COMPUTE and wrong)


def _check_starts(known: dict[str, Any], case: tuple[str, ...], release: Release, folder: Path) -> list[str]:
    """Services of which nova and the check do not say alike whether they start."""
    different = []
    for service in Service:
        mine = Case(_files(case, folder), release, service)
        # What the driver says of addresses is judged by test_mdev.
        is_driver = service is Service.COMPUTE and isinstance(mine.mdev, Refusal)
        if not is_driver and _starts(known, service, release) != (check(mine).error is None):
            different.append(service.value)
    return different


def _different(known: dict[str, Any], mine: dict[str, Any], release: Release) -> list[str]:
    """The parts in which the answers differ; a parser that falls over a wrong value is told so."""
    return [
        part
        for part in sorted(known.keys() | mine.keys())
        if _comparable(known.get(part), release) != _comparable(mine.get(part), release)
        and not _falls_over(known.get(part), known)
    ]


def _falls_over(part: Any, known: dict[str, Any]) -> bool:
    parsed = part.get("parsed") if isinstance(part, dict) else None
    raised = [each["raises"] for each in (part, parsed) if isinstance(each, dict) and "raises" in each]
    is_wrong_there = isinstance(parsed, dict) and parsed["raises"][0] == _WRONG and bool(known["wrong"])
    return is_wrong_there or any(each in known["wrong"] for each in raised)


def test_lists_end_as_oslo_ends_them() -> None:
    assert read_list("a, b,,") == ("a", "b")
