"""Listings that come in pages (limit and marker, as nova and glance have them)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from gpucloud.cloud.openstack.calls import Call
from gpucloud.cloud.openstack.publish import answers
from gpucloud.model.failure import Failure

Send = Callable[[Call], Any]
_PAGE = 1000
_PAGES = 100


def pages(send: Send, service: str, path: str, key: str, more: str | None) -> Iterator[Any]:
    """All things of a listing.

    Args:
        send: sends a request and gives its answer.
        service: whose listing.
        path: of the listing.
        key: under which a page has its things.
        more: key that says that there is a further page; None: only an empty page is the last.

    Raises:
        Failure: the answer is of another form, or there is no last page.
    """
    mark = ""
    for _ in range(_PAGES):
        answer = send(Call(service, "GET", f"{path}{'&' if '?' in path else '?'}limit={_PAGE}{mark}"))
        items = answers.entries(answer, key, f"GET {service} {path}")
        yield from items
        if not items or (more is not None and not answer.get(more)):
            return
        last = answers.entry(items[-1], "id", str, f"GET {service} {path}")
        mark = f"&marker={quote(last, safe='')}"
    raise Failure(f"GET {service} {path} does not end", "look at that service")
