"""Flavors of the spec with the extra specs that nova of the release needs for their GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpucloud.cloud.openstack.publish.offer import Offer
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Placement, Pool, Spec, Use, companion_alias
from gpucloud.model.spec.catalogue import Amount, FlavorWish
from gpucloud.nova.machine import LISTED, libvirt_name
from gpucloud.nova.match.standard import normal_traits
from gpucloud.nova.properties import Verdict, judge_flavor
from gpucloud.nova.releases import guest, vgpu
from gpucloud.nova.releases.release import Release
from gpucloud.nova.render.aliases import alias_name

_ALIAS = "pci_passthrough:alias"


@dataclass(frozen=True, slots=True)
class Gpu:
    """What a guest asks for to get GPUs of a pool.

    Args:
        pool: whose they are.
        resource_class: mediated devices of it; None: devices of the pool's alias.
    """

    pool: Pool
    resource_class: str | None


def gpu_of(spec: Spec, name: str, where: str) -> Gpu:
    """The GPUs that ``POOL`` or ``POOL/TYPE`` names.

    A pool with ``use: vgpu`` is served through mediated devices, or, where its VFs stay with the vendor's
    VFIO driver (``managed: false``), through its alias as PCI devices.

    Raises:
        Failure: there is no such pool or type, the host keeps it, or it is cut into several classes.
    """
    said, _, kind = name.partition("/")
    pool = spec.pool(said)
    if pool is None:
        known = ", ".join(each.name for each in spec.pools) or "none"
        raise _wrong(f"{where}: there is no pool {said!r}", f"pools are: {known}")
    if pool.use is Use.HOST:
        raise _wrong(f"{where}: pool {said} has use: host", "OpenStack offers nothing that the host keeps")
    if kind and all(choice.type != kind for choice in pool.vgpu_types):
        known = ", ".join(choice.type for choice in pool.vgpu_types) or "none"
        raise _wrong(f"{where}: pool {said} has no vGPU type {kind!r}", f"its vgpu_types are: {known}")
    if pool.mig and not pool.vgpu_types:
        then = "nova knows nothing of these: name the vgpu_types that are cut from them"
        raise _wrong(f"{where}: pool {said} is cut into MIG instances alone", then)
    if pool.use is not Use.VGPU or pool.nova.managed is False:
        return Gpu(pool, None)
    return Gpu(pool, _class_of(pool, kind, where))


def _class_of(pool: Pool, kind: str, where: str) -> str:
    default = pool.nova.resource_class or "VGPU"
    choices = [choice for choice in pool.vgpu_types if kind in ("", choice.type)]
    classes = {choice.resource_class or default for choice in choices} or {default}
    if len(classes) > 1:
        raise _wrong(
            f"{where}: pool {pool.name} is cut into types of {len(classes)} classes",
            f"say which type: {pool.name}/{choices[0].type}",
        )
    return classes.pop()


def extra_specs_of(spec: Spec, wish: FlavorWish, release: Release) -> dict[str, str]:
    """The flavor's extra specs: those that are made of its pools, and those that are written out.

    Raises:
        Failure: the release refuses one or passes over it, or two say different things.
    """
    made = dict(_made(spec, wish, release))
    for setting in wish.extra_specs:
        if made.setdefault(setting.name, setting.value) != setting.value:
            raise _wrong(
                f"flavor {wish.name}: extra_specs has {setting.name}={setting.value}, and its other keys "
                f"make {made[setting.name]} of it",
                "leave it out of extra_specs",
            )
    for judged in judge_flavor(made, release):
        if judged.verdict in (Verdict.REFUSED, Verdict.IGNORED):
            raise _wrong(
                f"flavor {wish.name}: nova {release} does not do {judged.name}={judged.value}: {judged.why}",
                "change the flavor, or the release in gpucloud.yaml",
            )
    return made


def flavor_doubts(spec: Spec, wish: FlavorWish, release: Release) -> Iterator[str]:
    """Keys that nova passes on to filters of one's own, or that are written wrong; aliases of no pool."""
    extra_specs = extra_specs_of(spec, wish, release)
    for judged in judge_flavor(extra_specs, release):
        if judged.verdict is Verdict.UNKNOWN:
            yield f"flavor {wish.name}: {judged.name}: {judged.why}"
    known = {alias for pool in spec.pools if pool.use is not Use.HOST for alias in _aliases(pool)}
    for request in filter(None, extra_specs.get(_ALIAS, "").split(",")):
        alias = request.partition(":")[0].strip()
        if alias not in known:
            yield f"flavor {wish.name}: {_ALIAS}: no pool of this spec has the alias {alias}"


def trait_doubts(spec: Spec, offer: Offer, known: frozenset[str]) -> Iterator[str]:
    """Traits that nothing has: Placement answers a request for one that it does not know with an error.

    Args:
        spec: whose pools give traits, too, once nova-compute has them in its device_spec.
        offer: what is to be.
        known: traits that Placement has.
    """
    made = {trait for traits in offer.traits.values() for trait in traits}
    made |= {trait for pool in spec.pools for trait in normal_traits(pool.nova.traits)}
    for name, flavor in offer.flavors.items():
        for key in flavor.extra_specs:
            group, separator, trait = key.partition(":")
            if separator and group.startswith("trait") and trait not in known | made:
                yield (
                    f"flavor {name}: {key}: Placement knows no such trait, and no aggregate or pool gives "
                    "it: no guest could be launched"
                )


def _made(spec: Spec, wish: FlavorWish, release: Release) -> Iterator[tuple[str, str]]:
    where = f"flavor {wish.name}"
    gpus = [(gpu_of(spec, amount.name, where), amount) for amount in wish.gpus]
    for gpu, _ in gpus:
        _must_be_seen(gpu.pool, where, release)
    aliases = [
        f"{alias}:{amount.count}"
        for gpu, amount in gpus
        if gpu.resource_class is None
        for alias in _aliases(gpu.pool)
    ]
    if aliases:
        yield _ALIAS, ",".join(aliases)
    mediated = [(gpu.resource_class, amount) for gpu, amount in gpus if gpu.resource_class is not None]
    if spec.openstack is not None and spec.openstack.placement is Placement.SCHEDULE:
        _must_fit(wish.name, gpus)
    yield from _resources(mediated, wish.name, release)
    for trait in wish.traits:
        yield f"trait:{trait}", "required"
    if wish.is_hypervisor_hidden:
        yield _hiding_key(wish.name, release), "true"


def _aliases(pool: Pool) -> tuple[str, ...]:
    name = alias_name(pool)
    return (name, *(companion_alias(name, kind) for kind in pool.nova.companions))


def _must_be_seen(pool: Pool, where: str, release: Release) -> None:
    """Refuse parents of mediated devices that are no PCI functions where nova has none: nobody could start.

    Raises:
        Failure: the release knows PCI functions alone, or libvirt does not list the parent.
    """
    for parent in (each for match in pool.matches for each in match.parents):
        if libvirt_name(parent) is None or not vgpu.MDEV_VIRTUAL_PARENT.at(release):
            raise _wrong(
                f"{where}: nova {release} has no devices of {parent} (pool {pool.name}): of parents that are "
                f"no PCI functions it takes {', '.join(LISTED)} alone, from 34 on",
                "take the pool out of the flavor",
            )


def _must_fit(flavor: str, gpus: Sequence[tuple[Gpu, Amount]]) -> None:
    """Placement asks for each device of an alias in a group of its own, and group_policy is for all groups.

    Raises:
        Failure: several vGPUs must come from different providers, and VFs of one card could not come then.
    """
    vgpus = sum(amount.count for gpu, amount in gpus if gpu.resource_class is not None)
    vfs = [(gpu.pool, amount.count) for gpu, amount in gpus if gpu.resource_class is None]
    shared = sum(count for pool, count in vfs if pool.use is not Use.PASSTHROUGH)
    if vgpus > 1 and shared > 1:
        raise _wrong(
            f"flavor {flavor} wants {vgpus} vGPUs, each of another card, and {shared} VFs, which "
            "Placement would then take from different cards, too",
            "ask for one of the kinds, or for one VF",
        )


def _resources(
    mediated: list[tuple[str, Amount]], flavor: str, release: Release
) -> Iterator[tuple[str, str]]:
    """One group for each device: a guest gets one of each GPU or VF, so they come from different ones."""
    classes = [name for name, amount in mediated for _ in range(amount.count)]
    if len(classes) > 1 and not vgpu.SEVERAL_VGPUS.at(release):
        raise _wrong(
            f"flavor {flavor} wants {len(classes)} vGPUs, and nova {release} attaches the first alone, "
            "without a word",
            "ask for one, or take nova 33.0.0",
        )
    if len(classes) == 1:
        yield f"resources:{classes[0]}", "1"
        return
    for number, name in enumerate(classes, 1):
        yield f"resources{number}:{name}", "1"
    if classes:
        yield "group_policy", "isolate"


def _hiding_key(flavor: str, release: Release) -> str:
    keys = guest.HIDE_HYPERVISOR_KEYS.at(release)
    if not keys:
        raise _wrong(
            f"flavor {flavor}: nova {release} has no key of flavors that hides the hypervisor",
            "hide it in the image: hide_hypervisor (nova 16 and later)",
        )
    return next((key for key in keys if key.startswith("hw:")), keys[0])


def _wrong(what: str, then: str) -> Failure:
    return Failure(what, then, code=Exit.USAGE)
