"""dpkg, rpm, NVIDIA's installer and systemctl where nothing is installed: they act on files below a root.

They end and speak as dpkg-query(1), rpm(8), modinfo(8) and systemctl(1) do; ``test_software.py`` lets the
real dpkg do the same on a root of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpucloud.slices.driver.package import HEAD_BYTES, parse_package


@dataclass
class FakePackages:
    """What is installed: name to version; a service is there with any of them."""

    root: Path
    runs: list[str] = field(default_factory=list)
    lacks: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    """What apt-get would install beside."""
    breaks: bool = False
    """dpkg unpacks the next package and cannot configure it."""

    @property
    def there(self) -> dict[str, str]:
        file = self.root / "packages"
        return json.loads(file.read_text()) if file.exists() else {}

    def keep(self, there: dict[str, str]) -> None:
        file = self.root / "packages"
        if there:
            file.write_text(json.dumps(dict(sorted(there.items()))))
        else:
            file.unlink(missing_ok=True)
            for link in self.root.glob("etc/systemd/system/multi-user.target.wants/nvidia-vgpu*"):
                link.unlink()  # systemd's own scripts in packages do so when they are purged

    def run(self, argv: Sequence[str]) -> None:
        self.runs.append(" ".join(argv))
        match list(argv):
            case ["dpkg", "--force-confold", "--install", file]:
                package = parse_package(Path(file).name, Path(file).read_bytes()[:HEAD_BYTES])
                if self.breaks:
                    self.breaks = False
                    self.keep(self.there | {package.name: "unpacked"})
                    raise OSError("'dpkg' ended with 1: Errors were encountered while processing")
                self.keep(self.there | {package.name: f"{package.version}"})
            case ["rpm", "-U", "--oldpackage", file]:
                package = parse_package(Path(file).name, Path(file).read_bytes()[:HEAD_BYTES])
                self.keep(self.there | {package.name: f"9.4-{package.version}"})
            case ["dpkg", "--purge", name] | ["rpm", "-e", name]:
                self.keep({each: version for each, version in self.there.items() if each != name})
            case ["sh", file, "--silent", "--dkms"]:
                self.keep({"nvidia": f"{parse_package(Path(file).name, b'#!').version}"})
            case ["sh", _, "--uninstall", "--silent"]:
                self.keep({})
            case ["systemctl", "enable" | "disable" as what, name]:
                self._enable(name, is_on=what == "enable")
            case ["systemctl", "restart", "nvidia-gridd"]:
                conf = self.root / "etc/nvidia/gridd.conf"
                served = self.root / "run-gridd"
                served.write_text(conf.read_text()) if conf.exists() else served.unlink(missing_ok=True)
            case other:
                raise AssertionError(other)

    def ask(self, argv: Sequence[str]) -> str:
        match list(argv):
            case ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\\n", pattern]:
                return self._listed(pattern) or _ends(1, f"dpkg-query: no packages found matching {pattern}")
            case ["rpm", "-qa", "--qf", _, pattern]:
                return self._listed(pattern)
            case ["modinfo", "-F", "version", "nvidia"]:
                return self.there.get("nvidia") or _ends(1, "modinfo: ERROR: Module nvidia not found.")
            case ["sha256sum", file]:
                return f"{hashlib.sha256(Path(file).read_bytes()).hexdigest()}  {file}\n"
            case ["apt-get", "-s", "install", "--allow-downgrades", _]:
                away = "".join(f"Remv {name} [1.0]\n" for name in self.rivals)
                return away + "".join(f"Inst {name} (1.0 Debian:12 [amd64])\n" for name in self.lacks)
            case ["systemctl", "is-enabled", name]:
                return "enabled\n" if self._link(name).is_symlink() else _ends(1, "disabled")
            case other:
                raise AssertionError(other)

    def _listed(self, pattern: str) -> str:
        rows = (
            f"{name} {version if version == 'unpacked' else 'installed'} {version}\n"
            for name, version in self.there.items()
            if Path(name).match(pattern)
        )
        return "".join(rows)

    def _link(self, name: str) -> Path:
        return self.root / f"etc/systemd/system/multi-user.target.wants/{name}.service"

    def _enable(self, name: str, *, is_on: bool) -> None:
        if not self.there:
            _ends(1, f"Failed to enable unit: Unit file {name}.service does not exist.")
        self._link(name).parent.mkdir(parents=True, exist_ok=True)
        if is_on:
            self._link(name).symlink_to("/usr/lib/systemd/system/x")
        else:
            self._link(name).unlink()


def _ends(code: int, said: str) -> str:
    raise OSError(f"it ended with {code}: {said}")


Ask = Callable[[Sequence[str]], str]
