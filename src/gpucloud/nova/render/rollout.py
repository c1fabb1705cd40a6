"""In which order services are told, and what to look at in between."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.model.spec import Placement
from gpucloud.nova.releases import options, pci
from gpucloud.nova.render.layouts import Layout
from gpucloud.nova.render.settings import Settings


def steps_of(settings: Settings, layout: Layout) -> tuple[str, ...]:
    """What to do, one step after the other, once the files are in their places."""
    return tuple(_steps(settings, layout))


def _steps(settings: Settings, layout: Layout) -> Iterator[str]:
    yield (
        "Take these options out of other files of the same service: their values add up, under old names too "
        f"({_names(settings)})"
    )
    if settings.schedules:
        yield (
            "Roll out placement: report first, everywhere, and come back to placement: schedule when each "
            "nova-compute has reported"
        )
    yield f"nova-compute first, on every compute host: {layout.restart('compute', settings.release)}"
    if pci.DEVICES_LISTED_ONCE.at(settings.release):
        yield "Restart nova-compute after later changes of VFs and drivers, too: it looks for devices once"
    if settings.reports:
        yield (
            "See that each device has its provider: openstack resource provider list (host name, _, and the "
            "address in capitals)"
        )
    yield f"nova-api: {layout.restart('api', settings.release)}"
    if settings.schedules:
        yield f"nova-conductor, all of them: {layout.restart('conductor', settings.release)}"
    if settings.filters is not None or settings.schedules:
        yield f"nova-scheduler: {layout.restart('scheduler', settings.release)}"
    if settings.candidates:
        yield f"Placement: {layout.restart('placement', settings.release)}"
    if settings.placement is Placement.REPORT and options.PCI_IN_PLACEMENT.at(settings.release) is not None:
        yield "When all of that works: placement: schedule in gpucloud.yaml, and render again"


def _names(settings: Settings) -> str:
    release = settings.release
    names = (
        options.DEVICE_SPEC.at(release),
        *options.DEVICE_SPEC_OLD.at(release),
        options.ALIAS.at(release),
        *options.ALIAS_OLD.at(release),
    )
    return ", ".join(map(str, names))
