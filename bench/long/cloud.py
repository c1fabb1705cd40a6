"""What gpucloud adds to a real OpenStack's own time, on the laboratory's cloud with cards.

    gpucloud lab cloud up --compute cards; python bench/long/cloud.py [ROUNDS [BOOT_S]]

Prints how long `gpucloud publish` takes where nothing differs, the whole program with login, and how much
longer `launch` takes than the same server made with bare calls that wait for the same report. Both are the
median of some rounds, taken in turn. The guests of that cloud start at once, so the share is that of the
quickest cloud there can be; with BOOT_S their consoles stay empty for so long after they are asked for, as
those of real guests that boot do.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.cloud.openstack.real.nova import IMAGE, RealNova, publish, render

from gpucloud.cloud.boot.seed import render_user_data
from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.pages import Send
from gpucloud.cloud.openstack.servers import calls
from gpucloud.cloud.openstack.servers.cloud import OpenStackCloud
from gpucloud.cloud.openstack.servers.launch import Wishes
from gpucloud.cloud.protocol import Patience
from gpucloud.cloud.report import parse_report
from gpucloud.lab.cloud.record import CLOUDS_YAML
from gpucloud.lab.cloud.settings import CLOUD
from gpucloud.lab.cloud.site import place_of
from gpucloud.model.guest import GuestSpec

NONCE = "0123456789abcdef" * 2
_LOOK_S = 0.2


def booting(send: Send, boot_s: float) -> Send:
    """Sends; but a console says nothing for so long after its server was asked for."""
    asked = [0.0]

    def with_boot(call: Call) -> Any:
        if (call.method, call.path) == ("POST", "/servers"):
            asked[0] = time.monotonic()
        answer = send(call)
        is_console = isinstance(call.body, dict) and "os-getConsoleOutput" in call.body
        return {"output": ""} if is_console and time.monotonic() < asked[0] + boot_s else answer

    return with_boot


def bare(send: Send, flavor: str, image: str) -> None:
    """The calls that cannot be left out."""
    new = calls.NewServer("bench-bare", flavor, image, "none", None, render_user_data(NONCE), {})
    key = send(calls.create(new))["server"]["id"]
    while send(calls.show(key))["server"]["status"] != "ACTIVE":
        time.sleep(_LOOK_S)
    while parse_report(send(calls.console(key))["output"], NONCE) is None:
        time.sleep(_LOOK_S)


def launch(send: Send) -> None:
    """The same as the product does it."""
    spec = GuestSpec("bench-launch", 1, image=IMAGE)
    OpenStackCloud(send, Wishes(network="none")).launch(spec, Patience(), lambda _: None)


def took_s(act: Callable[[], object]) -> float:
    """Run it and say how long it took."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def clear(nova: RealNova) -> None:
    """End all servers."""
    for server in nova.servers():
        nova.api.send(calls.delete(server["id"]))
    while nova.servers():
        time.sleep(_LOOK_S)


def check(spec: Path) -> None:
    """Publish what is there already, by the whole program."""
    program = [sys.executable, "-c", "from gpucloud.cli import main; main()"]
    words = ["publish", "--cloud", CLOUD, "--spec", str(spec), "--check"]
    subprocess.run([*program, *words], check=True, stdout=subprocess.DEVNULL)


def main(rounds: int, boot_s: float) -> None:
    """Measure, and print."""
    folder = place_of()
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(folder / CLOUDS_YAML)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        nova = RealNova(folder, render(work))
        nova.told()
        publish(work)
        published = [took_s(lambda: check(work / "gpucloud.yaml")) for _ in range(rounds)]
    flavors = {each["name"]: each["id"] for each in nova.compute("GET", "/flavors")["flavors"]}
    image = _image(nova)
    plain, whole, send = [], [], booting(nova.api.send, boot_s)
    for _ in range(rounds):
        clear(nova)
        plain.append(took_s(lambda: bare(send, flavors["gpu.1"], image)))
        clear(nova)
        whole.append(took_s(lambda: launch(send)))
    clear(nova)
    sys.stdout.write(f"publish without differences: {_said(published)}\n")
    sys.stdout.write(f"bare calls: {_said(plain)}; launch: {_said(whole)}\n")
    more = statistics.median(whole) - statistics.median(plain)
    share = 100 * more / statistics.median(plain)
    sys.stdout.write(f"launch adds {more:.2f} s, {share:.1f} % of {statistics.median(plain):.2f} s\n")


def _image(nova: RealNova) -> str:
    from gpucloud.cloud.openstack.servers.compute import Compute

    (image,) = Compute(nova.api.send).images(IMAGE)
    return image.id


def _said(times_s: list[float]) -> str:
    return f"{statistics.median(times_s):.2f} s (of {len(times_s)}: {min(times_s):.2f} to {max(times_s):.2f})"


if __name__ == "__main__":
    numbers = [float(each) for each in sys.argv[1:3]]
    main(int(numbers[0]) if numbers else 7, numbers[1] if numbers[1:] else 0.0)
