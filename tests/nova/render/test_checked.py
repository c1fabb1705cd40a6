"""What is rendered passes the check of nova.conf: the service starts, and nothing is wrong with the files.

Aliases of other hosts' devices, and faults of a release itself, are warnings there.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.nova.render.clouds import CLOUDS, Cloud
from tests.nova.render.read_back import configuration_for
from tests.nova.render.test_every_release import ends_and_between, machine_as_said, steps_of

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.report import check
from gpucloud.nova.releases import platform
from gpucloud.nova.releases.release import SERIES, Release
from gpucloud.nova.render import LAYOUTS, render
from gpucloud.nova.service import Service


@pytest.mark.parametrize("layout", ["packages", "kolla-ansible", "rhoso"])
@ends_and_between(SERIES)
def test_nothing_is_wrong_with_what_is_rendered(release: Release, layout: str) -> None:
    for cloud in CLOUDS.values():
        for case in cases(release, layout, cloud):
            report = check(case)
            assert report.error is None
            wrong = {one.kind.id for one in report.findings if one.level.weight >= Level.WARNING.weight}
            own_faults = {"nova-placement-too-many"} if platform.TOO_MANY_VFS.at(release) else set()
            assert wrong <= own_faults


def cases(release: Release, layout: str, cloud: Cloud) -> Iterator[Case]:
    for placement in steps_of(release):
        if release.number < cloud.since or not cloud.fits(layout, placement, release.number):
            continue
        files = render(cloud.parsed(placement), cloud.looked_at(), release, LAYOUTS[layout]).files
        for host in cloud.hosts:
            compute = configuration_for(layout, files, "compute", host)
            api = configuration_for(layout, files, "api", host)
            yield Case(compute, release, Service.COMPUTE, machine_as_said(cloud, host), api)
            yield Case(api, release, Service.API)
            for service in (Service.SCHEDULER, Service.CONDUCTOR):
                yield Case(configuration_for(layout, files, service.value, host), release, service)
