"""Whether hardware virtualization works here: tried with a guest of a few instructions, not read from a flag.

/dev/kvm may exist and yet fail (``failed to set MSR``) or hang: in containers, and inside other virtual
machines.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from gpucloud.lab.machine.render import KVM, QEMU, TCG, Accelerator
from gpucloud.lab.process import run
from gpucloud.model.failure import Failure

PROBE_TIMEOUT_S = 10
_EXIT_PORT = 0xF4
_ANSWER = 0x21
_BOOT_SECTOR = bytes([0xBA, _EXIT_PORT, 0x00, 0xB0, _ANSWER, 0xEE, 0xF4]).ljust(510, b"\0") + b"\x55\xaa"
"""mov dx, 0xf4; mov al, 0x21; out dx, al; hlt: the least that shows instructions being run."""
_EXIT_CODE = _ANSWER << 1 | 1
"""What QEMU's isa-debug-exit makes of the answer."""


def choose_accelerator(
    cache: Path,
    probe: Callable[[], bool] | None = None,
    *,
    proc: Path = Path("/proc"),
    device: Path = Path("/dev/kvm"),
    modules: Path = Path("/sys/module"),
) -> Accelerator:
    """KVM where a probe shows that it works and that servers can have a /dev/kvm too; else emulation.

    The answer is kept until this machine is booted again.
    """
    if not device.exists() or not has_nested(modules):
        return TCG
    boot_id = (proc / "sys/kernel/random/boot_id").read_text().strip()
    kept = cache / "kvm.json"
    works = _known_answer(kept, boot_id)
    if works is None:
        works = (probe or probe_kvm)()
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"boot_id": boot_id, "works": works}))
    return KVM if works else TCG


def _known_answer(kept: Path, boot_id: str) -> bool | None:
    try:
        known = json.loads(kept.read_text())
        return bool(known["works"]) if known["boot_id"] == boot_id else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def has_nested(modules: Path) -> bool:
    """Whether KVM gives its guests virtualization of their own, which a server needs for its guests."""
    values = [modules / name / "parameters/nested" for name in ("kvm_intel", "kvm_amd")]
    return any(value.is_file() and value.read_text().strip() in {"Y", "1"} for value in values)


def probe_kvm(run_program: Callable[[list[str]], int] | None = None) -> bool:
    """Whether a guest runs under KVM: it must answer within ten seconds."""
    with tempfile.NamedTemporaryFile(prefix="gpucloud-kvm-") as disk:
        disk.write(_BOOT_SECTOR)
        disk.flush()
        argv = [
            *(QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35,accel=kvm"),
            *("-cpu", "host", "-m", "64", "-drive", f"file={disk.name},format=raw,if=ide,snapshot=on"),
            *("-device", f"isa-debug-exit,iobase={_EXIT_PORT:#x},iosize=4", "-no-reboot"),
        ]
        return (run_program or _exit_code)(argv) == _EXIT_CODE


def _exit_code(argv: list[str]) -> int:
    try:
        return run(argv, timeout_s=PROBE_TIMEOUT_S, ok=None).code
    except Failure:
        return -1
