"""One release of nova answers cases: JSON lines in, JSON lines out. Runs in the environment.

The first line names the machines; each other line is a case. What judges is never patched: sysfs is another
folder, and names that libraries have lost are given back.
"""

from __future__ import annotations

import copy
import functools
import importlib
import importlib.util
import inspect
import tempfile
import types
import uuid
from pathlib import Path
from typing import Any

Answer = dict[str, Any]

shim = importlib.import_module("shim")  # beside this file, which no package holds here
talk = importlib.import_module("talk")
attempt = talk.attempt


class Nova:
    """The release that is first on the path."""

    def __init__(self, machines: dict[str, Any], folder: Path) -> None:
        shim.prepare_libraries()
        self.conf = importlib.import_module("nova.conf").CONF
        shim.take_database_away()
        self.objects = importlib.import_module("nova.objects")
        for name in ("pci_device", "pci_device_pool", "instance_pci_requests"):
            importlib.import_module(f"nova.objects.{name}")
        self.request = importlib.import_module("nova.pci.request")
        self.whitelist = importlib.import_module("nova.pci.whitelist")
        self.stats = importlib.import_module("nova.pci.stats")
        self.tracker = importlib.import_module("nova.pci.manager").PciDevTracker
        self.exception = importlib.import_module("nova.exception")
        self.reads_serial = hasattr(self.request, "PCI_REMOTE_MANAGED_TAG")
        self.conf([], project="nova", default_config_files=[])
        self.machines = machines
        self.sysfs = shim.Sysfs(folder)
        self.sysfs.install(importlib.import_module("nova.pci.utils"))
        self.folder = folder
        for name, machine in machines.items():
            shim.write_machine(folder / name, machine)
        translator = "nova.compute.pci_placement_translator"
        is_there = importlib.util.find_spec(translator) is not None  # since 26
        self.placement: Any = importlib.import_module(translator) if is_there else None

    def answer(self, case: dict[str, Any]) -> Answer:
        """All that is asked of this case."""
        self.sysfs.root = self.folder / case["machine"]
        self._configure(case)
        answers: Answer = {}
        chosen = attempt(lambda: self.whitelist.Whitelist(case["specs"]))
        if case["specs"] is not None:
            answers |= self._about_devices(chosen, case)
        if case["aliases"] is not None:
            answers["aliases"] = attempt(self._aliases)
        if "gives" in answers.get("aliases", {}):
            answers["asks"] = self._asks(case, answers["aliases"]["gives"])
        if "tracked" in answers and "gives" in answers.get("aliases", {}):
            answers["flavors"] = {
                text: attempt(functools.partial(self._fits, chosen["gives"], text, case))
                for text in case["flavors"]
            }
        return answers

    def _configure(self, case: dict[str, Any]) -> None:
        self._set("pci", "device_spec", case["specs"] or [])
        self._set("pci", "passthrough_whitelist", case["specs"] or [])
        self._set(None, "pci_passthrough_whitelist", case["specs"] or [])
        self._set("pci", "alias", case["aliases"] or [])
        self._set(None, "pci_alias", case["aliases"] or [])
        self._set("pci", "report_in_placement", case["report"])
        self._set("filter_scheduler", "pci_in_placement", case["in_placement"])
        cached = getattr(self.request, "get_alias_from_config", None)
        if cached is not None:
            cached.cache_clear()

    def _set(self, group: str | None, name: str, value: object) -> None:
        """Set an option where the release has it; those without a group are of 13 and 14."""
        if name in (self.conf if group is None else getattr(self.conf, group, ())):
            self.conf.set_override(name, value, group=group)

    def _about_devices(self, specs: Answer, case: dict[str, Any]) -> Answer:
        if "raises" in specs:
            return {"specs": specs}
        chosen = specs["gives"]
        kept = [[spec.vendor_id, spec.product_id, spec.get_tags()] for spec in chosen.specs]
        devices = self.machines[case["machine"]]["devices"]
        plain = [self._as_driver_gives(device) for device in devices]
        tracked = [attempt(functools.partial(self._first, chosen, device)) for device in plain]
        answers: Answer = {"specs": {"gives": copy.deepcopy(kept)}}
        if any("raises" in each for each in tracked):
            return answers | {"trouble": tracked}
        answers["tracked"] = [each["gives"] for each in tracked]
        self.pools = attempt(lambda: self._pools(chosen, case))
        answers["pools"] = (
            self.pools if "raises" in self.pools else {"gives": self._shown(self.pools["gives"])}
        )
        if self.placement is not None and case["report"]:
            answers["placement"] = attempt(lambda: self._placement(chosen, case))
        return answers

    def _as_driver_gives(self, device: dict[str, Any]) -> dict[str, Any]:
        """The libvirt driver's description: vital product data since the release that reads it."""
        plain = {key: value for key, value in device.items() if key != "card_serial_number"}
        serial = device["card_serial_number"]
        if serial and self.reads_serial:
            plain["capabilities"] = {"vpd": {"card_serial_number": serial}}
        return {**plain, "dev_id": f"pci_{device['address']}", "label": "label_1_2", "compute_node_id": 1}

    def _first(self, chosen: Any, device: dict[str, Any]) -> int | None:
        matching = (place for place, spec in enumerate(chosen.specs) if spec.match(dict(device)))
        first = next(matching, None)
        assert bool(chosen.device_assignable(dict(device))) is (first is not None)
        return first

    def _devices(self, chosen: Any, case: dict[str, Any]) -> list[Any]:
        """The devices that the tracker would hold, in the order in which it holds them."""
        known = sorted(self.machines[case["machine"]]["devices"], key=lambda device: device["address"])
        mine = []
        for device in known:
            plain = self._as_driver_gives(device)
            if chosen.device_assignable(plain):
                mine.append(self.objects.PciDevice.create(None, plain))
        return mine

    def _pools(self, chosen: Any, case: dict[str, Any]) -> Any:
        sockets = [
            types.SimpleNamespace(id=node, socket=socket) for node, socket in enumerate(case["sockets"])
        ]
        topology = types.SimpleNamespace(cells=sockets)
        takes = inspect.signature(self.stats.PciDeviceStats.__init__).parameters
        first = [topology] if "numa_topology" in takes else []
        given = {"dev_filter": chosen} if "dev_filter" in takes else {}  # 13 reads its options itself
        stats = self.stats.PciDeviceStats(*first, **given)
        devices = self._devices(chosen, case)
        if hasattr(self.tracker, "_build_device_tree"):  # since 14
            self.tracker._build_device_tree(devices)
        for device in devices:
            stats.add_device(device)
        return stats

    def _shown(self, stats: Any) -> list[Any]:
        shown = []
        for pool in stats.pools:
            plain = {key: value for key, value in pool.items() if key != "devices"}
            shown.append([plain, [device.address for device in pool["devices"]]])
        return shown

    def _placement(self, chosen: Any, case: dict[str, Any]) -> list[Any]:
        self.placement.ensure_no_dev_spec_with_devname(chosen.specs)
        view = self.placement.PlacementView("host", [])
        for device in self._devices(chosen, case):
            view.process_dev(device, chosen.get_devspec(device))
        tree = self.placement.provider_tree.ProviderTree()
        tree.new_root("host", str(uuid.uuid4()))
        takes = inspect.signature(view.update_provider_tree).parameters
        view.update_provider_tree(tree, *([{}] if "allocations" in takes else []))
        return [self._provider(name, tree.data(name)) for name in view.rps]

    def _provider(self, name: str, known: Any) -> list[Any]:
        ((resource_class, inventory),) = known.inventory.items()
        return [name, resource_class, inventory["total"], sorted(known.traits)]

    def _asks(self, case: dict[str, Any], aliases: Answer) -> Answer:
        """What the scheduler would ask Placement for, by alias."""
        if not case["in_placement"] or not hasattr(self.placement, "get_resource_class"):  # since 27
            return {}
        return {name: self._ask(specs[0]) for name, (_, specs) in aliases.items()}

    def _ask(self, spec: dict[str, str]) -> list[Any]:
        named = (spec.get("resource_class"), spec.get("vendor_id"), spec.get("product_id"))
        traits = self.placement.get_traits(spec.get("traits", ""))
        return [self.placement.get_resource_class(*named), sorted(traits)]

    def _aliases(self) -> Answer:
        read = getattr(self.request, "get_alias_from_config", None) or self.request._get_alias_from_config
        aliases = copy.deepcopy(read())
        return {
            name: [None, value] if isinstance(value, list) else list(value) for name, value in aliases.items()
        }

    def _fits(self, chosen: Any, text: str, case: dict[str, Any]) -> Answer:
        """Whether the scheduler lets the host through, and which devices the host hands out."""
        flavor = {"extra_specs": {"pci_passthrough:alias": text}}
        takes = inspect.signature(self.request.get_pci_requests_from_flavor).parameters
        policy = {"affinity_policy": case["policy"]} if "affinity_policy" in takes else {}
        requests = self.request.get_pci_requests_from_flavor(flavor, **policy).requests
        cells = case["cells"] and [types.SimpleNamespace(id=node) for node in case["cells"]]
        stats = self.pools["gives"]
        takes = inspect.signature(stats.support_requests).parameters
        mapping: list[dict[str, str]] = [{}] if "provider_mapping" in takes else []
        return {
            "passes": bool(stats.support_requests(requests, *mapping, cells)),
            "devices": self._claim(chosen, requests, cells, case),
        }

    def _claim(self, chosen: Any, requests: list[Any], cells: list[Any] | None, case: dict[str, Any]) -> Any:
        """Addresses in the order in which they are taken; None where the host refuses."""
        if any(request.count < 1 for request in requests):
            return "not asked"
        stats = self._pools(chosen, case)
        try:
            taken = stats.consume_requests(requests, cells)
        except (self.exception.PciDeviceRequestFailed, self.exception.PciDevicePoolEmpty):
            return None
        return None if taken is None else [device.address for device in taken]


def main() -> None:
    """Answer until there are no more cases."""
    talk.quieten()
    with tempfile.TemporaryDirectory() as folder:
        talk.serve(Nova(talk.heard(), Path(folder)).answer)


if __name__ == "__main__":
    main()
