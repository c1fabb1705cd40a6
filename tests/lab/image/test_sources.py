from __future__ import annotations

import pytest

from gpucloud.lab.image.sources import parse_options, parse_targets
from gpucloud.model.failure import Failure

SUITES = ("bookworm", "bookworm-updates", "bookworm-security")
LISTED = """\
http://mirror.example/debian/|bookworm|main|$(SIGNED_BY)
http://mirror.example/debian/|bookworm|contrib|$(SIGNED_BY)
http://mirror.example/debian/|bookworm-updates|main|/usr/share/keyrings/debian-archive-keyring.gpg
http://mirror.example/debian/|bookworm-backports|main|$(SIGNED_BY)
https://other.example/|nodistro|main|/etc/apt/keyrings/other.gpg
"""


def test_the_machines_own_sources_of_the_suites_are_taken() -> None:
    assert parse_targets(LISTED, SUITES) == (
        "deb http://mirror.example/debian/ bookworm main\n"
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        " http://mirror.example/debian/ bookworm-updates main\n"
    )


def test_a_source_that_is_listed_twice_counts_once() -> None:
    assert parse_targets(LISTED * 2, SUITES) == parse_targets(LISTED, SUITES)


@pytest.mark.parametrize("listed", ["", "\n", "http://m.example/debian/|trixie|main|\n", "half|a line"])
def test_a_machine_without_the_suite_is_told_so(listed: str) -> None:
    with pytest.raises(Failure, match="no source of Debian bookworm"):
        parse_targets(listed, SUITES)


def test_only_options_for_reaching_packages_are_taken() -> None:
    dump = """\
APT "";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128/";
Acquire::https::CAInfo "/etc/ssl/own.crt";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
DPkg::Post-Invoke:: "rm -rf /";
"""
    assert parse_options(dump) == [
        'Acquire::http::Proxy "http://proxy.example:3128/";',
        'Acquire::https::CAInfo "/etc/ssl/own.crt";',
        'Acquire::Check-Valid-Until "false";',
    ]
