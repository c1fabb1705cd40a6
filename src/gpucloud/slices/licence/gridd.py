"""Lines of nvidia-gridd, the daemon in a guest that gets its licence: what they say is wrong.

They are as users published them: the vGPU client licensing guide lists none. Where one is printed first:
NVIDIA/nvidia-docker#1787, MicrosoftDocs/azure-docs#32746, the manual of NREC's vGPU instances, the FAQ and
notes of FastAPI-DLS, and questions on public forums.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_LINES = 20_000
_GOT = re.compile(r"License acquired successfully", re.ASCII)
_STARTED = re.compile(r"nvidia-gridd\[\d+\]: Started \(|^Started \(\d+\)$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of line.

    Args:
        id: what kind.
        pattern: how it shows.
        what: what it means.
        then: what to do.
    """

    id: str
    pattern: re.Pattern[str]
    what: str
    then: str


def _trouble(id_: str, pattern: str, what: str, then: str) -> Trouble:
    return Trouble(id_, re.compile(pattern, re.ASCII | re.IGNORECASE), what, then)


TROUBLES = (
    _trouble(
        "clock",
        r"allowed time to process response has expired",
        "the server's answer is too old for the guest's clock",
        "set the guest's time zone and clock (timedatectl), or take a new token",
    ),
    _trouble(
        "edition",
        r"No pool features? found",
        "the server has no licence of this edition left",
        "look at the pools of the licence server, and at the edition that the vGPU's type needs",
    ),
    _trouble(
        "feature-type",
        r"Invalid feature type",
        "FeatureType is none that the guest's GPU can ask for",
        "FeatureType=1 in /etc/nvidia/gridd.conf for a vGPU; 2 or 4 for a whole card",
    ),
    _trouble(
        "token",
        r"Unable to fetch the client configuration token|Failed to decode signature from token"
        r"|Failed to read configurations from client configuration token"
        r"|Failed to setup cloud License Manager",
        "there is no token, or it is damaged",
        "a whole *.tok of the service into /etc/nvidia/ClientConfigToken, and restart nvidia-gridd",
    ),
    _trouble(
        "no-server",
        r"Configuration parameter.{0,80}ServerAddress.{0,40}not set"
        r"|Failed to open file /etc/nvidia/gridd\.conf",
        "no licence server is configured",
        "gpucloud vgpu licence client",
    ),
    _trouble(
        "trusted-store",
        r"Failed to update local trusted store|Client fingerprint mismatch|No valid lease found in local",
        "what the guest kept of earlier licences does not fit (a cloned guest, another network card)",
        "remove /var/lib/nvidia/GridLicensing/* in the guest, and restart nvidia-gridd",
    ),
    _trouble(
        "unreachable",
        r"failed server communication|network error|could ?n.t connect|unable to (?:connect|reach)|timed out",
        "the licence server does not answer",
        "the way to it: gpucloud vgpu licence probe, run in the guest",
    ),
    _trouble(
        "refused",
        r"Failed to (?:acquire|borrow|renew) license|Failed to register client|Valid GRID license not found",
        "the licence server gave none",
        "the licence server's own log says why",
    ),
)
"""The more it says, the earlier it stands: a line is of the first kind that it fits."""
_PARAMETER_OF_TOKENS = "NLS initialized"


def troubles_in(text: str) -> tuple[tuple[Trouble, str], ...]:
    """What the journal says is wrong, each kind once with its last line; of the daemon's last start.

    A missing ``ServerAddress`` is none where the daemon went on to a service by its token.
    """
    lines = text.splitlines()[-MOST_LINES:]
    found: dict[str, tuple[Trouble, str]] = {}
    for line in lines:
        if _GOT.search(line) or _STARTED.search(line):
            found.clear()
        kind = next((each for each in TROUBLES if each.pattern.search(line)), None)
        if kind is not None:
            found[kind.id] = (kind, line.strip()[:300])
        elif _PARAMETER_OF_TOKENS in line:
            found.pop("no-server", None)
    said = [found[each.id] for each in TROUBLES if each.id in found]
    return tuple(said[:-1]) if len(said) > 1 and said[-1][0].id == "refused" else tuple(said)
