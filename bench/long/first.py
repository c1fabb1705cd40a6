"""How long the first command takes on a fresh machine: ``python3 bench/long/first.py``, as root.

Clones the last commit of this project into a temporary folder and runs ``./run demo`` there with every cache
(the laboratory's, uv's, pip's) in that folder too: all is downloaded and built as for somebody who has never
seen the project. Then the same command once more. Prints the seconds of each step; the aims: at most 480 s,
then 180 s.

One thing a machine cannot forget: Debian packages that are installed. Those that were are named, for their
download is not in the figure; only a bare system gives the whole. Needs python3 and git, nothing of this
project, and 6 GiB of disk in $TMPDIR or /tmp. Nothing is left, also after Ctrl-C, but the packages that
./run installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "src/gpucloud/lab/packages.txt"
FIRST_S, AGAIN_S = 480.0, 180.0
GIVEN_UP_S = 3600.0
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""As Debian gives it to root (login.defs(5)): no program that somebody keeps elsewhere."""
ENDINGS = ((signal.SIGINT, 120.0), (signal.SIGTERM, 30.0), (signal.SIGKILL, 30.0))
"""What the demo is told when it is to end, and how long that may take. At the first it ends its server."""
_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOWN = 20
"""Lines of a run that failed that are shown."""


class FailedError(Exception):
    """A command did not end well; says which, and its last lines."""


def main() -> int:
    """Print both figures; the exit code says whether both runs went to their end."""
    for wish in _WISHES:
        signal.signal(wish, _interrupt)
    try:
        with _temporary_folder() as folder:
            _measure(folder)
    except KeyboardInterrupt:
        print("interrupted: what was started is ended, the folder is removed", file=sys.stderr)
        return 130
    except (FailedError, OSError) as failed:  # a program that is not there, too
        print(failed, file=sys.stderr)
        return 1
    return 0


def _interrupt(*_: object) -> NoReturn:
    """End at the first wish; a second one must not stop the way back."""
    for wish in _WISHES:
        signal.signal(wish, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gpucloud-first-"))
    try:
        yield folder
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", "--", folder], check=True)


def _measure(folder: Path) -> None:
    clone, environment = folder / "gpucloud", fresh_environment(folder)
    for line in describe_machine():
        print(line)
    print("the first command, in a clone:", flush=True)
    source = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)]
    cloning = _timed(source, folder, environment, folder / "clone.log")
    _tell(clone, environment, FIRST_S, cloning)
    print("the same command once more:", flush=True)
    _tell(clone, environment, AGAIN_S)


def _tell(clone: Path, environment: Mapping[str, str], aim_s: float, cloning_s: float | None = None) -> None:
    """Run the demo and print where its time went: what its report does not name was spent before it began."""
    seconds = _timed(["./run", "demo"], clone, environment, clone.parent / "demo.log")
    report = json.loads((clone / "gpucloud-demo.json").read_text())
    told = [(step["name"], step["seconds"]) for step in report["steps"]]
    before = ("installs", seconds - sum(spent for _, spent in told))
    cloned = [] if cloning_s is None else [("git clone", cloning_s)]
    for name, spent in (*cloned, before, *told):
        print(f"{spent:7.1f} s  {name}")
    print(f"{seconds + (cloning_s or 0):7.1f} s  in all, aim {aim_s:.0f} s", flush=True)


def describe_machine() -> Iterator[str]:
    """What one must know to judge the figures: processors, load, and what was there before."""
    yield f"{os.cpu_count()} processors; load as this begins: {os.getloadavg()[0]:.1f}"
    there, missing = installed_packages()
    yield f"Debian packages that were there before: {' '.join(there) or 'none'}"
    yield f"Debian packages to be installed: {' '.join(missing) or 'none'}"
    yield f"uv: {shutil.which('uv', path=SYSTEM_PATH) or 'to be installed'}"


def installed_packages() -> tuple[list[str], list[str]]:
    """Those of the packages that ./run wants which are installed, and those which are not."""
    wanted = [line.split("#")[0].strip() for line in PACKAGES.read_text().splitlines()]
    names = [name for name in wanted if name]
    query = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names]
    said = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    there = {line.split()[0] for line in said if line.endswith(" installed")}
    return [name for name in names if name in there], [name for name in names if name not in there]


def fresh_environment(folder: Path) -> dict[str, str]:
    """The caller's environment, but the programs of the system alone, and all caches in the folder."""
    own = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT"}
    kept = {name: value for name, value in os.environ.items() if name not in own}
    places = {
        "XDG_CACHE_HOME": "cache",
        "XDG_STATE_HOME": "state",
        "XDG_DATA_HOME": "data",
        "UV_CACHE_DIR": "cache/uv",
        "PIP_CACHE_DIR": "cache/pip",
    }
    return kept | {"PATH": SYSTEM_PATH} | {name: str(folder / place) for name, place in places.items()}


def _timed(argv: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> float:
    """Run a command in a session of its own and give its seconds.

    Raises:
        FailedError: it ended with another code than 0, or not within an hour.
    """
    began = time.monotonic()
    with log.open("wb") as said:
        child = subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = child.wait(GIVEN_UP_S)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_with_all_it_started(child)
    if code != 0:
        lines = log.read_text(errors="replace").splitlines()[-_SHOWN:]
        how = "took too long" if code is None else f"ended with {code}"
        raise FailedError("\n".join([f"'{' '.join(argv)}' {how}; its last lines:", *lines]))
    return time.monotonic() - began


def end_with_all_it_started(child: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and then what is left in its session."""
    for wish, patience_s in ENDINGS:
        if child.poll() is not None:
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            os.killpg(child.pid, wish)
            child.wait(patience_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
