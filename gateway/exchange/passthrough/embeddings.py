"""Gives clients embeddings in the encoding that they ask for, if the server knows only another.

Many servers have numbers only (lmstudio-bug-tracker#756, worker-infinity-embedding#30). OpenAI's
library for .NET cannot read these, and older ones for JavaScript misread them (openai-node#2150). A
reply in the right encoding is passed on as it comes; its beginning shows which encoding it has.
"""

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite
from typing import Any, Final, Literal

import msgspec
from msgspec import structs

from gateway.envelopes.upstream_json import NOT_JSON, decode_halves, encode_halves
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.request_body import pieces_of, read_ahead
from gateway.exchange.reply.reading import is_compressed, read_whole
from gateway.request import Request
from gateway.shapes import UpstreamReply

Encoding = Literal["float", "base64"]

PATH: Final = "/embeddings"
_MOST_READ = 1024 * 1024
"""The longest request, in bytes, that is read before it is sent; longer ones are passed on."""
_MOST_SEEN = 4096
"""The bytes at a reply's beginning within which its first embedding has to begin."""
_BEGINS = re.compile(rb'"embedding"\s*:\s*(["\[])')
_BY_MARK: dict[bytes, Encoding] = {b'"': "base64", b"[": "float"}
_BODY_HEADERS = (b"content-length", b"content-type")


class _Asked(msgspec.Struct, gc=False):
    encoding_format: object = "float"


_read = msgspec.json.Decoder(_Asked).decode


async def asked_encoding(call: Request, limit: int) -> tuple[Request, Encoding | None]:
    """Return the request to send, and the encoding that it asks for; None if that is not known.

    Bodies of more than `limit` bytes are not held, since they may be refused.
    """
    beginning, rest = await read_ahead(call.body, min(_MOST_READ, limit))
    if rest is not None:
        return structs.replace(call, body=pieces_of(rest, beginning)), None
    call = structs.replace(call, body=beginning)
    try:
        given = _read(beginning).encoding_format
    except NOT_JSON:
        return call, None
    if given == "base64":
        return call, "base64"
    return call, "float" if given in (None, "float") else None


async def reencoded(
    reply: UpstreamReply, asked: Encoding, seconds: float, apart: Apart, decision: Decision
) -> ClientReply | None:
    """Return a reply in the encoding that was asked for; None if it needs no change, and is unread.

    The reply has `seconds` to show its encoding. Embeddings that cannot be changed stay as they
    are. The decision gets the report. Raises what reading raises.
    """
    if not 200 <= reply.status < 300 or is_compressed(reply.headers):
        return None
    sent = await _encoding_of(reply, seconds)
    if sent is None or sent == asked:
        return None
    body = await read_whole(reply)
    change = _packed if asked == "base64" else _unpacked
    changed = await apart.run_large(len(body), partial(_changed, body, change))
    if changed is None:
        return ClientReply(reply.status, reply.headers, body)
    decision.translation = f"changed=embedding:{sent}->{asked}"
    kept = [field for field in reply.headers if field[0] not in _BODY_HEADERS]
    return json_reply(changed, reply.status, kept)


async def _encoding_of(reply: UpstreamReply, seconds: float) -> Encoding | None:
    while True:
        begun = reply.peek()
        found = _BEGINS.search(begun, 0, _MOST_SEEN)
        if found is not None:
            return _BY_MARK[found[1]]
        if reply.ended or len(begun) >= _MOST_SEEN or not await reply.more(seconds):
            return None


def _changed(body: bytes, change: Callable[[Any], object]) -> bytes | None:
    """Return a reply with its embeddings changed; None if one of them cannot be changed."""
    try:
        reply = decode_halves(body)
        for entry in reply["data"]:
            entry["embedding"] = change(entry["embedding"])
    except (*NOT_JSON, TypeError, KeyError, ValueError, OverflowError, struct.error):
        return None
    return encode_halves(reply)


def _packed(numbers: Sequence[float]) -> str:
    if not isinstance(numbers, list):
        raise TypeError
    return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def _unpacked(text: str) -> list[float]:
    packed = b64decode(text, validate=True)
    numbers = list(struct.unpack(f"<{len(packed) // 4}f", packed))
    if not all(map(isfinite, numbers)):
        raise ValueError
    return numbers
