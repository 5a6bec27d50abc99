"""What can go wrong at an upstream, by name; half of it in the midst of a reply."""

from collections.abc import Awaitable, Callable

from bench.scripted_peer import Asked, Peer, head_of
from bench.scripted_replies import WORD, events, whole
from gateway.shapes import Shape

SILENCE_SECONDS = 60.0
"""Longer than every timeout of the soak's gateway."""

_PIECES = [WORD] * 40
_JSON = "application/json"

Fault = Callable[[Peer, Asked], Awaitable[None]]


def _error(status: int, code: str) -> Fault:
    async def fault(peer: Peer, _asked: Asked) -> None:
        await peer.error(status, f"This is the soak's {status}.", code)

    return fault


def _body(status: int, body: bytes, kind: str = _JSON) -> Fault:
    async def fault(peer: Peer, _asked: Asked) -> None:
        await peer.json(status, body, kind=kind)

    return fault


def _instead(data: bytes, *, reset: bool = False) -> Fault:
    """Send bytes that are not a reply, and end the connection."""

    async def fault(peer: Peer, _asked: Asked) -> None:
        if data:
            await peer.send(data)
        _end(peer, reset=reset)

    return fault


def _in_mid_reply(how: Callable[[Peer], Awaitable[None]]) -> Fault:
    """Send half a reply, then do something else."""

    async def fault(peer: Peer, asked: Asked) -> None:
        if asked.streamed:
            told, _ = events(asked.shape, _PIECES)
            await peer.begin_stream()
            await peer.chunks(told[: len(told) // 2])
        else:
            body = whole(asked.shape, "".join(_PIECES))
            await peer.send(head_of(200, len(body), kind=_JSON) + body[: len(body) // 2])
        await how(peer)

    return fault


async def _close(peer: Peer) -> None:
    _end(peer, reset=False)


async def _reset(peer: Peer) -> None:
    _end(peer, reset=True)


async def _silent(peer: Peer) -> None:
    await peer.pause(SILENCE_SECONDS)
    peer.close()


async def _never(peer: Peer, _asked: Asked) -> None:
    await _silent(peer)


async def _early_500(peer: Peer, _asked: Asked) -> None:
    """Answer while the body is still coming, and close."""
    await peer.json(500, b'{"error":{"message":"Too much.","type":"server_error"}}', close=True)


def _stream(*odd: bytes, terminated: bool) -> Fault:
    """Send half a stream, odd events, and a clean end; whole replies are odd as a whole."""

    async def fault(peer: Peer, asked: Asked) -> None:
        if not asked.streamed:
            await peer.json(200, odd[0] if odd else b"{")
            return
        told, end = events(asked.shape, _PIECES)
        await peer.begin_stream()
        await peer.chunks([*told[: len(told) // 2], *odd, *([end] if terminated else [])])
        await peer.end_stream()

    return fault


async def _json_to_stream(peer: Peer, asked: Asked) -> None:
    await peer.json(200, whole(asked.shape, "".join(_PIECES)))


async def _other_shape(peer: Peer, asked: Asked) -> None:
    other = Shape.RESPONSES if asked.shape is not Shape.RESPONSES else Shape.COMPLETIONS
    await peer.json(200, whole(other, "".join(_PIECES)))


async def _junk_after_reply(peer: Peer, asked: Asked) -> None:
    """Send more than was announced, all at once: the connection cannot be used again."""
    body = whole(asked.shape, "".join(_PIECES))
    await peer.send(head_of(200, len(body), kind=_JSON) + body + b"HTTP/1.1 200 OK\r\n\r\njunk")
    peer.close()


def _end(peer: Peer, *, reset: bool) -> None:
    if reset:
        peer.reset()
    else:
        peer.close()


_ERROR = b'{"error":{"message":"The soak broke.","type":"server_error","code":"broken"}}'

FAULTS: dict[str, Fault] = {
    "error_500": _error(500, "internal"),
    "error_503": _error(503, "overloaded"),
    "error_429": _error(429, "rate_limit_exceeded"),
    "error_400": _error(400, "invalid_value"),
    "error_401": _error(401, "invalid_api_key"),
    "error_404": _error(404, "model_not_found"),
    "html_502": _body(502, b"<html><h1>Bad gateway</h1></html>", "text/html"),
    "error_1mb": _body(500, b'{"error":{"message":"' + b"long " * 200_000 + b'"}}'),
    "empty": _body(200, b""),
    "not_json": _body(200, b"OK then", "text/plain"),
    "broken_json": _body(200, b'{"id": "x", "choices": ['),
    "error_in_200": _body(200, _ERROR),
    "other_shape": _other_shape,
    "close": _instead(b""),
    "reset": _instead(b"", reset=True),
    "early_close": _instead(b""),
    "early_reset": _instead(b"", reset=True),
    "early_500": _early_500,
    "half_head": _instead(b"HTTP/1.1 200 OK\r\ncontent-ty"),
    "garbage": _instead(b"\x16\x03\x01\x02\x00\xff\xfe not HTTP\r\n\r\n"),
    "huge_head": _instead(b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 300_000 + b"\r\n\r\n"),
    "junk_after_reply": _junk_after_reply,
    "never": _never,
    "closed_in_mid_reply": _in_mid_reply(_close),
    "reset_in_mid_reply": _in_mid_reply(_reset),
    "silent_in_mid_reply": _in_mid_reply(_silent),
    "no_terminator": _stream(terminated=False),
    "error_event": _stream(b"data: " + _ERROR + b"\n\n", terminated=True),
    "broken_event": _stream(b'data: {"id": "x", \n\n', terminated=True),
    "json_to_stream": _json_to_stream,
}
