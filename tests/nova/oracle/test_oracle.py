"""Nova is the judge: gpucloud's rules and nova's own code give the same answers to the same cases.

Releases 15 to 34 judge themselves. 13 and 14 cannot: there is no package of them. Their code can be unpacked
from nova's repository (``git archive 13.1.4 nova``) into the folder that ``source_of`` names, and runs there;
so 13.0.0, 13.1.4, 14.0.0, 14.0.2 and 14.1.0 were asked 21,003 cases each, once, by hand. What differed is
Python's: they evaluate ids and addresses as literals, and ran on Python 2, whose words and numbers gpucloud
has; and 13 asks its database which functions belong to a card that is handed out. Compared are: entries and
aliases taken or refused, with nova's exception and text; which entry tracks which device; pools; whether a
flavor passes the scheduler; what Placement is told.

Not compared, and why: the dump of the schema that follows the refusal of an alias before 17, because it is
the text of whatever validator is installed; an object's address in memory, which nova prints in one refusal.
Not drawn: values nested some hundred levels deep, where Python's limit depends on who called whom, and
regular expressions that could be matched for hours, which gpucloud does not try and says so.
"""

from __future__ import annotations

import json

import pytest
from tests.nova.oracle.cases import distinct_cases, random_cases
from tests.nova.oracle.environment import PACKAGES, python_of
from tests.nova.oracle.judge import disagreements

from gpucloud.lab.process import run
from gpucloud.nova.match.standard import standard_classes, standard_traits
from gpucloud.nova.releases.release import SERIES, parse_release

pytestmark = pytest.mark.oracle

SEED = 2026
COUNT = 2000


@pytest.mark.parametrize("version", PACKAGES)
@pytest.mark.timeout(900)
def test_nova_and_gpucloud_say_the_same(version: str) -> None:
    cases = distinct_cases(parse_release(version), SEED, COUNT)
    assert len(cases) >= COUNT
    found = list(disagreements(version, cases))
    assert not found, "\n".join(map(str, found[:3]))


def test_every_series_that_can_be_installed_judges() -> None:
    judging = {parse_release(version).number for version in PACKAGES}
    assert judging == {release.number for release in SERIES if release.number >= 15}


def test_the_cases_of_a_seed_are_distinct_and_always_the_same() -> None:
    cases = [json.dumps(case) for case in random_cases(SEED, COUNT)]
    assert len(set(cases)) == COUNT
    assert cases == [json.dumps(case) for case in random_cases(SEED, COUNT)]


@pytest.mark.timeout(900)
def test_the_names_that_placement_knows_are_those_of_novas_packages() -> None:
    program = (
        "import json, os_traits, os_resource_classes as classes;"
        "print(json.dumps([sorted(os_traits.get_traits()), sorted(classes.STANDARDS)]))"
    )
    traits, classes = json.loads(run([str(python_of()), "-c", program], timeout_s=60).stdout)
    assert traits == sorted(standard_traits())
    assert classes == sorted(standard_classes())
