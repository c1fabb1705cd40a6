from __future__ import annotations

import pytest

from gpucloud.fleet.shipped import required_distributions
from gpucloud.model.failure import Failure


def test_what_travels_is_what_the_program_needs_to_run() -> None:
    names = {found.metadata["Name"].lower() for found in required_distributions("gpucloud")}
    assert {"typer", "rich", "pyyaml", "pygments"} <= names
    assert not names & {"gpucloud", "pytest", "mypy", "ruff", "hypothesis"}


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(Failure, match="no-such-package"):
        required_distributions("no-such-package")
