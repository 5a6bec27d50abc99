"""A resolver before one scripted server, for tests of what it asks and what it makes of it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.config.secret import Secret
from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.resolve.evidence import Route
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.servers import Profile
from gateway.servers.profile import MetadataCall
from gateway.shapes import RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.fakes import Answer, FakeClock, FakeUpstream, error_reply, fingerprint, json_reply

ALICE: RawHeaders = ((b"authorization", b"Bearer alice"),)

Script = Mapping[str, object]
"""`METHOD path`, with `/…` before a path below the server's root → payload, or an answer."""


def key_of(call: UpstreamCall | MetadataCall) -> str:
    """Return a call as scripts write it."""
    return f"{call.method} {'/…' if call.root else ''}{call.path}"


class ScriptedServer:
    """A resolver, and the answers of the one server that it asks; all else is not there."""

    def __init__(
        self, script: Script, kind: Profile = kinds.AUTO, headers: RawHeaders = ()
    ) -> None:
        self.script = dict(script)
        self.clock = FakeClock()
        self.network = FakeUpstream(self.answer)
        own = tuple((name.decode(), Secret(value.decode())) for name, value in headers)
        self.upstream = UpstreamSettings("up", "http://127.0.0.1:1/v1", kind, headers=own)
        settings = Settings((self.upstream,), memory=MemorySettings(ttl=100, negative_ttl=10))
        self.lookup = Lookup(settings, self.network.send, fingerprint, self.clock)
        learned = LearnedEndpoints(settings.memory, self.clock)
        self.resolver = Resolver(settings, self.lookup, learned, Catalogue.load())

    def answer(self, call: UpstreamCall) -> Answer:
        payload = self.script.get(key_of(call))
        if isinstance(payload, Answer):
            return payload
        return error_reply(404, "not here") if payload is None else json_reply(payload)

    async def ask(self, model: str, shape: Shape, headers: RawHeaders = ALICE) -> Route:
        return await self.resolver.resolve(ModelQuery(model, shape, headers=headers))

    def route(self, model: str, shape: Shape) -> Route:
        return asyncio.run(self.ask(model, shape))

    @property
    def asked(self) -> list[str]:
        return [key_of(call) for call in self.network.calls]


def listed(*names: str, **more: Any) -> dict[str, Any]:
    """Return a model list with these names, whose entries have `more`, too."""
    return {"object": "list", "data": [{"id": name, "object": "model", **more} for name in names]}
