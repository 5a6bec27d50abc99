"""Turns: the requests of a client's socket, which continue what was made on it before.

A turn names the response that it continues. If the socket remembers that response, its conversation
is put before the turn's own input, so that any model can continue it. Otherwise the store of
responses, or the model's own server, may know the response.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from msgspec import structs

from gateway.errors import GatewayError
from gateway.exchange.bodies.request_fields import features_of, read_routed
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.remembered.items import (
    OwnInput,
    continuing,
    joined,
    own_input,
    segment_of,
    with_output,
)
from gateway.exchange.remembered.memory import ConnectionMemory, Remembered
from gateway.exchange.stored.errors import UNAVAILABLE, continues_twice, not_found
from gateway.exchange.stored.responses import PREVIOUS
from gateway.request import GenerationRequest
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import ItemNames, Shape

Generate = Callable[[GenerationRequest, Decision], Awaitable[ClientReply]]
"""Serves a request for generation, wherever its model lives."""

_NOT_KNOWN: Final = frozenset({400, 404})
"""The statuses with which servers refuse an unknown response."""
_CODE: Final = "previous_response_not_found"
_SHORTEST_ID: Final = 6
"""An id of at least so many characters is in no error's text by chance."""
_encode = msgspec.json.Encoder().encode


class Turn:
    """One request of a socket, with the memory that it continues from and is remembered in.

    `fields` are the fields of its body, still encoded; they are never changed.
    """

    def __init__(
        self, fields: dict[str, msgspec.Raw], previous: object, memory: ConnectionMemory
    ) -> None:
        self.fields = fields
        self.memory = memory
        self.previous = previous
        """The id of the response that the turn continues, as given; it may have any type."""
        self.shown: str | None = None
        """The id of the continued response that the client is shown, if the server got none."""
        self.has_response = False
        """Whether the turn has got a response that can be continued, here or at its server."""
        self._own: OwnInput | None = own_input(fields.get("input"))
        self._before = Remembered(())
        """The conversation that the turn continues."""

    @property
    def body(self) -> bytes:
        """The request as the client sent it."""
        return _encode(self.fields)

    @property
    def has_input(self) -> bool:
        """Whether the turn's `input` is a string or a list."""
        return self._own is not None

    def recall(self, previous: str) -> Remembered | None:
        """Find the response that the turn continues; None if it is not remembered here."""
        earlier = self.memory.recall(previous)
        self._before = earlier or Remembered((), previous)
        if self._own is not None:
            self._own = continuing(self._before.segments, self._own)
        return earlier

    def whole(self, *, bare_reasoning: bool) -> tuple[bytes, ItemNames | None]:
        """Return the body with the whole conversation, and the client's names of its items.

        `bare_reasoning`: reasoning that only the server that stored it can read is sent again.
        """
        earlier, fields, items = self._before, dict(self.fields), None
        del fields[PREVIOUS]
        if earlier.base is not None:
            fields[PREVIOUS] = msgspec.Raw(_encode(earlier.base))
        if earlier.model and _is_absent(fields.get("model")):
            fields["model"] = msgspec.Raw(_encode(earlier.model))
        if self._own is not None:
            fields["input"], items = joined(
                earlier.segments, self._own, bare_reasoning=bare_reasoning
            )
        return _encode(fields), items

    def finish(
        self, response_id: str, output: list[msgspec.Raw], decision: Decision, *, stored: bool
    ) -> None:
        """Remember the response; `stored`: it can be continued by its id where it was made."""
        self.has_response = True
        if self._own is None:
            return
        before = self._before
        segments = with_output((*before.segments, self._own.segment), segment_of(output))
        base = before.base if len(segments) > 1 else None  # one segment: it was compacted
        where = (decision.upstream, decision.shape) if stored and decision.shape else None
        is_fleeting = bytes(self.fields.get("store", b"")) == b"false"
        remembered = Remembered(segments, base, decision.model_asked, where, is_fleeting)
        self.memory.remember(response_id, remembered)

    def end(self) -> None:
        """Forget the continued response, if it was not to be stored and this turn has failed."""
        if not self.has_response and isinstance(self.previous, str):
            self.memory.forget_fleeting(self.previous)


class Turns:
    """Serves turns."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def run(
        self, turn: Turn, request: GenerationRequest, decision: Decision, generate: Generate
    ) -> ClientReply:
        """Serve a turn; `request` is its request without a body.

        `generate` serves the request that is made of it, and this raises what `generate` raises. It
        also raises `GatewayError` if the response that the turn continues is known nowhere.
        """
        request = structs.replace(request, is_remembered=True)
        previous = turn.previous
        if not isinstance(previous, str):
            return await generate(structs.replace(request, body=turn.body), decision)
        if not _is_absent(turn.fields.get("conversation")):
            raise continues_twice()
        earlier = turn.recall(previous)
        if earlier is None:
            by_id = structs.replace(request, body=turn.body)
            return known(await _unless_unknown(generate(by_id, decision), previous, previous))
        body, items = turn.whole(bare_reasoning=True)
        whole = structs.replace(request, body=body, items=items)
        home = await self._home(whole)
        if earlier.kept_at is not None and earlier.kept_at == home:
            by_id = structs.replace(request, body=turn.body)
            reply = await _where_it_is_kept(generate(by_id, decision), previous)
            if isinstance(reply, ClientReply):
                return reply
        turn.shown = previous
        if home is not None and home[1] is Shape.RESPONSES:
            body, items = turn.whole(bare_reasoning=False)
            whole = structs.replace(request, body=body, items=items)
        if earlier.base is None:
            return await generate(whole, decision)
        return known(await _unless_unknown(generate(whole, decision), earlier.base, previous))

    async def _home(self, call: GenerationRequest) -> tuple[str, Shape] | None:
        """Return where the model of a request lives; None: the request is invalid."""
        if call.client is not None and call.client.is_restricted:
            await self._exchange.attempts.check_names(call)
        routed = read_routed(call.body)
        model = call.model if call.model is not None else routed.model
        if not isinstance(model, str) or not model:
            return None
        query = ModelQuery(model, Shape.RESPONSES, features_of(routed), call.headers)
        route = await self._exchange.resolver.resolve(query)
        return route.upstream, route.shape


async def _where_it_is_kept(
    replying: Awaitable[ClientReply], previous: str
) -> ClientReply | GatewayError:
    """Return the reply to a request that continues a response by its id.

    Returns an error if the response is no longer known where it was kept, or if the gateway's own
    store cannot be read.
    """
    try:
        return await _unless_unknown(replying, previous, previous)
    except GatewayError as error:
        if error.code != UNAVAILABLE:
            raise
        return error.bare()


async def _unless_unknown(
    replying: Awaitable[ClientReply], sent: str, previous: str
) -> ClientReply | GatewayError:
    """Return the reply to a request that continues a response under the id `sent`.

    If that response is known nowhere, returns the error for the client, who continues `previous`.
    """
    try:
        reply = await replying
    except GatewayError as error:
        text = f"{error.code} {error.param} {error.message}"
        if not _is_unknown(error.status, text.encode("utf-8", "replace"), sent):
            raise
        same = error.code == _CODE and sent == previous
        return error.bare() if same else not_found(previous)
    if isinstance(reply.body, bytes) and _is_unknown(reply.status, reply.body, sent):
        return not_found(previous)
    return reply


def known(reply: ClientReply | GatewayError) -> ClientReply:
    """Return a reply; raises it if it is an error."""
    if isinstance(reply, GatewayError):
        raise reply
    return reply


def _is_absent(raw: msgspec.Raw | None) -> bool:
    return raw is None or bytes(raw) == b"null"


def _is_unknown(status: int, text: bytes, sent: str) -> bool:
    """Whether an error says that a response cannot be continued by its id.

    Servers that keep no responses refuse the parameter itself.
    """
    names = (_CODE, PREVIOUS, sent) if len(sent) >= _SHORTEST_ID else (_CODE, PREVIOUS)
    return status in _NOT_KNOWN and any(name.encode() in text for name in names)
