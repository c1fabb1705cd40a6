"""Where this machine gets Debian packages from: the image is built from the same places, in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from gpucloud.lab.process import run
from gpucloud.model.failure import Failure

_TARGET = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"
_OPTIONS = ("Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
"""Options of apt that decide how packages are reached: proxies, certificates, clocks of mirrors."""


def apt_sources(suites: Sequence[str]) -> str:
    """The lines of a sources.list with this machine's own sources of these suites.

    Raises:
        Failure: this machine has no source of the first suite.
    """
    listed = run(
        ["apt-get", "indextargets", "--format", _TARGET, "Created-By: Packages"], timeout_s=60
    ).stdout
    return parse_targets(listed, suites)


def parse_targets(listed: str, suites: Sequence[str]) -> str:
    """As `apt_sources`, from the output of ``apt-get indextargets``; an unset field stands as ``$(NAME)``."""
    lines: list[str] = []
    for target in listed.splitlines():
        uri, release, component, signed_by = [*target.split("|"), "", "", ""][:4]
        if release in suites and component == "main":
            option = f"[signed-by={signed_by}] " if signed_by.startswith("/") else ""
            lines.append(f"deb {option}{uri} {release} {component}")
    if not any(f" {suites[0]} " in line for line in lines):
        raise Failure(
            f"this machine's apt has no source of Debian {suites[0]}, which the laboratory is built from",
            f"add one to /etc/apt/sources.list.d, for {' '.join(suites)}, then apt-get update",
        )
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def apt_options() -> list[str]:
    """This machine's options for reaching packages, each as a line of apt.conf."""
    return parse_options(run(["apt-config", "dump"], timeout_s=60).stdout)


def parse_options(dump: str) -> list[str]:
    """As `apt_options`, from the output of ``apt-config dump``: empty values are left out."""
    return [
        line
        for line in dump.splitlines()
        if line.startswith(_OPTIONS) and not line.endswith(' "";') and line.endswith(";")
    ]
