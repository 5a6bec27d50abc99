"""Whatever comes on a socket, in whatever order: each create gets one last event, in its order."""

import asyncio
from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.shapes import Shape
from gateway.sockets import Leaving
from tests.api.sockets.fake_socket import TERMINAL, FakeSocket
from tests.api.sockets.stage import MODEL, Stage, at
from tests.conftest import EXAMPLES
from tests.translate.demo_upstream import DemoUpstream

STREAMS = st.sampled_from([None, "a", "b"])
WORDS = st.sampled_from(["Hello", "!500", "!429", "!truncate", "!fail-midstream", "!count 30"])
CREATE = st.fixed_dictionaries(
    {"stream_id": STREAMS, "input": WORDS},
    optional={
        "generate": st.just(False),
        "background": st.just(True),
        "previous_response_id": st.sampled_from(["resp_x", "last", 5]),
        "store": st.booleans(),
    },
)
STEP = st.one_of(CREATE, st.sampled_from(["slow", "read", "pass", "nonsense"]))


class Client:
    """Takes steps, and counts the creates of each stream that have had no last event yet."""

    def __init__(self, socket: FakeSocket) -> None:
        self.socket = socket
        self.sent: defaultdict[str | None, int] = defaultdict(int)
        self.others = 0

    async def take(self, step: Any) -> None:
        if step == "slow":
            self.socket.is_slow = True
        elif step == "read":
            self.socket.read_again()
        elif step == "pass":
            for _ in range(20):
                await asyncio.sleep(0)
        elif step == "nonsense":
            self.socket.say({"type": "response.dance"})
            self.others += 1
        else:
            self._create(step)

    def _create(self, step: dict[str, Any]) -> None:
        if step.get("previous_response_id") == "last":
            made = [f["response"]["id"] for f in self.socket.frames if "response" in f]
            step = {**step, "previous_response_id": made[-1] if made else None}
        self.sent[step["stream_id"]] += 1
        self.socket.say({"type": "response.create", "model": MODEL, **step})

    def ended(self) -> dict[str | None, int]:
        counts: defaultdict[str | None, int] = defaultdict(int)
        for frame in self.socket.frames:
            if frame["type"] in TERMINAL:
                counts[frame.get("stream_id")] += 1
        counts[None] -= self.others
        return counts

    def has_all(self) -> bool:
        ended = self.ended()
        return all(ended.get(stream, 0) >= count for stream, count in self.sent.items())


@settings(max_examples=EXAMPLES)
@given(st.lists(STEP, max_size=14), st.sampled_from([Shape.CHAT, Shape.RESPONSES]))
def test_each_create_has_one_last_event(steps: list[Any], home: Shape) -> None:
    async def run() -> None:
        upstream = DemoUpstream()
        stage = Stage(upstream.answer, rules=at(home))
        async with stage.socket() as socket:
            client = Client(socket)
            for step in steps:
                await client.take(step)
            socket.read_again()
            await socket.until(client.has_all)
            assert {k: v for k, v in client.ended().items() if v} == dict(client.sent)
            _check_order(socket.frames)
        assert len(stage.outcomes) <= sum(client.sent.values())

    asyncio.run(run())


@settings(max_examples=EXAMPLES)
@given(st.lists(STEP, max_size=10), st.lists(STEP, max_size=3))
def test_a_drained_socket_ends_whatever_is_on_it(steps: list[Any], late: list[Any]) -> None:
    async def run() -> None:
        stage = Stage(DemoUpstream().answer)
        session = await stage.session()
        socket = FakeSocket()
        running = asyncio.create_task(session.run(socket))
        await socket.until(lambda: socket.user is not None)
        client = Client(socket)
        for step in steps:
            await client.take(step)
        session.drain(Leaving.RELOADED)
        for step in late:
            if not socket.code:
                await client.take(step)
        if not socket.code:
            socket.read_again()
        await running
        await session.aclose()
        assert socket.code == 1012
        assert client.has_all()

    asyncio.run(run())


def _check_order(frames: list[Any]) -> None:
    """Check that turns of a stream do not overlap: between two last events is one response."""
    current: dict[str | None, str] = {}
    for frame in frames:
        stream = frame.get("stream_id")
        if "response" in frame:
            made = frame["response"]["id"]
            assert current.setdefault(stream, made) == made
        if frame["type"] in TERMINAL and frame["type"] != "error":
            del current[stream]
        elif frame["type"] == "error" and frame["status"] >= 500:
            current.pop(stream, None)
