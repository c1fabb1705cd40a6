"""How fast a whole cloud is shown: ``python bench/status.py [--hosts N] [--runs N]``.

Measures ``gpucloud status --cloud bench`` as a whole process, from start to exit, against a simulated API on
loopback: 1,000 hosts with eight cards each, half of them with guests, ten flavors. The simulation's answers
are rendered before, in pages of 1,000 as nova has them, and have what nova 31 and placement 13 tell of each
thing. The aim: at most 2 s. A real cloud's services take their own time beside that. Where others use the
machine, processor time tells more than the clock.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIMIT_S = 2.0
CARDS = 8
PAGE = 1000
KIND = "CUSTOM_PCI_10DE_20B0"
SERVICES = ("compute", "image", "placement", "identity")
PROGRAM = ("-c", "from gpucloud.cli import main; main()")


def uuid(number: int) -> str:
    """An id like those of the services."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"


def answers(hosts: int) -> dict[str, bytes]:
    """Every answer by service, path and, of a page, its marker."""
    names = [f"gpu{number:05}" for number in range(hosts)]
    pages = {
        ("servers", "servers/detail"): [_server(n, name) for n, name in _guests(names)],
        ("hypervisors", "os-hypervisors/detail"): [_hypervisor(n, name) for n, name in enumerate(names)],
        ("flavors", "flavors/detail"): [_flavor(count) for count in (1, 2, 3, 4, 5, 6, 7, 8)] + _slices(),
    }
    made: dict[str, bytes] = {}
    for (key, path), items in pages.items():
        for begin in range(0, len(items) + 1, PAGE):
            page: dict[str, Any] = {key: items[begin : begin + PAGE]}
            if begin + PAGE < len(items):
                page[f"{key}_links"] = [{"rel": "next", "href": "..."}]
            marker = items[begin - 1]["id"] if begin else ""
            made[f"compute/{path} {marker}"] = _json(page)
    made["compute/os-services "] = _json({"services": [_service(n, name) for n, name in enumerate(names)]})
    made["image/images "] = _json({"images": []})
    made |= _placement(names)
    return made


def _guests(names: list[str]) -> list[tuple[int, str]]:
    return [(host * CARDS + card, name) for host, name in enumerate(names) for card in range(0, CARDS, 2)]


def _placement(names: list[str]) -> dict[str, bytes]:
    listed, summaries, requests = [], {}, []
    for host, name in enumerate(names):
        root = uuid(host)
        listed.append(_provider(root, root, name))
        summaries[root] = _summary(root, None, {"VCPU": (128, 16), "MEMORY_MB": (1 << 20, 65536)}, 60)
        requests.append({"allocations": {root: {"resources": {"MEMORY_MB": 1}}}, "mappings": {"": [root]}})
        for card in range(CARDS):
            key = uuid(1 << 24 | host * CARDS + card)
            listed.append(_provider(key, root, f"{name}_0000:{card * 16:02X}:00.0"))
            summaries[key] = _summary(root, root, {KIND: (1, int(card % 2 == 0))}, 3)
    shown = {"allocation_requests": requests, "provider_summaries": summaries}
    return {
        "placement/resource_providers ": _json({"resource_providers": listed}),
        "placement/allocation_candidates ": _json(shown),
    }


def _provider(key: str, root: str, name: str) -> dict[str, Any]:
    base = f"/placement/resource_providers/{key}"
    rels = ("self", "inventories", "usages", "aggregates", "traits", "allocations")
    links = [{"rel": rel, "href": base if rel == "self" else f"{base}/{rel}"} for rel in rels]
    above = None if key == root else root
    return {
        "uuid": key,
        "name": name,
        "generation": 7,
        "root_provider_uuid": root,
        "parent_provider_uuid": above,
        "links": links,
    }


def _summary(root: str, above: str | None, stock: dict[str, tuple[int, int]], traits: int) -> dict[str, Any]:
    managed = ["COMPUTE_MANAGED_PCI_DEVICE", "HW_PCI", "OWNER_NOVA"]
    return {
        "resources": {name: {"capacity": total, "used": used} for name, (total, used) in stock.items()},
        "traits": managed if above else [f"COMPUTE_TRAIT_OF_THE_HOST_{number}" for number in range(traits)],
        "root_provider_uuid": root,
        "parent_provider_uuid": above,
    }


def _server(number: int, host: str) -> dict[str, Any]:
    key = uuid(1 << 28 | number)
    specs = {f"resources1:{KIND}": "1", "hw:hide_hypervisor_id": "true"}
    flavor = {"original_name": "gpu.1", "vcpus": 4, "ram": 16384, "disk": 40, "ephemeral": 0, "swap": 0}
    return {
        "id": key,
        "name": f"train-{number}",
        "status": "ACTIVE",
        "tenant_id": "p" * 32,
        "user_id": "u" * 32,
        "metadata": {},
        "hostId": "h" * 56,
        "image": {"id": uuid(5), "links": [{"rel": "bookmark", "href": f"http://api/images/{uuid(5)}"}]},
        "flavor": {**flavor, "extra_specs": specs},
        "created": "2026-11-22T10:00:00Z",
        "updated": "2026-11-22T10:00:00Z",
        "addresses": {"net": [{"version": 4, "addr": "10.0.0.7", "OS-EXT-IPS:type": "fixed"}]},
        "accessIPv4": "",
        "links": [{"rel": rel, "href": f"http://api/servers/{key}"} for rel in ("self", "bookmark")],
        "OS-DCF:diskConfig": "MANUAL",
        "progress": 0,
        "OS-EXT-AZ:availability_zone": "nova",
        "key_name": None,
        "OS-SRV-USG:launched_at": "2026-11-22T10:00:00.000000",
        "OS-EXT-SRV-ATTR:host": host,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{number:08x}",
        "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1,
        "os-extended-volumes:volumes_attached": [],
        "security_groups": [{"name": "default"}],
        "description": None,
        "tags": [],
        "locked": False,
    }


def _hypervisor(number: int, name: str) -> dict[str, Any]:
    cpu = {"arch": "x86_64", "features": [f"feature{n}" for n in range(80)], "topology": {"cores": 64}}
    return {
        "id": uuid(number),
        "hypervisor_hostname": name,
        "state": "up",
        "status": "enabled",
        "vcpus": 128,
        "memory_mb": 1 << 20,
        "cpu_info": cpu,
        "service": {"id": uuid(1 << 30 | number), "host": name, "disabled_reason": None},
    }


def _service(number: int, name: str) -> dict[str, Any]:
    return {
        "id": uuid(1 << 30 | number),
        "binary": "nova-compute",
        "host": name,
        "zone": "nova",
        "status": "disabled" if number % 100 == 0 else "enabled",
        "state": "up",
        "updated_at": "2026-11-22T10:00:00.000000",
        "disabled_reason": "to be mended" if number % 100 == 0 else None,
        "forced_down": False,
    }


def _flavor(cards: int) -> dict[str, Any]:
    specs = {f"resources{n}:{KIND}": "1" for n in range(cards)} | {"group_policy": "none"}
    return {
        "id": f"gpu.{cards}",
        "name": f"gpu.{cards}",
        "vcpus": 4 * cards,
        "ram": 16384 * cards,
        "disk": 40,
        "os-flavor-access:is_public": True,
        "extra_specs": specs,
        "description": None,
    }


def _slices() -> list[dict[str, Any]]:
    return [
        {**_flavor(1), "id": f"v{n}", "name": f"v{n}", "extra_specs": {"resources:VGPU": n}} for n in "12"
    ]


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


class Handler(BaseHTTPRequestHandler):
    """The answers, and a keystone that lets everybody in."""

    made: dict[str, bytes]
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.strip("/").partition("?")
        base = f"http://{self.headers['Host']}"
        if path.endswith("auth/tokens"):
            return self._send(201, _token(base), "token")
        if path == "identity":
            links = [{"rel": "self", "href": f"{base}/identity/"}]
            return self._send(200, _json({"version": {"id": "v3.14", "status": "stable", "links": links}}))
        marker = re.search(r"marker=([^&]+)", query)
        name = f"{path} {marker[1] if marker else ''}"
        if name not in self.made and not marker:
            return self._send(404, b"")  # as keystoneauth asks whether there are other versions
        nothing = _json({path.partition("/")[2].partition("/")[0].removeprefix("os-"): []})
        return self._send(200, self.made.get(name, nothing))

    do_GET = do_POST = _serve  # noqa: N815 - as http.server calls them

    def _send(self, status: int, body: bytes, token: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if token:
            self.send_header("X-Subject-Token", token)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def _token(base: str) -> bytes:
    place = {"interface": "public", "region": "one", "region_id": "one"}
    catalog = [
        {
            "type": name,
            "id": name,
            "name": name,
            "endpoints": [{**place, "id": name, "url": f"{base}/{name}"}],
        }
        for name in SERVICES
    ]
    who = {"id": "u", "name": "admin", "domain": {"id": "default", "name": "Default"}}
    return _json(
        {
            "token": {
                "methods": ["password"],
                "expires_at": "2099-01-01T00:00:00.000000Z",
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "user": who,
                "project": who,
                "roles": [{"id": "r", "name": "admin"}],
                "catalog": catalog,
            }
        }
    )


def serve(hosts: int) -> None:
    """Be the API until standard input is closed; the port is printed first."""
    from threading import Thread

    Handler.made = answers(hosts)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


def main() -> int:
    """Print the figure beside the aim; the exit code says whether the work was done, not how fast."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    options.add_argument("--hosts", type=int, default=1000)
    options.add_argument("--runs", type=int, default=5, help="how often it is shown; the median counts")
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.serve:
        serve(asked.hosts)
        return 0
    compileall.compile_dir(str(ROOT / "src"), quiet=2)
    command = [sys.executable, __file__, "--serve", "--hosts", str(asked.hosts)]
    api = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        with tempfile.TemporaryDirectory(prefix="gpucloud-bench-") as folder:
            return measure(
                asked.hosts, asked.runs, int(api.stdout.readline() if api.stdout else 0), Path(folder)
            )
    finally:
        api.communicate("")


def measure(hosts: int, runs: int, port: int, folder: Path) -> int:
    """Show the cloud so often, as tables and as JSON."""
    clouds = folder / "clouds.yaml"
    clouds.write_text(
        f"clouds:\n  bench:\n    region_name: one\n    auth:\n      auth_url: http://127.0.0.1:{port}/identity\n"
        "      username: admin\n      password: any\n      project_name: admin\n"
        "      user_domain_name: Default\n      project_domain_name: Default\n"
    )
    shown = run(clouds, "table")[1]
    if f"{hosts * CARDS} units" not in shown or f"{hosts * CARDS // 2} used" not in shown:
        print(f"not done: {shown[:300]}")
        return 1
    for form in ("table", "json"):
        timed = [run(clouds, form)[0] for _ in range(runs)]
        wall = statistics.median(seconds for seconds, _ in timed)
        cpu = statistics.median(seconds for _, seconds in timed)
        what = f"status of {hosts} hosts and {hosts * CARDS} units as {form}, {runs} times, median"
        print(f"{what}: {wall:.2f} s ({cpu:.2f} s processor), aim {LIMIT_S:.0f} s")
    return 0


def run(clouds: Path, form: str) -> tuple[tuple[float, float], str]:
    """Wall and processor seconds of one process, and what it printed."""
    words = ("status", "--cloud", "bench", "--format", form)
    before, began = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *PROGRAM, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OS_CLIENT_CONFIG_FILE": str(clouds)},
    )
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode:
        raise SystemExit(done.stderr)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return (wall, cpu), done.stdout


if __name__ == "__main__":
    sys.exit(main())
