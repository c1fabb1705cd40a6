"""What the options are called, and which of their old names are still read.

Values under a current name and under old ones add up, in the order DEFAULT, old group, current: they do not
override each other (all are oslo.config's MultiStrOpt, except the lists of filters).
"""

from __future__ import annotations

from dataclasses import dataclass

from gpucloud.nova.releases.fact import Fact, fact


@dataclass(frozen=True, slots=True)
class OptionName:
    """Where an option stands in nova.conf. Prints as ``[pci]alias``."""

    section: str
    name: str

    def __str__(self) -> str:
        return f"[{self.section}]{self.name}"


def names_of(*known: Fact[OptionName] | Fact[tuple[OptionName, ...]]) -> tuple[str, ...]:
    """The names that any release has in these facts, newest first, without sections."""
    held = [value for each in known for value in (each.first, *(value for _, value in each.changes))]
    every = [one for value in held for one in (value if isinstance(value, tuple) else (value,))]
    return tuple(dict.fromkeys(one.name for one in reversed(every)))


_OLD_SPEC = OptionName("DEFAULT", "pci_passthrough_whitelist")
_MIDDLE_SPEC = OptionName("pci", "passthrough_whitelist")
_OLD_ALIAS = OptionName("DEFAULT", "pci_alias")
_OLD_FILTERS = OptionName("DEFAULT", "scheduler_default_filters")
_OLD_AVAILABLE = OptionName("DEFAULT", "scheduler_available_filters")
_NONE: tuple[OptionName, ...] = ()

DEVICE_SPEC = fact(
    "devices that a host offers",
    _OLD_SPEC,
    ("15.0.0", _MIDDLE_SPEC),
    ("26.0.0", OptionName("pci", "device_spec")),
    source="nova/conf/pci.py",
)
DEVICE_SPEC_OLD = fact(
    "old names of it that are read as well",
    _NONE,
    ("15.0.0", (_OLD_SPEC,)),
    ("26.0.0", (_OLD_SPEC, _MIDDLE_SPEC)),
    source="nova/conf/pci.py",
)
ALIAS = fact(
    "what a flavor can ask for",
    _OLD_ALIAS,
    ("15.0.0", OptionName("pci", "alias")),
    source="nova/conf/pci.py",
)
ALIAS_OLD = fact(
    "old names of it that are read as well", _NONE, ("15.0.0", (_OLD_ALIAS,)), source="nova/conf/pci.py"
)
ENABLED_FILTERS = fact(
    "filters of the scheduler",
    _OLD_FILTERS,
    ("15.0.0", OptionName("filter_scheduler", "enabled_filters")),
    source="nova/conf/scheduler.py",
)
ENABLED_FILTERS_OLD = fact(
    "old names of it that are read as well; where none is, nova ignores the old name without a word",
    _NONE,
    ("15.0.0", (_OLD_FILTERS,)),
    ("24.0.0", _NONE),
    source="nova/conf/scheduler.py; commit 50a7a3050a",
)
AVAILABLE_FILTERS = fact(
    "filter classes that the scheduler may load",
    _OLD_AVAILABLE,
    ("15.0.0", OptionName("filter_scheduler", "available_filters")),
    source="nova/conf/scheduler.py",
)
AVAILABLE_FILTERS_OLD = fact(
    "old names of it that are read as well; where none is, nova ignores the old name without a word",
    _NONE,
    ("15.0.0", (_OLD_AVAILABLE,)),
    ("24.0.0", _NONE),
    source="nova/conf/scheduler.py; commit 50a7a3050a",
)
REPORT_IN_PLACEMENT = fact(
    "nova-compute writes PCI devices into Placement (off unless set; cannot be taken back)",
    None,
    ("26.0.0", OptionName("pci", "report_in_placement")),
    source="nova/conf/pci.py",
)
PCI_IN_PLACEMENT = fact(
    "flavors' devices are scheduled through Placement (off unless set)",
    None,
    ("27.0.0", OptionName("filter_scheduler", "pci_in_placement")),
    source="nova/conf/scheduler.py",
)
PCI_WEIGHT = fact(
    "weight that keeps guests without devices off hosts with them",
    None,
    ("16.0.0", OptionName("filter_scheduler", "pci_weight_multiplier")),
    source="nova/conf/scheduler.py",
)
