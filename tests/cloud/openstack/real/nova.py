"""A real OpenStack on a host that has two cards, as `gpucloud nova render` tells nova, and its flavors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.host_tree import HostTree

from gpucloud.cli.main import run
from gpucloud.cloud.openstack.api import Api, open_api
from gpucloud.cloud.openstack.calls import Call
from gpucloud.lab.cloud.services import HOST_NAME
from gpucloud.lab.cloud.settings import CLOUD
from gpucloud.lab.cloud.upkeep.configure import Told, configure

IMAGE = "lab-guest"
LAUNCH = ("launch", "--cloud", CLOUD, "--image", IMAGE, "--network", "none")
SPEC = """
openstack: {release: "34"}
pools:
  v100:
    use: passthrough
    match: {ids: "10de:1db4"}
    nova: {alias: v100}
publish:
  flavors:
    gpu.1: {vcpus: 1, ram_mib: 512, disk_gib: 0, gpus: {v100: 1}}
    gpu.2: {vcpus: 2, ram_mib: 1024, disk_gib: 0, gpus: {v100: 2}}
"""


def _cards(*buses: str) -> tuple[dict[str, object], ...]:
    plain = {"vendor_id": "10de", "product_id": "1db4", "numa_node": 0}
    return tuple({"address": f"0000:{bus}:00.0", **plain} for bus in buses)


CARDS = _cards("3b", "5e")
MANY_CARDS = _cards("18", "3b", "5e", "86", "af", "d8", "e1", "f4")


def render(folder: Path, cards: tuple[dict[str, object], ...] = CARDS, spec: str = SPEC) -> Told:
    """What `gpucloud nova render` writes for that spec and a host with those cards."""
    tree, file, out = HostTree(folder / HOST_NAME), folder / "gpucloud.yaml", folder / "rendered"
    for number, card in enumerate(cards):
        tree.function(str(card["address"]), "10de:1db4", "0302", driver="vfio-pci", group=10 + number)
    file.write_text(spec)
    place = f"{HOST_NAME}={folder / HOST_NAME}"
    words = ["--spec", str(file), "--layout", "packages", "--from", place, "--write", str(out)]
    assert run(["nova", "render", *words]) == 0
    texts = {path.parents[3].name: path.read_text() for path in sorted(out.rglob("*.conf"))}
    control, compute = texts["all"] + texts["controllers"], texts["all"] + texts[HOST_NAME]
    return Told(control, compute, {"devices": cards, "numa_nodes": 1})


@dataclass
class RealNova:
    """The cloud, as it should be but for what a test says.

    Args:
        folder: of the cloud.
        well: what nova is told where all is well.
    """

    folder: Path
    well: Told
    api: Api = field(default_factory=lambda: open_api(CLOUD))

    def told(self, **changed: Any) -> None:
        """Nova is told this instead."""
        configure(self.folder, replace(self.well, **changed))

    def host(self, **changed: Any) -> Mapping[str, object]:
        """The host, but for this."""
        return {**(self.well.host or {}), **changed}

    def compute(self, method: str, path: str, body: object = None) -> Any:
        return self.api.send(Call("compute", method, path, body))

    def servers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.compute("GET", "/servers/detail?all_tenants=1")["servers"]
        return found

    def used(self) -> dict[str, int]:
        """What Placement says is in use, without what is not."""
        known = self.api.send(Call("placement", "GET", "/resource_providers"))["resource_providers"]
        paths = [f"/resource_providers/{each['uuid']}/usages" for each in known]
        usages = [self.api.send(Call("placement", "GET", path))["usages"] for path in paths]
        return {name: count for each in usages for name, count in each.items() if count}


def publish(folder: Path) -> None:
    """Make the flavors."""
    spec = folder / "gpucloud.yaml"
    assert run(["publish", "--cloud", CLOUD, "--spec", str(spec), "--yes"]) == 0
