"""Clients that leave at random moments, over sockets, and nothing stays behind."""

import asyncio
import contextlib
import math
import random
import socket
import struct
from collections import Counter

import pytest

from gateway.shapes import Shape
from tests.clients.leaving import EMBEDDINGS, FILES, PLACES, SILENT, Stage, running

ABORTS = 1000
CLIENTS = 32
LARGE_ABORTS = 300
LARGE_CLIENTS = 12
LARGEST = 5_000_000
NOTICED_WITHIN = 25.0
"""Seconds; it takes a fraction of one, but the machine may be busy."""
PATIENCE = 120.0
"""Seconds until something that should have ended is given up: a limit, not an expectation."""

GENERATION = [shape.endpoint for shape in Shape]


async def abort(stage: Stage, choose: random.Random) -> str:
    """Send a request and leave at a random moment; return how far it had come."""
    path = choose.choice([Shape.CHAT.endpoint, Shape.COMPLETIONS.endpoint])
    # Of a model without a rule nothing is known, so completions are refused and tried at chat.
    model = f"{choose.choice(['chat', 'new'])}-{choose.randrange(10**9)}"
    request = stage.request(path, model, streamed=choose.random() < 0.7)
    reader, writer = await stage.connect()
    cut = choose.randrange(1, len(request)) if choose.random() < 0.2 else len(request)
    writer.write(request[:cut])
    received = b""
    how_far = choose.choice(["at once", "after a while", "in mid-stream", "at the end"])
    if cut < len(request):
        how_far = "within the request"
    elif how_far == "after a while":
        for _ in range(choose.randrange(60)):
            await asyncio.sleep(0)
    elif how_far == "in mid-stream":
        received = await reader.read(choose.randrange(1, 900))
    elif how_far == "at the end":
        received = await reader.readuntil(b"\r\n\r\n")
    if choose.random() < 0.5:
        reset(writer)
    writer.close()
    return f"{how_far}{'' if received or how_far != 'in mid-stream' else ' (nothing came)'}"


def reset(writer: asyncio.StreamWriter) -> None:
    """Let the connection end with a reset, now."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, how: str) -> None:
    """End a connection; a half-closed one is closed by the gateway, which is waited for."""
    with contextlib.suppress(ConnectionError):
        if how == "half-close":
            writer.write_eof()
            while await reader.read(65536):
                continue
        elif how == "RST":
            reset(writer)
        writer.close()
        await writer.wait_closed()


async def abort_large(stage: Stage, choose: random.Random) -> tuple[str, str, str]:
    """Send a request of 1 KB to 5 MB that gets no reply, and leave; return where, when and how."""
    path = choose.choice([*(shape.endpoint for shape in Shape), EMBEDDINGS, FILES])
    model = f"{choose.choice(['chat', 'new'])}-{SILENT}-{choose.randrange(10**9)}"
    streamed = path in GENERATION and choose.random() < 0.5
    size = round(math.exp(choose.uniform(math.log(1_000), math.log(LARGEST))))
    request = stage.request(path, model, streamed=streamed, size=size)
    body = request.index(b"\r\n\r\n") + 4
    when = choose.choice(["before the body", "within the body", "at its end", "after a while"])
    if streamed and choose.random() < 0.5:
        when = "in mid-stream"
    cut = {"before the body": body, "within the body": choose.randrange(body, len(request))}
    reader, writer = await stage.connect()
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        writer.write(request[: cut.get(when, len(request))])
        await writer.drain()
        if when == "in mid-stream":
            await reader.readuntil(b"\n\n")
        elif when == "after a while":
            for _ in range(choose.randrange(200)):
                await asyncio.sleep(0)
    how = choose.choice(["FIN", "RST", "half-close"])
    await leave(reader, writer, how)
    return path, when, how


@pytest.mark.slow
def test_a_thousand_clients_that_leave_leave_nothing_behind() -> None:
    choose = random.Random(5)  # noqa: S311 - the same moments in every run

    async def scenario() -> None:
        async with running() as stage:
            before = await stage.settle()
            moments: Counter[str] = Counter()
            queued = 0

            async def client() -> None:
                nonlocal queued
                for _ in range(ABORTS // CLIENTS + 1):
                    moments[await abort(stage, choose)] += 1
                    queued = max(queued, stage.application.upstreams.stats()["source"].queued)

            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(client() for _ in range(CLIENTS)))
            assert sum(moments.values()) >= ABORTS
            assert len(moments) >= 5
            assert queued > PLACES

            assert await stage.settle() == before
            reader, writer = await stage.connect()
            writer.write(stage.request(Shape.COMPLETIONS.endpoint, "new-model", streamed=True))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert b"x-gateway-attempts: 2\r\n" in head
            assert (await reader.readuntil(b"0\r\n\r\n")).count(b'"text":"x"') == 5
            writer.close()
            await writer.wait_closed()

    asyncio.run(scenario())


@pytest.mark.slow
def test_clients_with_bodies_of_up_to_five_megabytes_are_missed_at_once_when_they_leave() -> None:
    """The upstream never answers: only the gateway's noticing ends a request."""
    choose = random.Random(7)  # noqa: S311 - the same moments in every run

    async def scenario() -> None:
        async with running() as stage:
            seen: Counter[str] = Counter()
            left = LARGE_ABORTS

            async def client() -> None:
                nonlocal left
                while left > 0:
                    left -= 1
                    seen.update(await abort_large(stage, choose))

            await abort_large(stage, choose)
            before = await stage.settle()
            async with asyncio.timeout(2 * PATIENCE):
                await asyncio.gather(*(client() for _ in range(LARGE_CLIENTS)))
            # Well below every timeout of the gateway's: none of them ends what is left.
            async with asyncio.timeout(NOTICED_WITHIN):
                assert await stage.settle() == before
            assert min(seen.values()) >= LARGE_ABORTS // 20
            assert len(seen) == 6 + 5 + 3

            reader, writer = await stage.connect()
            writer.write(stage.request(Shape.CHAT.endpoint, "chat", streamed=False, size=LARGEST))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.close()
            await writer.wait_closed()

    asyncio.run(scenario())
