"""What has been looked up outlives the settings of those who looked."""

import asyncio
from dataclasses import replace

from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.resolve.metadata.lookup_caches import LookupCaches
from gateway.shapes import UpstreamCall
from tests.fakes import FakeReply, json_reply

UPSTREAM = UpstreamSettings("up", "http://up/v1")


def test_another_lookup_goes_on_with_it_and_waits_for_what_is_in_progress() -> None:
    go = asyncio.Event()
    calls: list[UpstreamCall] = []

    async def send(call: UpstreamCall) -> FakeReply:
        calls.append(call)
        await go.wait()
        answer = json_reply({"object": "list", "data": [{"id": "m", "object": "model"}]})
        assert isinstance(answer, FakeReply)
        return answer

    async def scenario() -> None:
        def clock() -> float:
            return 0.0

        known = LookupCaches(MemorySettings(), clock)
        await known.settled()

        def lookup(upstream: UpstreamSettings) -> Lookup:
            settings = Settings((upstream,))
            return Lookup(settings, send, lambda *_: "same", clock, lookup_caches=known)

        before, after = lookup(UPSTREAM), lookup(replace(UPSTREAM, max_connections=1))
        asked = asyncio.create_task(before.models(UPSTREAM, ()))
        await asyncio.sleep(0)
        settled = asyncio.create_task(known.settled())
        await asyncio.sleep(0)
        assert not settled.done()
        go.set()
        await settled
        assert isinstance((await asked).value, ModelList)
        found = await after.models(UPSTREAM, ())
        assert found.value is (await asked).value
        assert len(calls) == 1
        assert known.version == 1
        assert after.kind(UPSTREAM) is before.kind(UPSTREAM)

    asyncio.run(scenario())
