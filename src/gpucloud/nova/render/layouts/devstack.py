"""DevStack: ``post-config`` sections of local.conf.

A value goes through awk, ``read`` and ``eval`` inside double quotes (devstack, inc/meta-config:
merge_config_file): a quote must have three backslashes, else nova gets JSON without its quotes. The file
for nova-compute begins as a copy of nova.conf (lib/nova: start_nova_compute); before Pike there is only
nova.conf.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpucloud.nova.render import conf
from gpucloud.nova.render.conf import Option
from gpucloud.nova.render.layouts.layout import Layout
from gpucloud.nova.render.settings import HostSettings, Settings

_CPU_CONF_SINCE = 16
_QUOTE = '\\\\\\"'


def _files(settings: Settings) -> Mapping[str, str]:
    return {f"{host.name or 'all'}/local.conf": _local_conf(settings, host) for host in settings.hosts}


def _local_conf(settings: Settings, host: HostSettings) -> str:
    everywhere = (*conf.shared(settings), *conf.scheduling(settings))
    own = conf.computing(settings, host)
    if settings.release.number < _CPU_CONF_SINCE:
        everywhere, own = (*everywhere, *own), ()
    parts = {"$NOVA_CONF": everywhere, "$NOVA_CPU_CONF": own, "$PLACEMENT_CONF": conf.placing(settings)}
    texts = [_section(name, said) for name, said in parts.items() if said]
    return "\n".join([f"# {conf.HEADING}: to be added to the local.conf of this node\n", *texts])


def _section(file: str, said: Iterable[Option]) -> str:
    quoted = [replace(option, value=option.value.replace('"', _QUOTE)) for option in said]
    return f"[[post-config|{file}]]\n{conf.render_sections(quoted)}"


DEVSTACK = Layout(
    "devstack",
    "DevStack: post-config sections for the local.conf of each node",
    _files,
    {
        "compute": "stack.sh again, or edit nova-cpu.conf alike and systemctl restart devstack@n-cpu",
        "api": "systemctl restart devstack@n-api",
        "conductor": "systemctl restart 'devstack@n-*cond*'",
        "scheduler": "systemctl restart devstack@n-sch",
        "placement": "systemctl restart devstack@placement-api",
    },
)
