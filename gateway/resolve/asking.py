"""Asks an upstream one question about its models, and reads the answer, whatever comes."""

import asyncio
from dataclasses import dataclass

import msgspec

from gateway import hops
from gateway.config.settings import UpstreamSettings
from gateway.errors import GatewayError
from gateway.resolve.lookup_cache import LookupFailed
from gateway.resolve.lookup_paths import MetadataCall
from gateway.shapes import RawHeaders, Send, UpstreamCall

MAX_BODY_BYTES = 16 * 1024 * 1024

_CREDENTIAL_HEADERS = frozenset(
    {b"authorization", b"api-key", b"openai-organization", b"openai-project"}
)
_ASKING_HEADERS = _CREDENTIAL_HEADERS | {hops.HEADER}
_JSON_BODY = (b"content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded JSON body, and the header fields that came with it, names in lower case."""

    payload: object
    headers: dict[str, str]


def fields_of(headers: RawHeaders) -> RawHeaders:
    """Return the header fields that say who asks, through which gateways, and nothing else."""
    return tuple(pair for pair in headers if pair[0] in _ASKING_HEADERS)


async def ask(
    send: Send, upstream: UpstreamSettings, call: MetadataCall, headers: RawHeaders
) -> Answer | LookupFailed:
    """Return the answer to one call, made with the credentials among a client's header fields.

    It is given up after `timeouts.look_up`: until the head is there that is `send`'s to see to.
    """
    limit = upstream.timeouts.look_up
    end = asyncio.get_running_loop().time() + limit
    try:
        reply = await send(_upstream_call(upstream.name, call, headers))
    except GatewayError as error:
        return LookupFailed(f"{call}: {error.message}")
    body = bytearray()
    try:
        async with asyncio.timeout_at(end):
            async for chunk in reply.chunks():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    return LookupFailed(f"{call}: more than {MAX_BODY_BYTES} bytes")
    except GatewayError as error:
        return LookupFailed(f"{call}: {error.message}")
    except TimeoutError:
        return LookupFailed(f"{call}: no whole reply within {limit:g} s")
    finally:
        await reply.aclose()
    if reply.status != 200:
        return LookupFailed(f"{call}: status {reply.status}")
    try:
        payload = msgspec.json.decode(bytes(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return LookupFailed(f"{call}: not JSON")
    return Answer(payload, {k.decode("latin-1"): v.decode("latin-1") for k, v in reply.headers})


def _upstream_call(upstream: str, call: MetadataCall, headers: RawHeaders) -> UpstreamCall:
    body = b""
    fields = fields_of(headers)
    if call.body is not None:
        body, fields = msgspec.json.encode(call.body), (*fields, _JSON_BODY)
    return UpstreamCall(
        upstream,
        call.method,
        call.path,
        body=body,
        query=call.query.encode("ascii"),
        client_headers=fields,
        root=call.root,
    )
