"""What is looked at: files, release and service, with everything that follows from them, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from gpucloud.model.unknown import Unknown
from gpucloud.nova.alias import Alias, parse_aliases
from gpucloud.nova.check.options import Options
from gpucloud.nova.config import Configuration, Setting, read_list, read_value
from gpucloud.nova.device_spec import DeviceSpec, parse_device_specs
from gpucloud.nova.machine import ELSEWHERE, LISTED, Machine
from gpucloud.nova.match import Config, Match, match
from gpucloud.nova.mdev import MdevSection, MdevTypes, choose_types
from gpucloud.nova.reading import Json, load_json
from gpucloud.nova.refusal import NovaRaises, Refusal
from gpucloud.nova.releases import options, vgpu
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.releases.release import Release
from gpucloud.nova.service import Service

_DEEPEST = 20
"""Objects inside objects that are looked into; nova itself needs two."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One JSON object of device_spec or alias, with where it stands."""

    setting: Setting
    written: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ProviderFile:
    """A file of inventories that nova-compute adds to Placement."""

    name: str
    text: str


@dataclass(frozen=True)
class Case:
    """Files as one service of one release reads them.

    Args:
        configuration: the files.
        release: which nova.
        service: which of its services.
        machine: the devices of the host, where they are known; they count for nova-compute.
        against: files of another service that must agree with these.
        lost: lines that a deployment tool drops before nova sees the files.
        is_templated: the files go through Jinja2 first.
        providers: files of ``provider_config_location``.
    """

    configuration: Configuration
    release: Release
    service: Service
    machine: Machine | None = None
    against: Configuration | None = None
    lost: tuple[Setting, ...] = ()
    is_templated: bool = False
    providers: tuple[ProviderFile, ...] = ()

    @property
    def spec_option(self) -> OptionName:
        return options.DEVICE_SPEC.at(self.release)

    @property
    def alias_option(self) -> OptionName:
        return options.ALIAS.at(self.release)

    @cached_property
    def options(self) -> Options:
        return Options(self.configuration, self.release)

    @cached_property
    def spec_settings(self) -> tuple[Setting, ...]:
        return self.configuration.every(self.spec_option, options.DEVICE_SPEC_OLD.at(self.release))

    @cached_property
    def alias_settings(self) -> tuple[Setting, ...]:
        return self.configuration.every(self.alias_option, options.ALIAS_OLD.at(self.release))

    @cached_property
    def specs(self) -> tuple[DeviceSpec, ...] | Refusal:
        """The entries as this service parses them."""
        values = self.values_of(self.spec_settings)
        if isinstance(values, Refusal):
            return values
        place = self.machine if self.machine is not None and self.service is Service.COMPUTE else ELSEWHERE
        return parse_device_specs(
            values, self.release, machine=place, report_in_placement=self.reports_in_placement
        )

    @cached_property
    def aliases(self) -> Mapping[str, Alias] | Refusal:
        values = self.values_of(self.alias_settings)
        if isinstance(values, Refusal):
            return values
        return parse_aliases(values, self.release, pci_in_placement=self.places_pci)

    @cached_property
    def spec_entries(self) -> tuple[Entry, ...]:
        """All objects that can be read as JSON, whether nova takes them or not."""
        return tuple(entry for one in self.spec_settings for entry in _entries(one))

    @cached_property
    def alias_entries(self) -> tuple[Entry, ...]:
        """The same of aliases."""
        return tuple(entry for one in self.alias_settings for entry in _entries(one))

    @cached_property
    def reports_in_placement(self) -> bool:
        return self.is_on(options.REPORT_IN_PLACEMENT.at(self.release))

    @cached_property
    def places_pci(self) -> bool:
        return self.is_on(options.PCI_IN_PLACEMENT.at(self.release))

    @cached_property
    def filters_setting(self) -> Setting | None:
        return self.configuration.last(
            options.ENABLED_FILTERS.at(self.release), options.ENABLED_FILTERS_OLD.at(self.release)
        )

    @property
    def filters(self) -> tuple[str, ...] | None:
        """The filters that are on; None where the release's own list is."""
        return None if self.filters_setting is None else read_list(self.text_of(self.filters_setting))

    @cached_property
    def mdev_setting(self) -> Setting | None:
        option = vgpu.MDEV_TYPES.at(self.release)
        if option is None:
            return None
        return self.configuration.last(option, vgpu.MDEV_TYPES_OLD.at(self.release))

    @property
    def mdev_types(self) -> tuple[str, ...]:
        return () if self.mdev_setting is None else read_list(self.text_of(self.mdev_setting))

    @cached_property
    def mdev_sections(self) -> Mapping[str, MdevSection]:
        return {name: self._mdev_section(name) for name in self.mdev_types}

    @cached_property
    def mdev(self) -> MdevTypes | Refusal:
        return choose_types(
            self.mdev_types, self.mdev_sections, self.release, virtual_parents=self.virtual_parents
        )

    @cached_property
    def virtual_parents(self) -> tuple[str, ...]:
        """Names in device_addresses that are no PCI addresses, and that the host may have."""
        if not vgpu.MDEV_VIRTUAL_PARENT.at(self.release):
            return ()
        known = None if self.machine is None else self.machine.parents
        absent = set() if known is None or isinstance(known, Unknown) else {*LISTED.values()} - {*known}
        every = (one for section in self.mdev_sections.values() for one in section.device_addresses)
        return tuple(dict.fromkeys(one for one in every if one and ":" not in one and one not in absent))

    @property
    def config(self) -> Config | Refusal:
        """What the files say of PCI devices; or nova's complaint about a name in a value."""
        specs, aliases = self.values_of(self.spec_settings), self.values_of(self.alias_settings)
        if isinstance(specs, Refusal):
            return specs
        if isinstance(aliases, Refusal):
            return aliases
        return Config(specs, aliases, self.reports_in_placement, self.places_pci)

    @cached_property
    def match(self) -> Match | None:
        """The machine's devices under these files; None where no machine is known, or values are not."""
        config = self.config
        if self.machine is None or isinstance(config, Refusal):
            return None
        return match(config, self.machine, self.release)

    def is_on(self, option: OptionName | None) -> bool:
        """Whether a switch is on; one that cannot be read counts as off."""
        setting = None if option is None else self.configuration.last(option)
        if setting is None:
            return False
        try:
            return bool(read_value("bool", self.text_of(setting)))
        except ValueError:
            return False

    def values_of(self, settings: Sequence[Setting]) -> tuple[str, ...] | Refusal:
        """The values with what stands for other options put in; or nova's complaint about a name."""
        values = []
        for index, setting in enumerate(settings):
            try:
                values.append(self.options.put(setting.value, setting.section)[0])
            except NovaRaises as raised:
                return self.options.blamed(setting, raised).over(index)
        return tuple(values)

    def text_of(self, setting: Setting) -> str:
        """The value with what stands for other options put in; as it is where nova complains about that."""
        try:
            return self.options.put(setting.value, setting.section)[0]
        except NovaRaises:
            return setting.value

    def mdev_keys_of(self, name: str) -> Mapping[str, Setting]:
        """Keys of a type's section to where they are set, under the names that the release reads."""
        current, *old = (prefix + name for prefix in vgpu.MDEV_GROUPS.at(self.release) or ("",))
        found: dict[str, Setting] = {}
        for key in vgpu.MDEV_KEYS.at(self.release):
            others = [OptionName(section, key) for section in old if key == "device_addresses"]
            setting = self.configuration.last(OptionName(current, key), others)
            if setting is not None:
                found[key] = setting
        return found

    def _mdev_section(self, name: str) -> MdevSection:
        keys = self.mdev_keys_of(name)
        limit = self.text_of(keys["max_instances"]).strip() if "max_instances" in keys else ""
        return MdevSection(
            read_list(self.text_of(keys["device_addresses"])) if "device_addresses" in keys else (),
            self.text_of(keys["mdev_class"]) if "mdev_class" in keys else "VGPU",
            int(limit) if limit.isdecimal() else None,
        )


def _entries(setting: Setting) -> list[Entry]:
    if _depth(setting.value) > _DEEPEST:
        return []
    try:
        loaded = load_json(setting.value)
    except (ValueError, NovaRaises):
        return []
    several = loaded if isinstance(loaded, list) else [loaded]
    return [Entry(setting, cast("Mapping[str, Json]", one)) for one in several if isinstance(one, dict)]


def _depth(text: str) -> int:
    """How deep brackets stand inside each other, at most; those in texts count, too."""
    if text.count("{") + text.count("[") <= _DEEPEST:
        return 0
    depth = deepest = 0
    for sign in text:
        depth += (sign in "[{") - (sign in "]}")
        deepest = max(deepest, depth)
    return deepest
