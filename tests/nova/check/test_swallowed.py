"""Values that go on with what was meant as a line of its own."""

from __future__ import annotations

import pytest

from gpucloud.nova.check import Case, Service, check
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.releases.release import parse_release

ALIAS = 'alias = {"name": "t4", "vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PF"}'


@pytest.mark.parametrize(
    ("after", "meant"),
    [
        ("\n [libvirt]\n virt_type = kvm", ("[libvirt]", "virt_type = kvm")),
        ("\n  alias = {}", ("alias = {}",)),
        (" # the small ones", ("# the small ones",)),
        (" ; the small ones", ("# the small ones",)),
    ],
)
def test_what_was_meant_as_another_line_is_told(after: str, meant: tuple[str, ...]) -> None:
    files = Configuration((read_config_file("nova.conf", f"[pci]\n{ALIAS}{after}\n"),))
    found = check(Case(files, parse_release("34"), Service.API)).findings
    (swallowed,) = (one for one in found if one.kind.id == "nova-line-swallowed")
    assert swallowed.line == 2
    assert swallowed.fix == ("[pci]", ALIAS, *meant)
