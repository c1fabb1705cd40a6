"""The compute and image services of a cloud, as far as guests need them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.failures import Refusal
from gpucloud.cloud.openstack.pages import Send, pages
from gpucloud.cloud.openstack.publish.answers import HasFlavor, entries, entry, flavor_of, texts
from gpucloud.cloud.openstack.servers import calls
from gpucloud.cloud.openstack.servers.answers import (
    Image,
    Server,
    allocated_of,
    console_of,
    image_of,
    server_of,
)
from gpucloud.cloud.openstack.servers.calls import NewServer
from gpucloud.model.failure import Failure
from gpucloud.model.unknown import Unknown

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9-]{1,63}", re.ASCII)
_GONE = 404
_TOO_NEW = 406
_NOT_NOW = 409
_DELETED = "DELETED"
_PUT_ASIDE = "SOFT_DELETED"
_UNSEEN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Compute:
    """One project's servers, flavors and images. Every method raises `Failure` for what is refused.

    Args:
        send: sends a request and gives its answer.
    """

    send: Send

    def flavors(self) -> list[HasFlavor]:
        """Those that the project may use."""
        return [flavor_of(each) for each in self._pages("compute", "/flavors/detail", "flavors")]

    def images(self, named: str) -> list[Image]:
        """The image of that id, or all of that name."""
        if _UUID.fullmatch(named):
            try:
                return [image_of(self.send(Call("image", "GET", f"/images/{named}")))]
            except Refusal as refusal:
                if refusal.status != _GONE:
                    raise
        path = f"/images?name={quote(named, safe='')}"
        return [image_of(each) for each in pages(self.send, "image", path, "images", "next")]

    def servers(self, named: str | None = None) -> list[Server]:
        """All of the project, ours or not; those of one name alone, where it is given and is a plain one.

        Nova takes a name as a regular expression, of its database's kind (``name`` of the API reference).
        """
        is_plain = named is not None and _PLAIN.fullmatch(named) is not None
        path = f"/servers/detail?name=%5E{named}%24" if is_plain else "/servers/detail"
        found = [server_of(each) for each in self._pages("compute", path, "servers")]
        return [each for each in found if named in (None, each.name)]

    def put_aside(self) -> list[Server]:
        """Deleted ones that nova keeps for a while (``reclaim_instance_interval``), with their GPUs.

        Its listings leave them out, unless what changed since a time is asked for, which lists the deleted,
        too (nova/api/openstack/compute/servers.py ``_get_servers``).
        """
        path = f"/servers/detail?status={_PUT_ASIDE}&changes-since=1970-01-01T00:00:00Z"
        found = [server_of(each) for each in self._pages("compute", path, "servers")]
        return [each for each in found if each.status == _PUT_ASIDE]

    def out_of_sight(self) -> tuple[str, ...]:
        """Ids of servers in cells that do not answer: all other listings leave them out, and say nothing.

        Before nova 19 nothing tells them (microversion 2.69).
        """
        what = "servers"
        try:
            found = entries(self.send(calls.list_with_unknown()), what, what)
        except Refusal as refusal:
            if refusal.status == _TOO_NEW:
                return ()
            raise
        return tuple(entry(each, "id", str, what) for each in found if each.get("status") == _UNSEEN)

    def server(self, key: str) -> Server | None:
        """One; None where it is gone, or only its record is left.

        A server becomes DELETED before nova-compute gives back what it had (``_delete_instance`` and
        ``_complete_deletion`` of nova/compute/manager.py); until then it is listed.
        """
        try:
            server = server_of(entry(self.send(calls.show(key)), "server", dict, "server"))
        except Refusal as refusal:
            if refusal.status == _GONE:
                return None
            raise
        is_there = server.status != _DELETED or any(each.id == key for each in self.servers(server.name))
        return server if is_there else None

    def create(self, new: NewServer) -> str:
        """Make a server, and give its id."""
        answer = entry(self.send(calls.create(new)), "server", dict, "server")
        return entry(answer, "id", str, "server")

    def delete(self, server: Server) -> None:
        """Ask for a server's end; of one that was put aside for its end for good."""
        is_aside = server.status == _PUT_ASIDE
        try:
            self.send(calls.force_delete(server.id) if is_aside else calls.delete(server.id))
        except Refusal as refusal:
            if refusal.status != _GONE:
                raise

    def console(self, key: str) -> str:
        """What the server has printed, as far as it is kept; empty before it has a console."""
        try:
            return console_of(self.send(calls.console(key)))
        except Refusal as refusal:
            if refusal.status in (_GONE, _NOT_NOW):
                return ""
            raise

    def has_keypair(self, name: str) -> bool:
        """Claims that the user has a keypair of that name there."""
        try:
            self.send(calls.show_keypair(name))
        except Refusal as refusal:
            if refusal.status != _GONE:
                raise
            return False
        return True

    def import_keypair(self, name: str, public_key: str) -> None:
        """Make one of a public key."""
        self.send(calls.import_keypair(name, public_key))

    def keep(self, key: str, metadata: Mapping[str, str]) -> Mapping[str, str]:
        """Write metadata beside what is there; gives all that is there then."""
        what = "server metadata"
        return texts(entry(self.send(calls.add_metadata(key, metadata)), "metadata", dict, what), what)

    def allocated(self, key: str) -> str | Unknown:
        """What Placement keeps for a server, there or gone; empty for nothing. Administrators may ask."""
        try:
            answer = self.send(calls.allocations(key))
        except Failure as failure:
            return Unknown(failure.what)
        return ", ".join(sorted(allocated_of(answer)))

    def _pages(self, service: str, path: str, key: str) -> list[object]:
        return list(pages(self.send, service, path, key, f"{key}_links"))
