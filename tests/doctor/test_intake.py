"""What people hand over: bytes of any make, documents of any shape, folders of configuration."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpucloud.cli.main import run
from gpucloud.cli.pasted import read_evidence
from gpucloud.doctor import diagnose
from gpucloud.doctor.evidence.gather import gather
from gpucloud.doctor.evidence.pasted import from_mapping
from gpucloud.doctor.intake.decode import MOST_BYTES, Account, read_text
from gpucloud.doctor.intake.document import looks_like_document, parse_document
from gpucloud.model.failure import Exit, Failure

RMRR = "DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR requirement."
NOISE = bytes(range(256)) * 64
NESTED = st.recursive(
    st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def text_of(raw: bytes, account: Account | None = None) -> str:
    return "".join(read_text(io.BytesIO(raw).read, account or Account()))


def causes(path: Path) -> list[str]:
    return [one.cause for one in diagnose(gather(read_evidence(path))).findings]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_encoding_of_a_terminal_or_editor_is_read(encoding: str) -> None:
    assert text_of("DMAR: Gerät\r\n".encode(encoding)).strip() == "DMAR: Gerät"


def test_a_few_bytes_of_another_encoding_do_not_make_a_log_binary() -> None:
    account = Account()
    assert text_of("Gerät läuft\n".encode("latin-1"), account).count("\ufffd") == 2
    assert list(account.notes()) == []


def test_binary_is_left_out_and_line_numbers_stay_right() -> None:
    account = Account()
    text = text_of(b"first\n".ljust(4096, b"\n") + NOISE + RMRR.encode(), account)
    assert text.split("\n")[-1].strip() == RMRR
    assert text.count("\n") == (4096 - 5) + NOISE.count(b"\n")
    assert list(account.notes()) == [f"{len(NOISE)} of {4096 + len(NOISE) + len(RMRR)} bytes are binary"]


def test_arguments_with_zeros_between_them_are_text() -> None:
    account = Account()
    text = text_of(b"qemu-system-x86_64\0-device\0vfio-pci,host=01:00.0\0" * 100, account)
    assert "vfio-pci" in text
    assert account.bytes_binary == 0


def test_a_log_with_zeros_where_the_power_failed_is_read() -> None:
    account = Account()
    text = text_of(b"first\n" + bytes(9000) + RMRR.encode() + b"\n" + bytes(9000), account)
    assert text.split("\n")[1].strip() == RMRR
    assert account.bytes_binary > 17_000


def test_an_endless_input_ends() -> None:
    account = Account()
    assert not "".join(read_text(bytes, account)).strip()
    assert account.is_cut
    assert MOST_BYTES <= account.bytes_read < 2 * MOST_BYTES


@pytest.mark.parametrize("text", ["01:00.0", "0x10", "010", "yes", "1e3", "2026-11-22", "~"])
def test_a_value_stays_as_it_is_written(text: str) -> None:
    assert parse_document(f"evidence:\n  key: '{text}'\n  bare: {text}\n", is_json=False) == {
        "evidence": {"key": text, "bare": text}
    }


@pytest.mark.parametrize("is_json", [True, False])
def test_a_key_that_is_twice_there_keeps_both_values(is_json: bool) -> None:
    text = '{"evidence": {"dmesg": "one", "dmesg": "two"}, "evidence": {"lspci": "three"}}'
    assert parse_document(text, is_json=is_json) == {"evidence": {"dmesg": ["one", "two"], "lspci": "three"}}


@pytest.mark.parametrize(
    "text",
    [
        "evidence: " + "[" * 200_000,
        "\n".join(" " * depth + "a:" for depth in range(1500)),
        "evidence: [" + "a," * 200_000 + "]",
        "a: 1\n---\nb: 2\n",
        "- a\n- b\n",
        "7",
        "",
        "{[",
        "\ta: b",
    ],
    ids=["deep flow", "deep blocks", "long", "two documents", "list", "number", "empty", "broken", "tab"],
)
def test_what_is_no_document_is_none(text: str) -> None:
    assert parse_document(text, is_json=False) is None


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    document = parse_document("\n".join(lines), is_json=False)
    assert document is not None
    assert document["j"] == ["*i"] * 9


def test_a_text_that_is_used_twice_is_there_twice() -> None:
    assert parse_document("a: &t text\nb: *t\n", is_json=False) == {"a": "text", "b": "text"}


@given(NESTED)
@settings(max_examples=60, deadline=None)
def test_any_json_is_composed_alike_as_yaml(value: object) -> None:
    text = json.dumps({"evidence": value}, ensure_ascii=True)
    assert parse_document(text, is_json=True) == {"evidence": value}
    composed = parse_document(text.replace("\\u007f", "\\x7f"), is_json=False)
    assert composed is None or composed == {"evidence": value}


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_document_or_none(text: str) -> None:
    document = parse_document(text, is_json=False)
    if document is not None:
        from_mapping("fuzz", document)


@pytest.mark.parametrize(
    "head", ["evidence:\n  a: b", '{"evidence": {}}', "# x\n---\nid: y\nenvironment: {}\n"]
)
def test_a_document_is_known_under_any_name(head: str) -> None:
    assert looks_like_document(head)
    assert not looks_like_document("[ 1.0] evidence of a fault\n")


def test_conclusions_in_a_document_stay_unread_under_any_name(tmp_path: Path) -> None:
    path = write(tmp_path, "report", f"evidence:\n  dmesg: all is well\n  observations: '{RMRR}'\n")
    assert causes(path) == []


@pytest.mark.parametrize(
    ("content", "says", "then"),
    [
        (b"\x1f\x8b\x08rest", "is compressed (gzip)", "zcat "),
        (b"LPKSHHRH", "is a journal of systemd", "journalctl --file"),
        (b"\x89PNG\r\n\x1a\n", "is a picture", "copy its text"),
        (b"\x7fELF\x02", "is a program", "give text"),
    ],
)
def test_a_file_that_is_no_text_is_named_with_the_next_step(
    tmp_path: Path, content: bytes, says: str, then: str
) -> None:
    with pytest.raises(Failure) as caught:
        read_evidence(write(tmp_path, "log", content))
    assert says in caught.value.what
    assert caught.value.then.startswith(then)


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", NOISE], ids=["empty", "blank", "binary"])
def test_an_input_without_a_word_is_an_error_in_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "log.txt", content)
    assert run(["doctor", "--evidence", str(path)]) == Exit.ERROR
    error = capsys.readouterr().err
    assert "nothing in it that the doctor can read" in error
    assert error.count("\n") == 1


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    assert run(["doctor", "--evidence", str(tmp_path)]) == Exit.ERROR


def test_a_captured_host_is_no_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "sys/x", "")
    write(tmp_path, "proc/cmdline", "")
    assert run(["doctor", "--evidence", str(tmp_path)]) == Exit.USAGE
    assert f"gpucloud doctor --from {tmp_path}" in capsys.readouterr().err


def test_what_was_skipped_is_said_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "dmesg.txt", RMRR)
    write(tmp_path, "old.gz", b"\x1f\x8b\x08")
    write(tmp_path, "core", NOISE)
    assert run(["doctor", "--evidence", str(tmp_path), "--format", "json"]) == Exit.FINDINGS
    skipped = [one["why"] for one in json.loads(capsys.readouterr().out)["could_not_look"]]
    assert skipped == [f"core: {len(NOISE)} of {len(NOISE)} bytes are binary", "old.gz: is compressed (gzip)"]


def test_a_folder_of_configuration_is_read_down_to_its_hosts(tmp_path: Path) -> None:
    write(tmp_path, "nova.conf", '[pci]\nalias = {"name": "a", "vendor_id": "10de", "product_id": "2330"}\n')
    write(
        tmp_path, "nova/gpu01/nova.conf", '[pci]\ndevice_spec = {"vendor_id": "11de", "product_id": "2330"}\n'
    )
    found = diagnose(gather(read_evidence(tmp_path))).findings
    shown = {line.key for one in found if one.cause == "whitelist-mismatch" for line in one.evidence}
    assert "nova/gpu01/nova.conf" in shown


def test_secrets_beside_configuration_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, "passwords.yml", RMRR)
    write(tmp_path, "server.key", RMRR)
    write(tmp_path, ".hidden", RMRR)
    write(tmp_path, "globals.yml", "kolla_base_distro: ubuntu\n")
    assert causes(tmp_path) == []


def test_names_and_texts_from_outside_begin_no_line_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = {"evidence": {"dm\nBLOCKER fake\x1b[31m": f"{RMRR}\x1b]0;title\x07\u2028x"}}
    path = write(tmp_path, "a\nb.json", json.dumps(hostile))
    assert run(["doctor", "--evidence", str(path)]) == Exit.FINDINGS
    out = capsys.readouterr().out
    assert "\nBLOCKER fake" not in out
    assert out.replace("\n", "").isprintable()
    assert run(["doctor", "--evidence", str(path), "--format", "json"]) == Exit.FINDINGS
    (line,) = json.loads(capsys.readouterr().out)["findings"][0]["evidence"]
    assert line["key"].isprintable()
    assert line["text"].isprintable()


def test_a_password_in_a_url_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "nova.log", f"{RMRR} rabbit://openstack:s3cret@10.0.0.1:5672/\n")
    assert run(["doctor", "--evidence", str(path)]) == Exit.FINDINGS
    out = capsys.readouterr().out
    assert "s3cret" not in out
    assert "rabbit://openstack:***@10.0.0.1" in out
