"""Guests launched and ended on a real nova while everything fails: what is left, which must be nothing.

    gpucloud lab cloud up --compute cards; python bench/long/cycles.py [CYCLES [SEED [CLIENTS]]]

Clients (4 unless told) work at once through the cycles (500 unless told). Each launches a guest with a card
and destroys it, and one request of it meets a fault: an error 500, an answer that is lost, or the death of
the client by SIGKILL. After each third cycle a reaper looks, among them some with the same faults; what a
killed client has left is over soon. In the end, when all of it must be over, one reaper more looks, and
servers, allocations of Placement and rows of nova's tables are counted. Exit code 1: something is left.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.cloud.openstack.real.nova import IMAGE, MANY_CARDS, RealNova, publish, render

from gpucloud.cloud.clock import CLOCK, Clock
from gpucloud.cloud.openstack.api import Api, open_api
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import refusal
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud
from gpucloud.cloud.openstack.servers.launch import Wishes
from gpucloud.cloud.openstack.time import clock_of
from gpucloud.cloud.protocol import Patience
from gpucloud.lab.cloud.record import CLOUDS_YAML
from gpucloud.lab.cloud.settings import CLOUD
from gpucloud.lab.cloud.site import place_of
from gpucloud.model.failure import Failure
from gpucloud.model.guest import GuestSpec

FAULTS = ("none", "500", "lost", "killed")
ENDS = {0: "done", 1: "broken", 2: "refused"}
_LAST_CALL = 16
_LIFE_S = 30
"""Longer than a cycle takes: a guest that is well is destroyed before, and a killed client's is over soon."""
_SETTLES_S = 60.0
"""So long nova may take to end what the last clients asked for."""
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


def in_process_of_its_own(act: Callable[[Api], object]) -> str:
    """Do it with a login of its own; gives how it ended."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act(open_api(CLOUD))
            code = 0
        except Failure as failure:
            code = 2
            sys.stderr.write(f"{failure.what}\n")
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return "killed" if os.WIFSIGNALED(status) else ENDS[os.WEXITSTATUS(status)]


def turn(number: int, seed: int) -> list[str]:
    """One guest, and after each third a look of a reaper; gives what became of them."""
    chance = random.Random(f"{seed}-{number}")  # noqa: S311 - faults, no secrets
    fault, at = chance.choice(FAULTS), chance.randrange(_LAST_CALL)

    def live(api: Api) -> None:
        cloud = cloud_of(api, fault, at)
        name = f"cycle-{number}"
        cloud.launch(GuestSpec(name, 1, image=IMAGE, lifetime_s=_LIFE_S), Patience(60), lambda _: None)
        cloud.destroy(name, lambda _: None)

    became = [f"client, fault {fault}: {in_process_of_its_own(live)}"]
    if number % 3 == 2:
        fault = chance.choice(FAULTS)
        became.append(f"reaper, fault {fault}: {reap(fault, chance.randrange(_LAST_CALL))}")
    return became


def cloud_of(api: Api, fault: str, at: int, ahead_s: float = 0) -> OpenStackCloud:
    """The cloud, one request of which meets a fault; with its own clock, or one ahead of it."""
    clock = clock_of(api.time, CLOCK, lambda _: None)
    ahead = Clock(lambda: clock.now() + ahead_s, clock.since_boot, clock.wait)
    return OpenStackCloud(faulty(api.send, fault, at), Wishes(network="none"), ahead)


def reap(fault: str, at: int, ahead_s: float = 0) -> str:
    """Reap what is over; gives how that ended."""
    return in_process_of_its_own(lambda api: cloud_of(api, fault, at, ahead_s).reap(lambda _: None))


def rows(folder: Path) -> dict[str, int]:
    """What the tables hold of guests."""
    socket = folder / "data" / "mariadb" / "mariadb.sock"
    found = {}
    for what, query in ROWS.items():
        argv = ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "-N", "-e", query]
        found[what] = int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return found


def _left(nova: RealNova, folder: Path) -> dict[str, int]:
    begun = time.monotonic()
    while True:
        left = {**rows(folder), "servers that are listed": len(nova.servers()), **nova.used()}
        if not any(left.values()) or time.monotonic() - begun > _SETTLES_S:
            return left
        time.sleep(1)


def main(cycles: int, seed: int, clients: int) -> int:
    """Run, and print what became of all."""
    folder, met = place_of(), Counter[str]()
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(folder / CLOUDS_YAML)
    with tempfile.TemporaryDirectory() as name:
        nova = RealNova(folder, render(Path(name), MANY_CARDS))
        nova.told()
        publish(Path(name))
    begun = time.monotonic()
    with ProcessPoolExecutor(clients) as pool:
        for became in pool.map(partial(turn, seed=seed), range(cycles)):
            met.update(became)
    took_s = time.monotonic() - begun
    last = reap("none", 0, ahead_s=86_400)
    left = _left(nova, folder)
    sys.stdout.write(f"{cycles} cycles (seed {seed}) by {clients} clients in {took_s:.0f} s\n")
    sys.stdout.writelines(f"  {count:4} {what}\n" for what, count in sorted(met.items()))
    sys.stdout.write(f"the last reaper: {last}\n")
    sys.stdout.write(f"left: {', '.join(f'{count} {what}' for what, count in left.items())}\n")
    return 1 if any(left.values()) else 0


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:4]]
    sys.exit(main(*(numbers + [500, 1, 4][len(numbers) :])))
