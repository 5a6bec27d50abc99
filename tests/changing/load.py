"""Clients that send one request after the other, and note every one that was not served."""

import asyncio
import json
import threading
from types import TracebackType
from typing import Self

from tests.changing.upstream import FIRST, LAST, PATIENCE
from tests.waiting import wait_until

PAUSE = 0.02
_BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def request(port: int, *, stream: bool = False, close: bool = False) -> bytes:
    """Return a request for a chat completion."""
    body = json.dumps({**_BODY, "stream": stream}).encode()
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        f"host: 127.0.0.1:{port}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(["connection: close"] * close),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def reply(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Return a reply's status and body, and whether the connection goes on."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length:")[2].split("\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length), "connection: close" not in head


class Load:
    """Clients of a port, in a thread: some keep their connections, some make one for each request.

    They make no pauses as long as a test waits for a number of requests, and otherwise 50 requests
    per second each. `served` counts the replies with 200 by the key that the upstream saw;
    `failures` is all else.
    """

    def __init__(self, port: int, *, keeping: int = 6, renewing: int = 3) -> None:
        self._port = port
        self._clients = [True] * keeping + [False] * renewing
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._hurrying_until = 0
        self.served: dict[str, int] = {}
        self.failures: list[str] = []

    @property
    def requests(self) -> int:
        return sum(self.served.values())

    def wait_for(self, count: int, key: str | None = None) -> None:
        """Wait until so many more requests have been served, with a key if one is named."""

        def served() -> int:
            return self.requests if key is None else self.served.get(key, 0)

        before = served()
        if key is None:
            self._hurrying_until = before + count
        wait_until(lambda: served() >= before + count)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(keeps=keeps) for keeps in self._clients))

    async def _client(self, *, keeps: bool) -> None:
        while not self._stop.is_set():
            try:
                await self._connection(keeps=keeps)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))

    async def _connection(self, *, keeps: bool) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            goes_on = True
            while goes_on and not self._stop.is_set():
                writer.write(request(self._port, close=not keeps))
                status, body, goes_on = await reply(reader)
                if status == 200:
                    key = json.loads(body)["id"]
                    self.served[key] = self.served.get(key, 0) + 1
                else:
                    self.failures.append(f"{status} {body!r}")
                if self.requests >= self._hurrying_until:
                    await asyncio.sleep(PAUSE)
        finally:
            writer.close()


class Stream:
    """A client in the middle of a stream, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._begun = threading.Event()
        self._received = b""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._begun.wait(PATIENCE)

    async def _run(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(request(self._port, stream=True, close=True))
        while data := await reader.read(65536):
            self._received += data
            if b"first" in self._received:
                self._begun.set()
        writer.close()

    def is_whole(self) -> bool:
        """Wait for the end; return whether nothing is missing, the framing's end included."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return FIRST in self._received and self._received.endswith(LAST + b"\r\n0\r\n\r\n")
