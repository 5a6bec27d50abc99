"""The end of a stream waits until its response is stored."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.errors import GatewayError, ShuttingDown
from gateway.exchange.stored.kept_body import KeptBody
from gateway.exchange.stored.recording import RecordingTranslation
from gateway.exchange.usage import Tokens
from gateway.shapes import Shape, Sink
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from tests.bodies import BodyOf
from tests.waiting import PATIENCE


class Finishing(BodyOf):
    """A body whose response is finished with the piece `b"last"`."""

    def __init__(self, recording: RecordingTranslation, *pieces: bytes) -> None:
        super().__init__(pieces)
        self._recording = recording
        self.counted: Tokens | None = None
        self.over = False

    @property
    def is_complete(self) -> bool:
        return self.over

    @property
    def tokens(self) -> Tokens | None:
        return self.counted

    async def pipe(self, sink: Sink) -> None:
        def watch(piece: bytes) -> bool:
            if piece == b"last":
                self._recording.response = {"id": "resp_1"}
            return sink(piece)

        await super().pipe(watch)


class Stage:
    """A stream whose response is stored once `go` is set."""

    def __init__(self, *pieces: bytes, full: bytes = b"") -> None:
        body = {"model": "m", "input": "Hi", "stream": True}
        translation = plan(Shape.RESPONSES, Shape.CHAT, body, Context("m", "m"))
        recording = RecordingTranslation(translation, None, (), kept=True)
        self.go = asyncio.Event()
        self.keeping = asyncio.Event()
        self.source = Finishing(recording, *pieces)
        self.body = KeptBody(self.source, recording, self._keep)
        self.received: list[bytes] = []
        self._full = full

    def sink(self, piece: bytes) -> bool:
        self.received.append(piece)
        return piece != self._full

    async def _keep(self) -> None:
        self.keeping.set()
        await self.go.wait()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def in_a_task() -> None:
        async with asyncio.timeout(PATIENCE):
            await scenario()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(in_a_task())


def test_the_last_event_waits_and_the_rest_follows() -> None:
    async def scenario() -> None:
        stage = Stage(b"first", b"last", b"done")
        piping = asyncio.create_task(stage.body.pipe(stage.sink))
        await stage.keeping.wait()
        stage.source.over = True
        assert (stage.received, stage.body.is_complete) == ([b"first"], False)
        stage.go.set()
        await piping
        assert stage.received == [b"first", b"last", b"done"]
        assert stage.body.is_complete
        assert stage.body.failure is None
        stage.source.counted = (2, 3)
        assert stage.body.tokens == (2, 3)
        await stage.body.aclose()
        assert stage.source.released == 1

    run(scenario)


def test_a_slow_client_is_waited_for_after_the_last_event() -> None:
    async def scenario() -> None:
        stage = Stage(b"last", b"done", full=b"last")
        piping = asyncio.create_task(stage.body.pipe(stage.sink))
        stage.go.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert (stage.received, piping.done()) == ([b"last"], False)
        stage.body.resume()
        await piping
        assert stage.received == [b"last", b"done"]
        await stage.body.aclose()

    run(scenario)


def test_a_client_that_leaves_meanwhile_ends_the_keeping() -> None:
    async def scenario() -> None:
        stage = Stage(b"last")
        piping = asyncio.create_task(stage.body.pipe(stage.sink))
        await stage.keeping.wait()
        piping.cancel()
        await asyncio.wait([piping])
        await stage.body.aclose()
        assert stage.received == []

    run(scenario)


def test_a_stream_can_be_cut_off_with_an_error_except_while_it_is_stored() -> None:
    class Ending(Finishing):
        def cut_off(self, error: GatewayError) -> bytes:
            return error.message.encode()

    async def scenario() -> None:
        stage = Stage(b"last", b"done")
        stage.source.__class__ = Ending
        stopping = ShuttingDown("stopping")
        assert stage.body.cut_off(stopping) == b"stopping"
        piping = asyncio.create_task(stage.body.pipe(stage.sink))
        await stage.keeping.wait()
        assert stage.body.cut_off(stopping) is None
        stage.go.set()
        await piping
        assert stage.body.cut_off(stopping) == b"stopping"
        await stage.body.aclose()

    run(scenario)
