"""What NVIDIA's program says of MIG on this host's cards, asked for a plan; steps ask it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpucloud.model.failure import Failure
from gpucloud.model.host import Host
from gpucloud.model.pci import PciAddress
from gpucloud.model.unknown import Unknown
from gpucloud.prepare.system import System
from gpucloud.slices.interface import nvidias_of
from gpucloud.slices.mig.evidence import Evidence, parse_evidence, says_none
from gpucloud.slices.mig.read import read_instances

_ASKED = (("-q", "-x"), ("mig", "-lgip"), ("mig", "-lgipp"), ("mig", "-lgi"), ("mig", "-lci"))
_DRIVER = "nvidia"


def ask_evidence(host: Host, system: System, tool: str, type_names: Mapping[str, str]) -> Evidence:
    """What is known of MIG here, and of sizes that may be mixed; a host without NVIDIA's driver is not asked.

    Raises:
        Failure: the program says what cannot be read.
    """
    cards, shown = nvidias_of(host), read_instances(system)
    if not any(_is_nvidias(host, each) for each in cards):
        return Evidence(shown=shown, type_names=type_names)
    try:
        texts = tuple(_answers(system, tool))
    except OSError as error:
        why = Unknown(f"nvidia-smi could not be asked: {error}")
        return Evidence(shown=shown, unasked=why, type_names=type_names)
    try:
        return replace(parse_evidence(texts, cards, shown, is_whole=True), type_names=type_names)
    except ValueError as error:
        raise Failure(f"what {tool} says cannot be read: {error}", "nothing was changed") from None


def _is_nvidias(host: Host, address: PciAddress) -> bool:
    functions = {} if isinstance(host.functions, Unknown) else host.functions
    function = functions.get(address)
    return function is not None and function.driver == _DRIVER


def _answers(system: System, tool: str) -> Iterator[str]:
    for words in _ASKED:
        try:
            yield system.ask_tool((tool, *words))
        except OSError as error:
            if not says_none(str(error)):
                raise
            yield str(error)
