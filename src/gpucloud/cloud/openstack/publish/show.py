"""Differences as a person reads them: ``+`` comes, ``~`` changes, ``-`` goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, assert_never

from gpucloud.cloud.openstack.publish import change as do
from gpucloud.cloud.openstack.publish.change import Chain, Change
from gpucloud.cloud.openstack.publish.compare import Compared
from gpucloud.cloud.openstack.publish.offer import Flavor
from gpucloud.model.line import Copied

if TYPE_CHECKING:
    from gpucloud.cloud.openstack.publish.carry_out import Made
    from gpucloud.cloud.openstack.publish.find import Found


def render_compared(compared: Compared) -> tuple[str, ...]:
    """The whole diff, line by line, and what is left or refused, as prose; empty where nothing differs."""
    lines: list[str] = [Copied(_one_line(line)) for chain in compared.chains for line in _chain(chain)]
    lines += [_one_line(f"left: {left.kind} {left.name}: {left.what}") for left in compared.left]
    lines += [_one_line(f"refused: {no.kind} {no.name}: {no.why}; {no.then}") for no in compared.refused]
    return tuple(lines)


def _one_line(line: str) -> str:
    """A name that others gave begins no line of its own."""
    return line.replace("\n", "?").replace("\t", " ")


def say_change(chain: Chain, change: Change) -> str:
    """One difference in one line, as messages name it."""
    return _one_line(f"{chain.kind} {chain.name}: {'; '.join(line.strip() for line in _change(change))}")


def _chain(chain: Chain) -> Iterator[str]:
    signs = {_sign(change) for change in chain.changes}
    sign = signs.pop() if len(signs) == 1 else "+" if _is_new(chain) else "~"
    yield f"{sign} {chain.kind} {chain.name}"
    for change in chain.changes:
        yield from (f"    {line}" for line in _change(change))


def _is_new(chain: Chain) -> bool:
    return isinstance(chain.changes[0], do.CreateFlavor | do.CreateAggregate)


def _sign(change: Change) -> str:
    match change:
        case do.CreateFlavor() | do.CreateAggregate() | do.CreateTrait():
            return "+"
        case do.DeleteFlavor() | do.DeleteAggregate():
            return "-"
        case _:
            return "~"


def _change(change: Change) -> Iterator[str]:  # noqa: C901 - one case for each kind of change
    match change:
        case do.CreateFlavor():
            yield f"+ {_size(change.flavor)}"
        case do.DeleteFlavor():
            yield f"- {_size(change.flavor)}"
            yield from (f"- {name}={value}" for name, value in change.flavor.extra_specs.items())
            yield from (f"- project {project}" for project in sorted(change.flavor.projects))
        case do.SetExtraSpecs() | do.SetMetadata() | do.SetQuota():
            yield from _values(change.values, change.was)
        case do.DropExtraSpec():
            yield f"- {change.key}={change.was}"
        case do.Grant():
            yield f"+ project {change.project}"
        case do.Revoke():
            yield f"- project {change.project}"
        case do.CreateAggregate():
            yield "+ the aggregate"
        case do.DeleteAggregate():
            yield "- the aggregate"
        case do.AddHost():
            yield f"+ host {change.host}"
        case do.RemoveHost():
            yield f"- host {change.host}"
        case do.SetProperties():
            yield from _values({**change.values, **dict.fromkeys(sorted(change.dropped))}, change.was)
        case do.SetLimit():
            before = {} if change.was is None else {change.resource: change.was}
            yield from _values({change.resource: change.value}, before)
        case do.CreateTrait():
            yield "+ the trait"
        case do.SetTraits():
            yield from (f"+ {trait}" for trait in sorted(change.added))
        case _:
            assert_never(change)


def _size(flavor: Flavor) -> str:
    whom = "for everybody" if flavor.is_public else "for some projects"
    return f"{flavor.vcpus} vCPUs, {flavor.ram_mib} MiB, {flavor.disk_gib} GiB, {whom}"


def _values(values: Mapping[str, object], was: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if value is None:
            yield f"- {name}={was.get(name, '')}"
        elif name in was:
            yield f"~ {name}: {was[name]} -> {value}"
        else:
            yield f"+ {name}={value}"


def plain_of(found: Found, made: Sequence[Made]) -> dict[str, object]:
    """All of it for programs; ``done`` and ``failed`` are null where nothing was tried."""
    compared = found.compared
    return {
        "differences": [_plain(chain, change) for chain in compared.chains for change in chain.changes],
        "left": compared.left,
        "refused": compared.refused,
        "doubts": found.doubts,
        "done": sum(each.done for each in made) if made else None,
        "failed": [
            {**_plain(each.chain, each.failed), "why": str(each.failure)}
            for each in made
            if each.failed is not None
        ]
        if made
        else None,
    }


def _plain(chain: Chain, change: Change) -> dict[str, object]:
    return {"kind": chain.kind, "name": chain.name, "what": [*_change(change)]}
