"""RabbitMQ as a node of our own, and the epmd that its Erlang asks for a port."""

from __future__ import annotations

from collections.abc import Mapping

from gpucloud.lab.cloud.settings import ACCOUNT
from gpucloud.lab.cloud.site import HOST, Site, write_secret

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""The program itself: that on the search path becomes the system's user, for the system's node."""

_ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2"
"""Other nodes are taken from loopback only; idle schedulers sleep at once: others need the processors."""


def settings(site: Site) -> str:
    """The text of ``rabbitmq.conf``: the account is made when the node starts for the first time."""
    return f"""\
listeners.tcp.1 = {HOST}:{site.ports["broker"]}
default_user = {ACCOUNT}
default_pass = {site.passwords["broker"]}
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = info
log.file = false
"""


def prepare(site: Site) -> None:
    """Make its folder and its settings; both of its files would else be looked for in /etc/rabbitmq."""
    (site.data / "rabbitmq").mkdir(mode=0o700)
    write_secret(site.config / "rabbitmq.conf", settings(site))
    (site.config / "rabbitmq-plugins").write_text("[].\n")
    (site.config / "rabbitmq-env.conf").touch()


def argv() -> tuple[str, ...]:
    """How it is started."""
    return (PROGRAM,)


def nodes_argv(site: Site) -> tuple[str, ...]:
    """How epmd is started: without it RabbitMQ would start one for the whole machine, and leave it."""
    return ("epmd", "-address", HOST, "-port", str(site.ports["nodes"]))


def variables(site: Site) -> Mapping[str, str]:
    """What its environment tells it: names, places, ports. Source: rabbitmq.com/docs/configure."""
    data = site.data / "rabbitmq"
    return {
        "HOME": str(data),
        "ERL_EPMD_ADDRESS": HOST,
        "ERL_EPMD_PORT": str(site.ports["nodes"]),
        "RABBITMQ_NODENAME": "gpucloud@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": str(site.ports["broker"]),
        "RABBITMQ_DIST_PORT": str(site.ports["node"]),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
        "RABBITMQ_BASE": str(data),
        "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
        "RABBITMQ_LOG_BASE": str(site.logs),
        "RABBITMQ_PID_FILE": str(data / "rabbitmq.pid"),
        "RABBITMQ_CONF_ENV_FILE": str(site.config / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(site.config / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(site.config / "rabbitmq-advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(site.config / "rabbitmq-plugins"),
    }
