"""Orders and answers travel as they are, and nothing else is taken for one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prepare.fake_host import BMC, card
from tests.prepare.site import Site, folder_in_memory, site_in
from tests.prepare.test_slices import mdevs_of, mediated, vendor_site

from gpucloud.fleet.entry import obey, serve
from gpucloud.fleet.order import LIMIT, Answer, Order, Seen, Shown, parse, render
from gpucloud.inventory.guests import running_guests
from gpucloud.model.change import Content
from gpucloud.model.failure import Exit, Failure

texts = st.text().filter(lambda text: "\0" not in text).map(Content)
lines = st.text(st.characters(exclude_categories=["C", "Z"]))
orders = st.builds(
    Order,
    st.sampled_from(["plan", "apply", "verify", "idle"]),
    st.lists(lines).map(tuple),
    st.none() | texts,
    lines,
    st.none() | texts,
    st.booleans(),
    lines,
)
answers = st.builds(
    Answer,
    st.just("plan"),
    what=texts,
    plan=st.none() | texts,
    changes=st.lists(st.builds(Shown, texts, texts, texts, st.none() | texts, st.none() | texts)).map(tuple),
    units=st.lists(st.builds(Seen, lines, texts, st.just(()), st.just(()), st.just((3,)))).map(tuple),
)
ORDER = Order("plan", ("3b:00.0",), None, "gpu01", None, is_forced=False, state="/var/lib/gpucloud")


@given(orders, answers)
def test_what_is_written_is_what_is_read(order: Order, answer: Answer) -> None:
    assert parse(Order, render(order), "it") == order
    assert parse(Answer, render(answer), "it") == answer


@given(
    st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_anything_else_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(Failure, match="it does not speak as this gpucloud does"):
        parse(Order, data, "it")


def test_an_order_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(Failure, match="longer than"):
        parse(Order, b"[" * (LIMIT + 1), "it")


@pytest.fixture
def site() -> Iterator[Site]:
    with folder_in_memory() as folder:
        yield site_in(folder, [*card(0x3B, 11), BMC])


def test_an_order_is_answered_in_one_line(site: Site) -> None:
    said = io.BytesIO()
    assert serve(io.BytesIO(render(ORDER)), said, lambda _: site.desk) == Exit.FINE
    answer = parse(Answer, said.getvalue(), "the host")
    assert answer.changes[-1].called == "bind 0000:3b:00.1 to vfio-pci"
    assert [unit.address for unit in answer.units][:1] == ["0000:02:00.0"]


def test_what_is_done_is_done_also_where_nobody_waits_for_the_answer(site: Site) -> None:
    class Gone(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError

    order = Order("apply", ("3b:00.0",), None, "gpu01", None, is_forced=False, state="/")
    assert serve(io.BytesIO(render(order)), Gone(), lambda _: site.desk) == Exit.FINE
    assert obey(Order("verify", (), None, "gpu01", None, is_forced=False, state="/"), site.desk).code == 0


def test_cards_are_cut_as_lines_say_and_lines_for_others_are_passed_over(tmp_path: Path) -> None:
    site = vendor_site(tmp_path)
    mediated(site)
    lines_ = ("gpu01 3b:00.0: 2 x nvidia-35", "gpu02 3b:00.0: none")
    order = Order("plan", (), None, "gpu01", None, is_forced=False, state="/", layout=lines_)
    shown = obey(order, site.desk)
    assert [each.called.split(" of ")[0].split()[0] for each in shown.changes] == ["make", "make"]
    assert mdevs_of(site) == []
    done = obey(replace(order, verb="apply", plan=shown.plan), site.desk)
    assert (done.code, done.entry, len(mdevs_of(site))) == (Exit.FINE, "0001", 2)
    assert obey(order, site.desk).changes == ()
    refused = obey(replace(order, layout=("3b:00.0: 9 x nvidia-35",)), site.desk)
    assert "cannot be cut as wanted" in refused.what


def test_one_more_slice_is_cut_and_one_is_removed_by_its_name(tmp_path: Path) -> None:
    site = vendor_site(tmp_path)
    mediated(site)
    order = Order("plan", (), None, "gpu01", None, is_forced=False, state="/")
    create = replace(order, create="nvidia-35", card="3b:00.0")
    for count in (1, 2):
        shown = obey(create, site.desk)
        assert [change.called.split()[0] for change in shown.changes] == ["make"]
        for _ in range(2):  # what was shown is done once, however often it is sent
            done = obey(replace(create, verb="apply", plan=shown.plan), site.desk)
            assert (done.code, len(mdevs_of(site))) == (Exit.FINE, count)
    gone, kept = mdevs_of(site)
    delete = replace(order, delete=gone)
    shown = obey(delete, site.desk)
    assert obey(replace(delete, verb="apply", plan=shown.plan), site.desk).code == Exit.FINE
    assert mdevs_of(site) == [kept]
    assert f"{gone} is no slice of a card of this host" in obey(delete, site.desk).what
    assert "99:00.0 is no GPU of this host" in obey(replace(create, card="99:00.0"), site.desk).what


def test_a_plan_that_was_changed_on_its_way_is_refused(site: Site) -> None:
    plan = obey(ORDER, site.desk).plan or ""
    bent = Content(plan.replace("vfio-pci", "vfio-pcj"))
    order = Order("apply", (), None, "gpu01", bent, is_forced=False, state="/")
    answer = obey(order, site.desk)
    assert answer.code == Exit.ERROR
    assert "the plan that was sent was changed since it was written" in answer.what


def test_what_is_not_as_planned_is_named(site: Site) -> None:
    verify = Order("verify", (), None, "gpu01", None, is_forced=False, state="/")
    assert "nothing is applied here" in obey(verify, site.desk).what
    site.apply("3b:00.0")
    site.kernel.unbind_store("pci", "vfio-pci", "0000:3b:00.0")
    answer = obey(verify, site.desk)
    assert answer.code == Exit.FINDINGS
    assert answer.wrong[0].path == "/sys/bus/pci/devices/0000:3b:00.0/driver"


def process(root: Path, number: int, program: str, command: str) -> None:
    folder = root / f"proc/{number}"
    folder.mkdir(parents=True)
    (folder / "comm").write_text(f"{program}\n")
    (folder / "cmdline").write_text(command)


def test_guests_are_found_by_their_processes(site: Site) -> None:
    process(
        site.root, 10, "qemu-system-x86", "/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0"
    )
    process(site.root, 11, "qemu-kvm", "/usr/libexec/qemu-kvm\0-nographic\0")
    process(site.root, 12, "bash", "bash\0-c\0qemu-system-x86_64\0")
    assert running_guests(site.system) == ("process 11", "web")
    answer = obey(Order("idle", (), None, "gpu01", None, is_forced=False, state="/"), site.desk)
    assert answer.code == Exit.ERROR
    assert answer.guests == ("process 11", "web")
    assert answer.what == "guests run here: process 11, web"


def test_a_host_without_guests_is_idle(site: Site) -> None:
    assert obey(Order("idle", (), None, "gpu01", None, is_forced=False, state="/"), site.desk) == Answer(
        "idle"
    )
