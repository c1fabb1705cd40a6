"""Of openstacksdk only what is used is imported, and all of it is there for who asks."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.proof

SPARES = "from gpucloud.cloud.openstack.sdk import spare_services; spare_services(); "


def said(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_to_read_clouds_yaml_no_service_of_openstacksdk_is_imported() -> None:
    program = "import sys, openstack.config; print('openstack.connection' in sys.modules)"
    assert said(program) == "True"
    assert said(SPARES + program) == "False"


def test_who_asks_for_the_rest_gets_it() -> None:
    program = "import openstack; print(openstack.connect.__module__, openstack.exceptions.__name__)"
    assert said(SPARES + program) == said(program) == "openstack openstack.exceptions"


def test_what_openstacksdk_has_not_is_missing_all_the_same() -> None:
    assert said(SPARES + "import openstack; print(hasattr(openstack, 'no_such'))") == "False"


def test_what_is_imported_already_stays() -> None:
    assert (
        said("import openstack as a; " + SPARES + "import openstack as b; print(a is b, bool(a.connect))")
        == "True True"
    )
