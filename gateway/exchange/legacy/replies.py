"""What the legacy endpoints share: bodies read as a whole, errors with the client's names."""

from dataclasses import replace

from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.errors import GatewayError
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.errors.error_replies import ClientParam, error_of_reply
from gateway.exchange.reply.reading import (
    MAX_ERROR_BYTES,
    MAX_WHOLE_BYTES,
    Allowance,
    decode_object,
    joined,
)
from gateway.headers import JSON
from gateway.shapes import Json, RawHeaders
from gateway.translate.stream.sse import encode_json

_ABOUT_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})


class RenamedParameters:
    """A context manager that gives errors raised in it the client's name of their parameter."""

    def __init__(self, client_param: ClientParam) -> None:
        self._client_param = client_param

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, GatewayError):
            error.param = self._client_param(error.param)


async def read_reply(reply: ClientReply, limit: int = MAX_WHOLE_BYTES) -> bytes:
    """Return the whole body of a reply; raises `UpstreamError` if it exceeds `limit` bytes."""
    if isinstance(reply.body, bytes):
        return reply.body
    try:
        return await joined(reply.body, Allowance(limit))
    finally:
        await reply.body.aclose()


async def expect_json(reply: ClientReply, client_param: ClientParam) -> Json:
    """Return the object of a successful reply; raises the error of any other reply."""
    if 200 <= reply.status < 300:
        return decode_object(await read_reply(reply))
    body = await read_reply(reply, MAX_ERROR_BYTES)
    raise error_of_reply(reply.status, tuple(reply.headers), body, client_param)


async def renamed_error(reply: ClientReply, client_param: ClientParam) -> ClientReply:
    """Return an error reply with the client's name of its parameter.

    The rest of the error stays as the upstream wrote it. Only status 409 becomes 429, because
    openai-python 0.28 retries a 409 without a pause and without end. Other replies are returned
    unread.
    """
    if reply.status < 400:
        return reply
    body = await read_reply(reply)
    try:
        decoded: object = decode(body)
    except NOT_JSON:
        decoded = None
    error = decoded.get("error") if isinstance(decoded, dict) else None
    param = error.get("param") if isinstance(error, dict) else None
    if isinstance(decoded, dict) and isinstance(error, dict) and isinstance(param, str):
        body = encode_json({**decoded, "error": {**error, "param": client_param(param)}})
    headers = [pair for pair in reply.headers if pair[0] != b"content-length"]
    status = 429 if reply.status == 409 else reply.status
    return replace(reply, status=status, headers=headers, body=body)


def without_body_headers(headers: RawHeaders, *, body: bool) -> RawHeaders:
    """Return a client's header fields for a call with another body: JSON, or none."""
    kept = tuple(pair for pair in headers if pair[0] not in _ABOUT_THE_BODY)
    return (*kept, JSON) if body else kept
