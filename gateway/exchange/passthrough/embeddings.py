"""Embeddings in the encoding that their client asks for, where the server knows only another.

Many servers have numbers only (lmstudio-bug-tracker#756, worker-infinity-embedding#30), which
OpenAI's library for .NET cannot read, and older ones for JavaScript misread (openai-node#2150). A
reply in the right encoding is passed on as it comes; which one it has shows at its beginning.
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
"""Bytes of a request that are read before it is sent: a longer one has its reply as it comes."""
_MOST_SEEN = 4096
"""Bytes of a reply within which its first embedding begins."""
_BEGINS = re.compile(rb'"embedding"\s*:\s*(["\[])')
_BY_MARK: dict[bytes, Encoding] = {b'"': "base64", b"[": "float"}
_BODY_HEADERS = (b"content-length", b"content-type")


class _Asked(msgspec.Struct, gc=False):
    encoding_format: object = "float"


_read = msgspec.json.Decoder(_Asked).decode


async def asked_encoding(call: Request, limit: int) -> tuple[Request, Encoding | None]:
    """Return a request to send, and the encoding that it asks for; None: it cannot be known.

    Bodies of more than `limit` bytes, which may be refused, are not held.
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
    """Return the client's reply to one in another encoding than asked for; None: it is not.

    Within `seconds` it has to show. The decision gets the report. Raises what reading raises.
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
    """Return a reply with its embeddings changed; None: one of them is something else."""
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
