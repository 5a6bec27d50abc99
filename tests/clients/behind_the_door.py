"""The exchange and the network behind it, without the door: what a request does beyond it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from gateway.config.settings import (
    CredentialPolicy,
    ModelRule,
    ServerSettings,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from gateway.config.translation_settings import TranslationSettings
from gateway.exchange.attempt import Attempts
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.params.known_fixes import KnownFixes
from gateway.exchange.reply.body import ReplyBody
from gateway.exchange.retries import Memory
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.seals import Seals
from gateway.request import GenerationRequest
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.resolver import Resolver
from gateway.shapes import Json, Shape
from gateway.upstream.sender import Upstreams
from tests import kinds
from tests.bodies import read_out

COMPLETIONS, CHAT, RESPONSES, MESSAGES = Shape


@dataclass(frozen=True)
class Flow:
    """A client's shape, where its model lives, and by what name or in how many calls."""

    client: Shape
    home: Shape
    several: bool = False
    """Two calls: of two prompts, or of two choices."""
    alias: bool = False

    def __str__(self) -> str:
        marks = f"{'*' if self.several else ''}{'=' if self.alias else ''}"
        return f"{self.client}>{self.home}{marks}"

    def body(self, size: int = 2, *, streamed: bool = False) -> bytes:
        """Return a request of about `size` bytes, a new object each time."""
        text = "x" * size
        said: Json = {"input": text}
        if self.client is COMPLETIONS:
            said = {"prompt": [text[: size // 2]] * 2 if self.several else text}
        elif self.client is CHAT:
            said = {"messages": [{"role": "user", "content": text}]}
            said |= {"n": 2} if self.several else {}
        elif self.client is MESSAGES:
            said = {"messages": [{"role": "user", "content": text}], "max_tokens": 16}
        model = f"{'alias' if self.alias else 'at'}-{self.home}"
        return msgspec.json.encode(
            {"model": model, **said, **({"stream": True} if streamed else {})}
        )


UNTOUCHED = tuple(Flow(shape, shape) for shape in Shape)
RENAMED = tuple(Flow(shape, shape, alias=True) for shape in Shape)
TRANSLATED = tuple(Flow(a, b) for a in Shape for b in Shape if a is not b)
FANNED_OUT = (
    Flow(COMPLETIONS, CHAT, several=True),
    Flow(COMPLETIONS, RESPONSES, several=True),
    Flow(COMPLETIONS, MESSAGES, several=True),
    Flow(CHAT, RESPONSES, several=True),
    Flow(CHAT, MESSAGES, several=True),
)


class Behind:
    """An exchange before one upstream at which each model lives where its name says."""

    def __init__(
        self,
        base_url: str,
        timeouts: TimeoutSettings | None = None,
        grace: float = 60.0,
        concurrency: int = 8,
    ) -> None:
        settings = Settings(
            (
                UpstreamSettings(
                    "up",
                    base_url,
                    kinds.OTHER,
                    CredentialPolicy.NONE,
                    timeouts=timeouts or TimeoutSettings(first_byte=30.0, stream_idle=30.0),
                ),
            ),
            ServerSettings(first_byte_grace=grace),
            translation=TranslationSettings(fanout_concurrency=concurrency),
            models=(
                *(ModelRule(f"at-{shape}", endpoints=(shape,)) for shape in Shape),
                *(ModelRule(f"alias-{shape}", model="m", endpoints=(shape,)) for shape in Shape),
            ),
        )
        self.upstreams = Upstreams(settings)
        lookup = Lookup(settings, self.upstreams.ask, self.upstreams.fingerprint, time.monotonic)
        learned = LearnedEndpoints(settings.memory, time.monotonic)
        self.exchange = Exchange(
            settings,
            Resolver(settings, lookup, learned, Catalogue.load()),
            self.upstreams.send,
            Attempts(settings, time.time),
            Memory(learned, KnownFixes(settings.memory, time.monotonic)),
            ResponseMemory(None, Seals("s" * 32)),
        )

    async def begin(self, flow: Flow, body: bytes) -> ClientReply:
        """Send a request; raises what the client is told as an HTTP error."""
        return await self.exchange.run(GenerationRequest.at(flow.client, body), Decision())

    async def read(self, flow: Flow, body: bytes) -> tuple[bytes, ReplyBody | None]:
        """Send a request and read the reply, as the door would."""
        reply = await self.begin(flow, body)
        if isinstance(reply.body, bytes):
            return reply.body, None
        return await read_out(reply.body), reply.body


@asynccontextmanager
async def behind(
    base_url: str,
    timeouts: TimeoutSettings | None = None,
    grace: float = 60.0,
    concurrency: int = 8,
) -> AsyncIterator[Behind]:
    """Build it, and close it in the end: then no call is under way."""
    built = Behind(base_url, timeouts, grace, concurrency)
    try:
        yield built
        await asyncio.sleep(0)
        assert built.upstreams.stats()["up"].in_flight == 0
    finally:
        await built.upstreams.aclose()
