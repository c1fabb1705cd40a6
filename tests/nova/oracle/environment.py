"""Nova's own releases, unpacked where they can be run: the judge of what ``gpucloud.nova`` says.

One virtual environment with what nova 34.0.0 needs (``constraints.txt``), and beside it the packages of the
other releases, merely unpacked: put first on the path, each runs with the newest dependencies (``shim.py``).
Made once, in the cache of the user; nothing of it is in this repository.
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

from gpucloud.lab.cache import cache_folder, ensure
from gpucloud.lab.process import run

_HERE = Path(__file__).parent
_CONSTRAINTS = _HERE / "constraints.txt"

PACKAGES = {
    "15.1.5": "5e45feb06e42d63cc0a6d544925c2086734a203ba09f68dc4eb4d4a3cc7cbc74",
    "16.1.8": "9d467ccaf790aaa3c4e58c6cedadde776be0992211a9188716afe865df0a9302",
    "17.0.13": "18b0fafbb09ec4bdf231771a5248b854dd062e942269b7a8c31aa35d82eb4160",
    "18.3.0": "e883ded356970820f5c17e7c3751cb4827aca80913df47476ddea4a8d1de2378",
    "19.3.2": "a58223f431bd05eab0b8599065bc0956db46c5b29f818d97f38b355e0e38d2d9",
    "20.6.1": "f91a8ce64b9f708cfb4740dc6f9d056436db2e5870dc9cdc775192f7714828f9",
    "21.2.4": "bcc0c182c177ac98c4b20265d844d73b1f24b7202f7f3dee8e33852ea6ba5b71",
    "22.2.0": "654c154ca308d33833e033b32344f7b09cff54a953636de29337cd0466a45da2",
    "22.4.0": "07804f6f172f5fcc50843f9e1f94bdc7daa14314ee2f229e3b64a8db32492e2f",
    "23.2.2": "a98a0f1c077288783a243f7324ee80ebf222f6c3927333a2036338b1985db283",
    "24.2.1": "fc1b30feb27e26e2ba7365e3df6f8fa4d7048d5bb232b5f32fba2ca6517255ce",
    "25.3.0": "57bd58590db0a64f243a096834976f8de22d42deb5a34268d07c485cf1976491",
    "26.3.0": "065a27b3ded483ea044678cb29e5d9ef57160bc9330fecd88104615686c1dae5",
    "27.5.1": "f90d3ec99719d82b08f0395b9294844b3ed40aa00a0d316f1061f11612bfaaf5",
    "28.3.1": "29174fb8ea135e3ca0555402bc09226602d86cfa066cdce448d56193497b9ec5",
    "29.4.0": "7affb52d776dbe12f13cda0318e6127513cb42d5925fe03b25241d9c8d81450b",
    "30.3.0": "bb1f413492a560bf4536f8729f1fcf8a5789e5b1fba948ef466651cb1254cb09",
    "31.3.0": "b74865bead5593bd40afcb953a01e26c897dabd197970f1da98fd68794c7f90e",
    "31.3.1": "961dd8dfb2789051b0d179d1cb38dc4df7e83720b8b721259aa7ecfac943942a",
    "32.2.1": "229027874d9c331201493648a4d2302f590f3cc79eff8af566d5ea5c6dc11af2",
    "33.0.2": "efe822af7a4aaec5ed96186026e024b99dee1c77e528d231e060601d4be3560f",
    "34.0.0": "8b46997836961762608e6e46e6d4945325d8a1fb8004e79e552e55839061f10c",
}
"""The releases that judge, with the SHA-256 of their packages: the newest of every series that can be
installed, and those before a change inside a series. There is no package of 13 and 14."""


def python_of() -> Path:
    """The interpreter that has what nova 34.0.0 needs; made if it is not there."""
    digest = hashlib.sha256(_CONSTRAINTS.read_bytes()).hexdigest()[:12]
    name = f"environment-{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    return ensure(_folder() / name, _make_environment) / "bin" / "python"


def source_of(version: str) -> Path:
    """The folder that holds the package ``nova`` of a release; made if it is not there.

    Raises:
        KeyError: it is not there, and there is no package of that release.
    """
    return ensure(_folder() / f"nova-{version}", lambda folder: _unpack(version, folder))


def _folder() -> Path:
    return cache_folder().parent / "nova-oracle"


def _make_environment(folder: Path) -> None:
    run([sys.executable, "-m", "venv", str(folder)], timeout_s=300)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--no-deps", "--requirement", str(_CONSTRAINTS)], timeout_s=900)


def _unpack(version: str, folder: Path) -> None:
    known = PACKAGES[version]
    pip = [str(python_of()), "-m", "pip", "download", "--quiet"]
    options = ["--disable-pip-version-check", "--no-deps", "--ignore-requires-python", "--only-binary=:all:"]
    run([*pip, *options, "--dest", str(folder), f"nova=={version}"], timeout_s=300)
    (package,) = folder.glob("*.whl")
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != known:
        raise RuntimeError(f"the package of nova {version} is not the known one: SHA-256 {found}")
    with zipfile.ZipFile(package) as archive:
        wanted = [name for name in archive.namelist() if not name.startswith(("nova/locale/", "nova/tests/"))]
        archive.extractall(folder, wanted)
    package.unlink()
