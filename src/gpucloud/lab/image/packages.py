"""Debian packages made into a system in a folder, by mmdebstrap."""

from __future__ import annotations

import re
import shlex
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpucloud.lab.cache import state_folder
from gpucloud.lab.image.sources import apt_options, apt_sources
from gpucloud.lab.process import follow
from gpucloud.model.failure import Failure

Progress = Callable[[str], None]

TIMEOUT_S = 1800
SUITES = ("bookworm", "bookworm-updates", "bookworm-security")
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
"""Paths of packages that are not unpacked: nothing in the laboratory reads them."""
_ARCHIVES = "var/cache/apt/archives"
_NAMED_BY = ("Package", "Version", "Architecture")
_FACT = re.compile(rf"^({'|'.join(_NAMED_BY)}): (\S+)$", re.MULTILINE)
_STEPS = ("running apt-get update", "downloading packages", "extracting archives", "installing")
"""Beginnings of the lines of mmdebstrap that tell how far it is."""


@dataclass(frozen=True, slots=True)
class Packages:
    """Which packages a system is made of, and how they are set up."""

    names: tuple[str, ...]
    settings: tuple[str, ...] = ()
    """Settings for the packages' own programs, as ``INITRD=No``."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that are there before the packages are set up: path below the root, content."""


def install(packages: Packages, root: Path, stores: Sequence[Path], progress: Progress) -> None:
    """Make a system of packages in a new folder; lists of sources and a log are left beside it.

    mmdebstrap runs in mount and process namespaces of its own: killed, it leaves no mounts behind.

    Args:
        packages: what to install.
        root: folder of the system.
        stores: folders with packages that need no download; the first keeps exactly those used.
        progress: told what is being done.

    Raises:
        Failure: packages cannot be had or set up; the message names where the log is kept.
    """
    stores[0].mkdir(parents=True, exist_ok=True)
    sources = root.with_name("sources.list")
    sources.write_text(apt_sources(SUITES))
    log = root.with_name("build.log")
    argv = _command(packages, root, sources, [store for store in stores if store.is_dir()])
    try:
        follow(argv, timeout_s=TIMEOUT_S, log=log, on_line=lambda line: _tell(line, progress))
    except Failure as failure:
        kept = state_folder() / "failed" / f"image-{int(time.time())}.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, kept)
        raise Failure(failure.what, f"its whole output is in {kept}") from failure
    _keep_used(root, stores[0])


def _command(packages: Packages, root: Path, sources: Path, stores: Sequence[Path]) -> list[str]:
    options = [f"--aptopt={line}" for line in apt_options()]
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    archives = f'"$1"/{_ARCHIVES}'
    links = [f"cp -rln {shlex.quote(str(store))}/. {archives}/" for store in stores]
    return [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
        *("env", *packages.settings, "mmdebstrap", "--mode=root", "--variant=apt", "--verbose"),
        f"--include={','.join(packages.names)}",
        *("--dpkgopt=force-unsafe-io", *left_out, *options),
        "--skip=download/empty,essential/unlink,cleanup/apt/cache",
        f"--setup-hook={'; '.join([f'mkdir -p {archives}', *links])}",
        *(f"--essential-hook={_write(path, content)}" for path, content in packages.files.items()),
        *(SUITES[0], str(root), str(sources)),
    ]


def _write(path: str, content: str) -> str:
    place = f'"$1"/{shlex.quote(path)}'
    return f'mkdir -p "$(dirname {place})"; printf %s {shlex.quote(content)} >{place}'


def _tell(line: str, progress: Progress) -> None:
    text = line.removeprefix("I: ").strip(" .")
    if line.startswith("I: ") and text.startswith(_STEPS):
        progress(f"  {text}")


def _keep_used(root: Path, store: Path) -> None:
    """Keep exactly the packages that the system is made of: the next one fetches only newer ones."""
    used = set(archive_names((root / "var/lib/dpkg/status").read_text()))
    for old in store.glob("*.deb"):
        if old.name not in used:
            old.unlink()
    for archive in (root / _ARCHIVES).glob("*.deb"):
        if archive.name in used:
            archive.replace(store / archive.name)
        archive.unlink(missing_ok=True)  # rename(2) leaves it where it is a link to the one in the store


def archive_names(status: str) -> Iterator[str]:
    """Names under which apt keeps the packages of dpkg's status file: the colon of an epoch is escaped."""
    for paragraph in status.split("\n\n"):
        facts = dict(_FACT.findall(paragraph))
        if len(facts) == len(_NAMED_BY):
            name, version, architecture = (facts[fact] for fact in _NAMED_BY)
            yield f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
