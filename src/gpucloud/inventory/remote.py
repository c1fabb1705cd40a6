"""A host read over the system's own ssh, with nothing installed on it but python3, or not even that."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gpucloud.inventory.capture.absences import ByManifest
from gpucloud.inventory.capture.allowlist import COMMANDS, KVM_ANSWER, RULES, Kind
from gpucloud.inventory.capture.reader import CaptureReader
from gpucloud.inventory.collect.envoy import HEAD_LIMIT
from gpucloud.inventory.collect.wire import Stream, parse_stream
from gpucloud.inventory.reader import reason
from gpucloud.model.failure import Exit, Failure

SSH = ("ssh", "-C", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
"""The user's own ssh configuration applies; a question that nobody can answer is refused, not asked."""
_STREAM_LIMIT = 96 * 1024 * 1024
_ERROR_LIMIT = 64 * 1024
_CHUNK = 65536
_BEGIN = "\ngpucloud: facts follow\n"
"""Printed before the facts: a login shell may have greeted already (bash reads .bashrc for ssh, too)."""
_SSH_FAILED = 255
_SCRIPTS = Path(__file__).parent / "collect"
_DESTINATION = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*@)?(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[?[0-9a-fA-F:.]+(?:%[A-Za-z0-9_.-]+)?\]?)",
    re.ASCII,
)


def open_remote(
    host: str, *, ssh: Sequence[str] = SSH, root: str = "", timeout_s: float = 120.0
) -> CaptureReader:
    """Collect a host's facts into memory.

    Args:
        host: ``HOST`` or ``USER@HOST``, as ssh takes it.
        ssh: the command that reaches a host, without the host.
        root: the directory on the host that stands for ``/``.
        timeout_s: how long it may take from the first byte to the last.

    Raises:
        Failure: the name is none, the host cannot be reached, or what it sends is not understood.
    """
    stream = collect_remote(host, ssh=ssh, root=root, timeout_s=timeout_s)
    absences = ByManifest([*(rule.pattern for rule in RULES), KVM_ANSWER, COMMANDS], stream.unread)
    return CaptureReader(host, stream.tree(), absences, has_manifest=True)


def collect_remote(
    host: str, *, ssh: Sequence[str] = SSH, root: str = "", timeout_s: float = 120.0
) -> Stream:
    """Run the collector for python3 on a host, or the one for ``sh`` where there is no python3."""
    if not _DESTINATION.fullmatch(host):
        raise Failure(f"{host!r} is no host for ssh", "give HOST or USER@HOST", code=Exit.USAGE)
    deadline = time.monotonic() + timeout_s
    code, facts, error = _run([*ssh, "--", host, "python3 -"], python_script(root), host, deadline)
    if code not in (0, _SSH_FAILED) and not facts:  # no python3 (127 in most shells), or one too old
        code, facts, error = _run([*ssh, "--", host, "sh -s"], shell_script(root), host, deadline)
    if code:
        what = "cannot be reached" if code == _SSH_FAILED else "could not be read"
        raise Failure(f"{host} {what}: {_last_line(error)}", f"try: ssh {host} true")
    return parse_stream(facts, host)


def python_script(root: str) -> bytes:
    """The collector with its orders, for ``python3 -``."""
    orders = "\n".join(f"{rule.kind} {rule.pattern}" for rule in RULES)
    sources = [(_SCRIPTS / name).read_text() for name in ("envoy.py", "collector.py")]
    begin = f"import sys\n\nsys.stdout.buffer.write({_BEGIN.encode()!r})"
    call = f"Collector({root!r}, sys.stdout.buffer, Envoy().read).collect({orders!r})"
    return "\n\n".join([*sources, begin, call, "sys.stdout.buffer.flush()\n"]).encode()


def shell_script(root: str) -> bytes:
    """The collector with its orders, for a POSIX ``sh``."""
    source = (_SCRIPTS / "collector.sh").read_text()
    prefixes = "|".join(f"{rule.pattern}*" for rule in RULES if rule.kind is Kind.OPEN)
    rules = [rule for rule in RULES if rule.kind is not Kind.OPEN]
    folders = dict.fromkeys(rule.folder for rule in rules)
    calls = [
        f"printf %s {_quoted(_BEGIN)}",
        f"root={_quoted(root)} head_limit={HEAD_LIMIT}",
        source,
        f"is_node() {{ case $1 in {prefixes}) return 0 ;; esac; return 1; }}",
        *(f"{rule.kind} {_quoted(rule.pattern)}" for rule in rules if rule.kind is Kind.LINK),
        *(f"folder {_quoted(folder)}" for folder in folders),
        *(f"{rule.kind} {_quoted(rule.pattern)}" for rule in rules if rule.kind is not Kind.LINK),
        "holders",
        "kvm",
        "echo E",
    ]
    return ("\n".join(calls) + "\n").encode()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _last_line(error: bytes) -> str:
    lines = [line for line in error.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "it said nothing"


def _run(argv: Sequence[str], script: bytes, host: str, deadline: float) -> tuple[int, bytes, bytes]:
    """Run a command with a script on its input: its exit code, the facts it prints, and its errors.

    What it prints is bounded, and so is its time. What a shell prints before the facts is left out.
    """
    with tempfile.TemporaryFile() as orders:
        orders.write(script)
        orders.seek(0)
        try:
            process = subprocess.Popen(argv, stdin=orders, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise Failure(f"{argv[0]} cannot be run: {reason(error)}", "install the OpenSSH client") from None
    with process:
        try:
            output, error_text = _listen(process, host, deadline)
            code = process.wait(max(deadline - time.monotonic(), 0))
            return code, output.partition(_BEGIN.encode())[2], error_text
        except subprocess.TimeoutExpired:
            raise Failure(f"{host} takes too long to answer", f"try: ssh {host} true") from None
        finally:
            process.kill()


def _listen(process: subprocess.Popen[bytes], host: str, deadline: float) -> tuple[bytes, bytes]:
    """Gather both outputs until they end. Of the errors only the last bytes are kept."""
    if process.stdout is None or process.stderr is None:
        raise ValueError("the process has no pipes")
    output, error_text = bytearray(), b""
    with selectors.DefaultSelector() as waiting:
        for pipe in (process.stdout, process.stderr):
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(max(deadline - time.monotonic(), 0))
            if not ready:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _ in ready:
                data = os.read(key.fd, _CHUNK)
                if not data:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    output += data
                else:
                    error_text = (error_text + data)[-_ERROR_LIMIT:]
            if len(output) > _STREAM_LIMIT:
                raise Failure(
                    f"{host} sends more than {_STREAM_LIMIT} bytes", f"is it what you mean? ssh {host}"
                )
    return bytes(output), error_text
