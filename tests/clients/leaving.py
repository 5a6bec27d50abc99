"""A gateway before an upstream, both in this loop, for clients that leave."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway import app
from gateway.app import Application
from gateway.config.operator_settings import AdminSettings
from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings
from gateway.server.serving import Listener, serve
from gateway.shapes import Shape
from tests import kinds
from tests.upstream.scripted import until

PLACES = 4
"""Requests that may be under way at the upstream; the others wait in the queue."""
FILES = "/v1/files"
EMBEDDINGS = "/v1/embeddings"
SILENT = "silent"
"""A model's name with this in it: the reply, or what follows the first event of it, never comes."""

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
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def reply(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def upload(name: bytes, text: bytes) -> bytes:
    """Return the upload of a file, its form in chunks."""
    head = b"POST /v1/files HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n"
    head += b"content-type: multipart/form-data; boundary=edge\r\n\r\n"
    part = b'--edge\r\ncontent-disposition: form-data; name="file"; filename="%b"\r\n\r\n' % name
    form = part + text + b"\r\n--edge--\r\n"
    pieces = [form[at : at + 50_000] for at in range(0, len(form), 50_000)]
    return head + b"".join(chunk(piece) for piece in [*pieces, b""])


async def read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"transfer-encoding: chunked" not in head:
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        return await reader.readexactly(length)
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection: chat, whole or streamed with a pause; completions are refused.

    With `SILENT` in it, a request gets no more than the first event of a stream.
    """
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await read_body(reader, head)
            if b" /v1/completions " in head:
                writer.write(reply(b"404 Not Found", REFUSAL))
                continue
            silent = SILENT.encode() in body[:2000]
            streamed = b'"stream":true' in body
            if silent:
                if streamed:
                    writer.write(STREAM_HEAD + chunk(EVENT % b"null"))
                await reader.read(1)
                break
            await asyncio.sleep(random.random() * 0.01)  # noqa: S311 - a model that thinks
            if not streamed:
                writer.write(reply(b"200 OK", WHOLE))
                continue
            writer.write(STREAM_HEAD)
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

    def request(self, path: str, model: str, *, streamed: bool, size: int = 0) -> bytes:
        """Return a request whose text has `size` bytes, or a few; at FILES it is an upload."""
        text = b"Hi " * (size // 3 + 1)
        if path == FILES:
            return upload(model.encode(), text)
        field = b'"prompt"' if path == Shape.COMPLETIONS.endpoint else b'"input"'
        said = field + b':"%b"' % text
        if path in (Shape.CHAT.endpoint, Shape.MESSAGES.endpoint):
            said = b'"messages":[{"role":"user","content":"%b"}]' % text
        if path == Shape.MESSAGES.endpoint:
            said += b',"max_tokens":9'
        body = b'{"model":"%b"%b,%b}' % (
            model.encode(),
            b',"stream":true' if streamed else b"",
            said,
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
    server = await asyncio.start_server(source.serve, "127.0.0.1", 0, limit=1 << 20)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    settings = Settings(
        (
            UpstreamSettings(
                "source",
                url,
                kinds.OTHER,
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
            grace_period=lambda: 1,
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
