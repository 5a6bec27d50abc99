"""Embeddings, moderations, speech and images: enough to prove that calls pass through."""

import base64
import hashlib
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from gateway.demo.call import Call, RequestContext
from gateway.demo.generation.answer import Json
from gateway.demo.generation.tokens import tokenise
from gateway.demo.models import Endpoint
from gateway.demo.rules import checks, shared
from gateway.demo.rules.checks import Check, array, nullable, string, word

_DIMENSIONS = 1_536
_SPEECH_CHUNKS = 16
_CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
_TEXTS: Check = checks.string_or(array(string, least=1, most=2048))


def _embeddable(path: str, value: object) -> None:
    """Accept a text, a token number, or an array of token numbers."""
    if isinstance(value, list):
        array(checks.integer(0), least=1)(path, value)
    elif not isinstance(value, str):
        checks.integer(0)(path, value)


_EMBEDDINGS: Mapping[str, Check] = {
    "model": string,
    "input": checks.string_or(array(_embeddable, least=1, most=2048)),
    "encoding_format": word("float", "base64"),
    "dimensions": checks.integer(1, _DIMENSIONS),
    "user": string,
}
_MODERATIONS: Mapping[str, Check] = {"model": string, "input": _TEXTS}
_SPEECH: Mapping[str, Check] = {
    "model": string,
    "input": checks.short_string(4096),
    "voice": string,
    "instructions": checks.short_string(4096),
    "response_format": word("mp3", "opus", "aac", "flac", "wav", "pcm"),
    "speed": checks.number(0.25, 4),
    "stream_format": word("sse", "audio"),
}
_IMAGES: Mapping[str, Check] = {
    "model": nullable(string),
    "prompt": string,
    "n": nullable(checks.integer(1, 10)),
    "size": nullable(string),
    "quality": nullable(string),
    "background": nullable(string),
    "output_format": nullable(word("png")),
    "user": string,
}


async def _read(
    call: Call, table: Mapping[str, Check], required: tuple[str, ...], default_model: str = ""
) -> Json:
    body = await call.json()
    if default_model:
        body.setdefault("model", default_model)
    shared.requested_model(body)
    shared.check_known(table, body)
    shared.check_required(required, body)
    shared.check_members(table, body)
    return body


async def embeddings(context: RequestContext) -> None:
    """POST /v1/embeddings: unit vectors that depend only on the text."""
    body = await _read(context.call, _EMBEDDINGS, ("input",))
    model = context.account.model_for(body["model"], Endpoint.EMBEDDINGS)
    inputs = _inputs(body["input"])
    size = body.get("dimensions", _DIMENSIONS)
    packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(text, size, packed=packed)}
        for index, text in enumerate(inputs)
    ]
    tokens = sum(len(tokenise(text)) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    await context.call.reply_json(
        {"object": "list", "data": data, "model": model.id, "usage": usage}
    )


def _inputs(value: Any) -> list[str]:
    """Return the texts; a list of token numbers is one text, read as ` t1 t2`."""
    if isinstance(value, str):
        return [value]
    if all(isinstance(item, int) for item in value):
        return ["".join(f" t{number}" for number in value)]
    return [item if isinstance(item, str) else str(item) for item in value]


def _vector(text: str, size: int, *, packed: bool) -> list[float] | str:
    blocks = -(-size // 32)
    noise = b"".join(hashlib.sha256(f"{n}:{text}".encode()).digest() for n in range(blocks))
    raw = [byte - 127.5 for byte in noise[:size]]
    length = sum(number * number for number in raw) ** 0.5
    vector = [number / length for number in raw]
    if packed:
        return base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
    return vector


async def moderations(context: RequestContext) -> None:
    """POST /v1/moderations: texts that contain "violence" are flagged."""
    body = await _read(context.call, _MODERATIONS, ("input",), "omni-moderation-latest")
    model = context.account.model_for(body["model"], Endpoint.MODERATIONS)
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    results = [_moderated(violent="violence" in text.lower()) for text in texts]
    await context.call.reply_json({"id": "modr-demo", "model": model.id, "results": results})


def _moderated(*, violent: bool) -> Json:
    flags = {name: violent and name == "violence" for name in _CATEGORIES}
    return {
        "flagged": violent,
        "categories": flags,
        "category_scores": {name: 0.9 if flag else 0.001 for name, flag in flags.items()},
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }


async def speech(context: RequestContext) -> None:
    """POST /v1/audio/speech: bytes that depend on the text, sent in pieces without a length."""
    body = await _read(context.call, _SPEECH, ("input", "voice"))
    context.account.model_for(body["model"], Endpoint.SPEECH)
    await context.call.while_connected(_speak(context.call, str(body["input"])))


async def _speak(call: Call, text: str) -> None:
    await call.start("audio/mpeg")
    for chunk in spoken(text):
        await call.write(chunk)
    await call.end()


def spoken(text: str) -> list[bytes]:
    """Return what `speech` sends for a text, piece by piece."""
    return [hashlib.sha256(f"{n}:{text}".encode()).digest() * 32 for n in range(_SPEECH_CHUNKS)]


async def images(context: RequestContext) -> None:
    """POST /v1/images/generations: one grey pixel, as PNG."""
    body = await _read(context.call, _IMAGES, ("prompt",), "gpt-image-1")
    context.account.model_for(body["model"] or "gpt-image-1", Endpoint.IMAGES)
    await context.call.reply_json(pictures(body.get("n") or 1))


def pictures(number: int) -> Json:
    """Return a reply with that number of images."""
    data = [{"b64_json": base64.b64encode(_PIXEL).decode()}] * number
    return {"created": 0, "data": data}


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


_PIXEL = (
    b"\x89PNG\r\n\x1a\n"
    + _png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _png_chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    + _png_chunk(b"IEND", b"")
)
