"""One HTTP request at the emulator, as its endpoints see it: reading, replying, disconnects."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.types import Receive, Scope, Send

from gateway.demo.accounts import Account
from gateway.demo.form import Form, FormReader
from gateway.demo.generation.answer import Json, encoded
from gateway.demo.journal import recorded
from gateway.demo.refusals.service import not_json, too_large

VERSION = "anthropic-version"
"""The header that every request for Anthropic's API has."""
LARGEST_JSON = 64 * 1024 * 1024
"""The limit of a JSON body, in bytes."""


class ClientLeft(Exception):
    """The client disconnected before it had sent, or received, everything."""


class Call:
    """A request to read and to answer, once."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self._receive = receive
        self._send = send
        self._body_read = False
        self.record = recorded(scope)

    @property
    def is_anthropics(self) -> bool:
        """Whether it is one for Anthropic's API, which shares the address with OpenAI's here."""
        path = self.record.path
        shared = path == "/v1/models" or path.startswith("/v1/models/")
        return path.startswith("/v1/messages") or (shared and VERSION in self.record.headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the request body as it arrives; raises `ClientLeft`."""
        while not self._body_read:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            self._body_read = not message.get("more_body", False)
            chunk = message.get("body", b"")
            self.record.body_size += len(chunk)
            if chunk:
                yield chunk

    async def json(self) -> Json:
        """Return the body, a JSON object; raises `Refused` for anything else."""
        parts: list[bytes] = []
        async for chunk in self.chunks():
            if self.record.body_size > LARGEST_JSON:
                raise too_large(LARGEST_JSON)
            parts.append(chunk)
        self.record.body = b"".join(parts)
        return parsed(self.record.body)

    async def form(self, *always_files: str) -> Form:
        """Return the body, a multipart/form-data form; raises `Refused` for anything else.

        The parts named `always_files` are files even if they have no file name.
        """
        reader = FormReader(self.record.headers.get("content-type", ""), frozenset(always_files))
        async for chunk in self.chunks():
            reader.feed(chunk)
        self.record.form = reader.finish()
        return self.record.form

    async def reply_json(
        self, value: object, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Send a whole JSON reply."""
        await self.reply(encoded(value), "application/json", status, headers)

    async def reply(
        self,
        body: bytes,
        content_type: str,
        status: int = 200,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Send a whole reply."""
        length = ("content-length", str(len(body)))
        await self.start(content_type, status, (*headers, length))
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def start(
        self,
        content_type: str,
        status: int = 200,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Send the head of a reply."""
        fields = (("content-type", content_type), *self._marks(), *headers)
        self.record.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in fields],
            }
        )

    def _marks(self) -> tuple[tuple[str, str], ...]:
        if self.is_anthropics:
            return (("request-id", self.request_id),)
        return (
            ("x-request-id", self.request_id),
            ("openai-version", "2020-10-01"),
            ("openai-processing-ms", "1"),
        )

    async def write(self, chunk: bytes) -> None:
        """Send a piece of the body."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """Send the end of the body. Without it the server breaks the connection."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def while_connected(self, work: Awaitable[None]) -> None:
        """Await `work`, or cancel it and raise `ClientLeft` when the client disconnects.

        The request body must have been read.
        """
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self._until_client_leaves())
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientLeft
            await working
        finally:
            for task in (working, watching):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            await asyncio.wait({working})

    async def _until_client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            continue


def parsed(body: str | bytes) -> Json:
    """Return a JSON object; raises `Refused` for anything else."""
    try:
        value: Any = json.loads(body, parse_constant=_no_constant)
        # A lone surrogate is legal in JSON and cannot be sent back as UTF-8.
        encoded(value)
    except (ValueError, RecursionError):
        raise not_json() from None
    if not isinstance(value, dict):
        raise not_json()
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A routed and authenticated request; `path` has the named parts of the route's pattern."""

    call: Call
    account: Account
    path: Mapping[str, str]


Handler = Callable[[RequestContext], Awaitable[None]]
"""Answers a request, or raises `Refused` before it sends the head of a reply."""
