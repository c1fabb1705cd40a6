"""Settings read back by the rules of their release: exactly what was meant, or a refusal with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from gpucloud.model.failure import Exit, Failure
from gpucloud.nova.match import Config, Match, match
from gpucloud.nova.match.track import Tracked
from gpucloud.nova.refusal import Refusal
from gpucloud.nova.render.aliases import alias_name
from gpucloud.nova.render.settings import Entry
from gpucloud.nova.render.taken import HostTaken
from gpucloud.nova.render.wanted import Wanted


def check_host(
    taken: HostTaken, entries: Sequence[Entry], aliases: Sequence[Mapping[str, str]], wanted: Wanted
) -> Iterator[str]:
    """Read the settings of a host back, and give warnings.

    Raises:
        Failure: nova would refuse them, track another device, or give an alias the devices of another pool.
    """
    read = match(
        Config(
            [json.dumps(dict(entry.written)) for entry in entries],
            [json.dumps(dict(alias)) for alias in aliases],
            wanted.reports,
            wanted.schedules,
        ),
        taken.machine,
        wanted.release,
        host=taken.name,
    )
    _check_tracked(_accepted(read, taken, wanted), taken, wanted)
    yield from _check_aliases(read, taken)


def _accepted(read: Match, taken: HostTaken, wanted: Wanted) -> Sequence[Tracked]:
    """What becomes of each device, where no service refuses its part."""
    for part in (read.specs, read.tracked, read.aliases, read.providers):
        if isinstance(part, Refusal):
            why = f"{taken.name}: nova {wanted.release} would not start: {part.message}"
            raise Failure(why, "change the pools")
    return () if isinstance(read.tracked, Refusal) else read.tracked


def _check_tracked(found: Sequence[Tracked], taken: HostTaken, wanted: Wanted) -> None:
    meant = {each.device.address for each in taken.given}
    tracked = {each.device.address for each in found if each.entry is not None}
    for address in sorted(tracked - meant):
        raise Failure(
            f"{taken.name}: nova {wanted.release} would also offer {address}",
            "turn its virtual functions off, or put it into the pool",
        )
    for address in sorted(meant - tracked):
        raise Failure(
            f"{taken.name}: nova {wanted.release} cannot offer {address}", "take it out of its pool"
        )


def _check_aliases(read: Match, taken: HostTaken) -> Iterator[str]:
    meant: dict[str, set[str]] = {}
    for each in taken.given:
        meant.setdefault(alias_name(each.pool), set()).add(each.device.address)
    for name, choice in read.choices.items():
        served = {device.address for stock in choice.serving for device in stock.pool.devices}
        mine = meant.get(name, set())
        others = sorted(served - mine)
        if others and not mine:
            yield (
                f"{taken.name}: alias {name} of other hosts also takes its {others[0]}: keep their flavors "
                "apart with host aggregates, or with resource classes (placement: schedule)"
            )
        elif others:
            raise Failure(
                f"{taken.name}: alias {name} would also take {others[0]} of another pool: an alias knows "
                "ids and types, no addresses",
                "give each pool a resource_class of its own and write placement: schedule (nova 27 and "
                "later), or make one pool of them",
                code=Exit.USAGE,
            )
        if mine - served:
            raise Failure(
                f"{taken.name}: alias {name} would not take {min(mine - served)}", "change its pool"
            )
