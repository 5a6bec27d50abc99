"""What a failed request leaves in memory, whatever the garbage collector does: nothing.

Over real sockets, with the collector switched off. What only it would free is counted.
"""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from gateway.config.settings import TimeoutSettings
from gateway.errors import GatewayError
from gateway.exchange.reply import reading
from tests.clients.behind_the_door import (
    FANNED_OUT,
    RENAMED,
    TRANSLATED,
    UNTOUCHED,
    Behind,
    Flow,
    behind,
)
from tests.clients.faulty_upstream import (
    ANSWERS,
    JSON,
    KEEP,
    Fault,
    Visit,
    chunk,
    end_of_stream,
    event,
    faulty_upstream,
    head,
    whole,
)
from tests.upstream.scripted import until

REQUESTS = 30
BODY = 512 * 1024
KEPT = 64 * 1024
"""Bytes that all the requests of a kind may leave together."""

TIMEOUTS = TimeoutSettings(first_byte=0.05, stream_idle=0.05)
TIMED_OUT = ("silent", "a stream that stalls")
LARGE = ("refused at length", "a reply too large", "a stream with an oversized event")
COLLECTOR_THRESHOLDS = (5_000, 200, 100)
"""Those of a gateway that serves (`gateway.lifecycle.running`)."""

FLOWS = (*UNTOUCHED, *RENAMED, *TRANSLATED, *FANNED_OUT)
ERROR = b'{"error":{"message":"no","type":"server_error","param":"prompt","code":"c"}}'
PADDING = b" " * (2 * 1024 * 1024)


def in_mid_stream(*more: bytes, reset: bool = False) -> Fault:
    """A stream that begins well, goes on with `more`, and breaks off."""

    def fault(visit: Visit) -> None:
        visit.stream(event(visit.path), event(visit.path), *more)
        if reset:
            visit.reset()

    return fault


def sends(reply: bytes) -> Fault:
    return lambda visit: visit.send(reply)


def resets(visit: Visit) -> None:
    visit.reset()


def stalls(visit: Visit) -> None:
    visit.stream(event(visit.path))
    visit.wait()


def oversized(visit: Visit) -> None:
    visit.send(head(b"text/event-stream") + chunk(event(visit.path)))
    for piece in (b"data: ", *[PADDING] * 17):
        visit.send(chunk(piece))


def one_of_two(visit: Visit) -> None:
    """Answer every other request, and refuse the ones between."""
    if visit.number % 2:
        visit.send(whole(ERROR, b"429 Too Many Requests"))
    else:
        visit.stream(event(visit.path), end_of_stream(visit.path), b"")


FAULTS: dict[str, Fault] = {
    "closed unanswered": lambda _: None,
    "reset unanswered": resets,
    "closed within the head": sends(b"HTTP/1.1 200 OK\r\ncontent-"),
    "not HTTP": sends(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "silent": Visit.wait,
    "refused": sends(whole(ERROR, b"400 Bad Request")),
    "refused in HTML": sends(whole(b"<h1>Bad Gateway</h1>", b"502 Bad Gateway", b"text/html")),
    "refused, cut off": sends(head(JSON, 500, b"429 Too Many Requests") + b'{"err'),
    "refused at length": sends(whole(ERROR + PADDING, b"500 Internal Server Error")),
    "an error in a success": sends(whole(ERROR)),
    "a long error in a success": sends(whole(ERROR[:-1] + b" " * 9000 + b"}")),
    "a reply cut off": sends(head(JSON, 500) + b'{"id":"x","choices":[{'),
    "a reply that is not JSON": sends(whole(b'{"choices":[')),
    "a reply that is none": sends(whole(b'{"detail":"Not Found"}')),
    "a reply too large": sends(whole(b'{"choices":[],"output":[]}' + PADDING * 2)),
    "a stream cut off": in_mid_stream(),
    "a stream reset": in_mid_stream(reset=True),
    "a stream that stalls": stalls,
    "a stream with an error": in_mid_stream(b"data: " + ERROR + b"\n\n"),
    "a stream that is not JSON": in_mid_stream(b"data: {oops\n\n"),
    "a stream that is cut within an event": in_mid_stream(b'data: {"id":'),
    "a stream with an oversized event": oversized,
    "one call of several refused": one_of_two,
}


def bytes_in(garbage: list[object]) -> int:
    """Return the size of the texts and bytes that garbage holds, each counted once."""
    ours = {id(each) for each in garbage}
    seen: set[int] = set()
    size = 0
    waiting = list(garbage)
    while waiting:
        held = waiting.pop()
        if id(held) in seen:
            continue
        seen.add(id(held))
        if isinstance(held, bytes | bytearray | str):
            size += sys.getsizeof(held)
        elif isinstance(held, msgspec.Struct):
            waiting += [getattr(held, name) for name in held.__struct_fields__]
        elif id(held) in ours or not gc.is_tracked(held):
            waiting += gc.get_referents(held)
    return size


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def left_behind() -> int:
    """Return how many bytes only the garbage collector can free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return bytes_in(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


async def failed(behind_the_door: Behind, flow: Flow, *, streamed: bool, size: int = BODY) -> bool:
    """Send a request; return whether the client got an error, in whatever form."""
    try:
        _, body = await behind_the_door.read(flow, flow.body(size, streamed=streamed))
    except GatewayError:
        return True
    return body is not None and body.failure is not None


def rounds() -> Iterator[tuple[Flow, bool]]:
    """Yield every flow, whole and streamed."""
    yield from ((FLOWS[n % len(FLOWS)], n < len(FLOWS)) for n in range(REQUESTS))


def test_the_count_finds_what_a_cycle_holds() -> None:
    with without_collector():
        # A constant of the code would be held by more than the cycle.
        cycle: list[object] = [{"of": (bytes(BODY), "y" * BODY)}]
        cycle.append(cycle)
        del cycle
        assert 2 * BODY < left_behind() < 2 * BODY + 1000


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_failed_request_leaves_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_WHOLE_BYTES", len(PADDING))
    timeouts = TIMEOUTS if name in TIMED_OUT else None

    async def scenario() -> None:
        async with behind(upstream.base_url, timeouts) as behind_the_door:
            failures = [
                await failed(behind_the_door, flow, streamed=streamed)
                for flow, streamed in rounds()
            ]
            assert left_behind() < KEPT
            assert sum(failures) >= REQUESTS * 0.3

    with faulty_upstream(FAULTS[name]) as upstream, without_collector():
        asyncio.run(scenario())


@pytest.mark.slow
def test_an_upstream_that_is_not_there_leaves_nothing() -> None:
    with faulty_upstream(lambda _: None) as upstream:
        url = upstream.base_url

    async def scenario() -> None:
        async with behind(url) as behind_the_door:
            for flow, streamed in rounds():
                assert await failed(behind_the_door, flow, streamed=streamed)
            assert left_behind() < KEPT

    with without_collector():
        asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True])
def test_a_client_that_leaves_leaves_nothing(*, begun: bool) -> None:
    def slow(visit: Visit) -> None:
        if begun:
            visit.stream(event(visit.path))
        visit.wait()

    async def scenario() -> None:
        async with behind(upstream.base_url) as behind_the_door:
            for flow, streamed in rounds():
                await leave(behind_the_door, flow, streamed=streamed)
            assert left_behind() < KEPT

    async def leave(behind_the_door: Behind, flow: Flow, *, streamed: bool) -> None:
        visits = upstream.visits
        body = flow.body(BODY, streamed=streamed)
        reading = asyncio.create_task(behind_the_door.read(flow, body))
        await until(lambda: upstream.visits > visits)
        reading.cancel()
        await asyncio.wait({reading})
        assert reading.cancelled()

    with faulty_upstream(slow) as upstream, without_collector():
        asyncio.run(scenario())


@pytest.mark.slow
def test_a_request_that_succeeds_leaves_nothing() -> None:
    async def scenario() -> None:
        async with behind(upstream.base_url) as behind_the_door:
            for flow, streamed in rounds():
                assert not await failed(behind_the_door, flow, streamed=streamed)
            assert left_behind() < KEPT

    def well(visit: Visit) -> object:
        if visit.streamed:
            visit.stream(event(visit.path), end_of_stream(visit.path), b"")
        else:
            visit.send(whole(msgspec.json.encode(ANSWERS[visit.path])))
        return KEEP

    with faulty_upstream(well) as upstream, without_collector():
        asyncio.run(scenario())


def growth() -> int:
    """Return by how many bytes 1,000 failures make a process that serves larger."""
    faults = [fault for name, fault in FAULTS.items() if name not in (*TIMED_OUT, *LARGE)]

    def each_in_turn(visit: Visit) -> object:
        return faults[visit.number % len(faults)](visit)

    async def scenario() -> int:
        async with behind(upstream.base_url) as behind_the_door:

            async def some(count: int) -> None:
                for number in range(count):
                    flow = FLOWS[number % len(FLOWS)]
                    await failed(behind_the_door, flow, streamed=number % 2 == 0, size=BODY)

            await some(100)
            before = resident()
            await some(1000)
            return resident() - before

    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    with faulty_upstream(each_in_turn) as upstream:
        return asyncio.run(scenario())


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_a_thousand_failures_do_not_make_the_process_larger() -> None:
    script = "from tests.clients.test_memory_after_failures import growth; print(growth())"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)
    assert int(done.stdout) < 20 * 1024 * 1024
