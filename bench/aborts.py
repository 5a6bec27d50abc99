"""The abort bench: clients that leave at every moment of a request, and what stays behind.

10,000 requests (ABORT_COUNT) are cut off at random moments, with FIN or RST, passed through and
translated, and then the gateway must be as before: no request at the source, no slot taken, no
task, no descriptor, and the next request works.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import struct
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.cases import Case
from bench.contenders import write_gateway_config
from bench.processes import CONTENDER_CPU, LOAD_CPU, Process, free_port
from bench.results import MEGABYTE
from bench.tools import Tools
from gateway.shapes import Shape
from gateway.translate.plan import can_translate

CLIENTS = 64
SETTLE_SECONDS = 15.0
SPARE_OBJECTS = 5_000
"""So many more objects are no leak: caches fill. 10,000 aborts that leak one each are beyond it."""

_PATIENCE = 20.0
_NUMBER = "NNNNNNNN"


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of gateway and source at a quiet moment."""

    tasks: int
    objects: dict[str, int]
    """How many that the collector knows, by the names of their types."""
    in_flight: int
    queued: int
    open_files: int
    memory_bytes: int
    under_way_at_source: int


@dataclass(slots=True)
class Report:
    """What was done and what stayed behind; `leaks` empty: nothing did."""

    moments: Counter[str]
    seconds: float
    before: Seen
    after: Seen
    cut_at_source: int
    leaks: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, object]:
        """The outcome, ready for JSON."""
        return {"aborts": sum(self.moments.values()), "leaks": self.leaks}

    def text(self) -> str:
        """Return the outcome as Markdown."""
        moments = ", ".join(f"{count:,} {moment}" for moment, count in sorted(self.moments.items()))
        rows = [
            (name, getattr(self.before, name), getattr(self.after, name))
            for name in ("tasks", "in_flight", "queued", "open_files", "under_way_at_source")
        ]
        objects = [sum(seen.objects.values()) for seen in (self.before, self.after)]
        rows.append(("objects", *objects))
        megabytes = (self.before.memory_bytes // MEGABYTE, self.after.memory_bytes // MEGABYTE)
        rows.append(("memory, MB", *megabytes))
        return "\n".join(
            [
                f"### {sum(self.moments.values()):,} aborted requests in {self.seconds:.0f} s",
                "",
                f"Left {moments}. The source saw {self.cut_at_source:,} of its replies cut off.",
                "",
                "| | before | after |",
                "|---|---|---|",
                *(f"| {name} | {before:,} | {after:,} |" for name, before, after in rows),
                "",
                f"Left behind: {'; '.join(self.leaks) or 'nothing'}.",
            ]
        )


def run(tools: Tools, folder: Path) -> Report:
    """Run the abort bench against a gateway of its own."""
    with ExitStack() as stack:
        source_port, port = free_port(), free_port()
        source = Process([str(tools.source), str(source_port)], LOAD_CPU, folder / "source.log")
        stack.callback(source.stop)
        source.wait_for_port(source_port, 10)
        told = folder / "observed.json"
        config = write_gateway_config(folder, source_port, narrow=True)
        command = [sys.executable, "-m", "bench.observed", str(config), str(port), str(told)]
        gateway = Process(command, CONTENDER_CPU, folder / "observed.log")
        stack.callback(gateway.stop)
        if not gateway.wait_for_port(port, 20):
            raise SystemExit(f"bench: the gateway does not start:\n{gateway.log.read_text()}")
        return _Bench(gateway, told, port, source_port).run()


class _Bench:
    def __init__(self, gateway: Process, told: Path, port: int, source_port: int) -> None:
        self._gateway = gateway
        self._told = told
        self._port = port
        self._source_port = source_port
        seed = int(os.environ.get("SEED") or time.time())
        print(f"abort bench: SEED={seed}", file=sys.stderr)
        self._random = random.Random(seed)
        self._moments: Counter[str] = Counter()
        self._left = int(os.environ.get("ABORT_COUNT") or 10_000)
        self._requests = self._build_requests()

    def run(self) -> Report:
        # Some first, uncounted: what is imported and cached on the way is no leak.
        count, self._left = self._left, 300
        asyncio.run(self._abort_all())
        self._moments.clear()
        self._left = count
        before = self._settle()
        cut_before = self._source_stats()["cut"]
        began = time.monotonic()
        asyncio.run(self._abort_all())
        seconds = time.monotonic() - began
        after = self._settle()
        cut = self._source_stats()["cut"] - cut_before
        report = Report(self._moments, seconds, before, after, cut)
        report.leaks = [*_leaks(before, after), *self._next_request()]
        return report

    def _build_requests(self) -> dict[str, list[bytes]]:
        """Return the requests by what the source does with them."""
        chat = Case("", "", 1)
        kinds = [chat]
        if can_translate(Shape.COMPLETIONS, Shape.CHAT):
            kinds.append(replace(chat, client=Shape.COMPLETIONS))
        found: dict[str, list[bytes]] = {"whole": [], "slow": [], "paced": [], "burst": []}
        found["queued"] = [replace(chat, model="narrow-slow-200").request(self._port, {})]
        # Nothing is known of the model, so it is asked for at completions first, and refused.
        retried = replace(chat, client=Shape.COMPLETIONS, model=f"retried-{_NUMBER}-slow-200")
        found["retried"] = [retried.request(self._port, {})]
        for kind in kinds:
            for name, model, streamed in (
                ("whole", "bench-chat", False),
                ("slow", "bench-slow-200", False),
                ("slow", "bench-slow-200", True),
                ("paced", "bench-paced-10", True),
                ("burst", "bench-chat", True),
            ):
                case = replace(kind, model=model, streamed=streamed)
                found[name].append(case.request(self._port, {}))
        if can_translate(Shape.CHAT, Shape.RESPONSES):
            for name, streamed in (("whole", False), ("burst", True)):
                case = replace(chat, model="bench-responses", streamed=streamed)
                found[name].append(case.request(self._port, {}))
        return found

    async def _abort_all(self) -> None:
        async with asyncio.timeout(600):
            await asyncio.gather(*(self._client() for _ in range(CLIENTS)))

    async def _client(self) -> None:
        moments: list[tuple[str, str, Callable[[_Wire, bytes], Awaitable[None]]]] = [
            ("before the body", "whole", self._before_the_body),
            ("within the body", "whole", self._within_the_body),
            ("before the first byte", "slow", self._before_the_first_byte),
            ("in the queue", "queued", self._before_the_first_byte),
            ("during a retry", "retried", self._before_the_first_byte),
            ("in mid-stream", "paced", self._in_mid_stream),
            ("in a burst", "burst", self._in_mid_stream),
            ("at the end", "burst", self._at_the_end),
            ("at the end", "whole", self._at_the_end),
        ]
        while self._left > 0:
            self._left -= 1
            moment, kind, leave = self._random.choice(moments)
            request = self._random.choice(self._requests[kind])
            # A model of its own each time: of a known one nothing would have to be tried again.
            request = request.replace(_NUMBER.encode(), b"%08d" % self._random.randrange(10**8))
            wire = await _Wire.open(self._port)
            # The gateway may answer and close first: it is the client's leaving that counts.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await leave(wire, request)
            wire.leave(reset=self._random.random() < 0.5)
            self._moments[moment] += 1

    async def _before_the_body(self, wire: "_Wire", request: bytes) -> None:
        await wire.write(request[: self._random.randint(0, request.index(b"\r\n\r\n") + 4)])
        await self._linger()

    async def _within_the_body(self, wire: "_Wire", request: bytes) -> None:
        start = request.index(b"\r\n\r\n") + 5
        await wire.write(request[: self._random.randint(start, len(request) - 1)])
        await self._linger()

    async def _before_the_first_byte(self, wire: "_Wire", request: bytes) -> None:
        await wire.write(request)
        await asyncio.sleep(self._random.random() * 0.15)

    async def _in_mid_stream(self, wire: "_Wire", request: bytes) -> None:
        await wire.write(request)
        await wire.read(self._random.randint(1, 8000))

    async def _at_the_end(self, wire: "_Wire", request: bytes) -> None:
        await wire.write(request)
        await wire.read_reply()

    async def _linger(self) -> None:
        if self._random.random() < 0.5:
            await asyncio.sleep(self._random.random() * 0.01)

    def _settle(self) -> Seen:
        """Wait until nothing is under way, then look; in the end look all the same."""
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            # Idle connections to the source are closed by then: they live for two seconds.
            time.sleep(3)
            seen = self._look()
            quiet = not (seen.in_flight or seen.queued or seen.under_way_at_source)
            if quiet or time.monotonic() > until:
                return seen

    def _look(self) -> Seen:
        self._told.unlink(missing_ok=True)
        os.kill(self._gateway.pid, signal.SIGUSR1)
        until = time.monotonic() + _PATIENCE
        while not self._told.exists():
            if time.monotonic() > until:
                raise SystemExit("bench: the gateway does not answer; its event loop is blocked")
            time.sleep(0.05)
        return Seen(
            **json.loads(self._told.read_text()),
            open_files=self._gateway.open_files(),
            memory_bytes=self._gateway.memory_bytes(),
            under_way_at_source=self._source_stats()["under_way"],
        )

    def _source_stats(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._source_port}/stats") as reply:
            stats: dict[str, int] = json.load(reply)
            return stats

    def _next_request(self) -> list[str]:
        """Return what is wrong with the requests that follow, one of each sort."""

        async def replies() -> list[bytes]:
            found = []
            for request in (*self._requests["whole"], *self._requests["burst"]):
                wire = await _Wire.open(self._port)
                await wire.write(request)
                found.append(await wire.read_reply())
                wire.leave(reset=False)
            return found

        async def in_time() -> list[bytes]:
            async with asyncio.timeout(_PATIENCE):
                return await replies()

        try:
            statuses = Counter(reply.split(b" ", 2)[1] for reply in asyncio.run(in_time()))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            return [f"the next request fails: {error!r}"]
        return [f"the next request gets {s.decode()}" for s in statuses if s != b"200"]


class _Wire:
    """One connection of a client, which can leave in order or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "_Wire":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def read(self, size: int) -> None:
        await self._reader.readexactly(size)

    async def read_reply(self) -> bytes:
        head = await self._reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            await self._reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            length = lower.partition(b"content-length:")[2].split(b"\r\n")[0]
            await self._reader.readexactly(int(length))
        return head

    def leave(self, *, reset: bool) -> None:
        if reset:
            connection: socket.socket = self._writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.close()


def _leaks(before: Seen, after: Seen) -> list[str]:
    leaks = [
        f"{getattr(after, name)} {name}"
        for name in ("in_flight", "queued", "under_way_at_source")
        if getattr(after, name)
    ]
    leaks += [
        f"{getattr(after, name) - getattr(before, name)} more {name}"
        for name in ("tasks", "open_files")
        if getattr(after, name) > getattr(before, name)
    ]
    more = Counter(after.objects)
    more.subtract(before.objects)
    if more.total() > SPARE_OBJECTS:
        most = ", ".join(f"{count:,} {name}" for name, count in more.most_common(8))
        leaks.append(f"{more.total():,} more objects: {most}")
    return leaks
