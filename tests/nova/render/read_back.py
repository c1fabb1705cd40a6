"""Rendered files as each deployment tool hands them to a service: one nova.conf, or several in order."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.machine import LISTED
from gpucloud.nova.match import Config
from gpucloud.nova.mdev import MdevSection, MdevTypes, choose_types
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options, vgpu
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release

Files = Mapping[str, str]
OWN_FILTERS = "(the role's own)"
"""Stands for the filters that OpenStack-Ansible has on by itself: nova's and more."""


def texts_for(layout: str, files: Files, service: str, host: str) -> list[str]:
    """The texts of nova.conf that a service reads, in its order.

    Args:
        layout: whose files they are.
        files: by path.
        service: compute, api, scheduler or conductor.
        host: the host that the compute is on.
    """
    return _READERS[layout](files, service, host)


def configuration_for(layout: str, files: Files, service: str, host: str) -> Configuration:
    """The same, parsed as oslo.config does."""
    texts = texts_for(layout, files, service, host)
    return Configuration(tuple(read_config_file(f"{n}.conf", text) for n, text in enumerate(texts)))


def _packages(files: Files, service: str, host: str) -> list[str]:
    """Drop-ins are read in the order of their names (oslo.config, cfg.py: _ConfigDirOpt)."""
    folders = ["all", host] if service == "compute" else ["all", "controllers"]
    mine = [path for path in files if path.split("/")[0] in folders and "/nova.conf.d/" in path]
    return [files[path] for path in sorted(mine, key=lambda path: path.rpartition("/")[2])]


def _kolla(files: Files, service: str, host: str) -> list[str]:
    """One file: a key of a later file takes the place of all of the same key's lines before.

    kolla-ansible, ansible/action_plugins/merge_configs.py (OverrideConfigParser.parse: ``_cur_sections`` are
    put over ``_sections`` key by key when a file is done); the order: ansible/roles/nova*/tasks/config.yml.
    """
    merged: dict[str, dict[str, list[str]]] = {}
    node = host if service == "compute" else "control01"
    for path in ("nova.conf", f"nova/nova-{service}.conf", f"nova/{node}/nova.conf"):
        read = read_config_file(path, files.get(path, ""))
        assert read.error is None
        current: dict[str, dict[str, list[str]]] = {}
        for setting in read.settings:
            current.setdefault(setting.section, {}).setdefault(setting.name, []).append(setting.value)
        for section, keys in current.items():
            merged.setdefault(section, {}).update(keys)
    return [_ini(merged)]


def _ini(sections: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, values in keys.items() for value in values)
        for name, keys in sections.items()
    )


def _openstack_ansible(files: Files, service: str, host: str) -> list[str]:
    """The part of the role's template that the variables fill; overrides go over its result.

    openstack-ansible-os_nova: templates/nova.conf.j2 before and after 9d2924f (2023.1) and 4f993fd (Train).
    """
    known = _load(files["group_vars/nova_all/gpucloud.yml"])
    if service == "compute":
        known |= _load(files[f"host_vars/{host}/gpucloud.yml"])
    pci: dict[str, list[str]] = {"alias": known.get("nova_pci_alias", [])}
    if "nova_pci_passthrough_whitelist" in known:
        assert isinstance(known["nova_pci_passthrough_whitelist"], str)
        pci["passthrough_whitelist"] = [known["nova_pci_passthrough_whitelist"]]
    pci["device_spec"] = known.get("nova_device_spec", [])
    filters = [OWN_FILTERS, *known.get("nova_scheduler_extra_filters", [])]
    merged = {"pci": pci, "filter_scheduler": {"enabled_filters": [",".join(filters)]}}
    for section, keys in known.get("nova_nova_conf_overrides", {}).items():
        merged.setdefault(section, {}).update({key: [value] for key, value in keys.items()})
    return [_ini(merged)]


def _devstack(files: Files, service: str, host: str) -> list[str]:
    """nova.conf, and for nova-compute a copy with its own sections over it, key by key.

    devstack, inc/meta-config: merge_config_file; lib/nova: start_nova_compute.
    """
    text = files[f"{host}/local.conf"]
    merged: dict[str, dict[str, list[str]]] = {}
    for name in ("$NOVA_CONF", *(("$NOVA_CPU_CONF",) if service == "compute" else ())):
        section = rf"^\[\[post-config\|{re.escape(name)}\]\]\n(.*?)(?=^\[\[|\Z)"
        found = re.search(section, text, re.MULTILINE | re.DOTALL)
        read = read_config_file(name, found[1] if found else "")
        assert read.error is None
        current: dict[str, dict[str, list[str]]] = {}
        for setting in read.settings:
            current.setdefault(setting.section, {}).setdefault(setting.name, []).append(
                _evaluated(setting.value)
            )
        for section, keys in current.items():
            merged.setdefault(section, {}).update(keys)
    return [_ini(merged)]


def _evaluated(value: str) -> str:
    """``read`` takes one backslash of each pair away, ``eval`` reads the rest as a shell's fourth word."""
    line = re.sub(r"\\(.)", r"\1", f'iniset file section attr "{value}"')
    return shlex.split(line)[4]


def _charms(files: Files, service: str, host: str) -> list[str]:
    """charm-nova-compute, hooks/nova_compute_context.py, templates; so does nova-cloud-controller."""
    name = f"nova-compute-{host}" if service == "compute" else "nova-cloud-controller"
    known = _load(files[f"{name}.yaml"])[name]
    aliases = json.loads(known.get("pci-alias", "[]"))
    merged: dict[str, dict[str, list[str]]] = {
        "DEFAULT": {
            "pci_alias": [json.dumps(each) for each in (aliases if isinstance(aliases, list) else [aliases])],
            "pci_passthrough_whitelist": [text] if (text := known.get("pci-passthrough-whitelist")) else [],
        },
    }
    if "scheduler-default-filters" in known:
        merged["DEFAULT"]["scheduler_default_filters"] = [known["scheduler-default-filters"]]
        merged["filter_scheduler"] = {"enabled_filters": [known["scheduler-default-filters"]]}
    return [_ini(merged)]


def _tripleo(files: Files, service: str, host: str) -> list[str]:
    """What puppet-nova writes: each of a list as JSON (manifests/pci.pp, compute/pci.pp, compute/vgpu.pp)."""
    known = _load(files["gpucloud-environment.yaml"])["parameter_defaults"]
    role = host if service == "compute" else "Controller"
    own, extra = known.get(f"{role}Parameters", {}), known.get(f"{role}ExtraConfig", {})
    types = own.get("NovaVGPUTypesDeviceAddressesMapping", {})
    named = extra.get("nova::compute::vgpu::enabled_vgpu_types", []) or list(types)
    merged: dict[str, dict[str, list[str]]] = {
        "pci": {
            "alias": [json.dumps(each) for each in extra.get("nova::pci::aliases", [])],
            "passthrough_whitelist": [json.dumps(each) for each in own.get("NovaPCIPassthrough", [])],
        },
        "devices": {"enabled_vgpu_types": [",".join(named)] if named else []},
        **{f"vgpu_{kind}": {"device_addresses": [",".join(at)]} for kind, at in types.items() if at},
    }
    for name in ("NovaSchedulerDefaultFilters", "NovaSchedulerEnabledFilters"):
        if name in known:
            merged["filter_scheduler"] = {"enabled_filters": [",".join(known[name])]}
    return [_ini(merged)]


def _rhoso(files: Files, service: str, host: str) -> list[str]:
    """Each customServiceConfig is a file of its own."""
    if service == "compute":
        data = _load(files[f"nova-gpucloud-{host}.yaml"])["data"]
        return [data[name] for name in sorted(data)]
    nova = _load(files["control-plane-patch.yaml"])["spec"]["nova"]["template"]
    if service == "conductor":
        nova = nova["cellTemplates"]["cell1"]
    return [nova[f"{service}ServiceTemplate"]["customServiceConfig"]]


def _load(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe


_READERS: Mapping[str, Callable[[Files, str, str], list[str]]] = {
    "packages": _packages,
    "kolla-ansible": _kolla,
    "openstack-ansible": _openstack_ansible,
    "devstack": _devstack,
    "tripleo": _tripleo,
    "rhoso": _rhoso,
    "charms": _charms,
}


def values(read: Configuration, known: OptionName | None, old: Sequence[OptionName] = ()) -> list[str]:
    """All values of an option that repeats."""
    return [] if known is None else [setting.value for setting in read.every(known, old)]


def is_on(read: Configuration, known: OptionName | None) -> bool:
    setting = None if known is None else read.last(known)
    return setting is not None and setting.value == "true"


def pci_config(read: Configuration, release: Release) -> Config:
    """What the files say of PCI devices, to one service."""
    return Config(
        values(read, options.DEVICE_SPEC.at(release), options.DEVICE_SPEC_OLD.at(release)),
        values(read, options.ALIAS.at(release), options.ALIAS_OLD.at(release)),
        is_on(read, options.REPORT_IN_PLACEMENT.at(release)),
        is_on(read, options.PCI_IN_PLACEMENT.at(release)),
    )


def mdev_types(read: Configuration, release: Release) -> MdevTypes | Refusal:
    """What the release's driver makes of the types."""
    name, groups = vgpu.MDEV_TYPES.at(release), vgpu.MDEV_GROUPS.at(release)
    setting = None if name is None else read.last(name)
    types = [] if setting is None else [part.strip() for part in setting.value.split(",")]
    sections = {kind: _section(read, f"{groups[0]}{kind}") for kind in types if groups}
    return choose_types(types, sections, release, virtual_parents=LISTED.values())


def _section(read: Configuration, name: str) -> MdevSection:
    said = {
        key: found.value
        for key in ("device_addresses", "mdev_class", "max_instances")
        if (found := read.last(OptionName(name, key))) is not None
    }
    return MdevSection(
        tuple(filter(None, said.get("device_addresses", "").split(","))),
        said.get("mdev_class", "VGPU"),
        int(said["max_instances"]) if "max_instances" in said else None,
    )
