"""A whole exchange before a fake network: everything real but the sockets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.config.settings import (
    ClientSettings,
    ModelRule,
    PerformanceSettings,
    RetiredSettings,
    ServerSettings,
    Settings,
    UpstreamSettings,
)
from gateway.config.store_settings import MemorySettings
from gateway.config.translation_settings import TranslationSettings
from gateway.exchange.attempt import Attempts
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.params.known_fixes import KnownFixes
from gateway.exchange.repeats import Repeats
from gateway.exchange.retries import Memory
from gateway.exchange.stored.conversations import ResponseMemory
from gateway.exchange.stored.seals import Seals
from gateway.request import GenerationRequest
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.resolver import Resolver
from gateway.shapes import ClientHeaders, RawHeaders, Shape, UpstreamCall
from gateway.stores.memory import MemoryStore
from tests import kinds, loops
from tests.fakes import Answer, FakeClock, FakeUpstream, fingerprint

OPENAI = UpstreamSettings("openai", "https://api.openai.com/v1", kinds.OPENAI)
ALICE: RawHeaders = ((b"authorization", b"Bearer alice"),)
BOB: RawHeaders = ((b"authorization", b"Bearer bob"),)
TODAY = 1_795_000_000.0
"""2026-11-18: after the shutdown of OpenAI's last completions models."""


@dataclass
class Exchanged:
    """A reply, read to its end, and the decision behind it."""

    reply: ClientReply
    decision: Decision
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of the event stream, `[DONE]` as a string."""
        lines = [line for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [
            "[DONE]" if line == b"data: [DONE]" else msgspec.json.decode(line[6:]) for line in lines
        ]


class Scene:
    def __init__(
        self,
        answer: Callable[[UpstreamCall], Answer],
        *upstreams: UpstreamSettings,
        rules: tuple[ModelRule, ...] = (),
        translation: TranslationSettings | None = None,
        server: ServerSettings | None = None,
        stores: bool = False,
        redirect: tuple[tuple[str, str], ...] = (),
        secret: str = "s" * 32,
        performance: PerformanceSettings | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.network = FakeUpstream(answer)
        self.settings = Settings(
            upstreams or (OPENAI,),
            server or ServerSettings(),
            models=rules,
            translation=translation or TranslationSettings(),
            memory=MemorySettings(ttl=100, negative_ttl=10),
            retired=RetiredSettings(redirect),
            performance=performance or PerformanceSettings(),
        )
        learned = LearnedEndpoints(self.settings.memory, self.clock)
        lookup = Lookup(self.settings, self.network.send, fingerprint, self.clock)
        self.resolver = Resolver(self.settings, lookup, learned, Catalogue.load(), lambda: TODAY)
        self.seals = Seals(secret, keeps=stores)
        store = MemoryStore(100, 100_000, self.clock) if stores else None
        self.responses = ResponseMemory(store, self.seals)
        self.exchange = Exchange(
            self.settings,
            self.resolver,
            self.network.send,
            Attempts(self.settings, lambda: TODAY, seals=self.seals),
            Memory(learned, KnownFixes(self.settings.memory, self.clock)),
            self.responses,
        )
        enabled = self.settings.performance.fast_paths
        self.serve = Repeats(self.exchange).run if enabled else self.exchange.run
        self._heads: dict[RawHeaders, ClientHeaders] = {}
        """The heads that clients repeat."""

    async def call(
        self,
        shape: Shape,
        body: Any,
        headers: RawHeaders = ALICE,
        client: ClientSettings | None = None,
    ) -> Exchanged:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        decision = Decision()
        head = self._heads.setdefault((*headers, (b"", shape.encode())), ClientHeaders(headers))
        reply = await self.serve(GenerationRequest.at(shape, raw, head, client=client), decision)
        if isinstance(reply.body, bytes):
            return Exchanged(reply, decision, reply.body)
        try:
            received = b"".join([chunk async for chunk in reply.body])
        finally:
            await reply.body.aclose()
        return Exchanged(reply, decision, received)

    def generate(self, shape: Shape, body: Any, **more: Any) -> Exchanged:
        return loops.run(self.call(shape, body, **more))


def chat_completion(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        **more,
    }


def completion(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "served-model",
        "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        **more,
    }


def chat_chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "served-model",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }
