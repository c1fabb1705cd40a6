from __future__ import annotations

import shlex
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gpucloud.lab.machine.boot import as_format
from gpucloud.lab.process import run
from gpucloud.lab.ssh import Keys, ssh_argv, write_config


@given(st.lists(st.text(min_size=1), min_size=1))
def test_words_arrive_as_they_are(words: list[str]) -> None:
    assert shlex.split(ssh_argv(words)[-1]) == words


def test_the_name_of_the_server_cannot_be_taken_for_an_option() -> None:
    assert ssh_argv(["true"])[-3:] == ["--", "gpucloud-lab", "true"]


def test_the_hosts_key_is_known_before_the_first_call(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    keys.make()
    write_config(tmp_path, 2222)
    public = (tmp_path / "host_key.pub").read_text()
    assert (tmp_path / "known_hosts").read_text() == f"gpucloud-lab {public}"
    assert "StrictHostKeyChecking yes" in (tmp_path / "ssh_config").read_text()
    given_to_server = {path: mode for path, _, mode in keys.for_server()}
    assert given_to_server["/etc/ssh/ssh_host_ed25519_key"] == 0o600


def test_ssh_reads_the_settings(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with 100%"
    folder.mkdir()
    write_config(folder, 2222)
    shown = run(["ssh", "-F", "ssh_config", "-G", "gpucloud-lab"], timeout_s=10, cwd=folder).stdout
    assert "port 2222" in shown
    assert f"userknownhostsfile {folder}/known_hosts" in shown.replace("%%", "%")


@given(st.text(st.characters(codec="ascii", exclude_characters="\0\r")))
def test_text_goes_over_the_line_as_it_is(text: str) -> None:
    assert "\n" not in as_format(text)
    script = f"printf -- {shlex.quote(as_format(text))}"
    assert run(["sh", "-c", script], timeout_s=10).stdout == text
