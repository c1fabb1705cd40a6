"""The second way to a report: QEMU's agent in the guest, where the image has one and lets it run programs.

Source: QEMU, docs/interop/qemu-ga-ref: ``guest-exec`` starts a program, ``guest-exec-status`` tells how
it went. Distributions of the RHEL family forbid both by default; then the console is the only way.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from gpucloud.cloud.report import REPORT_SCRIPT

Ask = Callable[[str], str | None]
"""Sends a command to the agent; None where no agent answers."""

_LOOKS = 10


def ask_for_report(ask: Ask, nonce: str, wait: Callable[[], None]) -> str:
    """Have the agent print the report; gives its text, empty where that did not work."""
    program = {
        "path": "/bin/sh",
        "arg": ["-c", f"{REPORT_SCRIPT}\ngpucloud_report {nonce}"],
        "capture-output": True,
    }
    pid = _call(ask, "guest-exec", program).get("pid")
    if not isinstance(pid, int):
        return ""
    for _ in range(_LOOKS):
        status = _call(ask, "guest-exec-status", {"pid": pid})
        if status.get("exited"):
            return _decode(status.get("out-data"))
        wait()
    return ""


def _call(ask: Ask, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Send one command; gives what it returned, nothing where the answer is not of that form."""
    answer = ask(json.dumps({"execute": command, "arguments": arguments}))
    try:
        said = json.loads(answer or "{}")
    except ValueError:
        return {}
    result = said.get("return") if isinstance(said, dict) else None
    return result if isinstance(result, dict) else {}


def _decode(data: object) -> str:
    try:
        return base64.b64decode(str(data), validate=True).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return ""
