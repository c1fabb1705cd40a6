"""Waiting for a guest's report: it comes, or it is clear why it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gpucloud.cloud.clock import Clock
from gpucloud.cloud.console import KEPT_CHARS, ConsoleLog, last_words
from gpucloud.cloud.dead_ends import find_dead_end
from gpucloud.cloud.definition.parts import Accelerator, Definition, DiskBoot, Firmware
from gpucloud.cloud.libvirt.agent import ask_for_report
from gpucloud.cloud.libvirt.connection import Hypervisor
from gpucloud.cloud.protocol import Patience, Say
from gpucloud.cloud.report import MARK, find_missing, find_strangers, parse_report
from gpucloud.model.failure import Failure
from gpucloud.model.guest import SeenFunction

_LOOK_S = 0.5
"""The log is a file: looking at it costs nothing."""
_CALL_S = 5.0
"""libvirt is asked seldom; under emulation each call costs seconds."""
_TELL_S = 30.0


@dataclass(slots=True)
class Waiting:
    """One wait for one guest's report."""

    guest: Definition
    hypervisor: Hypervisor
    clock: Clock
    patience: Patience
    say: Say
    _text: str = field(default="", init=False)

    def for_report(self) -> tuple[SeenFunction, ...]:
        """Wait until the guest has reported, and compare the report with what the guest was given.

        Raises:
            Failure: the guest ended, nothing came in time, or something it was given is missing.
        """
        seen = self._wait()
        missing = find_missing(self.guest.slots, seen)
        strangers = find_strangers(self.guest.slots, seen)
        if len(strangers) < len(self.guest.vgpus):
            lacks = f"{len(strangers)} of {len(self.guest.vgpus)} mediated devices are in its PCI list"
            missing = (*missing, lacks)
        if missing:
            raise Failure(
                f"guest {self.guest.name} does not have all it was given: {'; '.join(missing)}", self._where()
            )
        return seen

    def _wait(self) -> tuple[SeenFunction, ...]:
        started = self.clock.since_boot()
        call = Every(_CALL_S, started)
        tell = Every(_TELL_S, started)
        log = ConsoleLog(self.guest.console_log)
        while True:
            is_due = call.is_due(self.clock.since_boot())
            is_active = not is_due or self.hypervisor.is_active(self.guest.uuid)
            by_agent = self._ask_agent() if is_due and is_active else ""
            # Read after the look at the guest: what a guest says last is still heard.
            new = log.read_new() + by_agent
            if seen := self._hear(new):
                return seen
            if new and (end := find_dead_end(self._text)):
                raise Failure(f"guest {self.guest.name} does not come up: {end}", self._where())
            if not is_active:
                what = f"guest {self.guest.name} ended before it reported{self._words()}"
                raise Failure(what, self._where())
            waited = self.clock.since_boot() - started
            if waited > self.patience.timeout_s:
                raise self._nothing_came()
            if tell.is_due(self.clock.since_boot()):
                self.say(f"waiting for the guest to say what it sees ({waited:.0f} s)")
            self.clock.wait(_LOOK_S)

    def _hear(self, new: str) -> tuple[SeenFunction, ...] | None:
        self._text = (self._text + new)[-KEPT_CHARS:]
        return parse_report(self._text, self.guest.record.nonce) if new else None

    def _ask_agent(self) -> str:
        if not isinstance(self.guest.boot, DiskBoot):
            return ""
        return ask_for_report(self._ask, self.guest.record.nonce, lambda: self.clock.wait(_LOOK_S))

    def _ask(self, command: str) -> str | None:
        return self.hypervisor.ask_agent(self.guest.uuid, command)

    def _nothing_came(self) -> Failure:
        began = "its report did not become whole" if MARK in self._text else "it did not report"
        return Failure(
            f"guest {self.guest.name} did not say in {self.patience.timeout_s} s what it sees: "
            f"{began}{self._words()}",
            "; ".join([*self._advice(), self._where()]),
        )

    def _advice(self) -> Iterable[str]:
        boot = self.guest.boot
        if isinstance(boot, DiskBoot) and boot.firmware is Firmware.BIOS and not self._text:
            yield "a BIOS runs the program in a card's ROM, which can hang: try an image with UEFI"
        if self.guest.accelerator is Accelerator.EMULATION:
            yield "guests are emulated here, 10 to 20 times slower: give it more --timeout"

    def _words(self) -> str:
        words = last_words(self._text)
        return f"; its last words: {words}" if words else "; its console stayed empty"

    def _where(self) -> str:
        return f"its console is kept in {self.guest.console_log}"


@dataclass(slots=True)
class Every:
    """Comes due once every so many seconds."""

    period_s: float
    _last: float

    def is_due(self, now: float) -> bool:
        if now - self._last < self.period_s:
            return False
        self._last = now
        return True


def say_seen(guest: Definition, seen: Sequence[SeenFunction], say: Callable[[str], None]) -> None:
    """Tell what of the given functions the guest's kernel listed."""
    ids = [str(function.id) for slot in guest.slots for _, function in slot.functions]
    ids += [str(function.id) for function in find_strangers(guest.slots, seen) if guest.vgpus]
    say(f"the guest's own kernel lists {len(seen)} PCI functions, among them {', '.join(ids) or 'no GPU'}")
