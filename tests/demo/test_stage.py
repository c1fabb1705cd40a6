"""The story stops at the first act that fails, keeps the evidence, and always closes the theatre."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gpucloud.cli.demo import tell
from gpucloud.demo.acts import ACTS, Play, Seen, Set
from gpucloud.demo.report import render_json, render_lines, render_page
from gpucloud.demo.stage import Evidence, play_story
from gpucloud.demo.story import Act, Story
from gpucloud.demo.theatre import LabTheatre
from gpucloud.lab.process import Completed
from gpucloud.model.failure import Exit, Failure

FUNCTIONS = [
    {"address": "0000:00:10.0", "id": "1002:5046", "driver": "radeonfb", "device_name": "Rage 128"},
    {"address": "0000:00:10.1", "id": "8086:2668", "driver": "snd_hda_intel"},
]
SCAN = {"host": {}, "units": [{"uses": ["passthrough"], "functions": FUNCTIONS}]}
KERNEL = (
    "[    0.415206] pci 0000:00:00.0: [8086:29c0] type 00 class 0x060000\n"
    "[    0.486120] pci 0000:02:00.0: [1002:5046] type 00 class 0x030000\n"
    "[    0.501313] pci 0000:02:00.1: [8086:2668] type 00 class 0x040300\n"
)
"""What the kernel of a guest with the card prints on its console."""
REPORT = "0000:02:00.0 1002:5046\n0000:02:00.1 8086:2668\n"
"""What a program in the guest says; no kernel printed it."""
DRIVERS = "0000:00:10.0 driver radeonfb override (null)\n0000:00:10.1 driver snd_hda_intel override (null)\n"


class Answers:
    """A server that knows the answers a healthy server gives; some can be changed."""

    def __init__(self, **changed: str | int) -> None:
        self.changed = changed
        self.typed: list[str] = []

    def run(self, argv: Sequence[str], *, timeout_s: float) -> Completed:
        line = " ".join(argv)
        self.typed.append(line)
        for words, answer in self.changed.items():
            if words.replace("_", " ") in line:
                return (
                    Completed("", "it broke", answer) if isinstance(answer, int) else Completed(answer, "", 0)
                )
        return self._healthy(argv, line)

    def _healthy(self, argv: Sequence[str], line: str) -> Completed:
        if argv[0] == "sh":
            answers = {
                "driver_override": DRIVERS,
                "find /": "/etc/fstab\tf 644\n",
                "cat": '{"plan": {"steps": [1, 2]}}',
            }
            return Completed(next(text for words, text in answers.items() if words in line), "", 0)
        match argv[1], "--format" in argv:
            case "scan", True:
                return Completed(json.dumps(SCAN), "", 0)
            case "doctor", True:
                found = {"source": "here", "findings": [{"level": "blocker", "title": "a driver holds it"}]}
                return Completed(json.dumps(found), "", 3)
            case "doctor", False:
                return Completed("a driver holds it", "", 3)
            case "show", _:
                return Completed(json.dumps({"seen": [{"id": "1002:5046"}, {"id": "8086:2668"}]}), "", 0)
            case "console", _:
                return Completed(KERNEL + REPORT, "", 0)
            case "list", _:
                return Completed("[]", "", 0)
            case _:
                return Completed("done", "", 0)


@dataclass
class Theatre:
    """A theatre that counts what is asked of it."""

    server: Answers = field(default_factory=Answers)
    closed: int = 0
    kept: int = 0

    def prepare(self) -> str:
        return "found"

    def open(self) -> Answers:
        return self.server

    def keep_evidence(self) -> Evidence:
        self.kept += 1
        return Evidence(("/kept/console.log", "/kept/qemu.log"), "the server could not be asked")

    def close(self) -> None:
        self.closed += 1


class Quiet:
    def leaves(self) -> None:
        """Nothing turns."""

    def begins(self, name: str, purpose: str) -> None:
        assert name
        assert purpose.endswith(".")

    def ended(self, act: Act) -> None:
        assert act.name


def play(theatre: Theatre, acts: Sequence[tuple[str, Play]] = ACTS) -> Story:
    return play_story(theatre, Quiet(), acts, clock=_steps())


def _steps() -> Callable[[], float]:
    ticks = iter(range(1000))
    return lambda: float(next(ticks))


def test_a_healthy_server_is_restored_and_its_guest_saw_both_functions() -> None:
    theatre = Theatre()
    story = play(theatre)
    assert story.is_ok
    assert story.guest_saw == ("1002:5046", "8086:2668", "8086:29c0")
    assert (theatre.closed, theatre.kept) == (1, 0)


@pytest.mark.parametrize(
    ("broken", "act", "says"),
    [
        ({"gpucloud_apply": 5}, "apply", "ended with 5: it broke"),
        ({"gpucloud_show": '{"seen": [{"id": "1002:5046"}]}'}, "launch", "does not see 8086:2668"),
        ({"gpucloud_console": "nothing here"}, "console", "names 1002:5046 8086:2668"),
        ({"gpucloud_console": REPORT}, "console", "no line of the guest's kernel"),
        ({"gpucloud_console": KERNEL.replace("2668", "2669")}, "console", "names 8086:2668"),
        ({"gpucloud_console": KERNEL.replace("02:00.1", "03:00.1")}, "console", "not in one slot"),
        ({"gpucloud_console": KERNEL.replace("02:00.1", "02:00.2")}, "console", "not in one slot"),
        ({"gpucloud_list": '[{"name": "demo"}]'}, "destroy", "left behind"),
        ({"gpucloud_scan --format": '{"host": {}, "units": []}'}, "scan", "no GPU"),
        ({"gpucloud_show": "no JSON"}, "launch", "is not understood"),
    ],
)
def test_the_first_act_that_fails_is_the_last_and_says_why(
    broken: dict[str, str | int], act: str, says: str
) -> None:
    theatre = Theatre(Answers(**broken))
    story = play(theatre)
    assert not story.is_ok
    assert not story.host_restored
    assert story.acts[-1].name == act
    assert says in story.acts[-1].result
    assert (theatre.closed, theatre.kept) == (1, 1)


def test_what_a_guest_reports_again_and_again_is_shown_once() -> None:
    said = KERNEL + REPORT
    story = play(Theatre(Answers(gpucloud_console=KERNEL + REPORT * 8)))
    assert next(act.output for act in story.acts if act.name == "console") == said.rstrip()


def test_what_a_guest_reports_is_not_what_its_kernel_printed() -> None:
    """A launch that went well fills nothing in: its report stands on the same console."""
    story = play(Theatre(Answers(gpucloud_console=REPORT)))
    assert story.guest_saw == ()
    assert json.loads(render_json(story))["guest_saw"] == []


def test_a_driver_that_did_not_come_back_is_told() -> None:
    class Forgetful(Answers):
        def run(self, argv: Sequence[str], *, timeout_s: float) -> Completed:
            done = super().run(argv, timeout_s=timeout_s)
            undone = any("undo" in line for line in self.typed)
            return Completed(done.stdout.replace("radeonfb", "none"), "", 0) if undone else done

    story = play(Theatre(Forgetful()))
    assert story.acts[-1].name == "compare"
    assert "0000:00:10.0: was driver radeonfb override (null), is driver none" in story.acts[-1].result


def test_the_theatre_is_closed_when_the_user_interrupts_and_the_story_so_far_is_told() -> None:
    def interrupt(stage: Set) -> Seen:
        """Press Ctrl-C."""
        raise KeyboardInterrupt

    theatre, story = Theatre(), Story()
    with pytest.raises(KeyboardInterrupt):
        play_story(theatre, Quiet(), [("interrupt", interrupt)], clock=_steps(), story=story)
    assert theatre.closed == 1
    assert [(act.name, act.is_ok, act.result) for act in story.acts[-1:]] == [
        ("interrupt", False, "interrupted")
    ]


def test_a_failed_story_says_which_step_failed_why_and_what_was_kept() -> None:
    story = play(Theatre(Answers(gpucloud_apply=5)))
    facts = json.loads(render_json(story))
    assert facts["ok"] is False
    assert [step["ok"] for step in facts["steps"][-2:]] == [True, False]
    assert "ended with 5: it broke" in facts["steps"][-1]["failure"]
    assert facts["evidence"] == ["/kept/console.log", "/kept/qemu.log"]
    kept = "/kept: console.log, qemu.log; the server could not be asked"
    assert render_lines(story)[-1] == f"evidence kept  {kept}"
    assert kept in render_page(story)
    assert "journal" not in story.acts[-1].result


def test_nobody_is_sent_to_end_a_server_that_the_story_ends_itself() -> None:
    class Dying(Answers):
        def run(self, argv: Sequence[str], *, timeout_s: float) -> Completed:
            if "apply" in argv:
                raise Failure("the server demo-1 does not run any more", "gpucloud lab down demo-1")
            return super().run(argv, timeout_s=timeout_s)

    assert play(Theatre(Dying())).acts[-1].result == "the server demo-1 does not run any more"


def test_evidence_that_cannot_be_kept_does_not_hide_why_the_story_failed() -> None:
    class Full(Theatre):
        def keep_evidence(self) -> Evidence:
            raise OSError(28, "No space left on device")

    story = play(Full(Answers(gpucloud_apply=5)))
    assert "it broke" in story.acts[-1].result
    assert "No space left on device" in render_lines(story)[-1]


def test_a_server_that_does_not_boot_ends_the_story_with_its_reason() -> None:
    class Dark(Theatre):
        def open(self) -> Answers:
            raise Failure("the server did not come up", "read console.log")

    story = play(Dark())
    assert [act.name for act in story.acts] == ["image", "boot"]
    assert story.acts[-1].result == "the server did not come up; read console.log"


def test_reports_agree_and_the_page_escapes_what_a_server_said() -> None:
    story = play(Theatre())
    story.acts.append(Act("evil", 1.0, "<script>alert(1)</script>", output="<b>&\x1b"))
    facts = json.loads(render_json(story))
    assert facts["guest_saw"] == ["1002:5046", "8086:2668", "8086:29c0"]
    assert facts["host_restored"] is True
    image = {"name": "image", "seconds": 1.0, "ok": True, "result": "found", "failure": None}
    assert facts["steps"][0] == image
    page = render_page(story)
    assert "<script>" not in page
    assert "1002:5046 and 8086:2668" in page
    assert any("1002:5046 8086:2668" in line for line in render_lines(story))


@pytest.mark.parametrize("ends", [Failure("the server did not come up"), KeyboardInterrupt()])
def test_the_reports_are_written_however_the_story_ends(ends: BaseException, tmp_path: Path) -> None:
    class Dark(Theatre):
        def open(self) -> Answers:
            raise ends

    with suppress(Failure):
        tell(Dark(), Quiet(), tmp_path)
    (image, boot) = json.loads((tmp_path / "gpucloud-demo.json").read_text())["steps"]
    assert (image["ok"], boot["ok"]) == (True, False)
    assert boot["failure"] == (str(ends) or "interrupted")
    assert boot["failure"] in (tmp_path / "gpucloud-demo.html").read_text()


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_kill_and_a_lost_terminal_are_interrupts_and_a_second_one_stops_nothing(
    wish: signal.Signals, tmp_path: Path
) -> None:
    class Killed(Theatre):
        def open(self) -> Answers:
            signal.raise_signal(wish)
            return self.server

        def close(self) -> None:
            signal.raise_signal(wish)
            self.closed += 1

    class Gone(Quiet):
        def leaves(self) -> None:
            raise OSError(5, "Input/output error")

    theatre, before = Killed(), signal.getsignal(wish)
    with pytest.raises(Failure, match="the server is ended") as told:
        tell(theatre, Gone(), tmp_path)
    assert told.value.code == Exit.INTERRUPTED
    assert theatre.closed == 1
    assert json.loads((tmp_path / "gpucloud-demo.json").read_text())["steps"][-1]["failure"] == "interrupted"
    assert (tmp_path / "gpucloud-demo.html").exists()
    assert signal.getsignal(wish) == before


def test_nothing_is_said_of_evidence_where_no_server_was_made() -> None:
    class NotRoot(Theatre):
        def prepare(self) -> str:
            raise Failure("building the laboratory's image needs root", "run the same command with sudo")

        def keep_evidence(self) -> Evidence:
            return LabTheatre("card-audio", lambda _: None).keep_evidence()

    lines = render_lines(play(NotRoot()))
    assert not any("evidence" in line for line in lines)
