"""An operator's package of a driver installed and removed by what keeps packages, and looked at there.

A .run keeps no list of packages: what it has installed is its modules. Sources: dpkg(1), dpkg-query(1),
rpm(8), modinfo(8); NVIDIA's installer, ``--silent``, ``--dkms``, ``--uninstall``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gpucloud.model.change import Installed, InstallPackage
from gpucloud.prepare.steps.seen import Difference, NotAsPlannedError, StepError
from gpucloud.slices.driver.package import driver_version

if TYPE_CHECKING:
    from gpucloud.prepare.system import System

By = Literal["deb", "rpm", "run"]
RUN_NAME = "nvidia"
"""What a .run is called here; its module, too."""
HALF = "half installed"
_WHOLE = "installed"
_GONE = ("config-files", "not-installed")
_DEB = "${Package} ${db:Status-Status} ${Version}\\n"
_RPM = f"%{{NAME}} {_WHOLE} %{{VERSION}}-%{{RELEASE}}\\n"
_ABSENT = ("no packages found", "is not installed", "not found")
"""What dpkg-query, rpm and modinfo say of what is not there; each ends with 1 then."""


def do_install(change: InstallPackage, system: System) -> None:
    """Install it; nothing to do where it is there already.

    Raises:
        NotAsPlannedError: there is neither what was nor what is to be, or the package is another file now.
        StepError: it could not be installed.
    """
    if _is_there(change.after, change.by, system):
        return
    _refuse_foreign(change, system)
    _check(change, system)
    before = change.before
    if before is not None and before.name != change.after.name and _is_there(before, change.by, system):
        _run(_removal(before, change.by), system)
    _run(_installation(change.after, change.by), system)
    if not _is_there(change.after, change.by, system):
        raise StepError(f"{change.after.name} {change.after.version} is not there after it was installed")


def undo_install(change: InstallPackage, system: System, *, force: bool) -> None:
    """Have what was before; with ``force`` in place of whatever is there."""
    if not force:
        _refuse_foreign(change, system)
    after, before = change.after, change.before
    is_other = before is None or before.name != after.name
    if is_other and read_version(change.by, after.name, system) is not None:
        _run(_removal(after, change.by), system)
    if before is not None and not _is_there(before, change.by, system):
        _run(_installation(before, change.by), system)
    if before is not None and not _is_there(before, change.by, system):
        raise StepError(f"{before.name} {before.version} is not there after it was installed again")
    if is_other and read_version(change.by, after.name, system) is not None:
        raise StepError(f"{after.name} is still there after it was removed")


def preview_install(change: InstallPackage) -> Difference:
    """The package before and after."""
    before = None if change.before is None else f"{change.before.name} {change.before.version}"
    return Difference("the driver's package", before, f"{change.after.name} {change.after.version}")


def read_version(by: By, name: str, system: System) -> str | None:
    """Version of the driver that a package has installed; `HALF` where it was cut off; None: it is not there.

    Raises:
        StepError: it cannot be asked.
    """
    found = read_installed(by, name, system)
    return found[0][1] if found else None


def read_installed(by: By, pattern: str, system: System) -> tuple[tuple[str, str], ...]:
    """Names and driver's versions of the packages that a pattern names; errors as of ``read_version``."""
    try:
        said = system.ask_tool(_question(by, pattern))
    except OSError as error:
        if any(word in str(error) for word in _ABSENT):
            return ()
        raise StepError(f"what is installed cannot be asked: {error}") from error
    rows = [f"{RUN_NAME} {_WHOLE} {said.strip()}"] if by == "run" else said.splitlines()
    found = []
    for row in rows:
        name, _, rest = row.partition(" ")
        status, _, text = rest.partition(" ")
        version = driver_version(text)
        if status and status not in _GONE:
            is_whole = status == _WHOLE and isinstance(version, str)
            found.append((name, version if is_whole and isinstance(version, str) else HALF))
    return tuple(found)


def _question(by: By, pattern: str) -> tuple[str, ...]:
    match by:
        case "deb":
            return ("dpkg-query", "-W", "-f", _DEB, pattern)
        case "rpm":
            return ("rpm", "-qa", "--qf", _RPM, pattern)
        case "run":
            return ("modinfo", "-F", "version", RUN_NAME)


def _installation(package: Installed, by: By) -> tuple[str, ...]:
    match by:
        case "deb":
            return ("dpkg", "--force-confold", "--install", package.file)
        case "rpm":
            return ("rpm", "-U", "--oldpackage", package.file)
        case "run":
            return ("sh", package.file, "--silent", "--dkms")


def _removal(package: Installed, by: By) -> tuple[str, ...]:
    match by:
        case "deb":
            return ("dpkg", "--purge", package.name)
        case "rpm":
            return ("rpm", "-e", package.name)
        case "run":
            return ("sh", package.file, "--uninstall", "--silent")


def _is_there(package: Installed, by: By, system: System) -> bool:
    return read_version(by, package.name, system) == package.version


def _refuse_foreign(change: InstallPackage, system: System) -> None:
    known = [each for each in (change.before, change.after) if each is not None]
    for name in dict.fromkeys(each.name for each in known):
        version = read_version(change.by, name, system)
        if version not in (None, HALF, *(each.version for each in known if each.name == name)):
            raise NotAsPlannedError(f"somebody else has installed {name} {version}")


def _check(change: InstallPackage, system: System) -> None:
    try:
        said = system.ask_tool(("sha256sum", change.after.file))
    except OSError as error:
        raise NotAsPlannedError(f"{change.after.file} cannot be read: {error}") from error
    if said.split()[:1] != [change.sha256]:
        raise NotAsPlannedError(f"{change.after.file} is not the file that the plan was made for")


def _run(argv: tuple[str, ...], system: System) -> None:
    try:
        system.run_tool(argv)
    except OSError as error:
        raise StepError(str(error)) from error
