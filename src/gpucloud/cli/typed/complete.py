"""What the shell offers while a command line is typed: names that this machine knows."""

from __future__ import annotations

Offers = list[tuple[str, str]]
"""Words, each with what it is."""


def topologies() -> Offers:
    """Topologies that come with the program."""
    from gpucloud.lab.topology.parse import load_topology, topology_names

    return [(name, load_topology(name).title) for name in topology_names()]


def servers() -> Offers:
    """Servers of the laboratory."""
    from gpucloud.lab.lab import Lab

    return [(host.name, host.state) for host in Lab().hosts()]


def reasons() -> Offers:
    """Causes, refusals, and what the check of nova.conf finds."""
    from gpucloud.doctor.causes import CAUSES
    from gpucloud.nova.check.rules.catalogue import KINDS
    from gpucloud.prepare.refusals import REFUSALS

    causes = [(each.id, each.title) for each in (*CAUSES.values(), *REFUSALS.values())]
    return causes + [(each.id, each.title) for each in KINDS.values()]


def units() -> Offers:
    """GPUs of this host; of another one nothing is read while somebody types."""
    from gpucloud.inventory import open_host

    return [(unit.address.short, unit.primary.name) for unit in open_host().units]


def releases() -> Offers:
    """Releases of nova by year and code name, the newest first."""
    from gpucloud.nova.releases.release import SERIES

    newest = SERIES[::-1]
    by_cycle = [(each.cycle, f"nova {each.number}, {each.codename}") for each in newest if each.cycle]
    return by_cycle + [(each.codename.lower(), f"nova {each.number}") for each in newest]


def layouts() -> Offers:
    """Ways of deploying nova."""
    from gpucloud.nova.render.layouts import LAYOUTS

    return [(name, "") for name in LAYOUTS]


def distros() -> Offers:
    """Distributions whose packages are known."""
    from gpucloud.cloud.images.packages import DISTROS

    return [(name, "") for name in DISTROS]


def networks() -> Offers:
    """What stands for a network's id; those of a cloud are not asked for while somebody types."""
    return [("auto", "the one that fits"), ("none", "no network")]
