"""What is kept of a guest in its server's metadata: it fits, and comes back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpucloud.cloud.openstack.servers.record import Record, metadata_of, parse_record
from gpucloud.model.guest import SeenFunction
from gpucloud.model.pci import PciAddress, PciClass, PciId

ADDRESSES = st.builds(
    PciAddress, st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7)
)
SEEN = st.builds(
    SeenFunction,
    ADDRESSES,
    st.builds(PciId, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
    st.builds(PciClass, st.integers(0, 0xFFFFFF)),
    st.tuples(*[st.integers(0, 2**63)] * 6),
)
RECORDS = st.builds(
    Record,
    token=st.text("0123456789abcdef", min_size=32, max_size=32),
    gpus=st.integers(0, 64),
    image=st.text(max_size=80),
    started_at_s=st.integers(0, 2**33),
    ends_at_s=st.none() | st.integers(0, 2**33),
    seen=st.none()
    | st.lists(SEEN, min_size=1, max_size=60, unique_by=lambda one: one.address).map(
        lambda seen: tuple(sorted(seen, key=lambda one: one.address))
    ),
    failure=st.none() | st.text(max_size=200),
    due_at_s=st.none() | st.integers(0, 2**33),
    keeps_failed=st.booleans(),
)


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    metadata = metadata_of(record)
    assert all(len(value) <= 255 for value in metadata.values())
    assert parse_record(metadata) == record


@given(RECORDS, st.data())
def test_a_record_that_somebody_changed_is_read_or_is_none_of_ours(
    record: Record, data: st.DataObject
) -> None:
    metadata = metadata_of(record)
    key = data.draw(st.sampled_from(sorted(metadata)))
    changed = metadata | {key: data.draw(st.text(max_size=255))}
    read = parse_record(changed)
    assert read is None or len(read.token) == 32


def test_a_server_without_the_mark_is_none_of_ours() -> None:
    assert parse_record({}) is None
    assert parse_record({"gpucloud:guest": "yes"}) is None
