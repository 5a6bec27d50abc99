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
    """A client's `response.create`, and the fields that were read of it."""

    message: bytes
    """The message as the client sent it."""
    stream_id: str | None = None
    previous_response_id: str | None = None
    is_remembered: bool = False
    """Whether the gateway remembers the conversation that the create continues."""


class RelayedTurn(ReplyBody):
    """The frames of a turn on an upstream's socket, whole and as they came, for `send_frames`.

    `pipe()` raises `TruncatedStream` if the upstream's socket ends before the turn does: the client
    has to be given the error.
    """

    terminal: bytes
    """The event that has ended the turn, as JSON without its frame; empty until then."""
    items: Sequence[msgspec.Raw] = ()
    """The items that the turn has completed: some servers do not repeat them at its end."""
    is_steered: bool = False
    """Whether the client has sent more to the turn's response than the create."""


class ClientRelays(ABC):
    """The upstream sockets behind one client's socket: at most one to each upstream.

    `beside` takes the whole frames that upstreams send outside of any turn, as `send_frames` does.
    """

    @abstractmethod
    async def turn(
        self, call: GenerationRequest, decision: Decision, create: Create
    ) -> ClientReply | None:
        """Begin a turn at its upstream; None if it has to be served over HTTP.

        `call` is the turn as a request over HTTP. Returns once the first event has arrived, which
        gives the reply its status if it is an `error`; the body is a `RelayedTurn` in any case.
        Raises `GatewayError` for a turn that must not be sent to any upstream.
        """

    @abstractmethod
    def forward(self, message: bytes, response_id: str) -> bool:
        """Send a message for a response (`response.steer`) to the upstream that has made it.

        Returns False if no relayed turn of this connection has made it, as far as is known.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close the upstream sockets, in order."""


class Relays(Protocol):
    """Knows which upstreams have sockets, and which have lately refused one."""

    def of_client(self, beside: Callable[[bytes], bool], betas: RawHeaders = ()) -> ClientRelays:
        """Return the relays of one client's socket.

        `betas` are the `openai-beta` fields of the client's handshake. The requests of its turns
        lack those of them that are about sockets.
        """
