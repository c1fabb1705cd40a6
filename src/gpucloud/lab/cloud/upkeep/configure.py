"""Nova of a cloud that runs told of GPUs: its files written, its services started again and waited for."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gpucloud.lab.cloud import ready
from gpucloud.lab.cloud.api import Api
from gpucloud.lab.cloud.record import site_of
from gpucloud.lab.cloud.services import COMPUTE_GPUS, CONTROL_GPUS, LAB_HOST
from gpucloud.lab.cloud.site import write_secret
from gpucloud.lab.cloud.upkeep.start import READY_S, last_word, must_be_up, restart, wait_for
from gpucloud.model.failure import Exit, Failure

CONTROL = ("nova-conductor", "nova-scheduler", "nova-api")
COMPUTE = ("nova-compute",)


@dataclass(frozen=True, slots=True)
class Told:
    """What differs from what nova was told before; None: nothing.

    Args:
        control: nova.conf, beside what it needs to run, of nova-api, -scheduler and -conductor.
        compute: that of nova-compute.
        host: what the host has (``files/lab_driver.py``); nova-compute looks once a minute by itself.
    """

    control: str | None = None
    compute: str | None = None
    host: Mapping[str, object] | None = None


def parse_host(text: str) -> Mapping[str, object]:
    """What a host has, out of JSON.

    Raises:
        Failure: it is none, or no object, or its devices are no list of objects.
    """
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise Failure(f"what the host has is no JSON: {error}", _HOW, code=Exit.USAGE) from error
    devices = facts.get("devices", []) if isinstance(facts, dict) else None
    if not isinstance(devices, list) or not all(map(_is_device, devices)):
        raise Failure("what the host has is not written as nova takes it", _HOW, code=Exit.USAGE)
    return dict(facts)


_HOW = "see gpucloud lab cloud configure --help"


def _is_device(said: object) -> bool:
    return isinstance(said, dict) and {"address", "vendor_id", "product_id"} <= said.keys()


def configure(folder: Path, told: Told) -> None:
    """Write what differs, start the services again that read it, and wait until nova says that they are up.

    Raises:
        Failure: there is no cloud that is up, or a service does not start with it: its own words are there.
    """
    record = must_be_up(folder)
    site = site_of(folder, record)
    host = None if told.host is None else json.dumps(told.host, indent=1)
    names: set[str] = set()
    for file, text, readers in (
        (CONTROL_GPUS, told.control, CONTROL),
        (COMPUTE_GPUS, told.compute, COMPUTE),
        (LAB_HOST, host, COMPUTE),
    ):
        if text is not None and (site.config / file).read_text() != text:
            write_secret(site.config / file, text)
            names |= set(readers)
    began = time.time()
    restart(folder, names)
    wait_for(folder, names)
    waited = names & {one.name for one in record.daemons} - {"nova-api"}
    if not waited:
        return
    api = Api(site)

    def said_so() -> bool:
        wait_for(folder, names)
        return waited <= api.services_up(since=began)

    ready.wait_until(said_so, timeout_s=READY_S, what=lambda: last_word(site, min(waited)))
