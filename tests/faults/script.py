"""What an upstream does with one request, byte for byte: steps, and helpers to write them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.shapes import Shape

JSON = "application/json"
SSE = "text/event-stream"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True)
class Pause:
    """Send nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Stall:
    """Send nothing until the other side has gone."""


@dataclass(frozen=True)
class Close:
    """Close the connection in order (FIN)."""


@dataclass(frozen=True)
class Reset:
    """Reset the connection (RST), some time after what was sent, which else could be lost."""


@dataclass(frozen=True)
class Repeat:
    """Send the same again and again: `times`, or (None) until the other side has gone."""

    data: bytes
    pause: float = 0.0
    times: int | None = None


Step = bytes | Pause | Stall | Close | Reset | Repeat


@dataclass(frozen=True)
class Asked:
    """What the gateway asks of the upstream."""

    home: Shape
    streamed: bool


@dataclass(frozen=True)
class Script:
    """The steps; the connection then stays open for another request, unless they end it.

    `body` is all of the body that is sent, as a client of the same endpoint may get it. `sse` says
    whether the reply declares itself an event stream.
    """

    steps: tuple[Step, ...]
    status: int = 200
    body: bytes = b""
    sse: bool = False


Scripted = Callable[[Asked], Script]


def head(*fields: str, status: str = "200 OK", kind: str = JSON) -> bytes:
    """Return the head of a reply, with its blank line; `kind` is its content type."""
    lines = [f"HTTP/1.1 {status}", *([f"content-type: {kind}"] if kind else []), *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def reply(body: bytes, *fields: str, status: str = "200 OK", kind: str = JSON) -> Script:
    """Return a whole reply with its length."""
    code = int(status.split(maxsplit=1)[0])
    start = head(*fields, f"content-length: {len(body)}", status=status, kind=kind)
    return Script((start + body,), code, body, kind.lower().startswith(SSE))


def stream(
    pieces: Sequence[bytes], *after: Step, kind: str = SSE, fields: Sequence[str] = ()
) -> Script:
    """Return a chunked reply, each piece a chunk; without `after` it ends as it should.

    `after` is what comes instead of the last chunk.
    """
    start = head(*fields, "transfer-encoding: chunked", kind=kind)
    sent = start + b"".join([chunk(piece) for piece in pieces])
    # In one write: a client that has read the last event has read the last chunk too.
    steps = (sent, *after) if after else (sent + LAST_CHUNK,)
    return Script(steps, 200, b"".join(pieces), kind.lower().startswith(SSE))
