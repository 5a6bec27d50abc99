"""What the soak's clients asked for, what came of it, and the record of each that went wrong."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from bench.bodies import EMBEDDINGS, FILES
from bench.scripted_replies import WORD
from bench.wire import Progress, Reply, Wire
from gateway.shapes import Shape

PATIENCE = 30.0
"""Seconds until a request that got no reply is given up."""

_KEPT_FAILURES = 50
_SHOWN_BYTES = 300
_WORD = WORD.strip().encode()


class Wrong(Exception):
    """A reply that came, but is not what it should be."""


_ENDS = {
    Shape.RESPONSES: b"event: response.completed\n",
    Shape.MESSAGES: b"event: message_stop\n",
}
"""What a stream ends with, where that is not `[DONE]`."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a good request must get: status 200, its own number, all words, and a proper end."""

    what: str
    """The kind of request, for the record."""
    number: str
    words: int
    shape: Shape | None
    """None: no generation, whose reply has its number only."""
    streamed: bool

    def check(self, reply: Reply) -> None:
        """Raise `Wrong` with the reason."""
        body = reply.body
        shown = body[:_SHOWN_BYTES].decode("latin-1")
        if reply.status != 200:
            raise Wrong(f"status {reply.status}: {shown}")
        if self.number.encode() not in body:
            raise Wrong(f"not the reply to this request: {shown}")
        if self.shape is None:
            return
        found = body.count(_WORD)
        if found < self.words or b'"error":{' in body:
            ending = body[-_SHOWN_BYTES:].decode("latin-1")
            raise Wrong(f"{found} of {self.words} words; it ends with: {ending}")
        end = _ENDS.get(self.shape, b"data: [DONE]\n\n")
        if self.streamed and end not in body[-len(body) // 2 - _SHOWN_BYTES :]:
            raise Wrong(f"no end of the stream: {body[-_SHOWN_BYTES:].decode('latin-1')}")


@dataclass(frozen=True, slots=True)
class Failure:
    """One request that did not get what it must get."""

    at: float
    """Seconds since the soak's start."""
    kind: str
    what: str
    reason: str
    connection: dict[str, object]

    def text(self) -> str:
        """Return all that is known of it."""
        known = "; ".join(f"{name}={value!r}" for name, value in self.connection.items())
        return f"{self.at:.1f} s, {self.kind}, {self.what}: {self.reason}\n  {known}"


@dataclass(slots=True)
class Ledger:
    """All of it. Kinds are `good`, `new model`, `refused`, `fault`, `abort` and so on."""

    began: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    slowest: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    faults: Counter[str] = field(default_factory=Counter)
    """How the upstream's faults ended for the clients."""

    @property
    def requests(self) -> int:
        """How many there were in all."""
        return self.counts.total()

    def succeed(self, kind: str, progress: Progress) -> None:
        """Count one that got what it must get."""
        self.counts[kind] += 1
        self.slowest[kind] = max(self.slowest[kind], time.monotonic() - progress.began)

    def fail(self, kind: str, what: str, error: BaseException, wire: Wire | None) -> None:
        """Count one that did not, and keep what is known of it."""
        self.counts[kind] += 1
        self.failed[kind] += 1
        if len(self.failures) < _KEPT_FAILURES:
            never: dict[str, object] = {"connection": "never opened"}
            state = wire.state() if wire is not None else never
            at = time.monotonic() - self.began
            self.failures.append(Failure(at, kind, what, reason_of(error), state))


def reason_of(error: BaseException) -> str:
    """Return in words what an error means for a client that waits for a reply."""
    if isinstance(error, TimeoutError):
        return f"no reply within {PATIENCE:g} s"
    if isinstance(error, asyncio.IncompleteReadError):
        return f"the connection ended after {len(error.partial)} bytes of what was awaited"
    return str(error) if isinstance(error, Wrong) else repr(error)


def shape_of(path: str) -> Shape | None:
    """Return the shape of a path; None for uploads and embeddings."""
    if path in (EMBEDDINGS, FILES):
        return None
    return next(shape for shape in Shape if shape.endpoint == path)
