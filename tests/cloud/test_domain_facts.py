"""Definitions of others are read as they are: what they have is theirs."""

from __future__ import annotations

import pytest
from tests.cloud.builders import at

from gpucloud.cloud.libvirt.domain import MAX_XML_CHARS, DomainState, claims_of, parse_domain

FOREIGN = """<domain type='kvm'><name>other</name><uuid>u</uuid><memory unit='KiB'>1048576</memory>
<vcpu current='1'>4</vcpu><devices>
<hostdev mode='subsystem' type='pci' managed='yes'><source>
  <address domain='0x0000' bus='0x3b' slot='0x00' function='0x1'/></source></hostdev>
<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>
<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>
  <address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>
<interface type='hostdev'><source>
  <address type='pci' domain='0x0001' bus='0x02' slot='0x10' function='0x2'/></source></interface>
</devices></domain>"""


def test_functions_of_foreign_guests_are_claimed_running_or_not() -> None:
    running = parse_domain(FOREIGN, DomainState.PAUSED)
    assert running.functions == (at("3b:00.1"), at("0001:02:10.2"))
    assert (running.record, running.cpus, running.memory_mib) == (None, 4, 1024)
    assert claims_of([running]).running == dict.fromkeys(running.functions, "other")
    assert claims_of([parse_domain(FOREIGN, DomainState.OFF)]).defined == dict.fromkeys(
        running.functions, "other"
    )


@pytest.mark.parametrize("xml", ["", "<domain>", "no xml", "<d>" + " " * MAX_XML_CHARS + "</d>"])
def test_a_definition_that_is_none_is_an_error(xml: str) -> None:
    with pytest.raises(ValueError, match=r"definition|no XML"):
        parse_domain(xml, DomainState.RUNNING)
