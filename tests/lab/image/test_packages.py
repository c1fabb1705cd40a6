from __future__ import annotations

from gpucloud.lab.image.packages import archive_names

STATUS = """\
Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b13
Description: a shell
 Version: of a description, which is no fact

Package: login
Architecture: amd64
Version: 1:4.13+dfsg1-1

Package: half
Architecture: all
"""


def test_packages_are_found_again_under_the_names_that_apt_gives_them() -> None:
    assert list(archive_names(STATUS)) == ["bash_5.2.15-2+b13_amd64.deb", "login_1%3a4.13+dfsg1-1_amd64.deb"]
