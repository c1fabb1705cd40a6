"""The fake kernel keeps the contract that a real one is held to in the laboratory."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.prepare.fake_host import LAB_CARD, build
from tests.prepare.kernel_contract import FakeMachine, KernelContract, Machine, Subject
from tests.prepare.sriov_contract import SriovContract


class TestFakeKernel(KernelContract):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject("0000:00:0a.1", "snd_hda_intel")

    @pytest.fixture
    def machine(self, tmp_path: Path) -> Machine:
        return FakeMachine(build(tmp_path, LAB_CARD, loaded=["vfio_pci"]))


class TestFakeVirtualFunctions(SriovContract):
    @pytest.fixture
    def subject(self) -> Subject:
        return Subject("0000:00:0a.1", "snd_hda_intel")

    @pytest.fixture
    def machine(self, tmp_path: Path, subject: Subject) -> Machine:
        kernel = build(tmp_path, LAB_CARD, loaded=["vfio_pci"])
        place = kernel.root / "sys/bus/pci/devices" / subject.address
        (place / "sriov_totalvfs").write_text("4\n")
        (place / "sriov_numvfs").write_text("0\n")
        return FakeMachine(kernel)
