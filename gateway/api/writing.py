"""The writing of replies: its order, without its transport."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from gateway.api.upgrades import refuse_websocket
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.reply.body import ReplyBody
from gateway.sockets import SocketSession, Traffic
from gateway.translate.parts.error_statuses import UNPAID
from gateway.translate.parts.messages.errors import messages_error, messages_status

Fields = Sequence[tuple[bytes, bytes]]

SWITCHING_PROTOCOLS = 101
"""The status of an accepted handshake."""

_CORS = b"access-control-"
COMMENT = b":"
"""How a comment in an event stream begins, which is not yet a reply (HTML Standard, 9.2.5)."""


class ReplyWriter(ABC):
    """Writes one reply; subclasses send the bytes.

    `started` is whether the status has been sent; `gone`, whether the client has disconnected.
    """

    __slots__ = ("decision", "first_at", "started", "status")

    gone: bool
    decision: Decision | None
    """That of the request, once it is served."""
    first_at: float
    """When the first byte of a streamed body was written (`perf_counter`); 0: not yet."""
    cut_off_status: ClassVar[int] = 0
    """The status that the client gets where its request is cut off before the reply; 0: none."""

    def __init__(self) -> None:
        self.started = False
        self.status = 0
        self.decision = None
        self.first_at = 0.0

    def status_shown(self, *, cut_off: bool) -> int:
        """Return the status that the client gets; `cut_off`: its request ends with the gateway."""
        return self.cut_off_status if cut_off and not self.started else self.status

    def write_at_once(self, reply: ClientReply, body: bytes, decision: Decision) -> bool:  # noqa: ARG002
        """Write a reply with this body, if that needs no waiting; False: it is not written."""
        return False

    async def write(self, reply: ClientReply, decision: Decision) -> None:
        """Write a reply to its end; raises what its body raises, leaving the reply incomplete."""
        body, fields = reply.body, self._begun(reply, decision)
        if isinstance(body, bytes):
            await self._write_whole(fields, decision, body)
            return
        await self._start(fields, decision)
        await self._write_body(body)
        await self._end()

    async def write_error(self, error: GatewayError, decision: Decision) -> None:
        """Write an error in the envelope of the client's endpoint."""
        await self.write(error_reply(error, decision), decision)

    def _begun(self, reply: ClientReply, decision: Decision) -> Fields:
        """Begin a reply; return its fields."""
        self.started = True
        self.status = reply.status
        fields = reply.headers
        if decision.cors:
            # The gateway's answer counts, not what the upstream allows to its own pages.
            fields = [field for field in fields if not field[0].startswith(_CORS)]
        return fields

    async def upgrade(self, session: SocketSession, decision: Decision, traffic: Traffic) -> int:  # noqa: ARG002
        """Accept a handshake, serve its socket until it is closed, and return the close code.

        The socket's bytes are counted in `traffic`. Raises `GatewayError` if the handshake cannot
        be accepted: where there are no sockets.
        """
        raise refuse_websocket()

    @abstractmethod
    async def _write_whole(self, fields: Fields, decision: Decision, body: bytes) -> None:
        """Write a head and all of its body."""

    @abstractmethod
    async def _start(self, fields: Fields, decision: Decision) -> None:
        """Write the head of a streamed body."""

    @abstractmethod
    async def _write_body(self, body: ReplyBody) -> None:
        """Write a streamed body as it arrives, but no faster than the client reads."""

    @abstractmethod
    async def _end(self) -> None:
        """Write the end of a streamed body."""


def error_reply(error: GatewayError, decision: Decision) -> ClientReply:
    """Return an error as a reply in OpenAI's envelope, or in Anthropic's for its clients."""
    fields = [(n.encode("latin-1"), v.encode("latin-1", "replace")) for n, v in error.headers]
    if not decision.anthropic:
        return json_reply(msgspec.json.encode(error.envelope()), error.status, fields)
    if error.code in UNPAID:  # their 429 alone makes Anthropic's clients retry
        fields.append((b"x-should-retry", b"false"))
    decision.identified(fields)
    body = messages_error(error, decision.model_asked, decision.request_id)
    return json_reply(msgspec.json.encode(body), messages_status(error), fields)
