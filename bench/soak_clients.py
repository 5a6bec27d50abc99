"""The clients of the soak, and the ten things that they do."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from random import Random

from bench.soak_ledger import PATIENCE, Expected, Ledger, Wrong
from bench.soak_requests import MIDDLE, SMALL, Asked, Requests
from bench.wire import Leaving, Reply, Wire

CLIENTS = 48

_KEEPS = 0.8
_IDLE_SECONDS = 6.0
_SLOW_PAUSE = 0.04
_SLOW_WORDS = 120_000
"""720 KB of text: more than the sockets hold, so that the reply waits for its reader."""


class Client:
    """One of them, with the connection that it keeps, if it keeps one."""

    def __init__(self, port: int, random: Random, ledger: Ledger, requests: Requests) -> None:
        self._port = port
        self._random = random
        self._ledger = ledger
        self._requests = requests
        self._kept: Wire | None = None

    async def act(self) -> None:
        """Do one of the things, by their shares; it is counted in the ledger."""
        acts: dict[Callable[[], Awaitable[None]], int] = {
            self._good: 57,
            self._fault: 20,
            self._abort: 10,
            self._new_model: 4,
            self._refused: 3,
            self._pipelined: 2,
            self._slow_reader: 1,
            self._idle: 2,
            self._silent_connection: 1,
        }
        await self._random.choices(list(acts), list(acts.values()))[0]()

    async def rest(self) -> None:
        """Close the connection that was kept."""
        if self._kept is not None:
            wire, self._kept = self._kept, None
            await wire.leave()

    async def _good(self) -> None:
        await self._must_succeed("good", [self._requests.good()])

    async def _new_model(self) -> None:
        await self._must_succeed("new model", [self._requests.new_model()])

    async def _pipelined(self) -> None:
        count = self._random.randint(2, 5)
        await self._must_succeed(
            "pipelined", [self._requests.good(size=SMALL) for _ in range(count)]
        )

    async def _slow_reader(self) -> None:
        asked = self._requests.good(size=SMALL, words=_SLOW_WORDS)
        await self._must_succeed("slow reader", [asked], slowly=True)

    async def _idle(self) -> None:
        """Leave a connection idle, then use it again."""
        await self._must_succeed("good", [self._requests.good(size=SMALL)])
        await asyncio.sleep(self._random.random() * _IDLE_SECONDS)
        await self._must_succeed("after idling", [self._requests.good(size=MIDDLE)])

    async def _must_succeed(self, kind: str, asked: list[Asked], *, slowly: bool = False) -> None:
        """Send requests, all at once, and expect their replies one after the other."""
        wire: Wire | None = None
        waiting = [each.expected for each in asked]
        try:
            async with asyncio.timeout(PATIENCE):
                wire = await (Wire.open(self._port, small=True) if slowly else self._wire())
                await wire.write(b"".join(each.data for each in asked))
                while waiting:
                    reply = await wire.reply(_SLOW_PAUSE if slowly else 0.0)
                    self._take(kind, waiting, wire, reply)
        except (OSError, Wrong, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            for each in waiting:
                self._ledger.fail(kind, each.what, error, wire)
            if wire is not None:
                await wire.leave()
            return
        await self._done_with(wire, reply)

    def _take(self, kind: str, waiting: list[Expected], wire: Wire, reply: Reply) -> None:
        waiting[0].check(reply)
        waiting.pop(0)
        self._ledger.succeed(kind, wire.progress)
        if reply.closes and waiting:
            raise Wrong("the connection ends before the next reply")

    async def _fault(self) -> None:
        """Ask for what the upstream does wrong: there must be a status, and an end."""
        script, asked = self._requests.fault()
        wire: Wire | None = None
        outcome = "no status"
        try:
            async with asyncio.timeout(PATIENCE):
                wire = await self._wire()
                await wire.write(asked.data)
                reply = await wire.reply()
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            begun = wire is not None and wire.progress.first_byte is not None
            if isinstance(error, TimeoutError) or not begun:
                what = f"{script}, {asked.expected.what}"
                self._ledger.fail("fault", what, error, wire)
            elif wire is not None:
                outcome = "200, cut off"
                self._ledger.succeed("fault", wire.progress)
            if wire is not None:
                await wire.leave()
        else:
            outcome = str(reply.status)
            self._ledger.succeed("fault", wire.progress)
            await self._done_with(wire, reply)
        self._ledger.faults[outcome] += 1

    async def _refused(self) -> None:
        status, request = self._requests.refused()
        wire: Wire | None = None
        what = request.partition(b"\r\n")[0].decode("latin-1")
        try:
            async with asyncio.timeout(PATIENCE):
                wire = await self._wire()
                await wire.write(request)
                reply = await wire.reply()
            _check_status(reply, status)
        except (OSError, Wrong, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            self._ledger.fail("refused", what, error, wire)
            if wire is not None:
                await wire.leave()
            return
        self._ledger.succeed("refused", wire.progress)
        await self._done_with(wire, reply)

    async def _abort(self) -> None:
        """Leave at some moment, in some manner."""
        random = self._random
        moment = random.choice(["within", "at once", "silent", "mid-reply", "unread", "upload"])
        if moment == "upload":
            asked = self._requests.left_upload()
        else:
            asked = self._requests.slow(silent=moment == "silent")
        data = asked.data
        if moment in ("within", "upload"):
            data = data[: random.randrange(1, len(data))]
        wire: Wire | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                wire = await Wire.open(self._port, small=moment == "unread")
                # The gateway may answer and close first.
                with contextlib.suppress(ConnectionError, EOFError):
                    await wire.write(data)
                    if moment == "mid-reply":
                        await wire.read(random.randrange(1, 2_000))
                    elif moment != "at once":
                        await asyncio.sleep(random.random() * 0.3)
            self._ledger.succeed("abort", wire.progress)
        except OSError as error:
            self._ledger.fail("abort", f"{moment}, {asked.expected.what}", error, wire)
        if wire is not None:
            await wire.leave(random.choice(list(Leaving)))

    async def _silent_connection(self) -> None:
        """Connect, say nothing or half a head, and close."""
        began = time.monotonic()
        said = self._random.choice([b"", b"\r\n", b"POST /v1/chat/comp"])
        try:
            wire = await Wire.open(self._port)
            await wire.write(said)
        except OSError as error:
            self._ledger.fail("silent connection", repr(said), error, None)
            return
        await asyncio.sleep(self._random.random() * _IDLE_SECONDS)
        await wire.leave(self._random.choice(list(Leaving)))
        wire.progress.began = began
        self._ledger.succeed("silent connection", wire.progress)

    async def _wire(self) -> Wire:
        """Return the connection that was kept, or another."""
        wire, self._kept = self._kept, None
        return wire if wire is not None else await Wire.open(self._port)

    async def _done_with(self, wire: Wire, reply: Reply) -> None:
        """Keep the connection if the reply leaves it open, mostly."""
        if reply.closes or self._kept is not None or self._random.random() > _KEEPS:
            await wire.leave()
        else:
            self._kept = wire


def _check_status(reply: Reply, status: int) -> None:
    if reply.status != status:
        raise Wrong(f"status {reply.status} instead of {status}: {reply.body[:300]!r}")
