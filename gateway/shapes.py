"""The types that every layer shares: shapes, and the calls and replies of upstreams.

A *shape* is a request/reply/stream format; an *endpoint* is the path where an upstream serves it.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

import msgspec

Json = dict[str, Any]
"""A decoded JSON object."""

RawHeaders = Sequence[tuple[bytes, bytes]]
"""Header fields as in ASGI: lower-case names, in order, repeated names repeated."""


class ClientHeaders(tuple[tuple[bytes, bytes], ...]):
    """The header fields of a client's request, with values derived from them.

    Clients repeat the same head on a connection, so lower layers cache in `derived` what they
    compute from it (the fields to forward, the credential's fingerprint), each under a private key
    object. The cache lives as long as the head. No header value, and so no credential, is a key.
    """

    derived: dict[object, Any]

    def __new__(cls, fields: Iterable[tuple[bytes, bytes]] = ()) -> Self:
        """Return the fields, without derived values."""
        headers = super().__new__(cls, fields)
        headers.derived = {}
        return headers


class ReplyHeaders(Sequence[tuple[bytes, bytes]]):
    """The header fields of a reply, one of which is its `content-length`.

    Fields are made when somebody reads them: a writer needs the length only.
    """

    __slots__ = ("digits", "length", "repeated")

    def __init__(self, repeated: "RepeatedFields", digits: bytes) -> None:
        self.repeated = repeated
        """The other fields, which many replies share."""
        self.digits = digits
        """The length, as it is written."""
        self.length = int(digits)

    def _fields(self) -> RawHeaders:
        repeated = self.repeated
        return (*repeated.before, (b"content-length", self.digits), *repeated.after)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self.repeated.before) + 1 + len(self.repeated.after)

    def __getitem__(self, index: Any) -> Any:
        return self._fields()[index]

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same fields in the same order, as a tuple has them."""
        return isinstance(other, Sequence) and self._fields() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._fields())


class RepeatedFields(msgspec.Struct, gc=False):
    """The fields of replies that differ in their lengths only.

    Servers repeat their heads but for the length, so layers cache in `derived` what they compute
    from the other fields, each under a private key object. The values of these are printable ASCII,
    and none of them is about the connection.
    """

    before: RawHeaders
    """Those before the length."""
    after: RawHeaders
    derived: dict[object, Any] = {}


class Shape(StrEnum):
    """A request/reply/stream format. `edits`, which is inbound only, has no member here."""

    __hash__ = str.__hash__  # in C, which that of enums is not

    COMPLETIONS = "completions"
    CHAT = "chat"
    RESPONSES = "responses"
    MESSAGES = "messages"
    """Anthropic's: `docs.anthropic.com`, Messages."""

    path: str
    """The endpoint's path below an upstream's base URL: `/chat/completions`."""
    endpoint: str
    """The canonical path, as OpenAI documents it: `/v1/chat/completions`."""

    def __init__(self, name: str) -> None:
        # Attributes, not properties: every request needs them.
        self.path = "/chat/completions" if name == "chat" else f"/{name}"
        self.endpoint = f"/v1{self.path}"


_ITEM = re.compile(r"input\[([0-9]{1,6})\](.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ItemNames:
    """The client's names of the items of an `input` that the gateway has changed.

    Errors and reports name parameters as the client wrote them, even where the gateway has added
    or removed items.
    """

    items: Sequence[int | str]
    """For each item: its index in the client's own `input`, or the parameter that it replaces."""

    def client_path(self, path: str) -> str:
        """Return the client's path of a parameter; paths outside of items are unchanged."""
        found = _ITEM.fullmatch(path)
        if found is None:
            return path
        position = int(found[1])
        if position >= len(self.items):
            return "input"
        item = self.items[position]
        return item if isinstance(item, str) else f"input[{item}]{found[2]}"


class Seal(Protocol):
    """Seals what one caller's client keeps between two turns and sends back unread."""

    @property
    def keeps(self) -> bool:
        """Whether replies are stored: then they must be complete."""

    @property
    def remembers(self) -> bool:
        """Whether the client's socket remembers this reply, stored or not: so must that be."""

    def close(self, content: Json) -> str:
        """Return the content, sealed."""

    def open(self, text: str) -> Json | None:
        """Return what was sealed; None for a text that this seal has not closed."""

    def is_own(self, text: str) -> bool:
        """Whether a text looks like one that a gateway has sealed, perhaps under another secret."""


@dataclass(frozen=True, slots=True)
class CallTimeouts:
    """Timeouts of one call instead of its upstream's, in seconds; None: that of the upstream."""

    queue: float | None = None
    first_byte: float | None = None
    stream_idle: float | None = None


class UpstreamCall(msgspec.Struct):
    """One HTTP request to one configured upstream. Its sender notes `resends` and `address`.

    `path` is below the upstream's base URL (with `root`: below the part before its `/v1`) and
    starts with a slash; `query` has no question mark. `client_headers` are the client's own,
    unfiltered: the network layer forwards those on its allow-list and replaces the credentials by
    the upstream's. A streamed `body` can be sent only once, so such a call is never repeated.

    A `Struct`, since one is made for every request: a dataclass takes three times as long.
    """

    upstream: str
    method: str
    path: str
    body: bytes | AsyncIterator[bytes] = b""
    query: bytes = b""
    client_headers: RawHeaders = ()
    body_length: int | None = None
    """Declared length of a streamed body; None: it is sent chunked."""
    model: str | None = None
    """The model as sent, for upstreams that need it in the path (Azure's deployments)."""
    root: bool = False
    resends: int = 0
    """How often it was sent again, because the upstream cannot have processed it."""
    address: str = ""
    """The base URL that it was last sent to, of several: for operators, never for clients."""
    timeouts: CallTimeouts | None = None
    """Those of its model, if they are not the upstream's."""
    trace: RawHeaders = ()
    """The fields of its own trace context: set when it is sent, if requests are traced."""

    def __repr__(self) -> str:
        return f"UpstreamCall({self.upstream!r}, {self.method!r}, {self.path!r})"

    @property
    def whole_body(self) -> bytes:
        """The body, if the call has all of it; raises `TypeError` for a streamed one."""
        if isinstance(self.body, bytes):
            return self.body
        raise TypeError("the body of this call is streamed")

    def copy(self, **changes: Any) -> "UpstreamCall":
        """Return a copy with other values of these fields."""
        return msgspec.structs.replace(self, **changes)


Sink = Callable[[bytes], bool]
"""Takes a non-empty piece of a body; returns False to pause until reading is resumed."""


class UpstreamReply(Protocol):
    """An upstream's reply whose head has arrived, and whose body is unread. One reader at a time.

    The receiver must read `chunks()` to the end, `pipe()` all of it, or await `aclose()`, which
    drops the rest and frees the connection. All may follow one another. `gateway.replies` has
    those without a connection.
    """

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def headers(self) -> RawHeaders:
        """The header fields without hop-by-hop ones, names in lower case."""

    @property
    def ended(self) -> bool:
        """Whether the body has arrived completely."""

    def peek(self) -> bytes:
        """Return the unread part of the body without consuming it."""

    def arrived(self) -> bytes | None:
        """Consume and return the whole body if it is complete, else None."""

    async def more(self, seconds: float) -> bool:
        """Wait until more has arrived, the body has ended or failed, or the time is over.

        False: the body is over, or there is no time left. A failure is raised when the body is
        read.
        """

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, still encoded, one chunk per read.

        Raises `UpstreamTimeout` if nothing arrives for the stream-idle time, and
        `TruncatedStream` if the connection ends before the body.
        """

    async def pipe(self, sink: Sink) -> None:
        """Push the body into the sink as it arrives, without waking a task if possible.

        After the sink returns False, the upstream is paused until `resume_reading()` is called.
        Returns when the sink has the whole body. Raises what `chunks()` raises, and what the sink
        raises, which ends the body.
        """

    def resume_reading(self) -> None:
        """Continue after the sink of `pipe()` has returned False; otherwise do nothing."""

    async def aclose(self) -> None:
        """Drop the unread rest and free the connection."""


Send = Callable[[UpstreamCall], Awaitable[UpstreamReply]]
"""Sends one call; returns once the reply's head has arrived.

Raises `UpstreamUnavailable` (no connection, or a full queue), `UpstreamTimeout` (no reply in time)
or `UpstreamError` (the reply is not HTTP). A cancelled send leaves nothing behind.
"""


class BegunReply(UpstreamReply, Protocol):
    """The reply to a call that has been written, and whose head may not have arrived yet.

    Once it has `ended`, it can be read like any other.
    """

    def take_over(self) -> None:
        """Take the reply, which has ended: its call needs no slot any more."""


class SendsAtOnce(Protocol):
    """A `Send` in two parts, for callers that wait for the reply without a task."""

    def begin(self, call: UpstreamCall, notify: Callable[[], None]) -> BegunReply | None:
        """Write a call to a connection that is open and idle; None: there is none.

        `notify` is called once, when the head has arrived or the call has failed. Then, or at any
        time before, the caller awaits `end()`; if the reply has ended, `take_over()` will do.
        """

    async def end(self, call: UpstreamCall, begun: BegunReply) -> UpstreamReply:
        """Return the reply to a begun call as `Send` does; `notify` is not called any more."""
