"""`gpucloud cloud explain` asked of that cloud, with files beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.openstack.api_server import serving
from tests.cloud.openstack.explain.way_state import WayState

from gpucloud.cli.main import run

ALIAS = {"name": "v100", "vendor_id": "10de", "product_id": "1db4", "device_type": "type-PCI"}
SPEC = {"vendor_id": "10de", "product_id": "1db4"}
FILTERS = "ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter"
CARD = {
    "address": "0000:3b:00.0",
    "vendor_id": "10de",
    "product_id": "1db4",
    "dev_type": "type-PCI",
    "numa_node": 0,
}
"""A card as `gpucloud nova match` takes it."""


@dataclass
class Told:
    """What the verb printed."""

    code: int
    out: str
    err: str

    @property
    def plain(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def root(self) -> dict[str, Any]:
        (one,) = self.plain["findings"]
        return dict(one)

    @property
    def cause(self) -> str | None:
        return next((one["cause"] for one in self.plain["findings"]), None)

    @property
    def step(self) -> str:
        (one,) = (each["step"] for each in self.plain["steps"] if each["state"] == "stops here")
        return str(one)

    @property
    def unseen(self) -> set[str]:
        return {one["fact"] for one in self.plain["could_not_look"]}


class Desk:
    """A folder with files of nova, from which the verb is called."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self._patch, self._capsys = folder, monkeypatch, capsys

    def explain(self, state: WayState, name: str, *options: str, shape: str = "json") -> Told:
        with serving(state, self.folder) as clouds:
            self._patch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
            code = run(["cloud", "explain", name, "--cloud", "test", "--format", shape, *options])
        told = self._capsys.readouterr()
        return Told(code, told.out, told.err)

    def config(
        self,
        *,
        alias: object = ALIAS,
        spec: object = SPEC,
        filters: str | None = f"{FILTERS},PciPassthroughFilter,NUMATopologyFilter",
    ) -> tuple[str, ...]:
        """nova.conf of the controllers and of nova-compute, as options of the verb."""
        control, compute = self.folder / "api.conf", self.folder / "compute.conf"
        named = "" if alias is None else f"[pci]\nalias = {json.dumps(alias)}\n"
        listed = "" if filters is None else f"[filter_scheduler]\nenabled_filters = {filters}\n"
        control.write_text(named + listed)
        compute.write_text(
            f"{named or '[pci]'}\n" + ("" if spec is None else f"device_spec = {json.dumps(spec)}\n")
        )
        return ("--release", "31.3.1", "--config", str(control), "--compute-config", str(compute))

    def devices(self, *cards: dict[str, Any], host: str = "gpu01") -> tuple[str, ...]:
        """A host with these devices."""
        path = self.folder / f"{host}.json"
        path.write_text(json.dumps(cards))
        return ("--devices", f"{host}={path}")

    def text(self, name: str, words: str) -> str:
        path = self.folder / name
        path.write_text(words)
        return str(path)
