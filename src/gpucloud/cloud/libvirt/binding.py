"""libvirt's Python module: the distribution has it, for the distribution's own Python."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from gpucloud.cloud.packages import install_line
from gpucloud.model.failure import Failure

_SYSTEM_FOLDERS = (
    "/usr/lib/python3/dist-packages",
    "/usr/lib64/python{version}/site-packages",
    "/usr/lib/python{version}/site-packages",
)
"""Where distributions put Python modules, which a virtual environment does not look into."""

_SYSTEM_PYTHON = Path("/usr/bin/python3")
_SYSTEM_PACKAGES = re.compile(r"^include-system-site-packages\s*=\s*true\s*$", re.IGNORECASE | re.MULTILINE)
"""In ``pyvenv.cfg``. Source: Python's site.py, venv()."""


def import_system_module(name: str, system_python: Path = _SYSTEM_PYTHON) -> ModuleType:
    """Import a Python module that only the distribution has, also from a virtual environment.

    PyPI has no built libvirt binding; Debian's is made for the Python of the same Debian.

    Raises:
        Failure: it is not installed, or is made for another Python.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    kept = list(sys.path)
    sys.path += [folder.format(version=version) for folder in _SYSTEM_FOLDERS]
    try:
        return import_module(name)
    except ImportError as error:
        raise Failure(
            f"guests need libvirt's Python module, and Python {version} finds none ({error})",
            advice(version, system_python.resolve().name),
        ) from error
    finally:
        sys.path[:] = kept


def advice(version: str, system: str) -> str:
    """What to install.

    Args:
        version: of the running Python, as ``3.11``.
        system: what the distribution's own is called, as ``python3.10``.
    """
    if system in (f"python{version}", _SYSTEM_PYTHON.name):
        is_venv = sys.prefix != sys.base_prefix
        return install_line("python3-libvirt", "libvirt") + venv_advice(Path(sys.prefix), is_venv=is_venv)
    needs = install_line("libvirt", "libvirt-headers", "gcc", "pkg-config")
    return (
        f"the distribution's is for {system}: build one for this Python: {needs} and the headers of "
        f"python{version}, then {sys.executable} -m pip install libvirt-python"
    )


def venv_advice(prefix: Path, *, is_venv: bool) -> str:
    """What else it takes in a virtual environment that does not look at the system's packages.

    Args:
        prefix: where the running Python's environment is, with its ``pyvenv.cfg``.
        is_venv: it is a virtual environment.
    """
    if not is_venv:
        return ""
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        settings = ""
    if _SYSTEM_PACKAGES.search(settings):
        return ""
    return (
        f"; and {prefix} does not see the system's packages: install gpucloud where they are seen: "
        "/usr/bin/python3 -m venv --system-site-packages /opt/gpucloud"
    )
