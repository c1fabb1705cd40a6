"""Which flavor gives a guest what is asked for, and whether an image fits on it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gpucloud.cloud.amounts import format_memory
from gpucloud.cloud.openstack.publish.answers import HasFlavor
from gpucloud.cloud.openstack.servers.answers import Image
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import GuestSpec, SeenFunction
from gpucloud.model.spec import COMPANIONS, companion_alias

_ALIAS = "pci_passthrough:alias"
_RESOURCE = re.compile(r"resources[^:]*:(VGPU|PGPU|CUSTOM_[A-Z0-9_]+)", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,4}", re.ASCII)
_SHOWN = 8
_GPU_VENDORS = (0x10DE, 0x1002, 0x8086)
"""What a hypervisor invents as a display is of Red Hat, Cirrus or Bochs (1af4, 1b36, 1013, 1234)."""


_PLAIN_WORDS = frozenset(
    (
        *("connectx", "cx", "eth", "ethernet", "hca", "ib", "infiniband", "mellanox", "mlx", "nic", "roce"),
        *("baremetal", "bluefield", "disk", "dpu", "fpga", "nvme", "nvswitch", "qat", "ssd"),
    )
)
"""In the name of an alias or class these say that it is no GPU; nova.conf alone would tell it for sure."""
_WORD = re.compile(r"[a-z]+")
_PCI_CLASS = re.compile(r"CUSTOM_PCI_([0-9A-F]{4})_[0-9A-F]{4}", re.ASCII)
"""The class that nova makes of a device's ids: nova/compute/pci_placement_translator.py."""


def gpus_of(extra_specs: Mapping[str, str]) -> dict[str, int]:
    """How many GPUs of each alias or resource class a flavor gives.

    Companions of cards are left out, and what is no GPU by its name or by its vendor. A flavor that is none
    of `gpucloud publish` may mean still other devices, which only the nova.conf of the cloud would tell.
    """
    return {name: number for name, number in _devices_of(extra_specs).items() if not _is_other(name)}


def _is_other(name: str) -> bool:
    """Claims a network card, a disk or the like: ``mlx5-vf``, ``CUSTOM_NVME``, ``CUSTOM_PCI_15B3_101E``."""
    if by_ids := _PCI_CLASS.fullmatch(name):
        return int(by_ids[1], 16) not in _GPU_VENDORS
    words = set(_WORD.findall(name.casefold()))
    return bool(words & _PLAIN_WORDS) and not words & {"gpu", "vgpu"}


def _devices_of(extra_specs: Mapping[str, str]) -> dict[str, int]:
    """All devices, but for companions of cards."""
    counts: dict[str, int] = {}
    for name, number in _asked(extra_specs):
        counts[name] = counts.get(name, 0) + (int(number) if _COUNT.fullmatch(number) else 0)
    beside = {companion_alias(name, kind) for name in counts for kind in COMPANIONS}
    return {name: number for name, number in counts.items() if number and name not in beside}


def _asked(extra_specs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names and counts as they are written: ``a100:2,l4:1`` (nova/pci/request.py), ``resources1:VGPU=1``."""
    for wish in filter(None, map(str.strip, extra_specs.get(_ALIAS, "").split(","))):
        name, _, number = wish.partition(":")
        yield name, number or "1"
    for key, value in extra_specs.items():
        if match := _RESOURCE.fullmatch(key):
            yield match[1], value


def count_gpus(flavor: HasFlavor) -> int:
    """How many GPUs a flavor gives."""
    return sum(gpus_of(flavor.flavor.extra_specs).values())


def choose_flavor(flavors: Sequence[HasFlavor], spec: GuestSpec, named: str | None) -> HasFlavor:
    """The flavor that was named, or the smallest of `gpucloud publish` that gives what is asked.

    Raises:
        Failure: there is none.
    """
    if named is not None:
        return _named(flavors, spec, named)
    right = [each for each in flavors if each.is_ours and _is_model(each, spec.model)]
    enough = [each for each in right if count_gpus(each) == spec.gpus and _is_large_enough(each, spec)]
    if not enough:
        raise _none_of(right, spec)
    return min(enough, key=lambda each: (*each.flavor.fixed[:3], each.name))


def _named(flavors: Sequence[HasFlavor], spec: GuestSpec, named: str) -> HasFlavor:
    found = next((each for each in flavors if named in (each.name, each.id)), None)
    if found is None:
        what = f"there is no flavor {named!r} in this cloud"
        raise Failure(what, f"there is {_few(each.name for each in flavors)}", code=Exit.USAGE)
    if count_gpus(found) != spec.gpus and not _some_give(found, spec.gpus):
        what = f"{spec.gpus} wanted, and flavor {named} gives {count_gpus(found)} GPUs"
        raise Failure(what, "say --gpus as the flavor has it, or name another", code=Exit.USAGE)
    if not _is_large_enough(found, spec):
        what = f"flavor {named} has {_size(found)}, and more was asked for"
        raise Failure(what, "ask for less, or name another", code=Exit.USAGE)
    return found


def _some_give(flavor: HasFlavor, gpus: int) -> bool:
    """Claims that some of a flavor's aliases are of so many GPUs; the others may be of a card's sound."""
    sums = {0}
    for number in _devices_of(flavor.flavor.extra_specs).values():
        sums |= {each + number for each in sums if each + number <= gpus}
    return gpus > 0 and gpus in sums


def _is_model(flavor: HasFlavor, model: str | None) -> bool:
    names = (flavor.name, *gpus_of(flavor.flavor.extra_specs))
    return model is None or any(model.casefold() in name.casefold() for name in names)


def _is_large_enough(flavor: HasFlavor, spec: GuestSpec) -> bool:
    return flavor.flavor.vcpus >= spec.cpus and flavor.flavor.ram_mib >= spec.memory_mib


def _none_of(right: Sequence[HasFlavor], spec: GuestSpec) -> Failure:
    kind = f" that matches {spec.model!r}" if spec.model else ""
    if not right:
        what = f"{spec.gpus} wanted, and this cloud has no flavor of gpucloud publish{kind}"
        return Failure(what, "name a flavor with --flavor, or make some: gpucloud publish")
    there = _few(f"{each.name}: {count_gpus(each)} GPUs, {_size(each)}" for each in right)
    asked = f"{spec.cpus} processors and {format_memory(spec.memory_mib)}"
    what = f"{spec.gpus} wanted, and no flavor of gpucloud publish{kind} gives that many GPUs with {asked}"
    return Failure(what, f"there is {there}")


def _size(flavor: HasFlavor) -> str:
    return f"{flavor.flavor.vcpus} processors, {format_memory(flavor.flavor.ram_mib)}"


def _few(names: Iterable[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:_SHOWN] + ["..."] * (len(shown) > _SHOWN)) or "none at all"


def check_image(image: Image, flavor: HasFlavor) -> None:
    """See that nova could boot the image with that flavor (nova/compute/api.py, _validate_flavor_image).

    Raises:
        Failure: it is not ready, or larger than the flavor's disk or memory.
    """
    disk, ram = flavor.flavor.disk_gib, flavor.flavor.ram_mib
    if image.status != "active":
        raise Failure(f"image {image.name} is {image.status}", "look at: openstack image show " + image.id)
    if 0 < disk < image.disk_gib:
        what = f"image {image.name} needs a disk of {image.disk_gib} GiB, flavor {flavor.name} has {disk}"
        raise Failure(what, "take a larger flavor, or a smaller image")
    if ram < image.ram_mib:
        what = f"image {image.name} needs {image.ram_mib} MiB of memory, flavor {flavor.name} has {ram}"
        raise Failure(what, "take a larger flavor")


def choose_image(images: Sequence[Image], named: str) -> Image:
    """The image of that name or id.

    Raises:
        Failure: there is none, or more than one.
    """
    if not images:
        what = f"there is no image {named!r} in this cloud"
        raise Failure(what, "look at: openstack image list", code=Exit.USAGE)
    if len(images) > 1:
        ids = _few(each.id for each in images)
        raise Failure(f"several images are called {named!r}", f"name one by its id: {ids}", code=Exit.USAGE)
    return images[0]


def find_lacking(seen: Sequence[SeenFunction], gpus: int) -> str | None:
    """Say what of its GPUs a guest does not see; None where it has all.

    A project does not learn which cards it gets, so they are counted.
    """
    there = sum(each.pci_class.is_gpu and each.id.vendor in _GPU_VENDORS for each in seen)
    if there >= gpus:
        return None
    return f"its PCI list has {there} GPUs, and its flavor gives {gpus}"
