"""WebSockets as every layer sees them, without a connection: the socket, and what is served on it.

A *socket* is an open WebSocket (RFC 6455), a client's or an upstream's. The layer that owns the
connection (`gateway.server`, `gateway.asgi`, `gateway.upstream`) implements `Socket`; who serves or
uses the socket implements `SocketUser`. All calls come from the event loop that both live in.
"""

from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha1
from typing import Protocol

from gateway.frames import FrameScanner
from gateway.shapes import RawHeaders, UpstreamCall, UpstreamReply

NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
UNSUPPORTED_DATA = 1003
NO_STATUS = 1005
"""The peer has closed without a code. Never sent (RFC 6455 section 7.4.1)."""
ABNORMAL_CLOSURE = 1006
"""The connection ended without a close frame. Never sent."""
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012

SUBPROTOCOL = b"sec-websocket-protocol"
"""The field of the subprotocols: those that a client offers, or the one that is chosen."""

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NEVER_SENT = frozenset({1004, NO_STATUS, ABNORMAL_CLOSURE, 1015})
_MAX_REASON = 123
"""Bytes of a close frame's reason (RFC 6455 section 5.5)."""


def acceptance(key: bytes) -> bytes:
    """Return the proof that the key of a handshake was understood (RFC 6455 section 4.2.2)."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def closing(code: int, reason: str) -> tuple[int | None, str]:
    """Return a code and a reason as a close frame can have them; no code for `NO_STATUS`.

    Codes that must not be sent become `INTERNAL_ERROR`, and long reasons are shortened.
    """
    if code == NO_STATUS:
        return None, ""
    if not 1000 <= code < 5000 or code in _NEVER_SENT:
        code = INTERNAL_ERROR
    return code, reason.encode("utf-8", "replace")[:_MAX_REASON].decode("utf-8", "ignore")


class Traffic:
    """How many bytes have passed on sockets, with their heads: those of one kind, of all clients.

    The sockets count.
    """

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.received = self.sent = 0


class SocketUser(Protocol):
    """Takes what arrives on a socket."""

    def received(self, message: bytes) -> None:
        """Take a whole text message: valid UTF-8, within the limit of a message."""

    def received_frames(self, data: bytes, *, complete: bool) -> None:
        """Take a piece of the peer's frames as they came, after `Socket.take_frames`.

        `complete`: whether it ends where a frame ends.
        """

    def drained(self) -> None:
        """Write again: the peer reads, after `send` has returned False."""

    def closed(self, code: int, reason: str) -> None:
        """Take the end: the peer's code and reason, or `ABNORMAL_CLOSURE`. Called once, last.

        That is also the end of a peer that has broken the protocol; the reason is then what was
        wrong, in this side's words.
        """


class Socket(ABC):
    """An open socket, which answers pings and closing handshakes itself.

    After `closed`, whatever is sent is dropped.
    """

    @abstractmethod
    def attach(self, user: SocketUser) -> None:
        """Hand over what arrives from now on to `user`; nothing has been handed over before."""

    @abstractmethod
    def send(self, message: bytes) -> bool:
        """Send a text message (UTF-8); False: the peer is slow, wait for `drained`."""

    @abstractmethod
    def send_all(self, messages: Sequence[bytes]) -> bool:
        """Send text messages in one write; as `send`."""

    @abstractmethod
    def take_frames(self, *, pings: bool) -> FrameScanner:
        """Hand over frames as they come, `received_frames`, instead of messages.

        Called before `attach`. Each piece is checked (`gateway.frames`), and begins where the last
        one ended, possibly inside a frame. Close frames are not among them: they are answered, and
        become `closed`. With `pings` those and pongs are, for the user to pass on; else they are
        answered, too. Returns what checks them, and knows of each piece where messages begin.
        """

    @abstractmethod
    def send_frames(self, data: bytes, *, complete: bool) -> bool:
        """Send a piece of another peer's frames, masked as they are; as `send`.

        After one that is not `complete` only `send_frames` may follow, until that frame is
        complete; the socket delays its own pings until then.
        """

    @abstractmethod
    def pause_reading(self) -> None:
        """Hand over nothing more, soon, until `resume_reading`."""

    @abstractmethod
    def resume_reading(self) -> None:
        """Go on after `pause_reading`."""

    @abstractmethod
    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Begin the closing handshake, within a few seconds of time; `closed` follows.

        Inside a frame (`send_frames`) nothing can follow but its rest: the connection is dropped.
        """


class Leaving(Enum):
    """Why open sockets are to end. The value is for their clients."""

    RELOADED = "The configuration was reloaded; connect again."
    """New requests are served by another configuration in the same process."""
    STOPPING = "The gateway is shutting down; connect again."
    """The process ends, or another one takes over."""


def _nothing() -> None:
    """Do nothing."""


class SocketSession(ABC):
    """Serves one client's socket. Made before the handshake is accepted."""

    protocol: str = ""
    """The subprotocol that the handshake names; empty: none."""
    headers: RawHeaders = ()
    """Further fields of the handshake's reply."""
    kind: str = ""
    """For operators: `responses` or `realtime`."""
    accepted: Callable[[], None] = staticmethod(_nothing)
    """Called when the handshake has been accepted, before `run`."""

    @abstractmethod
    async def run(self, socket: Socket) -> None:
        """Serve an accepted socket until it is closed; cancelled when that does not end in time."""

    @abstractmethod
    def drain(self, leaving: Leaving) -> None:
        """Finish what is begun and close with `SERVICE_RESTART`. Perhaps called several times.

        What may be as long as a session is left alone: `run` is cancelled in the end.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Free what is behind the session, run or not."""


@dataclass(slots=True)
class Refused(Exception):
    """An upstream has answered a handshake with a reply over HTTP."""

    reply: UpstreamReply


Dial = Callable[[UpstreamCall], Awaitable["UpstreamSocket"]]
"""Opens a socket at an upstream: a `GET` of the call's path and query.

Raises `Refused` for a reply that is not 101, `UpstreamUnavailable`, `UpstreamTimeout` or
`UpstreamError`. A cancelled dial leaves nothing behind.
"""


class UpstreamSocket(Socket):
    """A socket at an upstream. Who dialled it must close it."""

    headers: RawHeaders
    """The fields of the handshake's reply, without hop-by-hop ones."""
    protocol: str
    """The subprotocol that the upstream has chosen."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether what is sent now is written. `closed` may still be about to come."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection."""
