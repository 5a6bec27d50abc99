"""Asks an upstream one question about its models, and reads the answer, whatever comes."""

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
"""Bytes from which on an answer is taken in only when it is its turn."""
LONG_ANSWERS = 4
"""How many of them are taken in at a time. They are read one after the other."""

_ASKING_HEADERS = CALLER_HEADERS | {hops.HEADER}


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded JSON body, and the header fields that came with it, names in lower case.

    Long lists in it are read like the others with what `untrusted_json` has.
    """

    payload: object
    headers: dict[str, str]


def fields_of(headers: RawHeaders) -> RawHeaders:
    """Return the header fields that say who asks, through which gateways, and nothing else."""
    return tuple(pair for pair in headers if pair[0] in _ASKING_HEADERS)


class Asker:
    """Asks upstreams about their models.

    Long answers are taken in and read a few at a time, in slices: neither they nor the memory that
    they take keep others waiting.
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
        """Return what is read in the answer to one call.

        It is made with the credentials among a client's header fields, and given up after
        `timeouts.look_up`: until the head is there that is for `send` to see to.
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
                return LookupFailed(f"{call}: status {reply.status}")
            if len(body) > LONG:
                await turn.enter_async_context(self._reading)
            try:
                return await in_slices(_read(body, reply.headers, read))
            except NOT_JSON:
                return LookupFailed(f"{call}: not JSON")

    async def _body(self, reply: UpstreamReply, turn: AsyncExitStack) -> bytearray:
        """Return the body, or more of it than is read; wait for a turn if it is long.

        Raises `CodingError` where it is compressed and cannot be read.
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
