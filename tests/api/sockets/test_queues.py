"""Creates that wait: in order within a queue, queues beside one another, within bounds."""

import asyncio

import msgspec

from gateway.api.sockets.client_events import Create, read_event
from gateway.api.sockets.queues import Bounds, Queues
from gateway.errors import GatewayError


class Served:
    """Serves creates one step at a time; `events` is what has happened."""

    def __init__(self, bounds: Bounds) -> None:
        self.events: list[str] = []
        self.going_on: dict[str, asyncio.Event] = {}
        self.idle = 0
        self.queues = Queues(bounds, self._serve, self._note_idle)

    def put(self, name: str, stream_id: str | None = None, size: int = 0) -> GatewayError | None:
        return self.queues.put(create(name, stream_id, size))

    async def go_on(self, name: str) -> None:
        self.going_on[name].set()
        await settled()

    def _note_idle(self) -> None:
        self.idle += 1

    async def _serve(self, create: Create) -> None:
        name = msgspec.json.decode(create.fields["name"])
        self.events.append(f"+{name}")
        self.going_on[name] = asyncio.Event()
        try:
            await self.going_on[name].wait()
        finally:
            self.events.append(f"-{name}")


def create(name: str, stream_id: str | None, size: int = 0) -> Create:
    event = {"type": "response.create", "name": name, "stream_id": stream_id, "x": "x" * size}
    found = read_event(msgspec.json.encode(event))
    assert found is not None
    return found


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_creates_of_a_queue_are_served_one_after_the_other() -> None:
    async def run() -> None:
        served = Served(Bounds())
        for name in ("a", "b", "c"):
            assert served.put(name) is None
        await settled()
        assert served.events == ["+a"]
        await served.go_on("a")
        await served.go_on("b")
        assert (served.idle, served.queues.are_idle) == (0, False)
        await served.go_on("c")
        assert served.events == ["+a", "-a", "+b", "-b", "+c", "-c"]
        assert (served.idle, served.queues.are_idle) == (1, True)
        await served.queues.ended()

    asyncio.run(run())


def test_queues_run_beside_one_another() -> None:
    async def run() -> None:
        served = Served(Bounds())
        for name, stream_id in (("a", "1"), ("b", "2"), ("c", None), ("d", "1")):
            served.put(name, stream_id)
        await settled()
        assert served.events == ["+a", "+b", "+c"]
        await served.go_on("b")
        await served.go_on("c")
        await served.go_on("a")
        assert served.events[3:] == ["-b", "-c", "-a", "+d"]
        assert served.idle == 0
        served.queues.cancel()
        await served.queues.ended()
        assert served.idle == 1

    asyncio.run(run())


def test_a_queue_has_a_bound() -> None:
    async def run() -> None:
        served = Served(Bounds(waiting=2))
        assert [served.put(name) is None for name in "abcd"] == [True, True, True, False]
        error = served.put("e")
        assert error is not None
        assert (error.status, error.code) == (429, "rate_limit_exceeded")
        assert "2 requests wait" in error.message
        assert dict(error.headers) == {"retry-after": "1"}
        await settled()
        await served.go_on("a")
        assert served.put("f") is None
        served.queues.cancel()
        await served.queues.ended()

    asyncio.run(run())


def test_so_has_the_number_of_queues() -> None:
    async def run() -> None:
        served = Served(Bounds(queues=2))
        assert served.put("a", "1") is None
        assert served.put("b", None) is None
        error = served.put("c", "3")
        assert error is not None
        assert "2 queues" in error.message
        assert served.put("d", "1") is None
        await settled()
        await served.go_on("b")
        assert served.put("c", "3") is None
        served.queues.cancel()
        await served.queues.ended()

    asyncio.run(run())


def test_and_what_waits_in_all_of_them() -> None:
    async def run() -> None:
        served = Served(Bounds(waiting_bytes=1000))
        assert served.put("a", "1", 2000) is None  # it does not wait
        assert served.put("b", "1", 700) is None
        assert served.put("c", "2") is None
        error = served.put("d", "2", 700)
        assert error is not None
        assert "bytes" in error.message
        await settled()
        await served.go_on("a")
        assert served.put("d", "2", 700) is None
        assert [c.stream_id for c in served.queues.take_waiting()] == ["2"]
        assert served.put("e", "2", 900) is None
        served.queues.cancel()
        await served.queues.ended()

    asyncio.run(run())


def test_what_is_cancelled_ends_and_what_waits_never_begins() -> None:
    async def run() -> None:
        served = Served(Bounds())
        for name, stream_id in (("a", "1"), ("b", "1"), ("c", "2")):
            served.put(name, stream_id)
        await settled()
        served.put("d", "3")  # its task has not begun
        served.queues.cancel()
        await served.queues.ended()
        assert served.events[:2] == ["+a", "+c"]
        assert sorted(served.events[2:]) == ["-a", "-c"]

    asyncio.run(run())
