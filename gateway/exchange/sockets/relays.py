"""Turns of a responses socket that an upstream serves on a socket of its own.

A turn is relayed where its model lives at responses, under the client's name, at an upstream that
has sockets, and nothing of the request has to be changed. Its frames go to the client as they come.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.request import GenerationRequest
from gateway.shapes import RawHeaders


@dataclass(frozen=True, slots=True)
class Create:
    """A client's `response.create`, and what was read of it."""

    message: bytes
    """As the client sent it."""
    stream_id: str | None = None
    previous_response_id: str | None = None
    is_remembered: bool = False
    """Whether the gateway remembers the conversation that it continues."""


class RelayedTurn(ReplyBody):
    """What an upstream's socket says in a turn: whole frames, as they came, for `send_frames`.

    `pipe()` raises `TruncatedStream` where the upstream's socket ends before the turn: the client
    has to be given the error.
    """

    terminal: bytes
    """The event that has ended the turn: JSON, without the frame around it; empty until then."""
    items: Sequence[msgspec.Raw] = ()
    """The items that it has completed, of which some servers say nothing at its end."""
    is_steered: bool = False
    """Whether more was said to its response than the create."""


class ClientRelays(ABC):
    """The upstream sockets behind one client's socket: at most one to each upstream.

    `beside` is what upstreams say outside of any turn: it takes whole frames, as `send_frames`.
    """

    @abstractmethod
    async def turn(
        self, call: GenerationRequest, decision: Decision, create: Create
    ) -> ClientReply | None:
        """Begin a turn at its upstream; None: serve it over HTTP.

        `call` is the turn as a request over HTTP. Returns once the first event is here: an `error`
        gives the reply its status; its body is a `RelayedTurn` in any case. Raises `GatewayError`
        for what no upstream is to be asked.
        """

    @abstractmethod
    def forward(self, message: bytes, response_id: str) -> bool:
        """Send a message for a response (`response.steer`) to the upstream that has made it.

        False: no relayed turn of this connection has, as far as is known.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close the upstream sockets, in order."""


class Relays(Protocol):
    """Knows which upstreams have sockets, and which have lately refused one."""

    def of_client(self, beside: Callable[[bytes], bool], betas: RawHeaders = ()) -> ClientRelays:
        """Return what relays the turns of one client's socket.

        `betas` are the `openai-beta` fields of its handshake: its turns lack those of sockets.
        """
