"""Devices, entries and aliases brought together, as nova brings them together on a host.

* ``track``: which entry has which device, and which entries are hidden by an earlier one.
* ``pools``: devices that nova does not tell apart.
* ``serve``: which pools serve an alias, and why the others do not; ``fit``: whether a flavor can be built.
* ``placement``: the providers, classes and traits that Placement is told of.
* ``match``: all of it for one host in one value.
"""

from gpucloud.nova.match.match import Config, Match, match
from gpucloud.nova.match.serve import Topology

__all__ = ["Config", "Match", "Topology", "match"]
