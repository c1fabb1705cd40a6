"""What a run tells `gpucloud`: one line of JSON for each thing that happens. For programs, not for people."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: events
type: stdout
short_description: Events as lines of JSON, for gpucloud
description: Tells of hosts, tasks, answers of the module gpucloud.host.gpucloud, and of what failed.
"""

MODULE = "gpucloud.host.gpucloud"
NOTES = "gpucloud_note_"
SILENT = "gpucloud_silent"


class CallbackModule(CallbackBase):
    """Every event has ``event``, and ``host`` where it is one host's."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "gpucloud.host.events"

    def _tell(self, event: str, **fields: Any) -> None:
        line = json.dumps({"event": event, "at_s": round(time.time(), 3), **fields}, default=str)
        self._display.display(line, screen_only=True)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        hosts = play.get_variable_manager().get_vars(play=play)["ansible_play_hosts_all"]
        self._tell("hosts", hosts=[str(host) for host in hosts])

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        if SILENT not in task.tags:
            self._tell("begins", host=host.get_name(), task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        self._answer(result)
        for name, value in (result._result.get("ansible_facts") or {}).items():
            if name.startswith(NOTES):
                self._tell("note", host=result._host.get_name(), name=name[len(NOTES) :], value=str(value))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._answer(result)
        if not ignore_errors and SILENT not in result._task.tags:
            self._fails("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._fails("unreachable", result)

    def _fails(self, event: str, result: Any) -> None:
        said = result._result
        why = said.get("msg") or said.get("stderr") or "no reason was given"
        self._tell(event, host=result._host.get_name(), task=result._task.get_name(), why=str(why))

    def _answer(self, result: Any) -> None:
        answer = result._result.get("answer")
        if result._task.resolved_action == MODULE and answer:
            self._tell("answer", host=result._host.get_name(), answer=answer)
