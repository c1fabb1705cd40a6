"""A cloud reached through the command line of a server, so that the contract proves that too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from gpucloud.cloud.clock import CLOCK
from gpucloud.cloud.protocol import Meanwhile, Own, Patience, Say, leave, wait_alone
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec, GuestState, SeenFunction
from gpucloud.model.pci import PciAddress, PciClass, PciId

COMMAND_S = 120.0


class Completed(Protocol):
    """What a command left."""

    @property
    def stdout(self) -> str: ...

    @property
    def stderr(self) -> str: ...

    @property
    def code(self) -> int: ...


class Server(Protocol):
    """Where commands can be run."""

    def run(self, argv: Sequence[str], *, timeout_s: float) -> Completed: ...


class CliCloud:
    """`gpucloud` on a server. Words become options, JSON becomes guests, error lines become failures."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def _say(self, *words: str, timeout_s: float = COMMAND_S) -> Completed:
        done = self._server.run(["gpucloud", *words], timeout_s=timeout_s)
        if done.code != Exit.FINE:
            line = done.stderr.strip().splitlines()[-1]
            assert line.startswith("gpucloud: "), done.stderr
            raise Failure(line.removeprefix("gpucloud: "), code=Exit(done.code))
        return done

    def now(self) -> float:
        """This machine's: the server's is the same."""
        return CLOCK.now()

    def launch(
        self,
        spec: GuestSpec,
        patience: Patience,
        say: Say,
        own: Own = leave,
        meanwhile: Meanwhile = wait_alone,
    ) -> Guest:
        meanwhile()  # the command has no such thing: what fails first leaves nothing of the guest
        words = ["launch", "--name", spec.name, "--gpus", str(spec.gpus), "--format", "json"]
        words += ["--cpus", str(spec.cpus), "--memory", f"{spec.memory_mib}M"]
        words += ["--timeout", f"{patience.timeout_s}s"]
        words += [] if spec.model is None else ["--model", spec.model]
        words += [] if spec.lifetime_s is None else ["--for", f"{spec.lifetime_s}s"]
        words += [] if spec.image is None else ["--image", spec.image]
        words += [word for vgpu in spec.vgpus for word in ("--vgpu", vgpu)]
        done = self._say(*words, timeout_s=patience.timeout_s + COMMAND_S)
        for line in done.stderr.splitlines():
            say(line)
        guest = _guest(json.loads(done.stdout))
        own(guest)
        return guest

    def list(self) -> tuple[Guest, ...]:
        return tuple(_guest(plain) for plain in json.loads(self._say("list", "--format", "json").stdout))

    def show(self, name: str) -> Guest:
        return _guest(json.loads(self._say("show", name, "--format", "json").stdout))

    def console(self, name: str, *, follows: bool) -> Iterator[str]:
        yield self._say("console", name, "--follow" if follows else "--log").stdout

    def attach(self, name: str, say: Say) -> None:
        raise NotImplementedError("a server's command has no terminal")

    def destroy(self, name: str, say: Say) -> Guest:
        guest = self.show(name)
        self._say("destroy", name)
        return guest

    def extend(self, name: str, seconds: int, say: Say) -> Guest:
        done = self._say("extend", name, "--for", f"{seconds}s", "--format", "json")
        return _guest(json.loads(done.stdout))

    def reap(self, say: Say) -> tuple[Guest, ...]:
        return tuple(_guest(plain) for plain in json.loads(self._say("reap", "--format", "json").stdout))


def _guest(plain: dict[str, Any]) -> Guest:
    seen = plain["seen"]
    return Guest(
        **{
            **plain,
            "state": GuestState(plain["state"]),
            "units": tuple(map(PciAddress.parse, plain["units"])),
            "functions": tuple(map(PciAddress.parse, plain["functions"])),
            "vgpus": tuple(plain["vgpus"]),
            "seen": None if seen is None else tuple(map(_seen, seen)),
        }
    )


def _seen(plain: dict[str, Any]) -> SeenFunction:
    vendor, device = plain["id"].split(":")
    return SeenFunction(
        PciAddress.parse(plain["address"]),
        PciId(int(vendor, 16), int(device, 16)),
        PciClass(int(plain["pci_class"], 16) << 8),
        tuple(plain["bar_bytes"]),
    )
