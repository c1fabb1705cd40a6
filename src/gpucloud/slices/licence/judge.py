"""Whether a guest has its licences, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gpucloud.model.unknown import Unknown
from gpucloud.slices.licence.client import Feature
from gpucloud.slices.licence.gridd import troubles_in
from gpucloud.slices.licence.probe import Reach, Report, Tcp, parse_report
from gpucloud.slices.licence.smi import LicensedGpu, State, parse_smi
from gpucloud.slices.name import parse_type_name

CAUSE = "vgpu-licence-missing"
"""The doctor's name for it: ``gpucloud explain`` has more."""
_MOST_SKEW_S = 60
"""Answers of a licence service hold a short time by the guest's clock; no clock with NTP is so far off."""
_FITTING = {
    "Q": (Feature.VGPU, Feature.WORKSTATION),
    "B": (Feature.VGPU, Feature.WORKSTATION),
    "A": (Feature.VGPU,),
    "C": (Feature.VGPU, Feature.WORKSTATION, Feature.COMPUTE),
}
"""FeatureType by series of a vGPU: vWS serves Q, B and C. Source: client licensing guide, tables 1 and 2."""
_PROBE = "gpucloud vgpu licence probe, run in the guest, says more"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no licence.

    Args:
        id: what kind.
        what: what is.
        then: what to do.
        line: of the guest, that shows it; None: no single line does.
    """

    id: str
    what: str
    then: str
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a guest's licences.

    Args:
        gpus: by nvidia-smi, in its order.
        is_licensed: every GPU that needs a licence has one, and it has not ended; Unknown: it cannot be told.
        reasons: why not; empty where it is.
    """

    gpus: tuple[LicensedGpu, ...]
    is_licensed: bool | Unknown
    reasons: tuple[Reason, ...]


def judge(text: str, now: datetime) -> Verdict:
    """Judge what a guest printed: the report of ``probe``, or ``nvidia-smi -q`` and journal as they are.

    Args:
        text: the guest's.
        now: for licences that have ended.

    Raises:
        ValueError: the text is longer than any that is meant.
    """
    report = parse_report(text)
    gpus = parse_smi(text if report is None else report.smi)
    is_licensed = _is_licensed(gpus, now)
    if is_licensed is True:
        return Verdict(gpus, is_licensed, ())
    found = list(_reasons(gpus, report, text if report is None else report.journal, now))
    if not found and is_licensed is False:
        found = [
            Reason("not-shown", "nothing that was printed says why", _PROBE if report is None else _LOOK)
        ]
    return Verdict(gpus, is_licensed, tuple(found))


_LOOK = "look at the licence server's own log, and at the journal: journalctl -u nvidia-gridd"


def _is_licensed(gpus: Sequence[LicensedGpu], now: datetime) -> bool | Unknown:
    asked = [gpu for gpu in gpus if gpu.state is not None]
    if not asked:
        return Unknown(
            "nvidia-smi -q shows no GPU with licences" if gpus else "there is no nvidia-smi -q in it"
        )
    for gpu in asked:
        if isinstance(gpu.state, State) and (gpu.state is not State.LICENSED or _is_over(gpu, now)):
            return False
    unclear = (why for gpu in asked for why in (gpu.state, gpu.expiry) if isinstance(why, Unknown))
    return next(unclear, True)


def _is_over(gpu: LicensedGpu, now: datetime) -> bool:
    return isinstance(gpu.expiry, datetime) and gpu.expiry <= now


def _reasons(
    gpus: Sequence[LicensedGpu], report: Report | None, journal: str, now: datetime
) -> Iterator[Reason]:
    yield from _of_gpus(gpus, now)
    if report is not None:
        yield from _of_settings(gpus, report)
        for reach in report.reaches:
            yield from _of_server(reach)
        if report.service not in (None, "active"):
            then = "systemctl enable --now nvidia-gridd, in the guest"
            yield Reason("service", f"nvidia-gridd is {report.service}: nothing asks for a licence", then)
    for trouble, line in troubles_in(journal):
        yield Reason(trouble.id, trouble.what, trouble.then, line)


def _of_gpus(gpus: Sequence[LicensedGpu], now: datetime) -> Iterator[Reason]:
    if gpus and all(gpu.state is None for gpu in gpus):
        yield _no_licences(gpus)
    for gpu in gpus:
        if gpu.state is State.LICENSED and _is_over(gpu, now):
            what = f"the licence of {gpu.address} ended at {gpu.expiry}, and was not renewed"
            yield Reason("ended", what, "the way to the server, and the guest's clock: timedatectl")


def _no_licences(gpus: Sequence[LicensedGpu]) -> Reason:
    """Why no GPU has to do with licences."""
    if any((gpu.mode or "").startswith("Host") for gpu in gpus):
        what = "this is what a host's nvidia-smi says, and licences are a guest's"
        return Reason("host", what, "ask in the guest")
    if all(_is_whole(gpu) for gpu in gpus):
        what = "the guest has whole cards with NVIDIA's common driver, which asks for no licence"
        return Reason("whole-card", what, "a virtual workstation needs the vGPU software's driver for guests")
    what = "the guest's driver knows of no licences: it is not that of NVIDIA's vGPU software"
    return Reason("driver", what, "install the guest driver of the vGPU software's release of the host")


def _of_settings(gpus: Sequence[LicensedGpu], report: Report) -> Iterator[Reason]:
    conf = report.conf
    if not conf.get("ServerAddress") and not report.tokens:
        what = "the guest has no token, and no ServerAddress in gridd.conf"
        yield Reason("no-server", what, "make its files: gpucloud vgpu licence client")
    if any(size == 0 for _, size in report.tokens):
        then = "take it from the service again, whole, and restart nvidia-gridd"
        yield Reason("token", "a token of the guest is empty", then)
    said = conf.get("FeatureType", "")
    if said:
        yield from (each for gpu in gpus for each in _of_feature(gpu, said))
    elif any(_is_whole(gpu) for gpu in gpus):
        what = "a whole card asks for a licence only where FeatureType says of what, and gridd.conf does not"
        yield Reason("feature-type", what, "FeatureType=2 (workstation) or 4 (compute) in gridd.conf")


def _of_feature(gpu: LicensedGpu, said: str) -> Iterator[Reason]:
    name = parse_type_name(gpu.name) if gpu.name is not None and not _is_whole(gpu) else None
    fitting = _FITTING.get(name.series) if name is not None else None
    if _is_whole(gpu):
        fitting = (Feature.WORKSTATION, Feature.COMPUTE)
    if fitting is None or said in {str(each.value) for each in fitting}:
        return
    which = " or ".join(str(each.value) for each in fitting)
    what = f"FeatureType={said} in gridd.conf is not for {gpu.name or gpu.address}"
    yield Reason("feature-type", what, f"FeatureType={which}, and restart nvidia-gridd")


def _is_whole(gpu: LicensedGpu) -> bool:
    return (gpu.mode or "").lower().replace("-", "") == "passthrough"


def _of_server(reach: Reach) -> Iterator[Reason]:
    server = reach.server
    if reach.address is None:
        yield Reason("name", f"the guest finds no address for {server.host}", "its DNS: resolvectl status")
    elif reach.tcp is Tcp.CLOSED:
        what = f"{server} ({reach.address}) refuses connections, or there is no way to it"
        yield Reason("unreachable", what, "is the server running there, and does the guest have a route?")
    elif reach.tcp is Tcp.SILENT:
        what = f"{server} ({reach.address}) does not answer within 5 s"
        yield Reason("unreachable", what, f"let TCP port {server.port} through firewalls and security groups")
    if isinstance(reach.skew_s, int) and abs(reach.skew_s) > _MOST_SKEW_S:
        side = "ahead of" if reach.skew_s > 0 else "behind"
        what = f"the guest's clock is {abs(reach.skew_s)} s {side} that of {server.host}"
        yield Reason("clock", what, "set it, and keep it: timedatectl set-ntp true")
