"""The words that every layer shares: shapes, and what goes to and comes from an upstream.

A *shape* is a request/reply/stream format; an *endpoint* is the path where an upstream serves it.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, Self

Json = dict[str, Any]
"""A decoded JSON object."""

RawHeaders = tuple[tuple[bytes, bytes], ...]
"""Header fields as ASGI gives them: lower-case names, in order, repeated names repeated."""


class ClientHeaders(tuple[tuple[bytes, bytes], ...]):
    """The header fields of a client's request, and what was derived from them.

    Clients send the same head again and again on a connection. Whoever keeps one of these for it
    keeps in `derived` what the layers below made of it (the fields to send on, the credential's
    fingerprint), each under a key of its own: an object that it alone has. It lives as long as the
    head does and is never looked up by a header's value, so no credential becomes a cache's key.
    """

    derived: dict[object, Any]

    def __new__(cls, fields: Iterable[tuple[bytes, bytes]] = ()) -> Self:
        """Return the fields, with nothing derived yet."""
        headers = super().__new__(cls, fields)
        headers.derived = {}
        return headers


class Shape(StrEnum):
    """A request/reply/stream format. `edits` is inbound only and has no member here."""

    COMPLETIONS = "completions"
    CHAT = "chat"
    RESPONSES = "responses"

    @property
    def path(self) -> str:
        """The endpoint's path below an upstream's base URL: `/chat/completions`."""
        return _PATHS[self]

    @property
    def endpoint(self) -> str:
        """The canonical path, as OpenAI documents it: `/v1/chat/completions`."""
        return _ENDPOINTS[self]


_PATHS = {
    Shape.COMPLETIONS: "/completions",
    Shape.CHAT: "/chat/completions",
    Shape.RESPONSES: "/responses",
}
_ENDPOINTS = {shape: f"/v1{path}" for shape, path in _PATHS.items()}


_ITEM = re.compile(r"input\[([0-9]{1,6})\](.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ItemNames:
    """What a responses client calls the items of an `input` that is not the one it sent.

    Errors and reports name parameters as the client wrote them, whatever the gateway has put before
    its items, or left out.
    """

    items: Sequence[int | str]
    """Of each item its place in the client's own `input`; or the client's parameter that it stands
    for, which has no such parts."""

    def client_path(self, path: str) -> str:
        """Return the client's path of a parameter; what is no item has the same for both."""
        found = _ITEM.fullmatch(path)
        if found is None:
            return path
        position = int(found[1])
        if position >= len(self.items):
            return "input"
        item = self.items[position]
        return item if isinstance(item, str) else f"input[{item}]{found[2]}"


@dataclass(slots=True)
class UpstreamCall:
    """One HTTP request to one configured upstream. Only `repeats` changes once it is made.

    `path` is below the upstream's base URL (with `root`: below the server's root, which is what
    stands before the `/v1`) and starts with a slash; `query` has no question mark.
    `client_headers` are the client's own, unfiltered: the network layer forwards those on its
    allow-list and replaces the credentials by what belongs to the upstream. A streamed `body` can
    be sent once only, so such a call is never repeated.
    """

    upstream: str
    method: str
    path: str
    body: bytes | AsyncIterator[bytes] = b""
    query: bytes = b""
    client_headers: RawHeaders = field(default=(), repr=False)
    body_length: int | None = None
    """Length of a streamed body, where the client said it; absent: sent chunked."""
    model: str | None = None
    """The model as sent, for upstreams that want it in the path (Azure's deployments)."""
    root: bool = False
    repeats: int = 0
    """How often its sender has sent it again, because the upstream cannot have received it."""


Sink = Callable[[bytes], bool]
"""Takes a piece of a body, which is never empty; False: no more until reading is resumed."""


class UpstreamReply(Protocol):
    """An upstream's reply, its head received, its body not yet read. Has one reader at a time.

    Whoever receives one must read `chunks()` to their end, `pipe()` all of it, or await `aclose()`,
    which gives up the rest and frees the connection. All are safe to call after one another.
    `gateway.replies` has those that have no connection of their own.
    """

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> RawHeaders:
        """The header fields without hop-by-hop ones, names in lower case."""

    @property
    def ended(self) -> bool:
        """Whether all of the body is here."""

    def peek(self) -> bytes:
        """Return what has arrived of the body and is not read yet; it stays to be read."""

    def arrived(self) -> bytes | None:
        """Return the whole body if all of it is here, and forget it; None if any is to come."""

    async def more(self, seconds: float) -> bool:
        """Wait until more has arrived, the body has ended or failed, or the time is over.

        False: nothing more will come, or there is no time left. What has failed is raised when
        the body is read.
        """

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, still encoded; what arrives together comes together.

        Raises `UpstreamTimeout` when nothing arrives for the stream-idle time and
        `TruncatedStream` when the connection ends before the body does.
        """

    async def pipe(self, sink: Sink) -> None:
        """Give the body to the sink as it arrives, if possible without waking a task for it.

        Once the sink has returned False it gets nothing, and the upstream must wait, until
        `resume_reading()` is called. Returns when the sink has got all of the body. Raises what
        `chunks()` raises, and what the sink raises: the body ends with that.
        """

    def resume_reading(self) -> None:
        """Go on after the sink of `pipe()` has returned False; else nothing happens."""

    async def aclose(self) -> None:
        """Give up what is unread and free the connection."""


Send = Callable[[UpstreamCall], Awaitable[UpstreamReply]]
"""Sends one call; returns once the reply's head is there.

Raises `UpstreamUnavailable` (no connection, or no place in the queue), `UpstreamTimeout` (no reply
in time) or `UpstreamError` (what came back is not HTTP). A cancelled send leaves nothing behind.
"""
