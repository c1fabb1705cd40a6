"""The one connection to libvirt: a narrow, typed door; every error of libvirt becomes one line.

Under emulation each call costs seconds, so there is one connection and few calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from gpucloud.cloud.definition.record import NAMESPACE, PREFIX
from gpucloud.cloud.libvirt.binding import import_system_module
from gpucloud.cloud.libvirt.domain import Domain, DomainState, has_device, parse_domain
from gpucloud.cloud.packages import LOOK_AT_LIBVIRT, install_line, start_line
from gpucloud.model.failure import Failure

URI = "qemu:///system"
_OLDEST = (7, 2, 0)
"""The first that takes wishes for a firmware, as no Secure Boot (docs/formatdomain.rst, ``firmware``)."""

_NO_DOMAIN = 42  # VIR_ERR_NO_DOMAIN
_LINGERS = (9, 38, 68)  # VIR_ERR_OPERATION_FAILED, VIR_ERR_SYSTEM_ERROR, VIR_ERR_OPERATION_TIMEOUT
_METADATA_ELEMENT = 2  # VIR_DOMAIN_METADATA_ELEMENT
_AFFECT_LIVE = 1  # VIR_DOMAIN_AFFECT_LIVE
_AFFECT_CONFIG = 2  # VIR_DOMAIN_AFFECT_CONFIG
_INACTIVE = 2  # VIR_DOMAIN_XML_INACTIVE
_ASKED_ALREADY = "already in the process of unplug"
"""QEMU's answer while a guest has not let go yet (softmmu/qdev-monitor.c, ``qmp_device_del``)."""
_AGENT_TIMEOUT_S = 5
_MOST_CHARS = 500


class ConsoleStream(Protocol):
    """A guest's serial console, both ways. Both calls wait."""

    def recv(self, nbytes: int) -> bytes:
        """What the guest printed; empty when the console is closed, by either side."""
        ...

    def send(self, data: bytes) -> int: ...

    def abort(self) -> None:
        """Close it; a call that waits comes back."""
        ...


class Lingers(Failure):
    """A domain did not end although it was told to; it may yet, or when it is told again."""


class Hypervisor(Protocol):
    """What is asked of libvirt. Domains are named by their UUID: names can be taken again."""

    def domains(self) -> tuple[Domain, ...]:
        """All domains, active or not, whoever made them."""
        ...

    def find(self, name: str) -> Domain | None: ...

    def start(self, xml: str) -> None:
        """Start a transient domain: when it ends, nothing of it is left in libvirt."""
        ...

    def is_active(self, uuid: str) -> bool: ...

    def end(self, uuid: str) -> None:
        """End a domain at once; one that is gone already is fine.

        Raises:
            Lingers: its process is still there.
            Failure: libvirt refused, or did not answer.
        """
        ...

    def plug(self, uuid: str, device: str) -> None:
        """Add a device to a domain: to it as it runs, and to its definition where that stays when it ends."""
        ...

    def unplug(self, uuid: str, device: str) -> None:
        """Take a device from a domain the same way; a guest that runs is only asked to let go of it."""
        ...

    def keep_record(self, uuid: str, record: str) -> None:
        """Replace gpucloud's element in the metadata of an active domain."""
        ...

    def ask_agent(self, uuid: str, command: str) -> str | None:
        """Send a command to the agent in the guest; None where no agent answers."""
        ...

    def open_console(self, uuid: str) -> ConsoleStream: ...

    def close(self) -> None: ...


def connect() -> Hypervisor:
    """Open the connection to this machine's libvirt.

    Raises:
        Failure: the module is missing, or libvirt does not answer or is too old.
    """
    return connect_with(import_system_module("libvirt"))


def connect_with(module: Any) -> Hypervisor:
    """Open the connection through libvirt's binding.

    Raises:
        Failure: libvirt does not answer, or is too old.
    """
    # libvirt prints errors on standard error by itself unless told where they go.
    module.registerErrorHandler(_ignore, None)
    try:
        connection = module.open(URI)
        version = _version(connection.getLibVersion())
    except module.libvirtError as error:
        raise Failure(
            f"libvirt does not answer: {one_line(str(error))}",
            f"{start_line()} (where it is not installed: {install_line('libvirt')})",
        ) from error
    if version < _OLDEST:
        told, oldest = (".".join(map(str, each)) for each in (version, _OLDEST))
        raise Failure(
            f"libvirt here is {told}, and guests with GPUs need {oldest}: older ones cannot choose a "
            "firmware without Secure Boot, which refuses drivers of GPUs",
            "use a release of the distribution that has it: Debian 12, Ubuntu 22.04, RHEL 8, or newer",
        )
    return Libvirt(module, connection)


def _version(number: int) -> tuple[int, int, int]:
    """Read libvirt's own number: 1000000 times major, 1000 times minor, and the release."""
    return number // 1_000_000, number // 1_000 % 1_000, number % 1_000


def _ignore(_context: object, _error: object) -> None:
    """Take an error that libvirt also raises."""


def one_line(error: str) -> str:
    """What libvirt says, which holds all that QEMU said when that did not start: without its warnings."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    text = " / ".join([line for line in lines if " warning: " not in line] or lines)
    return text if len(text) <= _MOST_CHARS else f"... {text[-_MOST_CHARS:]}"


class Libvirt:
    """libvirt's own binding behind the narrow door."""

    def __init__(self, module: Any, connection: Any) -> None:
        self._module, self._connection = module, connection

    @contextmanager
    def _said(self, doing: str) -> Iterator[None]:
        try:
            yield
        except self._module.libvirtError as error:
            raise self._failure(error, doing) from error

    def _failure(self, error: Any, doing: str, kind: type[Failure] = Failure) -> Failure:
        return kind(f"libvirt could not {doing}: {one_line(str(error))}", LOOK_AT_LIBVIRT)

    def domains(self) -> tuple[Domain, ...]:
        with self._said("list its guests"):
            return tuple(
                domain
                for each in self._connection.listAllDomains(0)
                if (domain := self._read(each)) is not None
            )

    def _read(self, domain: Any) -> Domain | None:
        """Read one domain; None where it went away in between."""
        try:
            return parse_domain(domain.XMLDesc(0), DomainState(domain.state(0)[0]))
        except self._module.libvirtError as error:
            if error.get_error_code() == _NO_DOMAIN:
                return None
            raise
        except ValueError as error:
            raise Failure(
                f"the definition of guest {domain.name()} cannot be read: {error}",
                f"virsh dumpxml {domain.name()}",
            ) from error

    def _look_up(self, uuid: str) -> Any | None:
        try:
            return self._connection.lookupByUUIDString(uuid)
        except self._module.libvirtError as error:
            if error.get_error_code() == _NO_DOMAIN:
                return None
            raise

    def find(self, name: str) -> Domain | None:
        with self._said(f"look for guest {name}"):
            try:
                domain = self._connection.lookupByName(name)
            except self._module.libvirtError as error:
                if error.get_error_code() == _NO_DOMAIN:
                    return None
                raise
            return self._read(domain)

    def start(self, xml: str) -> None:
        with self._said("start the guest"):
            self._connection.createXML(xml, 0)

    def is_active(self, uuid: str) -> bool:
        with self._said("look at the guest"):
            domain = self._look_up(uuid)
            return domain is not None and bool(domain.isActive())

    def end(self, uuid: str) -> None:
        with self._said("end the guest"):
            domain = self._look_up(uuid)
            if domain is None:
                return
            try:
                domain.destroy()
            except self._module.libvirtError as error:
                if error.get_error_code() in _LINGERS:
                    raise self._failure(error, "end the guest", Lingers) from error
                if error.get_error_code() != _NO_DOMAIN:
                    raise

    def plug(self, uuid: str, device: str) -> None:
        with self._said("plug the device in"):
            domain = self._connection.lookupByUUIDString(uuid)
            domain.attachDeviceFlags(device, _affected(domain))

    def unplug(self, uuid: str, device: str) -> None:
        with self._said("unplug the device"):
            domain = self._connection.lookupByUUIDString(uuid)
            for part in affected_by_unplug(domain, device):
                try:
                    domain.detachDeviceFlags(device, part)
                except self._module.libvirtError as error:
                    if _ASKED_ALREADY not in str(error):
                        raise

    def keep_record(self, uuid: str, record: str) -> None:
        with self._said("keep what the guest reported"):
            domain = self._connection.lookupByUUIDString(uuid)
            domain.setMetadata(_METADATA_ELEMENT, record, PREFIX, NAMESPACE, _AFFECT_LIVE)

    def ask_agent(self, uuid: str, command: str) -> str | None:
        agent = import_system_module("libvirt_qemu")
        try:
            domain = self._connection.lookupByUUIDString(uuid)
            return str(agent.qemuAgentCommand(domain, command, _AGENT_TIMEOUT_S, 0))
        except self._module.libvirtError:
            # Every way in which no agent answers: none installed, not started yet, command not allowed.
            return None

    def open_console(self, uuid: str) -> ConsoleStream:
        with self._said("open the console"):
            stream = self._connection.newStream(0)
            self._connection.lookupByUUIDString(uuid).openConsole(None, stream, 0)
            return _Console(self._module.libvirtError, stream)

    def close(self) -> None:
        with self._said("close the connection"):
            self._connection.close()


def _affected(domain: Any) -> int:
    """What a change of devices is to reach."""
    live = _AFFECT_LIVE if domain.isActive() else 0
    return live | (_AFFECT_CONFIG if domain.isPersistent() else 0)


def affected_by_unplug(domain: Any, device: str) -> tuple[int, ...]:
    """The parts of a domain that still have the device: a guest may have been asked before, in vain."""
    parts = []
    if domain.isPersistent() and has_device(domain.XMLDesc(_INACTIVE), device):
        parts.append(_AFFECT_CONFIG)
    if domain.isActive() and has_device(domain.XMLDesc(0), device):
        parts.append(_AFFECT_LIVE)
    return tuple(parts)


class _Console:
    """A stream of libvirt that ends instead of failing: guests end while one looks at them."""

    def __init__(self, error: type[Exception], stream: Any) -> None:
        self._error, self._stream = error, stream

    def recv(self, nbytes: int) -> bytes:
        try:
            return bytes(self._stream.recv(nbytes))
        except self._error:
            return b""

    def send(self, data: bytes) -> int:
        try:
            return int(self._stream.send(data))
        except self._error as error:
            raise Failure(f"the console was closed: {error}") from error

    def abort(self) -> None:
        with suppress(self._error):
            self._stream.abort()
