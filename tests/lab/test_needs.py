from __future__ import annotations

import pytest

from gpucloud.lab.needs import PROGRAMS, packages, require
from gpucloud.model.failure import Failure


def test_each_program_comes_with_a_package_of_the_one_list() -> None:
    assert set(PROGRAMS.values()) <= set(packages())


def test_what_is_missing_is_named_with_the_line_that_installs_it() -> None:
    with pytest.raises(Failure) as refused:
        require("mmdebstrap", "ssh", "ssh-keygen", path="/nonexistent")
    assert "apt-get install --no-install-recommends mmdebstrap openssh-client" in str(refused.value)


def test_what_is_there_is_fine() -> None:
    require()
