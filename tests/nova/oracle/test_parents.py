"""A parent of mediated devices that is no PCI function is in nova's way unless nova is told of it."""

from __future__ import annotations

import pytest
from tests.nova.oracle.ask import ask
from tests.nova.oracle.environment import PACKAGES

from gpucloud.nova.machine import LISTED
from gpucloud.nova.releases import vgpu
from gpucloud.nova.releases.release import parse_release

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]

(NAME,) = LISTED.values()
XML = f"""\
<device>
  <name>{NAME}</name>
  <path>/sys/devices/virtual/mtty/mtty</path>
  <parent>computer</parent>
  <capability type='mdev_types'>
    <capability type='mdev_types'>
      <type id='mtty-2'>
        <name>Dual port serial</name>
        <deviceAPI>vfio-pci</deviceAPI>
        <availableInstances>12</availableInstances>
      </type>
    </capability>
  </capability>
</device>
"""
"""As libvirt has it (src/conf/node_device_conf.c, virNodeDeviceCapMdevTypesFormat)."""
_IMPORTED_SINCE = 24
"""What reads libvirt's XML in releases before does not go with today's libraries."""


@pytest.mark.parametrize("version", [each for each in PACKAGES if int(each[:2]) >= _IMPORTED_SINCE])
def test_nova_reads_a_parent_that_it_is_told_of_and_fails_on_any_other(version: str) -> None:
    cases = [{"name": NAME, "xml": XML, "told": told} for told in ([NAME], [])]
    told, untold = ask(version, "parent_worker", cases)
    assert untold["raises"][0] == "AttributeError"
    if vgpu.MDEV_VIRTUAL_PARENT.at(parse_release(version)):
        assert told == {"types": ["mtty-2"]}
        assert untold["raises"][1] == "'NoneType' object has no attribute 'vendor_id'"
    else:
        assert told == untold
