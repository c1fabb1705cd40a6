"""One launch on OpenStack: choose, make, wait, look; and the server deleted if any of it fails."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from gpucloud.cloud.boot.seed import render_user_data
from gpucloud.cloud.clock import Clock
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.publish.answers import HasFlavor
from gpucloud.cloud.openstack.servers.answers import Image, Server
from gpucloud.cloud.openstack.servers.calls import NewServer
from gpucloud.cloud.openstack.servers.choose import check_image, choose_flavor, choose_image
from gpucloud.cloud.openstack.servers.compute import Compute
from gpucloud.cloud.openstack.servers.guest import guest_of
from gpucloud.cloud.openstack.servers.record import (
    Record,
    failure_metadata,
    metadata_of,
    parse_record,
    seen_metadata,
)
from gpucloud.cloud.openstack.servers.undo import Undo
from gpucloud.cloud.openstack.servers.waiting import BUILD_S, Waiting, is_final, read_on
from gpucloud.cloud.protocol import GRACE_S, Meanwhile, Own, Patience, Say
from gpucloud.model.failure import Exit, Failure
from gpucloud.model.guest import Guest, GuestSpec, SeenFunction

_NOT_IN_THIS_STATE = 409
_OUTLIVES_S = 60.0
"""So long nova may fail before a guest that is well is given up."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of OpenStack alone.

    Args:
        flavor: its name or id; None: one of `gpucloud publish` that gives what is asked.
        network: ``auto``, ``none``, or a network's id.
        key: name of a keypair; None for none.
        public_key: of which it is made where the cloud has none of that name; None: there is none to take.
    """

    flavor: str | None = None
    network: str = "auto"
    key: str | None = None
    public_key: str | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch of one guest."""

    compute: Compute
    clock: Clock
    wishes: Wishes
    spec: GuestSpec
    patience: Patience
    say: Say
    own: Own
    meanwhile: Meanwhile

    def do(self) -> Guest:
        """Launch.

        Raises:
            Failure: it cannot be done, or the guest does not see what its flavor gives; nothing is left,
                unless a failed guest is to be kept.
        """
        named = self._named_image()
        flavors, images, servers = self._look(named)
        flavor = choose_flavor(flavors, self.spec, self.wishes.flavor)
        image = choose_image(images, named)
        check_image(image, flavor)
        refuse_taken_name(self.spec.name, servers)
        self._ensure_key()
        record = self._record(named)
        undo = Undo(self.compute, self.clock, self.spec.name, self.say)
        with undo, undo:
            undo.begin(record.token)
            key = self._make(record, flavor, image)
            undo.made(key)
            self._refuse_twin(key)
            if record.ends_at_s is not None:
                self.say("its end is written into its metadata; what ends it then is gpucloud reap --cloud")
            self.say(f"nova makes guest {self.spec.name} of flavor {flavor.name}, as server {key}")
            self.meanwhile()
            try:
                server, seen = self._wait(record, key)
            except Failure as failure:
                if self.patience.keeps_failed:
                    self._keep_failed(key, failure)
                    undo.keep()
                raise
            guest = self._note(server, seen)
            self.say(f"the guest's own kernel lists {len(seen)} PCI functions, its GPUs among them")
            self.own(guest)
            undo.keep()
        return guest

    def _look(self, image: str) -> tuple[list[HasFlavor], list[Image], list[Server]]:
        """Flavors, images of that name, servers that have the guest's; all at once."""
        with ThreadPoolExecutor(3) as pool:
            flavors = pool.submit(self.compute.flavors)
            images = pool.submit(self.compute.images, image)
            servers = pool.submit(self.compute.servers, self.spec.name)
            return flavors.result(), images.result(), servers.result()

    def _keep_failed(self, key: str, failure: Failure) -> None:
        """Note why; of a server in ERROR nova changes no metadata, and says itself what failed."""
        try:
            self.compute.keep(key, failure_metadata(failure.what))
        except Refusal as refusal:
            if refusal.status != _NOT_IN_THIS_STATE:
                raise

    def _named_image(self) -> str:
        if self.spec.units:
            what = "the cards of a cloud cannot be named: nova chooses them"
            raise Failure(what, "leave --unit out; --model or --flavor says which kind", code=Exit.USAGE)
        if self.spec.image is None:
            what = "a guest in a cloud boots an image of it, and none is named"
            raise Failure(what, "name one with --image: openstack image list", code=Exit.USAGE)
        return self.spec.image

    def _ensure_key(self) -> None:
        """Make the keypair where there is none of its name; it is the user's, and stays."""
        name = self.wishes.key
        if name is None or self.compute.has_keypair(name):
            return
        if self.wishes.public_key is None:
            what = f"the cloud has no keypair {name!r}, and there is no public key here to make it of"
            raise Failure(what, "make a key with ssh-keygen, or look at: openstack keypair list")
        self.compute.import_keypair(name, self.wishes.public_key)
        self.say(f"made keypair {name} of your own public key")

    def _record(self, image: str) -> Record:
        started = int(self.clock.now())
        lifetime = self.spec.lifetime_s
        ends = None if lifetime is None else started + lifetime
        due = started + int(BUILD_S) + self.patience.timeout_s + GRACE_S
        token, keeps = secrets.token_hex(16), self.patience.keeps_failed
        return Record(token, self.spec.gpus, image, started, ends, due_at_s=due, keeps_failed=keeps)

    def _make(self, record: Record, flavor: HasFlavor, image: Image) -> str:
        new = NewServer(
            self.spec.name,
            flavor.id,
            image.id,
            self.wishes.network,
            self.wishes.key,
            render_user_data(record.token, self.spec.command, self.spec.config),
            metadata_of(record),
        )
        try:
            return self.compute.create(new)
        except Refusal as refusal:
            if not is_final(refusal):
                raise
            what = f"nova does not make guest {self.spec.name}: {refusal.said or refusal.what}"
            then = (
                "openstack quota show" if refusal.status == 403 else "look at --network, --key and --flavor"
            )
            raise Refusal(what, then, refusal.status, refusal.said) from refusal

    def _refuse_twin(self, key: str) -> None:
        """See that no other launch took the name meanwhile; of two at once, both may give way."""
        refuse_taken_name(
            self.spec.name, [each for each in self.compute.servers(self.spec.name) if each.id != key]
        )

    def _wait(self, record: Record, key: str) -> tuple[Server, tuple[SeenFunction, ...]]:
        waiting = Waiting(self.compute, self.clock, key, self.spec.name, self.say)
        server = waiting.for_start()
        self.say(f"guest {self.spec.name} started; waiting for its kernel to say what it sees")
        return waiting.for_report(server, record, self.patience)

    def _note(self, server: Server, seen: Sequence[SeenFunction]) -> Guest:
        """Write what its kernel reported to the server; gives the guest as it is kept there."""
        said = seen_metadata(seen)
        kept = read_on(lambda: self.compute.keep(server.id, said), self.clock, _OUTLIVES_S)
        record = parse_record(kept)
        if record is None:
            what = f"somebody changed what is kept of guest {self.spec.name} while it was made"
            raise Failure(what, "launch it again")
        return guest_of(replace(server, metadata=kept), record)


def refuse_taken_name(name: str, servers: Sequence[Server]) -> None:
    """See that no server of the project has the name: nova would make another one.

    Raises:
        Failure: one has it.
    """
    taken = next((each for each in servers if each.name == name), None)
    if taken is None:
        return
    then = "choose another --name"
    if parse_record(taken.metadata) is None:
        what = f"there is a server {name} already, which gpucloud did not make"
        raise Failure(what, then, code=Exit.USAGE)
    raise Failure(f"there is a guest {name} already", f"{then}, or destroy it", code=Exit.USAGE)
