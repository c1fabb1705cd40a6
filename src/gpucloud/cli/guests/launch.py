"""``gpucloud launch``: a guest with GPUs, here or in a cloud, started and asked what it sees."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpucloud.cli.ending import interruptible
from gpucloud.cli.guests.here import CloudOption, print_guests, seconds_of, the_cloud
from gpucloud.cli.hosts import UnitOption
from gpucloud.cli.output import Shape, say
from gpucloud.cli.typed.complete import networks
from gpucloud.cli.typed.paths import refuse_empty
from gpucloud.cli.typed.shape import ShapeOption
from gpucloud.model.failure import Exit, Failure, code_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpucloud.cloud.openstack.servers.launch import Wishes
    from gpucloud.model.guest import GuestSpec

Gpus = Annotated[
    int | None, typer.Option(min=0, help="How many GPUs; 1 unless --unit names some.", show_default=False)
]
Model = Annotated[
    str | None, typer.Option(help="Only GPUs with this in their name or ids, as 'V100' or '10de:1db4'.")
]
Image = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="IMAGE",
        callback=refuse_empty,
        help="A disk image, raw or qcow2, which is only read; without one the guest just checks. "
        "With --cloud, the name or id of one of the cloud's, with cloud-init in it.",
    ),
]
Flavor = Annotated[
    str | None,
    typer.Option(
        help="With --cloud: this flavor; without, the smallest of gpucloud publish that gives what is asked.",
        show_default=False,
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        autocompletion=networks,
        help="With --cloud: auto (as without), none, or a network's id.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="With --cloud: a keypair; made of ~/.ssh/id_*.pub if the cloud has none so called.",
    ),
]
NewName = Annotated[
    str | None, typer.Option(help="Name of the guest; one is made up without.", show_default=False)
]
Cpus = Annotated[
    int | None, typer.Option(min=1, help="Processors; 1, or 2 with an image.", show_default=False)
]
Memory = Annotated[
    str | None, typer.Option(help="Memory, as 4G; 512M, or 4G with an image.", show_default=False)
]
Lifetime = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="End the guest by itself after 90s, 20m or 2h.")
]
Timeout = Annotated[
    str, typer.Option(metavar="TIME", help="How long the guest may take to say what it sees.")
]
KeepFailed = Annotated[bool, typer.Option("--keep-failed", help="Keep a guest that fails, to look at it.")]

_MOST_KEY_CHARS = 16_384
"""A key of 16,384 bits has some 2,800."""


Vgpu = Annotated[
    list[str] | None,
    typer.Option(
        "--vgpu",
        metavar="UUID|TYPE",
        help="A mediated device of this host: one that `gpucloud vgpu list` shows, or any of a type that is "
        "free. May be repeated; without --gpus or --unit the guest then has no whole GPU.",
    ),
]
Screen = Annotated[
    bool,
    typer.Option("--screen", help="Show what the first --vgpu displays, over VNC, to this host alone."),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--cloud-config",
        metavar="FILE",
        help="More for the guest's cloud-init, as `gpucloud vgpu licence client --for cloud-init` prints it.",
    ),
]
Count = Annotated[
    int, typer.Option(min=1, max=64, help="So many guests, all or none: NAME-1, NAME-2 and so on.")
]


def launch(
    gpus: Gpus = None,
    model: Model = None,
    unit: UnitOption = None,
    image: Image = None,
    name: NewName = None,
    cpus: Cpus = None,
    memory: Memory = None,
    lifetime: Lifetime = None,
    timeout: Timeout = "5m",
    keep_failed: KeepFailed = False,
    count: Count = 1,
    cloud: CloudOption = None,
    flavor: Flavor = None,
    network: Network = None,
    key: Key = None,
    config: Config = None,
    vgpu: Vgpu = None,
    screen: Screen = False,
    form: ShapeOption = Shape.TEXT,
) -> None:
    """Start a guest with GPUs, and wait until its own kernel says that it sees them.

    GPUs of this host must be prepared: gpucloud plan, gpucloud apply. If anything fails, or on Ctrl-C, the
    guest ends and all that was made for it goes; of one that failed here, the log of its console stays. A
    guest that will not end is named, keeps what it has, and the exit code is 6. Without --image the guest is
    the built-in check guest: this host's kernel, which reports its PCI list and waits.

    In a cloud the guest is a server of a flavor with at least --cpus and --memory; --unit cannot be said. Its
    time limit is written into its metadata, and what ends it then is gpucloud reap.

    With --count all are asked for at once and then waited for; if one fails, all are ended. The JSON is one
    guest, or a list of them.

    Examples:
      gpucloud launch --gpus 2 --model V100 --for 2h
      gpucloud launch --gpus 1 --count 4 --name grid --cloud mycloud --image ubuntu-24.04
      gpucloud launch --unit 3b:00.0 --name check
      gpucloud launch --vgpu nvidia-222 --screen --image debian-12.qcow2 --name desk
      gpucloud launch --gpus 1 --image debian-12.qcow2 --cpus 8 --memory 32G --name train
      gpucloud launch --cloud mycloud --gpus 2 --image ubuntu-24.04 --name train
      gpucloud launch --cloud mycloud --flavor a16-4q --image vgpu-guest --cloud-config licence.yaml
      gpucloud launch --cloud mycloud --flavor a100.1 --image ubuntu-24.04 --network none
    """
    from gpucloud.cloud.protocol import Patience
    from gpucloud.cloud.run.several import Guests

    wishes = wishes_of(cloud, flavor, network, key)
    image, cpus, memory = meant_for(cloud, image, cpus, memory)
    gpus = 0 if vgpu and gpus is None and not unit else gpus
    one = configured(spec_of(gpus, model, unit or [], image, name, cpus, memory, lifetime), config)
    one = sliced(one, vgpu or [], cloud, has_screen=screen)
    specs = several(one, count)
    patience = Patience(seconds_of(timeout), keep_failed)
    guests: Guests | None = None
    try:
        with interruptible():
            guests = Guests(the_cloud(cloud, wishes), say)
            with guests, guests:
                guests.launch(specs, patience)
                guests.keep()
    except KeyboardInterrupt:
        if guests is None or not guests.is_kept:
            raise _interrupted(specs[0].name, keep_failed=keep_failed) from None
        say("interrupted when all was done: what was launched stays")
    print_guests(guests.made, form)


def _interrupted(name: str, *, keep_failed: bool) -> Failure:
    what = f"the launch of guest {name} was interrupted, and nothing of it is left"
    kept = "but a guest that had failed before may be kept: gpucloud list shows it"
    return Failure(what, kept if keep_failed else "", code=Exit.INTERRUPTED)


def meant_for(
    cloud: str | None, image: str | None, cpus: int | None, memory: str | None
) -> tuple[str | None, int | None, str | None]:
    """Image, processors and memory: here a file's whole path, in a cloud what any flavor has."""
    if cloud is not None:
        return image, cpus or 1, memory or "1M"
    return None if image is None else str(Path(image).absolute()), cpus, memory


def configured(spec: GuestSpec, path: Path | None) -> GuestSpec:
    """The guest with the user's own cloud-config.

    Raises:
        Failure: it cannot be read, or is none.
    """
    from gpucloud.cloud.boot.config import MOST_BYTES, parse_cloud_config

    if path is None:
        return spec
    then = "name a cloud-config of cloud-init"
    try:
        with path.open("rb") as file:
            config = parse_cloud_config(file.read(MOST_BYTES + 1).decode())
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}", then, code=code_of(error)) from error
    except ValueError as error:
        raise Failure(f"{path}: {error}", then, code=Exit.USAGE) from error
    return replace(spec, config=config)


def sliced(spec: GuestSpec, vgpus: Sequence[str], cloud: str | None, *, has_screen: bool) -> GuestSpec:
    """The guest with mediated devices, too.

    Raises:
        Failure: they cannot be meant.
    """
    from gpucloud.cloud.mediated import check_wish
    from gpucloud.cloud.typed import is_typed

    if (vgpus or has_screen) and cloud is not None:
        what = "a guest of a cloud has the vGPUs of its flavor"
        raise Failure(what, "name one with resources:VGPU by --flavor", code=Exit.USAGE)
    for number in filter(is_typed, vgpus):
        what = f"--vgpu {number}: a type that is a number is no mediated device, but a virtual function's"
        then = f"give --unit ADDRESS of one: gpucloud vgpu list shows those whose TYPE is {number}"
        raise Failure(what, then, code=Exit.USAGE)
    try:
        return replace(spec, vgpus=tuple(map(check_wish, vgpus)), has_screen=has_screen)
    except ValueError as error:
        raise Failure(
            str(error), "see gpucloud vgpu list and gpucloud vgpu types", code=Exit.USAGE
        ) from error


def several(spec: GuestSpec, count: int) -> tuple[GuestSpec, ...]:
    """So many guests like one, with numbers behind the name where they are more than one.

    Raises:
        Failure: they cannot be that many.
    """
    from gpucloud.cloud.mediated import is_uuid

    if count == 1:
        return (spec,)
    if spec.units:
        raise Failure("the units of --unit are one guest's", "leave --count or --unit out", code=Exit.USAGE)
    if any(map(is_uuid, spec.vgpus)):
        raise Failure(
            "a mediated device is one guest's", "name its type, or leave --count out", code=Exit.USAGE
        )
    try:
        return tuple(replace(spec, name=f"{spec.name}-{number + 1}") for number in range(count))
    except ValueError as error:
        raise Failure(str(error), "choose a shorter --name", code=Exit.USAGE) from error


def wishes_of(cloud: str | None, flavor: str | None, network: str | None, key: str | None) -> Wishes:
    """What is asked of OpenStack alone.

    Raises:
        Failure: no cloud is named.
    """
    from gpucloud.cloud.openstack.servers.launch import Wishes

    if cloud is None and (flavor, network, key) != (None, None, None):
        what = "--flavor, --network and --key are of a cloud, and none is named"
        raise Failure(what, "name one of clouds.yaml with --cloud", code=Exit.USAGE)
    return Wishes(flavor, network or "auto", key, None if key is None else _read_public_key(Path.home()))


def _read_public_key(home: Path) -> str | None:
    """The user's own, the first in the order in which ssh tries them."""
    for kind in ("rsa", "ecdsa", "ed25519"):
        try:
            with (home / ".ssh" / f"id_{kind}.pub").open(encoding="ascii") as file:
                return file.read(_MOST_KEY_CHARS).strip()
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise Failure(f"~/.ssh/id_{kind}.pub cannot be read: {error}", "look at that file") from error
    return None


def spec_of(
    gpus: int | None,
    model: str | None,
    units: list[str],
    image: str | None,
    name: str | None,
    cpus: int | None,
    memory: str | None,
    lifetime: str | None,
) -> GuestSpec:
    """A guest as it is typed.

    Raises:
        Failure: it cannot be meant.
    """
    from gpucloud.cloud.amounts import parse_memory_mib
    from gpucloud.model.guest import GuestSpec
    from gpucloud.model.pci import PciAddress

    default_cpus, default_memory = (1, "512M") if image is None else (2, "4G")
    try:
        named = tuple(dict.fromkeys(PciAddress.parse_typed(text) for text in units))
        return GuestSpec(
            name=f"guest-{secrets.token_hex(3)}" if name is None else name,
            gpus=gpus if gpus is not None else len(named) or 1,
            model=model,
            units=named,
            image=image,
            cpus=cpus or default_cpus,
            memory_mib=parse_memory_mib(memory or default_memory),
            lifetime_s=None if lifetime is None else seconds_of(lifetime),
        )
    except ValueError as error:
        raise Failure(str(error), "see gpucloud launch --help", code=Exit.USAGE) from error
