"""A whole gateway in this process, before a scripted upstream, and raw connections to it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import msgspec

from gateway.app import Application, build
from gateway.config.settings import (
    ModelRule,
    PerformanceSettings,
    Settings,
)
from gateway.exchange.decision import Decision
from gateway.observe.observer import RequestObserver
from gateway.observe.outcomes import Ending
from gateway.server import door
from gateway.server.connection.service import Service
from gateway.shapes import Json, Shape
from tests.faults import payloads
from tests.server.test_serving import Running
from tests.upstream.conftest import settings_for
from tests.upstream.scripted import Script, ScriptedUpstream, scripted, with_length

CHAT: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
PROMPT: Json = {"model": "m", "prompt": "Hi"}
ASKED = {Shape.CHAT: CHAT, Shape.COMPLETIONS: PROMPT}
ANSWER = with_length(
    msgspec.json.encode(payloads.whole(Shape.CHAT)), "200 OK", "Content-Type: application/json"
)
"""The reply of the upstream, whose models live at chat."""
_IDS = re.compile(rb"(?<=x-request-id: )[0-9a-f-]+|(?<=date: )[^\r]+|(?<=cmpl-)\w+")


def post(shape: Shape = Shape.CHAT, *fields: str, **more: Any) -> bytes:
    body = msgspec.json.encode({**ASKED[shape], **more})
    head = [f"POST {shape.endpoint} HTTP/1.1", "host: gateway.test", *fields]
    head.append(f"content-length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@dataclass
class Caller:
    """One client connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self) -> bytes:
        """Return the next reply, with a length or without, as far as it comes."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            return error.partial
        if b" 204 " in head:
            return head
        length = re.search(rb"content-length: (\d+)", head)
        try:
            if length is not None:
                return head + await self.reader.readexactly(int(length[1]))
            return head + await self.reader.readuntil(b"\r\n0\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            return head + error.partial

    async def ask(self, request: bytes) -> bytes:
        self.writer.write(request)
        return await self.reply()


@dataclass
class Stage:
    """The gateway, its upstream, and what was served by tasks."""

    application: Application
    running: Running
    upstream: ScriptedUpstream
    in_tasks: int = 0
    """How many requests began without a task and went on in one."""
    callers: list[Caller] = field(default_factory=list)
    seen: list[tuple[int, str, int]] = field(default_factory=list)
    """Status, outcome and attempts of each request that has ended, the last one first."""

    async def caller(self) -> Caller:
        caller = Caller(*await self.running.connect())
        self.callers.append(caller)
        return caller

    @property
    def in_flight(self) -> tuple[int, int]:
        """How many requests count as in flight, and how many slots are taken."""
        stats = self.application.upstreams.stats()["local"]
        return sum(self.application.gateway._observer.in_flight.values()), stats.in_flight


@asynccontextmanager
async def stage(
    *scripts: Script, fast_paths: bool = True, grace: float = 5.0, **changes: Any
) -> AsyncIterator[Stage]:
    """Serve until the block ends."""
    async with scripted(*scripts) as upstream:
        settings = Settings(
            (settings_for(upstream.base_url, **changes),),
            models=(ModelRule("m", upstream="local", endpoints=(Shape.CHAT,)),),
            performance=PerformanceSettings(fast_paths=fast_paths),
        )
        application = build(settings)
        running = Running(application.gateway, grace=grace)
        one = Stage(application, running, upstream)
        serve_in_task, finished = Service.serve_in_task, RequestObserver.finished

        def counted(self: Service) -> None:
            one.in_tasks += 1
            serve_in_task(self)

        def noted(
            self: RequestObserver, decision: Decision, shape: str, ending: Ending, *more: Any
        ) -> None:
            one.seen.insert(0, (more[0], ending.outcome, decision.attempts))
            finished(self, decision, shape, ending, *more)

        with (
            patch.object(Service, "serve_in_task", counted),
            patch.object(RequestObserver, "finished", noted),
            patch.object(door, "DRAIN_SECONDS", 0),
        ):
            try:
                yield one
            finally:
                for caller in one.callers:
                    caller.writer.close()
                await running.end()
                await application.upstreams.aclose()


def without_ids(reply: bytes) -> bytes:
    """Return a reply without what differs each time."""
    return _IDS.sub(b"*", reply)
