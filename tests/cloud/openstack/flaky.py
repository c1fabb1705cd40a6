"""A way to a cloud on which requests and answers go wrong, in the order of a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import RLock
from typing import Any

from tests.cloud.openstack.publishing import send_to
from tests.cloud.openstack.server_state import ServersState

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import refusal
from gpucloud.model.failure import Failure

FAULTS = ("ok", "500", "503", "409", "403", "429", "lost", "late", "down", "gone", "interrupt")
"""``lost``: done, and the answer does not come; ``late``: the same, and done only some requests later;
``gone``: a delete is done, and answered with 404; ``interrupt``: Ctrl-C, once, while the answer comes."""
_LATER = 3


class Flaky:
    """Sends as `send_to` does, but for what the script says of each request; after its end all goes well."""

    def __init__(self, state: ServersState, script: Iterable[str]) -> None:
        self._send: Callable[[Call], Any] = send_to(state)
        self._script = list(script)
        self._late: list[tuple[int, Call]] = []
        self._was_interrupted = False
        self._lock = RLock()

    def __call__(self, call: Call) -> Any:
        with self._lock:
            return self._answer(call)

    def _answer(self, call: Call) -> Any:
        self._do_what_is_late()
        what, fault = f"{call.method} {call.path}", self._script.pop(0) if self._script else "ok"
        if fault.isdigit():
            raise refusal(what, int(fault), b'{"fault": {"message": "injected"}}')
        if fault == "down":
            raise Failure(f"{what}: cannot be reached")
        if fault == "late":
            self._late.append((_LATER, call))
            raise Failure(f"{what}: does not answer in time")
        answer = self._send(call)
        if fault == "lost":
            raise Failure(f"{what}: the answer broke off")
        if fault == "gone" and call.method == "DELETE":
            raise refusal(what, 404, b"")
        if fault == "interrupt" and not self._was_interrupted:
            self._was_interrupted = True
            raise KeyboardInterrupt
        return answer

    def finish(self) -> None:
        """Let all come that is still on its way."""
        while self._late:
            self._do_what_is_late()

    def _do_what_is_late(self) -> None:
        due = [call for left, call in self._late if left == 0]
        self._late = [(left - 1, call) for left, call in self._late if left > 0]
        for call in due:
            try:
                self._send(call)
            except Failure:
                continue  # nobody waits for that answer any more
