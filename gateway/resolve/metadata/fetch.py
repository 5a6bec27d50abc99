"""Makes one metadata call to an upstream, and reads whatever it answers."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from gateway import hops
from gateway.config.settings import UpstreamSettings
from gateway.envelopes.codings import CodingError, Decompressor, coding_of
from gateway.envelopes.long_json import check, decoded
from gateway.envelopes.slices import Work, in_slices
from gateway.envelopes.upstream_json import NOT_JSON
from gateway.errors import GatewayError
from gateway.headers import CALLER_HEADERS, JSON
from gateway.resolve.metadata.cache import LookupFailed
from gateway.servers.profile import MetadataCall
from gateway.shapes import RawHeaders, Send, UpstreamCall, UpstreamReply

Value = TypeVar("Value")

MAX_BODY_BYTES = 16 * 1024 * 1024
LONG = 256 * 1024
"""Answers of more bytes are received a few at a time."""
LONG_ANSWERS = 4
"""How many long answers are received at a time. They are parsed one after the other."""

_ASKING_HEADERS = CALLER_HEADERS | {hops.HEADER}


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded JSON body and its header fields, with names in lower case.

    Long lists in it are read with `envelopes.json_fields`, like others.
    """

    payload: object
    headers: dict[str, str]


def fields_of(headers: RawHeaders) -> RawHeaders:
    """Return the header fields with the credential and the gateways passed, and no others."""
    return tuple(pair for pair in headers if pair[0] in _ASKING_HEADERS)


class Asker:
    """Asks upstreams about their models.

    Long answers are received a few at a time and parsed in slices, which bounds their memory and
    lets other tasks run.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._long_answers = asyncio.Semaphore(LONG_ANSWERS)
        self._reading = asyncio.Lock()

    async def ask(
        self,
        upstream: UpstreamSettings,
        call: MetadataCall,
        headers: RawHeaders,
        read: Callable[[Answer], Work[Value]],
    ) -> Value | LookupFailed:
        """Return what `read` makes of the answer to one call.

        The call carries the credentials among the client's header fields. It is abandoned after
        `timeouts.look_up`; until the head arrives, `send` enforces that.
        """
        limit = upstream.timeouts.look_up
        end = asyncio.get_running_loop().time() + limit
        try:
            reply = await self._send(_upstream_call(upstream.name, call, headers))
        except GatewayError as error:
            return LookupFailed(f"{call}: {error.message}")
        async with AsyncExitStack() as turn:
            try:
                async with asyncio.timeout_at(end):
                    body = await self._body(reply, turn)
            except GatewayError as error:
                return LookupFailed(f"{call}: {error.message}")
            except CodingError as error:
                return LookupFailed(f"{call}: {error}")
            except TimeoutError:
                return LookupFailed(f"{call}: no whole reply within {limit:g} s")
            finally:
                await reply.aclose()
            if len(body) > MAX_BODY_BYTES:
                return LookupFailed(f"{call}: more than {MAX_BODY_BYTES} bytes")
            if reply.status != 200:
                return LookupFailed(f"{call}: status {reply.status}", reply.status)
            if len(body) > LONG:
                await turn.enter_async_context(self._reading)
            try:
                return await in_slices(_read(body, reply.headers, read))
            except NOT_JSON:
                return LookupFailed(f"{call}: not JSON")

    async def _body(self, reply: UpstreamReply, turn: AsyncExitStack) -> bytearray:
        """Return the body, or at least one byte more than the limit; wait for a turn if it is long.

        Raises `CodingError` if it is compressed and cannot be decoded.
        """
        body = bytearray()
        has_turn = False
        decompressor = Decompressor(coding_of(reply.headers))
        async for chunk in reply.chunks():
            for piece in decompressor.feed(chunk):
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    return body
            if len(body) > LONG and not has_turn:
                has_turn = True
                await turn.enter_async_context(self._long_answers)
        return body + decompressor.finish()


def _read(
    body: bytearray, headers: RawHeaders, read: Callable[[Answer], Work[Value]]
) -> Work[Value]:
    payload = yield from decoded(body)
    fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    value = yield from read(Answer(payload, fields))
    yield from check(payload)
    return value


def _upstream_call(upstream: str, call: MetadataCall, headers: RawHeaders) -> UpstreamCall:
    body = b""
    fields = fields_of(headers)
    if call.body is not None:
        body, fields = msgspec.json.encode(call.body), (*fields, JSON)
    return UpstreamCall(
        upstream,
        call.method,
        call.path,
        body=body,
        query=call.query.encode("ascii"),
        client_headers=fields,
        root=call.root,
    )
