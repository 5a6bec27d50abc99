"""A thousand clients that leave at random moments, over sockets, and nothing stays behind."""

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway import app
from gateway.app import Application
from gateway.config.settings import (
    AdminSettings,
    CredentialPolicy,
    Kind,
    ModelRule,
    Settings,
    UpstreamSettings,
)
from gateway.server.serving import Listener, serve
from gateway.shapes import Shape
from tests.upstream.scripted import until

ABORTS = 1000
CLIENTS = 32
PLACES = 4
"""Requests that may be under way at the upstream; the others wait in the queue."""
PATIENCE = 30.0
"""Seconds until something that should have ended is given up: a limit, not an expectation."""

REFUSAL = (
    b'{"error":{"message":"This is a chat model and not supported in the v1/completions endpoint.",'
    b'"type":"invalid_request_error","param":"model","code":null}}'
)
EVENT = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{"content":"x"},"finish_reason":%b}]}\n\n'
)
WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}'
)


def reply(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection: chat, whole or streamed with a pause; completions are refused."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            body = await reader.readexactly(length)
            if b" /v1/chat/completions " not in head:
                writer.write(reply(b"404 Not Found", REFUSAL))
                continue
            await asyncio.sleep(random.random() * 0.01)  # noqa: S311 - a model that thinks
            if b'"stream":true' not in body:
                writer.write(reply(b"200 OK", WHOLE))
                continue
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            writer.write(head + b"transfer-encoding: chunked\r\n\r\n")
            for position in range(5):
                writer.write(chunk(EVENT % (b'"stop"' if position == 4 else b"null")))
                await writer.drain()
                await asyncio.sleep(0)
            writer.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    writer.close()


class Source:
    """The upstream, and how many connections it serves: one that thinks notices late."""

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await upstream(reader, writer)
        finally:
            self.connections -= 1


class Stage:
    """A gateway before the upstream, all in this loop."""

    def __init__(self, application: Application, port: int, source: Source) -> None:
        self.application = application
        self.port = port
        self.source = source

    def request(self, path: str, model: str, *, streamed: bool) -> bytes:
        said = b'"messages":[{"role":"user","content":"Hi"}]'
        if path == Shape.COMPLETIONS.endpoint:
            said = b'"prompt":"Hi"'
        body = b'{"model":"%b",%b%b}' % (
            model.encode(),
            said,
            b',"stream":true' if streamed else b"",
        )
        head = f"POST {path} HTTP/1.1\r\nhost: g\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    @property
    def quiet(self) -> bool:
        stats = self.application.upstreams.stats()["source"]
        return not (stats.in_flight or stats.queued or stats.idle or self.source.connections)

    async def settle(self) -> tuple[int, int]:
        """Wait until nothing is under way and no connection is left; return tasks and files."""
        await until(lambda: self.quiet)
        # Closed sockets and ended tasks leave the loop over its next rounds.
        counts = [(-1, -1)]

        def steady() -> bool:
            counts.append((len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))))
            return len(set(counts[-10:])) == 1

        await until(steady)
        return counts[-1]


@asynccontextmanager
async def running() -> AsyncIterator[Stage]:
    source = Source()
    server = await asyncio.start_server(source.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    settings = Settings(
        (
            UpstreamSettings(
                "source",
                url,
                Kind.OTHER,
                CredentialPolicy.NONE,
                max_connections=PLACES,
                keepalive_expiry=0.1,
            ),
        ),
        models=(ModelRule("chat-*", endpoints=(Shape.CHAT,)),),
        admin=AdminSettings(enabled=False),
    )
    application = app.build(settings)
    ports: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(
            [Listener(application.gateway, "127.0.0.1", 0)],
            grace_period=1,
            on_drain=application.gateway.drain,
            on_started=ports.set_result,
            stop=stop,
        )
    )
    try:
        yield Stage(application, (await ports)[0], source)
    finally:
        stop.set()
        await serving
        await application.aclose()
        server.close()
        await server.wait_closed()


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
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    return f"{how_far}{'' if received or how_far != 'in mid-stream' else ' (nothing came)'}"


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
