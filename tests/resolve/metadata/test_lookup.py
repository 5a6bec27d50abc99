"""What is fetched again, when, and what is known of it meanwhile."""

import asyncio
from typing import Any

import pytest

from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.resolve.metadata.cache import IN_PROGRESS, NO_WAIT, Found, LookupFailed
from gateway.resolve.metadata.lineage import Lineage
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.servers import Profile
from gateway.shapes import RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.fakes import Answer, FakeClock, FakeUpstream, error_reply, fingerprint, json_reply
from tests.resolve.payloads import sample
from tests.resolve.scripted_server import ScriptedServer, listed
from tests.upstream.scripted import until

ALICE: RawHeaders = ((b"authorization", b"Bearer alice"),)
VLLM = {"id": "m", "object": "model", "owned_by": "vllm"}
OPENAI = {"id": "m", "object": "model", "created": 1, "owned_by": "acme", "shutdown_date": None}
UNMARKED = {"id": "m", "object": "model"}


class Scene:
    """A look-up before a server whose answers can be changed."""

    def __init__(self, kind: Profile = kinds.AUTO, **answers: Any) -> None:
        self.answers = answers
        self.clock = FakeClock()
        self.network = FakeUpstream(self.answer)
        self.upstream = UpstreamSettings("up", "http://127.0.0.1:1/v1", kind)
        settings = Settings((self.upstream,), memory=MemorySettings(ttl=100, negative_ttl=10))
        self.lookup = Lookup(settings, self.network.send, fingerprint, self.clock)

    def answer(self, call: UpstreamCall) -> Answer:
        payload = self.answers.get(call.path.rpartition("/")[2])
        return error_reply(429, "not now") if payload is None else json_reply({"data": payload})

    async def models(self, wanted: str | None = None, **more: Any) -> Found[ModelList]:
        return await self.lookup.models(self.upstream, ALICE, wanted=wanted, **more)

    async def listed(self, wanted: str | None = None) -> ModelList:
        found = await self.models(wanted)
        assert isinstance(found.value, ModelList)
        return found.value

    async def checkpoint(self, name: str, **more: Any) -> str | LookupFailed | None:
        jobs = Lineage({}, {"job-1": "davinci-002"})
        found = await self.lookup.checkpoints(self.upstream, ALICE, jobs, wanted=name, **more)
        return found.value.bases.get(name) if isinstance(found.value, Lineage) else found.value

    async def landed(self) -> None:
        await until(lambda: not any(cache._flights for cache in self.lookup.caches._caches))

    def count(self, path: str) -> int:
        return self.network.paths.count(f"GET {path}")


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        ([OPENAI], kinds.OPENAI),
        ([], kinds.VLLM),
        ([UNMARKED], kinds.VLLM),
        (None, kinds.VLLM),
        ([VLLM], kinds.VLLM),
    ],
)
def test_another_software_behind_the_address_is_recognised_by_its_list(
    second: object, kind: Profile
) -> None:
    async def scenario() -> None:
        scene = Scene(models=[VLLM])
        assert (await scene.listed()).kind is kinds.VLLM
        scene.answers["models"] = second
        scene.clock.advance(100)
        await scene.models()
        await scene.landed()
        assert (await scene.listed()).kind is kind
        assert scene.lookup.kind(scene.upstream) is kind

    asyncio.run(scenario())


CLAUDES = [
    {"type": "model", "id": f"claude-{name}", "display_name": name, "created_at": "2026-01-01"}
    for name in "ab"
]


def page_of_claudes(call: UpstreamCall, more: object = True) -> Answer:
    """Answer as Anthropic's relays: with the first model only, unless the limit is high."""
    if call.query:
        return json_reply({"data": CLAUDES, "has_more": False, "last_id": "claude-b"})
    return json_reply({"data": CLAUDES[:1], "has_more": more, "last_id": "claude-a"})


def test_a_list_that_is_a_page_is_asked_for_as_a_whole() -> None:
    scene = Scene()
    scene.network.answer = page_of_claudes
    listed = asyncio.run(scene.listed())
    assert (list(listed.cards), listed.kind) == (["claude-a", "claude-b"], kinds.ANTHROPIC)
    assert [call.query for call in scene.network.calls] == [b"", b"limit=1000"]


def test_a_page_counts_where_the_whole_list_cannot_be_had() -> None:
    scene = Scene()
    scene.network.answer = lambda call: (
        error_reply(400, "limit") if call.query else page_of_claudes(call)
    )
    listed = asyncio.run(scene.listed())
    assert (list(listed.cards), listed.kind) == (["claude-a"], kinds.ANTHROPIC)


@pytest.mark.parametrize("more", [False, None, "true", 1])
def test_a_list_that_ends_is_asked_for_once(more: object) -> None:
    scene = Scene()
    scene.network.answer = lambda call: page_of_claudes(call, more)
    asyncio.run(scene.listed())
    assert len(scene.network.calls) == 1


def test_anthropics_own_list_is_asked_for_once_however_long_it_is() -> None:
    scene = Scene(kinds.ANTHROPIC)
    endless = {"data": CLAUDES, "has_more": True, "last_id": "claude-b"}
    scene.network.answer = lambda _: json_reply(endless)
    asyncio.run(scene.listed())
    assert [call.query for call in scene.network.calls] == [b"limit=1000"]


def test_a_server_without_marks_is_some_other_until_a_list_has_them() -> None:
    async def scenario() -> None:
        scene = Scene(models=[])
        assert (await scene.listed()).kind is kinds.OTHER
        scene.answers["models"] = [VLLM]
        scene.clock.advance(10)
        assert (await scene.listed("m")).kind is kinds.VLLM

    asyncio.run(scenario())


def test_a_configured_kind_stays_whatever_the_list_says() -> None:
    async def scenario() -> None:
        scene = Scene(kinds.OTHER, models=[VLLM])
        assert (await scene.listed()).kind is kinds.OTHER
        assert scene.lookup.kind(scene.upstream) is kinds.OTHER

    asyncio.run(scenario())


def test_further_lists_of_another_kind_of_server_do_not_count() -> None:
    async def scenario() -> None:
        scene = Scene()
        listed = ModelList({}, kinds.SGLANG)
        scene.answers["model_info"] = []
        await scene.lookup.card(scene.upstream, ALICE, listed, "m")
        scene.answers["models"] = [{"key": "m", "type": "llm", "loaded_instances": []}]
        lmstudio = ModelList({}, kinds.LMSTUDIO)
        card = await scene.lookup.card(scene.upstream, ALICE, lmstudio, "m")
        assert card is not None
        assert card.shapes

    asyncio.run(scenario())


def test_a_renewed_list_is_served_while_it_is_fetched_and_so_are_the_jobs() -> None:
    async def scenario() -> None:
        job = {"id": "job-1", "model": "davinci-002", "fine_tuned_model": "m"}
        scene = Scene(models=[UNMARKED], jobs=[job])
        scope = scene.lookup.scope("up", ALICE)
        scene.lookup.renew(scope)

        async def ask() -> tuple[bool, bool]:
            jobs = await scene.lookup.lineage(scene.upstream, ALICE, wanted="m")
            assert isinstance(jobs.value, Lineage)
            return "m" in (await scene.listed("m")).cards, "m" in jobs.value.bases

        assert await ask() == (True, True)
        scene.answers = {"models": [], "jobs": []}
        assert await ask() == (True, True)
        scene.lookup.renew(scope)
        assert await ask() == (True, True)
        await scene.landed()
        assert await ask() == (False, False)
        assert (scene.count("/models"), scene.count("/fine_tuning/jobs")) == (2, 2)

    asyncio.run(scenario())


def test_further_lists_are_renewed_with_the_list() -> None:
    async def scenario() -> None:
        entry = {"key": "m", "type": "llm", "loaded_instances": []}
        scene = Scene(kinds.LMSTUDIO, models=[entry])
        listed = ModelList({}, kinds.LMSTUDIO)

        async def is_there() -> bool:
            return await scene.lookup.card(scene.upstream, ALICE, listed, "m") is not None

        assert await is_there()
        scene.answers["models"] = [{**entry, "key": "other"}]
        scene.lookup.renew(scene.lookup.scope("up", ALICE))
        assert await is_there()
        await scene.landed()
        assert not await is_there()

    asyncio.run(scenario())


def test_checkpoints_that_could_not_be_read_are_read_soon() -> None:
    async def scenario() -> None:
        scene = Scene()
        assert isinstance(await scene.checkpoint("ck-1"), LookupFailed)
        scene.answers["checkpoints"] = [{"fine_tuned_model_checkpoint": "ck-1"}]
        assert isinstance(await scene.checkpoint("ck-1"), LookupFailed)
        scene.clock.advance(10)
        assert await scene.checkpoint("ck-1") == "davinci-002"

    asyncio.run(scenario())


def test_a_new_checkpoint_is_found_as_a_new_model_is() -> None:
    async def scenario() -> None:
        scene = Scene(checkpoints=[{"fine_tuned_model_checkpoint": "ck-1"}])
        assert await scene.checkpoint("ck-1") == "davinci-002"
        scene.answers["checkpoints"].append({"fine_tuned_model_checkpoint": "ck-2"})
        scene.clock.advance(9)
        assert await scene.checkpoint("ck-2") is None
        scene.clock.advance(1)
        assert await scene.checkpoint("ck-2") == "davinci-002"
        assert len(scene.network.calls) == 2

    asyncio.run(scenario())


def test_who_does_not_wait_has_everything_looked_up_behind() -> None:
    async def scenario() -> None:
        scene = Scene(
            kinds.OLLAMA,
            models=[UNMARKED],
            show=None,
            jobs=[{"id": "job-1", "model": "davinci-002", "fine_tuned_model": "m"}],
            checkpoints=[{"fine_tuned_model_checkpoint": "ck-1"}],
        )
        up, lookup = scene.upstream, scene.lookup
        assert await scene.models(wait=NO_WAIT) == Found(IN_PROGRESS, 0)
        assert await scene.checkpoint("ck-1", wait=NO_WAIT) == IN_PROGRESS
        lineage = await lookup.lineage(up, ALICE, wanted="m", wait=NO_WAIT)
        assert lineage == Found(IN_PROGRESS, 0)
        for kind in (kinds.OLLAMA, kinds.LMSTUDIO):
            listed = ModelList(kind=kind)
            assert await lookup.card(up, ALICE, listed, "m", wait=NO_WAIT) is None
        assert scene.network.calls == []
        await scene.landed()
        assert sorted({call.path for call in scene.network.calls}) == [
            "/api/show",
            "/api/v1/models",
            "/fine_tuning/jobs",
            "/fine_tuning/jobs/job-1/checkpoints",
            "/models",
        ]
        assert "m" in (await scene.listed()).cards
        assert await scene.checkpoint("ck-1", wait=NO_WAIT) == "davinci-002"

    asyncio.run(scenario())


def test_headers_show_the_kind_of_a_list_that_does_not() -> None:
    said = json_reply(listed("m"), headers=((b"x-litellm-version", b"1.109.1"),))
    info = {"data": [{"model_name": "m", "model_info": {"mode": "completion"}}]}
    route = ScriptedServer({"GET /models": said, "GET /model/info": info}).route("m", Shape.CHAT)
    assert (route.kind, route.shape) == (kinds.LITELLM, Shape.COMPLETIONS)


def test_a_kind_that_was_recognised_stays() -> None:
    scene = ScriptedServer({"GET /models": sample("vllm_models_recorded")})
    scene.route("acegpt13bchat", Shape.CHAT)
    scene.script["GET /models"] = listed("acegpt13bchat", owned_by="someone")
    scene.clock.advance(101)
    assert scene.route("acegpt13bchat", Shape.CHAT).kind is kinds.VLLM


def test_a_list_without_entries_is_read_again() -> None:
    scene = ScriptedServer({"GET /models": listed()})
    assert scene.route("acegpt13bchat", Shape.CHAT).kind is kinds.OTHER
    scene.script["GET /models"] = sample("vllm_models_recorded")
    scene.clock.advance(11)
    assert scene.route("acegpt13bchat", Shape.CHAT).kind is kinds.VLLM
