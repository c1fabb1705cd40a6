"""What guests of an image need, as properties in the words of ``gpucloud.yaml``. Pure."""

from __future__ import annotations

import json
from enum import StrEnum

from gpucloud.cloud.definition.parts import Firmware


class Profile(StrEnum):
    """What an image's guests are."""

    LINUX = "linux"
    WINDOWS = "windows"
    WINDOWS_CONSUMER = "windows-consumer"
    """With a GeForce card, whose drivers up to 461 refuse to start where they see a hypervisor (Error 43)."""

    @property
    def is_windows(self) -> bool:
        return self is not Profile.LINUX


def wish_of(profile: Profile, firmwares: tuple[Firmware, ...]) -> dict[str, object]:
    """An entry of ``publish: images:``.

    ``gpu`` is a machine with PCIe (q35) and UEFI, which maps large BARs; an image that starts with a BIOS
    only keeps that.

    Args:
        profile: of its guests.
        firmwares: that can start it.
    """
    wish: dict[str, object] = {"gpu": True}
    if profile is Profile.WINDOWS_CONSUMER:
        wish["hide_hypervisor"] = True
    properties = {
        **({"os_type": "windows"} if profile.is_windows else {}),
        **({} if Firmware.UEFI in firmwares else {"hw_firmware_type": "bios"}),
    }
    return {**wish, "properties": properties} if properties else wish


def render_publish(name: str, wish: dict[str, object], release: str | None) -> str:
    """A spec of this image alone, for ``gpucloud publish --spec``.

    Args:
        name: of the image in glance.
        wish: its entry.
        release: of nova; None: the user writes it.
    """
    said = (
        "# openstack: {release: 2025.1}    # which nova the cloud has: publish needs it\n"
        if release is None
        else f"openstack: {{release: {json.dumps(release)}}}\n"
    )
    return f"{said}publish:\n  images:\n    {json.dumps(name)}: {json.dumps(wish)}\n"
