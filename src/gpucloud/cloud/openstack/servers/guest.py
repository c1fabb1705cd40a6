"""A server of ours as a guest. Pure."""

from __future__ import annotations

from gpucloud.cloud import protocol
from gpucloud.cloud.openstack.servers.answers import Server
from gpucloud.cloud.openstack.servers.record import Record
from gpucloud.model.guest import Guest, GuestState

_RUNS = ("ACTIVE", "REBOOT", "HARD_REBOOT", "PASSWORD", "MIGRATING", "RESIZE", "VERIFY_RESIZE")


def guest_of(server: Server, record: Record) -> Guest:
    """Tell of a guest what every cloud can tell. A project does not learn the cards' addresses."""
    return Guest(
        name=server.name,
        id=server.id,
        state=_state_of(server, record),
        gpus=record.gpus,
        units=(),
        functions=(),
        seen=record.seen,
        failure=record.failure or server.fault,
        image=record.image,
        cpus=server.vcpus,
        memory_mib=server.ram_mib,
        started_at_s=float(record.started_at_s),
        ends_at_s=None if record.ends_at_s is None else float(record.ends_at_s),
        console_log=None,
    )


def is_over(server: Server, record: Record, now: float) -> bool:
    """Claims that a guest is to be reaped.

    One that nova could not make, and that is to be kept, cannot say so itself: nova changes no metadata then.
    """
    is_kept = record.failure is not None or (record.keeps_failed and server.status == "ERROR")
    has_ended = record.seen is not None or is_kept
    return protocol.is_over(now, record.ends_at_s, record.due_at_s, has_ended_launch=has_ended)


def _state_of(server: Server, record: Record) -> GuestState:
    if record.failure is not None or server.status == "ERROR":
        return GuestState.FAILED
    if server.status == "BUILD" or (server.status in _RUNS and record.seen is None):
        return GuestState.STARTING
    return GuestState.RUNNING if server.status in _RUNS else GuestState.STOPPED
