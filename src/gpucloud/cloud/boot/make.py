"""From what a user asks for to what the guest boots: looked at first, made in the guest's folder later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpucloud.cloud.boot.check_guest import make_check_guest
from gpucloud.cloud.boot.image import Image, inspect_image, make_disk
from gpucloud.cloud.boot.seed import render_meta_data, render_user_data, write_seed
from gpucloud.cloud.definition.parts import Boot, DiskBoot, Firmware
from gpucloud.cloud.packages import install_line
from gpucloud.cloud.programs import Run
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import GuestSpec


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one launch from every other."""

    name: str
    uuid: str
    nonce: str


MakeBoot = Callable[[Path, Identity], Boot]
"""Makes in a folder what a guest boots."""


@dataclass(frozen=True, slots=True)
class BootMaker:
    """Knows where kernels, programs and firmware of this machine are."""

    run: Run
    kernel_release: str
    has_uefi: Callable[[], bool]

    def look(self, spec: GuestSpec) -> MakeBoot:
        """Look at what the guest is to boot, before anything is made.

        Raises:
            Failure: the image cannot be used, or its firmware is missing.
        """
        if spec.image is None:
            if spec.command is not None or spec.config is not None:
                what = "the check guest runs no command: that needs an image with cloud-init"
                raise Failure(what, "name one with --image", code=Exit.USAGE)
            return self._make_check_guest
        image = inspect_image(Path(spec.image), self.run)
        firmware = self._choose(image)
        return lambda folder, identity: self._make_from_image(image, firmware, spec, folder, identity)

    def _choose(self, image: Image) -> Firmware:
        if image.firmwares[0] is not Firmware.UEFI or self.has_uefi():
            return image.firmwares[0]
        if Firmware.BIOS in image.firmwares:
            return Firmware.BIOS
        raise Failure(
            f"the image {image.path} starts with UEFI, and no UEFI firmware is installed",
            install_line("ovmf"),
        )

    def _make_check_guest(self, folder: Path, identity: Identity) -> Boot:
        return make_check_guest(folder, self.kernel_release, identity.nonce)

    def _make_from_image(
        self, image: Image, firmware: Firmware, spec: GuestSpec, folder: Path, identity: Identity
    ) -> Boot:
        disk, seed = folder / "disk.qcow2", folder / "seed.iso"
        backing = make_disk(image, disk, self.run)
        user_data = render_user_data(identity.nonce, spec.command, spec.config)
        write_seed(seed, user_data, render_meta_data(identity.name, identity.uuid))
        return DiskBoot(disk, backing, seed, firmware, variables=folder / "firmware.vars")
