"""Guests launched and ended on a real nova while everything fails: what is left, which must be nothing.

    gpucloud lab cloud up --compute cards; python bench/long/cycles.py [CYCLES [SEED]]

Each cycle (500 unless told) launches a guest with a card for an hour and destroys it, and one request of it
meets a fault: an error 500, an answer that is lost, or the death of the client by SIGKILL. Between cycles a
reaper runs whose clock is a day ahead, and some of these are killed, too. In the end servers, allocations of
Placement and rows of nova's tables are counted. Exit code 1: something is left.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.cloud.openstack.real.nova import IMAGE, RealNova, publish, render

from gpucloud.cloud.clock import CLOCK, Clock
from gpucloud.cloud.openstack.api import open_api
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import refusal
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud
from gpucloud.cloud.openstack.servers.launch import Wishes
from gpucloud.cloud.protocol import Patience
from gpucloud.lab.cloud.record import CLOUDS_YAML
from gpucloud.lab.cloud.settings import CLOUD
from gpucloud.lab.cloud.site import place_of
from gpucloud.model.failure import Failure
from gpucloud.model.guest import GuestSpec

FAULTS = ("none", "500", "lost", "killed")
AHEAD = Clock(lambda: CLOCK.now() + 86_400, CLOCK.since_boot, CLOCK.wait)
_LAST_CALL = 16
ROWS = {
    "servers": "select count(*) from nova.instances where deleted = 0",
    "devices of servers": "select count(*) from nova.pci_devices where deleted = 0 and status <> 'available'",
    "requests": "select count(*) from nova_api.build_requests",
    "allocations": "select count(*) from placement.allocations",
}


def faulty(send: Send, fault: str, at: int) -> Send:
    """Sends as it should, but for one request."""
    count = iter(range(10**6))

    def with_fault(call: Call) -> Any:
        if next(count) != at:
            return send(call)
        if fault == "500":
            raise refusal(f"{call.method} {call.path}", 500, b"injected")
        answer = send(call)
        if fault == "lost":
            raise Failure(f"{call.method} {call.path}: the answer broke off")
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return with_fault


def in_process_of_its_own(act: Callable[[Send], object]) -> bool:
    """Do it with a login of its own; gives whether it came to its end, well or not."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act(open_api(CLOUD).send)
            code = 0
        except Failure:
            code = 2
        finally:
            os._exit(code)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])


def cycle(number: int, chance: random.Random) -> str:
    """One guest; gives the fault that it met."""
    fault, at = chance.choice(FAULTS), chance.randrange(_LAST_CALL)

    def live(send: Send) -> None:
        cloud = OpenStackCloud(faulty(send, fault, at), Wishes(network="none"))
        name = f"cycle-{number}"
        cloud.launch(GuestSpec(name, 1, image=IMAGE, lifetime_s=3600), Patience(60), lambda _: None)
        cloud.destroy(name, lambda _: None)

    return fault if in_process_of_its_own(live) else "client killed"


def reap(fault: str, at: int) -> bool:
    """Reap all that a day will have made over; gives whether it was left to do so."""
    return in_process_of_its_own(
        lambda send: OpenStackCloud(faulty(send, fault, at), clock=AHEAD).reap(lambda _: None)
    )


def rows(folder: Path) -> dict[str, int]:
    """What the tables hold of guests."""
    socket = folder / "data" / "mariadb" / "mariadb.sock"
    found = {}
    for what, query in ROWS.items():
        argv = ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "-N", "-e", query]
        found[what] = int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return found


def main(cycles: int, seed: int) -> int:
    """Run, and print what became of all."""
    folder, chance, met = place_of(), random.Random(seed), Counter[str]()  # noqa: S311 - faults, no secrets
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(folder / CLOUDS_YAML)
    with tempfile.TemporaryDirectory() as name:
        nova = RealNova(folder, render(Path(name)))
        nova.told()
        publish(Path(name))
    for number in range(cycles):
        met[cycle(number, chance)] += 1
        if number % 3 == 2:
            met["reaper killed"] += not reap(chance.choice(FAULTS), chance.randrange(_LAST_CALL))
            reap("none", 0)
    reap("none", 0)
    left = {**rows(folder), "servers that are listed": len(nova.servers()), **nova.used()}
    said = ", ".join(f"{count} {fault}" for fault, count in sorted(met.items()))
    sys.stdout.write(f"{cycles} cycles (seed {seed}): {said}\n")
    sys.stdout.write(f"left: {', '.join(f'{count} {what}' for what, count in left.items())}\n")
    return 1 if any(left.values()) else 0


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:3]]
    sys.exit(main(*(numbers + [500, 1][len(numbers) :])))
