"""Rendered files as each deployment tool hands them to a service: one nova.conf, or several in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gpucloud.nova.config import Configuration, read_config_file
from gpucloud.nova.match import Config
from gpucloud.nova.mdev import MdevSection, MdevTypes, choose_types
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.releases import options, vgpu
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release

Files = Mapping[str, str]


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


_READERS: Mapping[str, Callable[[Files, str, str], list[str]]] = {
    "packages": _packages,
    "kolla-ansible": _kolla,
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
    return choose_types(types, sections, release)


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
