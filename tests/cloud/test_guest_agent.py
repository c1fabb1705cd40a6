"""The agent in a guest is a second way to a report, and as little believed as the console."""

from __future__ import annotations

import pytest

from gpucloud.cloud.libvirt.agent import ask_for_report


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "",
        "no json",
        "[]",
        '{"return": 3}',
        '{"return": {"pid": "7"}}',
        '{"error": {"class": "CommandDisabled"}}',
    ],
)
def test_an_agent_that_does_not_answer_well_has_no_report(answer: str | None) -> None:
    assert ask_for_report(lambda _: answer, "0" * 32, lambda: None) == ""


@pytest.mark.parametrize("data", ["null", '"***"', '"/w=="'])
def test_an_agents_output_is_hostile_too(data: str) -> None:
    def ask(command: str) -> str:
        if "status" in command:
            return f'{{"return": {{"exited": true, "out-data": {data}}}}}'
        return '{"return": {"pid": 7}}'

    assert "gpucloud" not in ask_for_report(ask, "0" * 32, lambda: None)
