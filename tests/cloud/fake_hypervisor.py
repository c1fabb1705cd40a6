"""A hypervisor in memory: it takes real definitions, and its guests write real console logs."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gpucloud.cloud.definition.record import in_namespace, parse_record
from gpucloud.cloud.libvirt.connection import ConsoleStream
from gpucloud.cloud.libvirt.domain import Domain, DomainState, parse_domain
from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress, PciClass, PciId

Behaviour = Callable[["FakeHypervisor", "Running"], None]


@dataclass(slots=True)
class Running:
    """A domain that runs, and where its console goes."""

    domain: Domain
    xml: str
    log: Path

    @property
    def nonce(self) -> str:
        assert self.domain.record is not None
        return self.domain.record.nonce

    def prints(self, text: str) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as file:
            file.write(text)


def report(host: Host, running: Running, *, without: Iterable[str] = ()) -> str:
    """What a healthy guest prints: a host bridge, and the functions where the definition puts them."""
    lines = [f"gpucloud-report {running.nonce} function 0000:00:00.0 8086:29c0 060000"]
    tree = ET.fromstring(running.xml)  # noqa: S314 - made by the code under test
    for device in tree.iterfind("./devices/hostdev"):
        address, source = device.find("./address"), device.find("./source/address")
        assert address is not None
        assert source is not None
        if "uuid" in source.attrib:
            if source.attrib["uuid"] not in without:
                at = f"0000:{int(address.attrib['bus'], 16):02x}:00.0"
                lines.append(f"gpucloud-report {running.nonce} function {at} 4348:3253 070002")
            continue
        function = _function_at(host, source)
        if str(function[0]) in without:
            continue
        place = f"0000:{int(address.attrib['bus'], 16):02x}:00.{int(address.attrib['function'], 16)}"
        lines.append(f"gpucloud-report {running.nonce} function {place} {function[1]} {function[2].code:06x}")
    mark = f"gpucloud-report {running.nonce}"
    return "\r\n".join(["[    0.1] Linux", f"{mark} begin", *lines, f"{mark} end {len(lines)}", ""])


def _function_at(host: Host, source: ET.Element) -> tuple[PciAddress, PciId, PciClass]:
    address = PciAddress(*(int(source.attrib[part], 16) for part in ("domain", "bus", "slot", "function")))
    assert isinstance(host.functions, dict)
    function = host.functions[address]
    assert isinstance(function.id, PciId)
    assert isinstance(function.pci_class, PciClass)
    return address, function.id, function.pci_class


def _part_of(device: str) -> Domain:
    return parse_domain(f"<domain><devices>{device}</devices></domain>", DomainState.OFF)


def _without(domain: Domain, gone: Domain) -> Domain:
    vgpus = tuple(each for each in domain.vgpus if each not in gone.vgpus)
    return replace(
        domain,
        vgpus=vgpus,
        functions=tuple(each for each in domain.functions if each not in gone.functions),
    )


def reports(hypervisor: FakeHypervisor, running: Running) -> None:
    running.prints(report(hypervisor.host, running))


def stays_silent(hypervisor: FakeHypervisor, running: Running) -> None:
    running.prints("BdsDxe: failed to load Boot0001\r\n")


def panics(hypervisor: FakeHypervisor, running: Running) -> None:
    running.prints("[    1.234567] Kernel panic - not syncing: No working init found.\r\n")
    running.prints("[    1.234568] CPU: 0 PID: 1 Comm: swapper/0\r\n")


def switches_off(hypervisor: FakeHypervisor, running: Running) -> None:
    running.prints("[    1.2] reboot: Power down\r\n")
    hypervisor.end(running.domain.uuid)


def loses(*addresses: str) -> Behaviour:
    def behave(hypervisor: FakeHypervisor, running: Running) -> None:
        running.prints(report(hypervisor.host, running, without=addresses))

    return behave


@dataclass(slots=True)
class FakeHypervisor:
    """Keeps domains; what a started guest does is told by ``behaviour``."""

    host: Host
    behaviour: Behaviour = reports
    foreign: list[Domain] = field(default_factory=list)
    agent_answers: bool = False
    clings: bool = False
    """Guests do not let go of devices."""
    running: dict[str, Running] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def domains(self) -> tuple[Domain, ...]:
        return (*self.foreign, *(one.domain for one in self.running.values()))

    def find(self, name: str) -> Domain | None:
        return next((domain for domain in self.domains() if domain.name == name), None)

    def start(self, xml: str) -> None:
        self.calls.append("start")
        tree = ET.fromstring(xml)  # noqa: S314 - made by the code under test
        memory = tree.find("memory")
        assert memory is not None
        memory.text = str(int(memory.text or "0") * 1024)  # libvirt prints KiB, whatever it was given
        domain = parse_domain(ET.tostring(tree, encoding="unicode"), DomainState.RUNNING)
        busy = {at for one in self.domains() for at in one.functions} & set(domain.functions)
        if busy:
            raise Failure(f"libvirt could not start the guest: {min(busy)} is in use")
        log = tree.find("./devices/serial/log")
        assert log is not None
        self.running[domain.uuid] = Running(domain, xml, Path(log.attrib["file"]))
        self.behaviour(self, self.running[domain.uuid])

    def is_active(self, uuid: str) -> bool:
        self.calls.append("is_active")
        return uuid in self.running

    def end(self, uuid: str) -> None:
        self.calls.append("end")
        self.running.pop(uuid, None)

    def plug(self, uuid: str, device: str) -> None:
        self.calls.append("plug")
        given = _part_of(device)
        self._change(
            uuid,
            lambda one: replace(
                one, vgpus=(*one.vgpus, *given.vgpus), functions=(*one.functions, *given.functions)
            ),
        )

    def unplug(self, uuid: str, device: str) -> None:
        self.calls.append("unplug")
        gone = _part_of(device)
        if not self.clings:
            self._change(uuid, lambda one: _without(one, gone))

    def _change(self, uuid: str, changed: Callable[[Domain], Domain]) -> None:
        for one in self.running.values():
            if one.domain.uuid == uuid:
                one.domain = changed(one.domain)
        self.foreign = [changed(each) if each.uuid == uuid else each for each in self.foreign]

    def keep_record(self, uuid: str, record: str) -> None:
        domain = ET.Element("domain")
        element = in_namespace(ET.fromstring(record))  # noqa: S314 - made by the code under test
        ET.SubElement(domain, "metadata").append(element)
        one = self.running[uuid]
        one.domain = replace(one.domain, record=parse_record(domain))

    def ask_agent(self, uuid: str, command: str) -> str | None:
        if not self.agent_answers:
            return None
        asked = json.loads(command)
        if asked["execute"] == "guest-exec":
            return json.dumps({"return": {"pid": 7}})
        text = base64.b64encode(report(self.host, self.running[uuid]).encode()).decode()
        return json.dumps({"return": {"exited": True, "out-data": text}})

    def open_console(self, uuid: str) -> ConsoleStream:
        raise NotImplementedError

    def close(self) -> None:
        self.calls.append("close")
