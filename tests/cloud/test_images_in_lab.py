"""Real images on a server in the laboratory: one that boots with all that is on the way, and bad ones.

What the good one proves: OVMF, GRUB, Debian's kernel, systemd and cloud-init as the packages make them,
started by ``gpucloud launch --image`` with a card that is passed through; cloud-init's seed makes the report.
Emulated servers give such guests their interrupt controllers in QEMU (usr/local/bin/qemu-system-x86_64 in
the servers' image says why): that one thing differs from a server of metal.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.cloud.cli_cloud import CliCloud
from tests.cloud.lab_host import cards_of, drivers_of, leftovers, sh

from gpucloud.cloud.protocol import Patience
from gpucloud.lab.host import LabHost
from gpucloud.lab.lab import Lab
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import GuestSpec

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENCE = Patience(timeout_s=900)
MEMORY_MIB = 768
GOOD, PANICS, EMPTY = "/srv/good.qcow2", "/srv/panics.qcow2", "/srv/empty.raw"


@pytest.fixture(scope="module")
def prepared(lab: Lab) -> Iterator[LabHost]:
    """A server whose card is with vfio, and which has images of every kind."""
    disks = lab.guest_disks()
    with lab.up("card-audio", "test-images") as host:
        (card,) = cards_of(host)
        host.run(["gpucloud", "apply", "--unit", card, "--yes"], timeout_s=300, ok=(0,))
        host.put(disks.good, GOOD)
        host.put(disks.panics, PANICS)
        host.put(_disk_without_boot_loader(), EMPTY)
        yield host


def _disk_without_boot_loader() -> bytes:
    """A disk with an EFI system partition, and nothing in it."""
    sector = bytearray(512)
    sector[446 + 4], sector[446 + 8], sector[446 + 12 : 446 + 14] = 0xEF, 1, (2047).to_bytes(2, "little")
    sector[510:] = b"\x55\xaa"
    return bytes(sector).ljust(1 << 20, b"\0")


def _launch_fails(host: LabHost, image: str) -> str:
    """Launch what cannot come up; give the one line that says so, after a look that nothing is left."""
    with pytest.raises(Failure) as caught:
        CliCloud(host).launch(
            GuestSpec("bad", 1, image=image, memory_mib=MEMORY_MIB), PATIENCE, lambda _: None
        )
    assert caught.value.code is Exit.ERROR
    assert leftovers(host) == ""
    assert drivers_of(host).count("vfio-pci") == 2
    return caught.value.what


def test_an_image_boots_with_uefi_and_its_cloud_init_tells_of_the_card(prepared: LabHost) -> None:
    facts = f"stat -c '%u %g %a %s %Y' {GOOD}; sha256sum {GOOD}"
    before = sh(prepared, facts)
    cloud = CliCloud(prepared)
    guest = cloud.launch(GuestSpec("train", 1, image=GOOD, memory_mib=MEMORY_MIB), PATIENCE, lambda _: None)
    assert guest.seen is not None
    seen = [str(function.id) for function in guest.seen]
    assert {"1002:5046", "8086:2668"} <= set(seen)
    said = "".join(cloud.console("train", follows=False))
    assert all(words in said for words in ("BdsDxe: starting Boot", "GRUB", "Cloud-init v."))
    cloud.destroy("train", lambda _: None)
    assert leftovers(prepared) == ""
    assert drivers_of(prepared).count("vfio-pci") == 2
    assert sh(prepared, facts) == before, "an image is only read"


@pytest.mark.long
def test_an_image_whose_kernel_panics_ends_the_launch_with_what_it_said(prepared: LabHost) -> None:
    said = _launch_fails(prepared, PANICS)
    assert "guest bad does not come up: its kernel panicked: VFS: Unable to mount root fs" in said


@pytest.mark.long
def test_an_image_without_a_boot_loader_is_noticed_when_the_firmware_says_so(prepared: LabHost) -> None:
    assert "guest bad does not come up: its firmware finds no boot loader" in _launch_fails(prepared, EMPTY)
