"""What deployment tools make of files: kolla-ansible's merging and templates, and provider.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case, ProviderFile
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import shown
from gpucloud.nova.releases import platform, vgpu
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.service import Service

_TEMPLATE = ("{{", "{%", "{#")
_SENTINEL = "$COMPUTE_NODE"
_FIRST_WITH_PROVIDERS = 22
_KOLLA_WHITELIST = OptionName("pci", "passthrough_whitelist")

REPLACED = Kind(
    "nova-kolla-replaced",
    Level.WARNING,
    "A later file of kolla-ansible replaces this line",
    "kolla-ansible merges its override files before nova sees them. Repeats inside one file stay, but a "
    "later file replaces all lines of a key; oslo.config itself would add them up.",
    ("devices or aliases of the global file are gone on one host",),
    ("Repeat the lines in the later file, too",),
    ("kolla-ansible: ansible/action_plugins/merge_configs.py",),
)
TEMPLATED = Kind(
    "nova-kolla-template",
    Level.BLOCKER,
    "A value that the template engine takes for its own",
    "kolla-ansible sends override files through Jinja2, which reads {{, {% and {# as its own signs.",
    ("the deployment ends with a template error, or the value is another one",),
    ("Put a blank between the braces",),
    ("kolla-ansible: ansible/action_plugins/merge_configs.py",),
)
MDEVCTL = Kind(
    "nova-kolla-mdevctl",
    Level.WARNING,
    "kolla's libvirt has no mdevctl, or forgets what it defined",
    "From 30 on nova has libvirt define mdevs, which needs mdevctl. kolla's image of libvirt has it from "
    "20.0.0 (nova 31) on, and kolla-ansible gives the container no volume for /etc/mdevctl.d: definitions go "
    "with it.",
    ("`Cannot find 'mdevctl' in path`", "vGPUs are gone after the container was made anew"),
    ("Build the image with mdevctl, and keep /etc/mdevctl.d of the host in the container",),
    ("kolla commit 09f706bc2", "nova/virt/libvirt/driver.py: _create_mdev"),
)
SRIOV = Kind(
    "nova-kolla-sriov",
    Level.WARNING,
    "kolla's own list of devices stands beside these lines",
    "With enable_neutron_sriov kolla-ansible's template writes [pci]passthrough_whitelist from "
    "nova_pci_passthrough_whitelist, by names of interfaces. Until 25 a line of the same name in an override "
    "replaces it, so that neutron's ports lose their devices; from 26 on it adds up with device_spec, and "
    "with report_in_placement nova-compute ends at the names.",
    ("`PCI Placement reporting does not support 'devname' based device specification`",),
    ("With enable_neutron_sriov, set nova_pci_passthrough_whitelist in globals.yml to addresses",),
    (
        "kolla-ansible: ansible/roles/nova-cell/templates/nova.conf.j2, defaults/main.yml",
        "nova/compute/pci_placement_translator.py: ensure_no_dev_spec_with_devname",
    ),
)
SENTINEL = Kind(
    "nova-provider-sentinel",
    Level.BLOCKER,
    "$COMPUTE_NODE as a name in provider.yaml",
    "Nova's schema knows the sentinel for uuid alone. Under name it is taken for a name, and no provider has "
    "it. kolla-ansible's documentation prints it so.",
    ("the inventory of the file is never made",),
    ("identification:", '  uuid: "$COMPUTE_NODE"'),
    ("nova/compute/provider_config.py", "kolla-ansible docs: nova_cell_compute_provider_config"),
)
TOO_OLD = Kind(
    "nova-provider-too-old",
    Level.WARNING,
    "provider.yaml for a nova that does not read it",
    "[compute]provider_config_location came with 22.0.0.",
    ("nothing: the file is not read",),
    ("Update nova, or make the inventory with the placement client",),
    ("nova/conf/compute.py: provider_config_location",),
)


def replaced(case: Case) -> Iterator[Finding]:
    """Lines of options that add up in oslo.config, and that kolla-ansible drops."""
    named = {(one.section, one.name) for one in (*case.spec_settings, *case.alias_settings)}
    for setting in case.lost:
        if (setting.section, setting.name) in named:
            yield REPLACED.at(setting, f"{shown(setting)} = {setting.value} is replaced by a later file")


def templated(case: Case) -> Iterator[Finding]:
    """Signs of Jinja2 in a value."""
    for setting in case.configuration.settings() if case.is_templated else ():
        if any(sign in setting.value for sign in _TEMPLATE):
            spaced = setting.value
            for sign in _TEMPLATE:
                spaced = spaced.replace(sign, f"{sign[0]} {sign[1]}")
            fix = (f"[{setting.section}]", f"{setting.name} = {spaced}")
            yield TEMPLATED.at(setting, f"{shown(setting)} = {setting.value}", fix=fix)


def mdevctl(case: Case) -> Iterator[Finding]:
    """Slices of cards in kolla's containers."""
    if case.is_templated and case.mdev_types and vgpu.MDEV_PERSISTENT.at(case.release):
        yield MDEVCTL.at(case.mdev_setting, f"nova {case.release} lets libvirt define mdevs with mdevctl")


def sriov(case: Case) -> Iterator[Finding]:
    """The list that kolla's template writes where neutron uses SR-IOV, unless these files write their own."""
    if not case.is_templated or case.service is not Service.COMPUTE or not case.spec_settings:
        return
    own = case.configuration.every(_KOLLA_WHITELIST)
    is_added = platform.KOLLA_SRIOV.at(case.release) == "added"
    said = platform.kolla_sriov_trouble(case.release, reports=case.reports_in_placement)
    if said is not None and is_added != bool(own):
        level = Level.WARNING if is_added else Level.INFO
        yield SRIOV.at((own or case.spec_settings)[0], said, level=level)


def providers(case: Case) -> Iterator[Finding]:
    """provider.yaml: the sentinel, and releases that do not read the file."""
    for file in case.providers:
        if case.release.number < _FIRST_WITH_PROVIDERS:
            what = f"nova {case.release} does not read {file.name}"
            yield Finding(TOO_OLD, TOO_OLD.level, what, TOO_OLD.fix, file.name, 1)
        elif any(each.get("name") == _SENTINEL for each in _identifications(file)):
            lines = file.text.splitlines()
            line = next((n for n, text in enumerate(lines, start=1) if _SENTINEL in text), 1)
            yield Finding(SENTINEL, SENTINEL.level, f"name: {_SENTINEL}", SENTINEL.fix, file.name, line)


def _identifications(file: ProviderFile) -> Iterator[Mapping[str, object]]:
    """How the providers of a file are named; none of a file that is no YAML of that form."""
    import yaml  # few checks have such a file

    try:
        loaded = yaml.safe_load(file.text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    listed = loaded.get("providers") if isinstance(loaded, dict) else None
    for each in listed if isinstance(listed, list) else ():
        found = each.get("identification") if isinstance(each, dict) else None
        if isinstance(found, dict):
            yield found


RULES = (replaced, templated, mdevctl, sriov, providers)
