"""The contract of clouds holds for the fake, and for libvirt's cloud on a hypervisor in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cloud.builders import card, host
from tests.cloud.contract import ClockContract, Ground
from tests.cloud.fake_cloud import FakeCloud
from tests.cloud.fake_hypervisor import FakeHypervisor
from tests.cloud.here import machine

from gpucloud.model.guest import GuestSpec

HOST = host(card("3b:00", group=1), card("5e:00", group=2))
SPEC = GuestSpec("one", 1)


class TestFakeCloud(ClockContract):
    @pytest.fixture
    def ground(self) -> Ground:
        cloud = FakeCloud(HOST)

        def passes(seconds: float) -> None:
            cloud.seconds += seconds

        return Ground(cloud, 2, SPEC, [], passes)


class TestLibvirtCloud(ClockContract):
    @pytest.fixture
    def ground(self, tmp_path: Path) -> Ground:
        here = machine(FakeHypervisor(HOST), tmp_path)
        return Ground(here.cloud, 2, SPEC, [], here.time.wait)
