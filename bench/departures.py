"""The clients of the abort bench: each sends a request and leaves at some moment of it."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from bench import bodies
from bench.wire import Leaving, Wire
from gateway.shapes import Shape
from gateway.translate.plan import can_translate

CLIENTS = 64

SILENCE_MS = 30_000
"""So long the source is silent where it is: beyond every wait here, so that no departure that was
not noticed ends by itself."""

_PATIENCE = 20.0


@dataclass(slots=True)
class Departures:
    """What the clients did. `vain` counts those that waited for a reply that did not come."""

    moments: Counter[str] = field(default_factory=Counter)
    manners: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    vain: Counter[str] = field(default_factory=Counter)
    still_open: int = 0
    """Half-closed connections that the gateway did not close within a second."""
    last: float = 0.0
    """When the last one left, on the monotonic clock."""
    bytes_sent: int = 0


@dataclass(frozen=True, slots=True)
class _Kind:
    """A request at one path; `build` makes one of some size."""

    path: str
    build: Callable[[int], bytes]


class Clients:
    """64 clients that together send and abandon a number of requests."""

    def __init__(self, port: int, random: Random) -> None:
        self._port = port
        self._random = random
        self._left = 0
        self._told = Departures()
        self._kinds = _kinds(random)

    def run(self, count: int) -> Departures:
        """Send and abandon so many; return what was done. Raises `TimeoutError` after an hour."""
        self._left = count
        self._told = Departures()
        asyncio.run(self._all())
        return self._told

    def whole_requests(self) -> list[bytes]:
        """Return one request of each sort that is answered at once."""
        kinds = [*self._kinds["whole"], *self._kinds["burst"]]
        return [kind.build(bodies.LEAST_BYTES) for kind in kinds]

    async def _all(self) -> None:
        async with asyncio.timeout(3600):
            await asyncio.gather(*(self._client() for _ in range(CLIENTS)))

    async def _client(self) -> None:
        moments: list[tuple[str, str, Callable[[Wire, bytes], Awaitable[object]]]] = [
            ("before the body", "whole", self._before_the_body),
            ("within the body", "whole", self._within_the_body),
            ("within the body", "silent", self._within_the_body),
            ("at the end of the body", "silent", self._at_the_end_of_the_body),
            ("before the first byte", "silent", self._before_the_first_byte),
            ("in the queue", "queued", self._before_the_first_byte),
            ("during a retry", "retried", self._before_the_first_byte),
            ("in mid-stream", "paced", self._in_mid_stream),
            ("in a silent stream", "stalled", self._in_a_silent_stream),
            ("in a burst", "burst", self._in_mid_stream),
            ("at the end", "burst", self._at_the_end),
            ("at the end", "whole", self._at_the_end),
        ]
        while self._left > 0:
            self._left -= 1
            moment, sort, leave = self._random.choice(moments)
            kind = self._random.choice(self._kinds[sort])
            request = kind.build(bodies.any_size(self._random))
            wire = await Wire.open(self._port)
            try:
                # The gateway may answer and close first: it is the leaving that counts.
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    async with asyncio.timeout(_PATIENCE):
                        await leave(wire, request)
            except TimeoutError:
                self._told.vain[moment] += 1
            how = self._random.choice(list(Leaving))
            self._told.still_open += not await wire.leave(how)
            self._told.last = time.monotonic()
            self._told.moments[moment] += 1
            self._told.manners[how.value] += 1
            self._told.paths[kind.path] += 1

    async def _write(self, wire: Wire, data: bytes) -> None:
        self._told.bytes_sent += len(data)
        await wire.write(data)

    async def _before_the_body(self, wire: Wire, request: bytes) -> None:
        await self._write(wire, request[: self._random.randint(0, _head_size(request))])
        await self._linger()

    async def _within_the_body(self, wire: Wire, request: bytes) -> None:
        cut = self._random.randint(_head_size(request) + 1, len(request) - 1)
        await self._write(wire, request[:cut])
        await self._linger()

    async def _at_the_end_of_the_body(self, wire: Wire, request: bytes) -> None:
        await self._write(wire, request)

    async def _before_the_first_byte(self, wire: Wire, request: bytes) -> None:
        await self._write(wire, request)
        await asyncio.sleep(self._random.random() * 0.15)

    async def _in_mid_stream(self, wire: Wire, request: bytes) -> None:
        await self._write(wire, request)
        await wire.read(self._random.randint(1, 8000))

    async def _in_a_silent_stream(self, wire: Wire, request: bytes) -> None:
        await self._write(wire, request)
        await wire.read(1)
        await self._linger()

    async def _at_the_end(self, wire: Wire, request: bytes) -> None:
        await self._write(wire, request)
        await wire.reply()

    async def _linger(self) -> None:
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.random() * 0.01)


def _head_size(request: bytes) -> int:
    return request.index(b"\r\n\r\n") + 4


def _kinds(random: Random) -> dict[str, list[_Kind]]:
    """Return the requests by what the source does with them."""
    silent = f"bench-slow-{SILENCE_MS}"
    found = {
        "whole": [*_generations("bench-chat"), *_uploads(random, "bench-chat", "")],
        "silent": [
            *_generations(silent),
            *_generations(silent, streamed=True),
            *_uploads(random, silent, f"?order=slow-{SILENCE_MS}"),
        ],
        "paced": _generations("bench-paced-10", streamed=True),
        "stalled": _generations(f"bench-paced-{SILENCE_MS}", streamed=True),
        "burst": _generations("bench-chat", streamed=True),
        "queued": _generations(f"narrow-slow-{SILENCE_MS}"),
        "retried": [_retried(random)],
    }
    if can_translate(Shape.CHAT, Shape.RESPONSES):
        chat = Shape.CHAT
        found["whole"].append(_generation(chat, "bench-responses"))
        found["burst"].append(_generation(chat, "bench-responses", streamed=True))
        found["silent"].append(_generation(chat, f"bench-responses-slow-{SILENCE_MS}"))
    return found


def _generations(model: str, *, streamed: bool = False) -> list[_Kind]:
    """Return requests for a model that lives at chat: passed through, and translated."""
    shapes = [
        Shape.CHAT,
        *(s for s in Shape if s is not Shape.CHAT and can_translate(s, Shape.CHAT)),
    ]
    return [_generation(shape, model, streamed=streamed) for shape in shapes]


def _generation(shape: Shape, model: str, *, streamed: bool = False) -> _Kind:
    def build(size: int) -> bytes:
        body = bodies.generation(shape, model, size, streamed=streamed)
        return bodies.post(shape.endpoint, body)

    return _Kind(shape.endpoint, build)


def _retried(random: Random) -> _Kind:
    """Nothing is known of the model, so it is asked for at completions first, and refused.

    It is another one each time: of a known one nothing would have to be tried again.
    """
    endpoint = Shape.COMPLETIONS.endpoint

    def build(size: int) -> bytes:
        model = f"retried-{random.randrange(10**8)}-slow-{SILENCE_MS}"
        return bodies.post(endpoint, bodies.generation(Shape.COMPLETIONS, model, size))

    return _Kind(endpoint, build)


def _uploads(random: Random, model: str, query: str) -> list[_Kind]:
    def embeddings(size: int) -> bytes:
        return bodies.post(bodies.EMBEDDINGS, bodies.embeddings(model, size))

    def file(size: int) -> bytes:
        chunked = random.random() < 0.5
        return bodies.post(bodies.FILES + query, bodies.form(size), chunked=chunked)

    return [_Kind(bodies.EMBEDDINGS, embeddings), _Kind(bodies.FILES, file)]
