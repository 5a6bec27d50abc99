"""Speaks ASGI to the emulator without a socket, so that a test sees every single write."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope

KEY = "sk-test"


@dataclass
class Reply:
    """What came back: `complete` is false if the application left the body unfinished."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    complete: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def json(self) -> Any:
        return json.loads(self.body)

    def error(self) -> tuple[int, str, str | None, str | None]:
        error = self.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return self.status, error["message"], error["param"], error["code"]

    def events(self) -> list[Any]:
        """The data of all events; `[DONE]` stays a string."""
        data = [
            line.removeprefix(b"data: ")
            for line in self.body.split(b"\n")
            if line.startswith(b"data: ")
        ]
        return [json.loads(item) if item != b"[DONE]" else "[DONE]" for item in data]


class Connection:
    """One request on its way: `leave()` plays the client that closes the connection."""

    def __init__(self, chunks: list[bytes], leave_after: int | None = None) -> None:
        self.reply = Reply()
        self.wrote = asyncio.Event()
        self._chunks = list(chunks) or [b""]
        self._left = asyncio.Event()
        self._leave_after = leave_after

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> Message:
        if self._chunks and not self._left.is_set():
            chunk = self._chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(self._chunks)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.reply.status = message["status"]
            self.reply.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            if message["body"]:
                self.reply.chunks.append(message["body"])
            self.reply.complete = not message["more_body"]
            self.wrote.set()
            if self._leave_after is not None and len(self.reply.chunks) >= self._leave_after:
                self.leave()


def scope_of(method: str, target: str, headers: dict[str, str]) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def run(
    app: ASGIApp,
    method: str,
    target: str,
    body: Any = None,
    *,
    key: str | None = KEY,
    chunks: list[bytes] | None = None,
    headers: dict[str, str] | None = None,
    leave_after: int | None = None,
) -> Reply:
    """Send one request and collect its reply; a body that is not bytes is sent as JSON."""
    if chunks is None:
        encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
        chunks = [] if body is None else [encoded]
    sent = {"authorization": f"Bearer {key}"} if key else {}
    connection = Connection(chunks, leave_after)
    await app(scope_of(method, target, sent | (headers or {})), connection.receive, connection.send)
    return connection.reply


def ask(app: ASGIApp, method: str, target: str, body: Any = None, **options: Any) -> Reply:
    """Do the same from a test that is not a coroutine."""
    return asyncio.run(run(app, method, target, body, **options))


def post(app: ASGIApp, path: str, **body: Any) -> Reply:
    return ask(app, "POST", path, body)
