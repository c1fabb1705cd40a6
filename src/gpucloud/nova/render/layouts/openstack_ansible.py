"""OpenStack-Ansible: variables of the role os_nova, below /etc/openstack_deploy.

Options that repeat have variables of their own, all others are overrides. Variables of a host take the place
of those of its group, whole: so a host's file holds both. ``user_*.yml`` would take the place of either.
Source: openstack-ansible-os_nova, templates/nova.conf.j2, defaults/main.yml.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from gpucloud.nova.releases import options
from gpucloud.nova.releases.options import OptionName
from gpucloud.nova.render import conf
from gpucloud.nova.render.conf import Option
from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.layouts.yaml import Tree, render_yaml
from gpucloud.nova.render.settings import HostSettings, Settings

_SINCE = 19
"""Series whose role first has nova_pci_alias."""
_EXTRA_FILTERS_SINCE = 20
_DEVICE_SPEC_SINCE = 27
"""Series from which on nova_device_spec is a list; before, nova_pci_passthrough_whitelist is one text."""
_PLAYBOOK = "openstack-ansible os-nova-install.yml --limit"


def _files(settings: Settings) -> Mapping[str, str]:
    placing = conf.placing(settings)
    files = {
        "group_vars/nova_all/gpucloud.yml": render_yaml(_of_all(settings)),
        **{_path(host): render_yaml(_of_host(settings, host), *_remarks(host)) for host in settings.hosts},
    }
    if placing:
        files["group_vars/placement_all/gpucloud.yml"] = render_yaml(
            {"placement_placement_conf_overrides": _overrides(placing)}
        )
    return files


def _path(host: HostSettings) -> str:
    return f"host_vars/{host.name}/gpucloud.yml" if host.name else "group_vars/nova_compute/gpucloud.yml"


def _remarks(host: HostSettings) -> tuple[str, ...]:
    return tuple(entry.remark for entry in host.entries)


def _of_all(settings: Settings) -> dict[str, Tree]:
    alias = options.ALIAS.at(settings.release)
    said = conf.shared(settings)
    tree: dict[str, Tree] = {
        "nova_discover_mdev_types": False,
        "nova_pci_alias": [option.value for option in said if option.name == alias],
    }
    plain = [option for option in said if option.name != alias]
    if settings.filters is not None and settings.release.number >= _EXTRA_FILTERS_SINCE:
        tree["nova_scheduler_extra_filters"] = [
            name for name in settings.filters if name in conf.ADDED_FILTERS
        ]
    else:
        plain += conf.scheduling(settings)
    return {**tree, **({"nova_nova_conf_overrides": _overrides(plain)} if plain else {})}


def _of_host(settings: Settings, host: HostSettings) -> dict[str, Tree]:
    spec, alias = options.DEVICE_SPEC.at(settings.release), options.ALIAS.at(settings.release)
    said = (*conf.shared(settings), *conf.computing(settings, host))
    plain = [option for option in said if option.name not in (spec, alias)]
    tree: dict[str, Tree] = {"nova_nova_conf_overrides": _overrides(plain)} if plain else {}
    written = [dict(entry.written) for entry in host.entries]
    if written and settings.release.number >= _DEVICE_SPEC_SINCE:
        tree["nova_device_spec"] = [json.dumps(each) for each in written]
    elif written:
        tree["nova_pci_passthrough_whitelist"] = json.dumps(written)
    return tree


def _overrides(said: Iterable[Option]) -> dict[str, Tree]:
    tree: dict[str, dict[str, Tree]] = {}
    for option in said:
        name: OptionName = option.name
        tree.setdefault(name.section, {})[name.name] = option.value
    return dict(tree)


def _refuses(settings: Settings) -> str | None:
    if settings.aliases and settings.release.number < _SINCE:
        return f"its role has no variable for aliases before nova {_SINCE} (Stein)"
    return None


def _warns(settings: Settings) -> tuple[str, ...]:
    """Source: Ansible, variable precedence: extra variables, as user_*.yml are given, come last."""
    names = dict.fromkeys(name for host in settings.hosts for name in _of_host(settings, host))
    listed = ", ".join(dict.fromkeys((*_of_all(settings), *names)))
    said = f"user_*.yml in /etc/openstack_deploy takes the place, whole, of what these files set: {listed}"
    return (said,)


OPENSTACK_ANSIBLE = Layout(
    "openstack-ansible",
    "OpenStack-Ansible: variables for /etc/openstack_deploy; user_*.yml must not set the same ones",
    _files,
    {
        "compute": f"{_PLAYBOOK} nova_compute",
        "api": f"{_PLAYBOOK} nova_api_os_compute",
        "conductor": f"{_PLAYBOOK} nova_conductor",
        "scheduler": f"{_PLAYBOOK} nova_scheduler",
        "placement": "openstack-ansible os-placement-install.yml",
    },
    _warns,
    refuses=_refuses,
)
