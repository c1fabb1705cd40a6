"""A spec and a cloud into their differences: what `gpucloud publish` shows before it does anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gpucloud.cloud.openstack.publish.compare import Compared, compare, flavors_to_delete
from gpucloud.cloud.openstack.publish.flavors import flavor_doubts, trait_doubts
from gpucloud.cloud.openstack.publish.limits import limit_doubts
from gpucloud.cloud.openstack.publish.look import Looker
from gpucloud.cloud.openstack.publish.offer import Listed, Offer
from gpucloud.cloud.openstack.publish.wanted import check, image_doubts, offer_of
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.spec import Spec
from gpucloud.nova.releases.release import Release, parse_release


@dataclass(frozen=True, slots=True)
class Found:
    """The differences, and what of the spec may be written wrong."""

    compared: Compared
    doubts: tuple[str, ...]


def release_of(spec: Spec, *, prune: bool = False) -> Release:
    """The release that the spec is written for, once it is clear that nova of it can do all of it.

    Raises:
        Failure: it names none, or cannot; or all would be pruned for a file that says nothing of a cloud.
    """
    if prune and not spec.publish.is_written:
        raise Failure(
            "this spec has no section publish, so --prune would take away all that publish has made",
            "name the cloud's spec with --spec; or write publish: {} if that is meant",
            code=Exit.USAGE,
        )
    if spec.openstack is None:
        raise Failure(
            "gpucloud.yaml does not say which nova the cloud has",
            "write openstack: {release: 2025.1}, whichever it is",
            code=Exit.USAGE,
        )
    release = parse_release(spec.openstack.release)
    check(spec, release)
    return release


def find(looker: Looker, spec: Spec, *, prune: bool, exact: bool = False) -> Found:
    """Look at the cloud, and compare (``compare`` says what is taken away when).

    Raises:
        Failure: the spec names what is not there or cannot be; or the cloud cannot be read.
    """
    release = release_of(spec, prune=prune)
    listed = looker.look(spec, prune=prune)
    wanted = offer_of(spec, release, listed)
    listed = looker.look_closer(spec, listed, wanted)
    listed = looker.users(listed, flavors_to_delete(listed, wanted, prune=prune))
    return Found(
        compare(listed, wanted, prune=prune, exact=exact), tuple(_doubts(spec, release, listed, wanted))
    )


def _doubts(spec: Spec, release: Release, listed: Listed, wanted: Offer) -> Iterator[str]:
    for flavor in spec.publish.flavors:
        yield from flavor_doubts(spec, flavor, release)
    for image in spec.publish.images:
        yield from image_doubts(image, release)
    yield from trait_doubts(spec, wanted, listed.known_traits)
    if spec.publish.quotas.is_unified:
        registered = (name for project, name in listed.offer.limits if project is None)
        yield from limit_doubts(wanted, registered, release)
