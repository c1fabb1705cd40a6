"""One real OpenStack for all tests of this folder: the one that is up with cards, or one for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cloud.openstack.real.nova import RealNova, publish, render

from gpucloud.lab.cloud.down import down
from gpucloud.lab.cloud.record import CLOUDS_YAML, read_record
from gpucloud.lab.cloud.settings import Compute
from gpucloud.lab.cloud.site import place_of
from gpucloud.lab.cloud.up import up


@pytest.fixture(scope="session")
def real_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the cloud."""
    record = read_record(place_of())
    if record is not None and record.is_up and record.compute == Compute.CARDS:
        yield place_of()
        return
    folder = up(compute=Compute.CARDS, state=tmp_path_factory.mktemp("cloud")).folder
    yield folder
    down(folder)


@pytest.fixture(scope="session")
def real_nova(real_cloud: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNova]:
    """Nova that knows its cards, with flavors; all its guests are gone in the end."""
    work = tmp_path_factory.mktemp("spec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OS_CLIENT_CONFIG_FILE", str(real_cloud / CLOUDS_YAML))
        nova = RealNova(real_cloud, render(work))
        nova.told()
        publish(work)
        yield nova


@pytest.fixture
def nova(real_nova: RealNova) -> Iterator[RealNova]:
    """The same, for one test: all is well before, and nothing of it is left."""
    real_nova.told()
    yield real_nova
    for server in real_nova.servers():
        real_nova.compute("DELETE", f"/servers/{server['id']}")
