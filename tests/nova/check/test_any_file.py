"""Whatever stands in the files, the check has an answer, for every release and service."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.nova.oracle.config_cases import random_files

from gpucloud.model.plain import to_plain
from gpucloud.nova.check import Case, Service, check
from gpucloud.nova.check.report import render_object, render_text
from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.machine import Device, DeviceType, Machine
from gpucloud.nova.releases.release import SERIES, Release

pytestmark = pytest.mark.proof

_PF, _VF = "0000:25:00.0", "0000:25:00.4"
MACHINE = Machine(
    {
        _PF: Device(_PF, "10de", "1eb8", DeviceType.PF),
        _VF: Device(_VF, "10de", "25b6", DeviceType.VF, parent=_PF),
    }
)


def judge(texts: tuple[str, ...], release: Release, service: Service) -> None:
    files = Configuration(tuple(read_config_file(f"{n}.conf", text) for n, text in enumerate(texts)))
    found = check(Case(files, release, service, MACHINE, files))
    assert json.dumps(to_plain(render_object(found)))
    assert render_text(found).startswith(service.unit)
    for finding in found.findings:
        assert finding.file is None or any(finding.file == file.name for file in files.files)


@pytest.mark.parametrize("service", Service)
def test_random_files(service: Service) -> None:
    for number, texts in enumerate(random_files(7, 400)):
        judge(texts, SERIES[number % len(SERIES)], service)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "vendor_id", "product_id", "address", "traits", "resource_class", "devname"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(_JSON, _JSON, st.sampled_from(SERIES), st.sampled_from(Service))
def test_any_json(spec: object, alias: object, release: Release, service: Service) -> None:
    text = f"[pci]\ndevice_spec = {json.dumps(spec)}\npassthrough_whitelist = {json.dumps(spec)}\n"
    judge((f"{text}alias = {json.dumps(alias)}\nreport_in_placement = true\n",), release, service)


@pytest.mark.parametrize("depth", [30, 300, 900, 5000])
def test_deep_json(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    spec = f'[pci]\ndevice_spec = {{"vendor_id": "10de", "tag": {deep}}}\n'
    judge((f"{spec}device_spec = {deep}\nalias = {deep}\ndev_spec = {deep}\n",), SERIES[-1], Service.COMPUTE)


@pytest.mark.proof
def test_many_strange_names_and_keys() -> None:
    keys = json.dumps({f"key{number}": number for number in range(20_000)})
    names = "".join(f"vendor{number} = 1\n" for number in range(20_000))
    judge((f"[pci]\ndevice_spec = {keys}\nalias = {keys}\n{names}",), SERIES[-1], Service.COMPUTE)


@given(st.text(max_size=200), st.sampled_from(SERIES), st.sampled_from(Service))
def test_any_text(text: str, release: Release, service: Service) -> None:
    judge((text, f"[pci]\nalias = {text}\n"), release, service)
