"""Which endpoint does a model live on? Each kind of evidence, their order, and who may see what."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.config.settings import (
    CredentialPolicy,
    ModelRule,
    RetiredSettings,
    Settings,
    UpstreamSettings,
)
from gateway.config.store_settings import MemorySettings
from gateway.errors import UpstreamUnavailable
from gateway.resolve.evidence import Route, Source
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.servers import Profile
from gateway.shapes import RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.fakes import Answer, FakeClock, FakeUpstream, error_reply, fingerprint, json_reply

OPENAI = UpstreamSettings("openai", "https://api.openai.com/v1", kinds.OPENAI)
VLLM = UpstreamSettings("vllm", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)
UNKNOWN = UpstreamSettings("some", "http://127.0.0.1:9000/v1", kinds.AUTO)
ALICE: RawHeaders = ((b"authorization", b"Bearer alice"), (b"cookie", b"secret"))
BOB: RawHeaders = ((b"authorization", b"Bearer bob"),)


def models(*cards: Any) -> Answer:
    listed = [card if isinstance(card, dict) else {"id": card} for card in cards]
    return json_reply({"object": "list", "data": [{"object": "model", **c} for c in listed]})


def nothing(call: UpstreamCall) -> Answer:
    return error_reply(404, "not here")


class Scene:
    """A resolver before a fake network."""

    def __init__(
        self,
        answer: Callable[[UpstreamCall], Answer] = nothing,
        *upstreams: UpstreamSettings,
        rules: tuple[ModelRule, ...] = (),
        redirect: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.clock = FakeClock()
        self.network = FakeUpstream(answer)
        settings = Settings(
            upstreams or (OPENAI,),
            models=rules,
            memory=MemorySettings(ttl=100, negative_ttl=10),
            retired=RetiredSettings(redirect),
        )
        self.learned = LearnedEndpoints(settings.memory, self.clock)
        self.lookup = Lookup(settings, self.network.send, fingerprint, self.clock)
        self.resolver = Resolver(settings, self.lookup, self.learned, Catalogue.load())

    async def ask(
        self,
        model: str,
        shape: Shape = Shape.CHAT,
        headers: RawHeaders = ALICE,
        features: frozenset[str] = frozenset(),
        *,
        explain: bool = False,
    ) -> Route:
        query = ModelQuery(model, shape, features, headers)
        return await (self.resolver.explain if explain else self.resolver.resolve)(query)

    def route(self, model: str, shape: Shape = Shape.CHAT, **more: Any) -> Route:
        return asyncio.run(self.ask(model, shape, **more))


@pytest.mark.parametrize(
    ("model", "client", "home", "source"),
    [
        ("gpt-4o-mini", Shape.COMPLETIONS, Shape.CHAT, Source.CATALOGUE),
        ("davinci-002", Shape.CHAT, Shape.COMPLETIONS, Source.CATALOGUE),
        ("ft:gpt-3.5-turbo-0613:acme:bot:8abc1234", Shape.COMPLETIONS, Shape.CHAT, Source.ID),
        ("ft:davinci-002:acme:bot:8def5678", Shape.CHAT, Shape.COMPLETIONS, Source.ID),
        ("curie:ft-acmeco-2021-03-03-21-44-20", Shape.CHAT, Shape.COMPLETIONS, Source.ID),
        ("o1-pro", Shape.CHAT, Shape.RESPONSES, Source.CATALOGUE),
    ],
)
def test_names_that_openai_made_need_no_look_up(
    model: str, client: Shape, home: Shape, source: Source
) -> None:
    scene = Scene()
    route = scene.route(model, client)
    assert (route.shape, route.resolved_by) == (home, source)
    assert scene.network.calls == []


def test_the_clients_own_shape_wins_if_the_model_lives_there_too() -> None:
    assert Scene().route("gpt-5.1", Shape.CHAT).shape is Shape.CHAT
    assert Scene().route("gpt-5.1", Shape.RESPONSES).shape is Shape.RESPONSES


def test_a_rule_with_an_endpoint_decides_alone() -> None:
    rule = ModelRule("support", model="acme-x", endpoints=(Shape.COMPLETIONS,))
    scene = Scene(rules=(rule,))
    route = scene.route("support")
    assert (route.model_asked, route.model_sent) == ("support", "acme-x")
    assert (route.shape, route.resolved_by) == (Shape.COMPLETIONS, Source.CONFIG)
    assert scene.network.calls == []


def test_the_first_rule_that_matches_wins_globs_included() -> None:
    rules = (
        ModelRule("gpt-*", model="first"),
        ModelRule("gpt-4", model="second"),
        ModelRule("other", model="third"),
    )
    scene = Scene(rules=rules)
    named = {name: scene.resolver.rule_for(name) for name in ("gpt-4", "other", "none")}
    assert {name: rule and rule.model for name, rule in named.items()} == {
        "gpt-4": "first",
        "other": "third",
        "none": None,
    }


def test_an_alias_without_an_endpoint_is_resolved_by_its_target() -> None:
    route = Scene(rules=(ModelRule("text-davinci-003", model="gpt-4o-mini"),)).route(
        "text-davinci-003", Shape.COMPLETIONS
    )
    assert (route.shape, route.resolved_by) == (Shape.CHAT, Source.CATALOGUE)


def jobs_on_two_pages(call: UpstreamCall) -> Answer:
    if call.path == "/models":
        return models("acme-support-v7", "acme-writer-v2", "acme-writer-v2-step-10")
    if call.path == "/fine_tuning/jobs/ftjob-2/checkpoints":
        checkpoint = {"fine_tuned_model_checkpoint": "acme-writer-v2-step-10", "step_number": 10}
        return json_reply({"object": "list", "data": [checkpoint], "has_more": False})
    if call.path.endswith("/checkpoints"):
        return json_reply({"object": "list", "data": [], "has_more": False})
    if "after" in parse_qs(call.query.decode()):
        job = {"id": "ftjob-2", "model": "davinci-002", "fine_tuned_model": "acme-writer-v2"}
        return json_reply({"object": "list", "data": [job], "has_more": False})
    job = {"id": "ftjob-1", "model": "gpt-4o-mini", "fine_tuned_model": "acme-support-v7"}
    return json_reply({"object": "list", "data": [job], "has_more": True})


def test_a_checkpoint_whose_records_cannot_be_read_stays_unknown() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path.endswith("/checkpoints"):
            return error_reply(500, "down")
        return jobs_on_two_pages(call)

    route = Scene(answer).route("acme-writer-v2-step-10", Shape.CHAT)
    assert (route.shape, route.resolved_by) == (Shape.CHAT, Source.DEFAULT)


def test_an_opaque_id_is_found_in_the_job_records() -> None:
    route = Scene(jobs_on_two_pages).route("acme-support-v7", Shape.COMPLETIONS)
    assert (route.shape, route.resolved_by) == (Shape.CHAT, Source.JOB)
    assert route.base == "gpt-4o-mini"
    assert route.exists


def test_all_pages_of_the_job_records_are_read() -> None:
    scene = Scene(jobs_on_two_pages)
    route = scene.route("acme-writer-v2")
    assert (route.shape, route.resolved_by) == (Shape.COMPLETIONS, Source.JOB)
    assert [c.query for c in scene.network.calls if c.path == "/fine_tuning/jobs"] == [
        b"limit=100",
        b"limit=100&after=ftjob-1",
    ]


def test_checkpoints_of_a_job_are_found_too() -> None:
    route = Scene(jobs_on_two_pages).route("acme-writer-v2-step-10")
    assert (route.shape, route.resolved_by) == (Shape.COMPLETIONS, Source.JOB)


def test_the_same_question_again_asks_nothing_again() -> None:
    async def scenario() -> None:
        scene = Scene(jobs_on_two_pages)
        await scene.ask("acme-support-v7")
        asked = len(scene.network.calls)
        await scene.ask("acme-support-v7")
        assert len(scene.network.calls) == asked

    asyncio.run(scenario())


def test_look_ups_carry_the_callers_credential_and_nothing_else_of_it() -> None:
    scene = Scene(jobs_on_two_pages)
    scene.route("acme-support-v7")
    assert {call.client_headers for call in scene.network.calls} == {ALICE[:1]}


def test_one_caller_never_profits_from_what_another_may_see() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return jobs_on_two_pages(call) if ALICE[0] in call.client_headers else models()

    async def scenario() -> None:
        scene = Scene(answer)
        assert (await scene.ask("acme-support-v7", headers=ALICE)).resolved_by is Source.JOB
        asked = len(scene.network.calls)
        hidden = await scene.ask("acme-support-v7", headers=BOB)
        assert hidden.resolved_by is Source.DEFAULT
        assert not hidden.exists
        assert await scene.resolver.suggested.nearest(hidden, BOB) == []
        calls = scene.network.calls[asked:]
        assert calls
        assert all(BOB[0] in call.client_headers for call in calls)

    asyncio.run(scenario())


def test_a_lora_on_vllm_follows_its_parent() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return models(
            {"id": "base", "root": "/weights/base", "parent": None},
            {"id": "sql-lora", "root": "/weights/lora", "parent": "base"},
        )

    async def scenario() -> None:
        scene = Scene(answer, VLLM)
        unknown = await scene.ask("sql-lora")
        assert (unknown.base, unknown.resolved_by) == ("base", Source.DEFAULT)
        scope = scene.resolver.scope(unknown, ALICE)
        scene.learned.learn(scope, "base", None, Shape.COMPLETIONS)
        route = await scene.ask("sql-lora")
        assert (route.shape, route.resolved_by) == (Shape.COMPLETIONS, Source.PARENT)
        assert scene.network.paths == ["GET /models"]

    asyncio.run(scenario())


def test_openai_before_2023_said_the_parent() -> None:
    def answer(call: UpstreamCall) -> Answer:
        card = {"id": "my-model", "root": "curie:2020-05-03", "parent": "curie:2020-05-03"}
        return models(card) if call.path == "/models" else nothing(call)

    route = Scene(answer).route("my-model")
    assert (route.shape, route.resolved_by) == (Shape.COMPLETIONS, Source.PARENT)


def test_on_another_server_an_openai_name_proves_nothing() -> None:
    route = Scene(lambda _: models("gpt-4o-mini"), VLLM).route("gpt-4o-mini", Shape.COMPLETIONS)
    assert (route.shape, route.resolved_by) == (Shape.COMPLETIONS, Source.DEFAULT)
    assert route.exists


def test_a_server_of_unknown_kind_is_recognised_by_its_model_list() -> None:
    async def scenario() -> None:
        cards = {"id": "m", "owned_by": "vllm", "root": "m", "parent": None, "max_model_len": 4096}
        scene = Scene(lambda _: models(cards), UNKNOWN)
        route = await scene.ask("m")
        assert route.kind is kinds.VLLM
        assert route.context_length == 4096

    asyncio.run(scenario())


def test_a_capability_field_decides_before_the_id_does() -> None:
    azure = UpstreamSettings("azure", "https://x.openai.azure.com/openai", kinds.AZURE)

    def answer(call: UpstreamCall) -> Answer:
        capabilities = {"completion": True, "chat_completion": False, "inference": True}
        return models({"id": "my-deployment", "capabilities": capabilities})

    route = Scene(answer, azure).route("my-deployment")
    assert (route.shape, route.resolved_by) == (Shape.COMPLETIONS, Source.CAPABILITY)


def test_the_scope_of_a_route_is_that_of_its_evidence() -> None:
    scene = Scene()
    route = scene.route("gpt-4o")
    assert route.scope == scene.resolver.scope(route, ALICE)
    assert scene.resolver.scope(route, BOB) is route.scope
    bare = replace(route, scope=None)
    assert scene.resolver.scope(bare, ALICE) == route.scope != scene.resolver.scope(bare, BOB)


def test_what_was_learned_needs_no_look_up_and_beats_the_catalogue() -> None:
    async def scenario() -> None:
        scene = Scene()
        first = await scene.ask("gpt-4o-mini")
        scope = scene.resolver.scope(first, ALICE)
        scene.learned.learn(scope, "gpt-4o-mini", None, Shape.RESPONSES)
        route = await scene.ask("gpt-4o-mini")
        assert (route.shape, route.resolved_by) == (Shape.RESPONSES, Source.LEARNED)
        assert (await scene.ask("gpt-4o-mini", headers=BOB)).resolved_by is Source.CATALOGUE

    asyncio.run(scenario())


def test_what_was_learned_for_some_features_leaves_the_others_alone() -> None:
    async def scenario() -> None:
        scene, features = Scene(), frozenset({"tools", "reasoning"})
        first = await scene.ask("gpt-5.1")
        scope = scene.resolver.scope(first, ALICE)
        scene.learned.learn(scope, "gpt-5.1", features, Shape.RESPONSES)
        assert (await scene.ask("gpt-5.1", features=features)).shape is Shape.RESPONSES
        assert (await scene.ask("gpt-5.1")).shape is Shape.CHAT

    asyncio.run(scenario())


def test_when_nothing_is_known_the_clients_own_endpoint_is_tried() -> None:
    for shape in Shape:
        route = Scene().route("acme-x", shape)
        # OpenAI has no messages: what keeps most of them is tried there.
        tried = Shape.RESPONSES if shape is Shape.MESSAGES else shape
        assert (route.shape, route.resolved_by) == (tried, Source.DEFAULT)


def test_an_upstream_that_cannot_be_asked_stops_nobody() -> None:
    scene = Scene(lambda _: UpstreamUnavailable("no connection"))
    route = scene.route("acme-x")
    assert route.resolved_by is Source.DEFAULT
    details = " ".join(piece.detail for piece in route.evidence)
    assert "could not be read (GET /models: no connection)" in details


@pytest.mark.parametrize("body", [b"<html>", b"[", b'"text"', b"null"])
def test_a_list_that_is_none_is_a_failed_look_up_or_an_empty_one(body: bytes) -> None:
    def answer(call: UpstreamCall) -> Answer:
        reply = json_reply({})
        reply.pieces = (body,)
        return reply

    assert Scene(answer).route("acme-x").resolved_by is Source.DEFAULT


def test_a_list_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolve.metadata.fetch.MAX_BODY_BYTES", 10)
    route = Scene(lambda _: models("a", "b")).route("acme-x")
    assert "more than 10 bytes" in " ".join(piece.detail for piece in route.evidence)


def test_job_pages_that_never_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolve.metadata.lineage.MAX_JOB_PAGES", 3)
    pages = 0

    def answer(call: UpstreamCall) -> Answer:
        nonlocal pages
        if call.path != "/fine_tuning/jobs":
            return nothing(call)
        pages += 1
        job = {"id": f"ftjob-{pages}", "model": "davinci-002", "fine_tuned_model": f"m{pages}"}
        return json_reply({"data": [job], "has_more": True})

    Scene(answer).route("acme-x")
    assert pages == 3


def test_the_jobs_read_before_a_page_failed_still_count() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/fine_tuning/jobs" and b"after" in call.query:
            return error_reply(500, "broken")
        return jobs_on_two_pages(call)

    assert Scene(answer).route("acme-support-v7").resolved_by is Source.JOB


def test_a_new_model_is_looked_for_again_once_the_list_is_a_minute_old() -> None:
    known: list[str] = []

    async def scenario() -> None:
        scene = Scene(lambda call: models(*known) if call.path == "/models" else nothing(call))
        assert not (await scene.ask("acme-new")).exists
        known.append("acme-new")
        assert not (await scene.ask("acme-new")).exists
        scene.clock.advance(11)
        assert (await scene.ask("acme-new")).exists

    asyncio.run(scenario())


def test_explaining_gathers_all_evidence_in_its_order() -> None:
    rule = ModelRule("ft:*", endpoints=(Shape.CHAT,))
    scene = Scene(jobs_on_two_pages, rules=(rule,))
    route = scene.route("ft:davinci-002:acme:bot:8def5678", explain=True)
    assert [piece.source for piece in route.evidence] == [
        Source.CONFIG,
        Source.CAPABILITY,
        Source.ID,
        Source.CATALOGUE,
    ]
    assert (route.shape, route.resolved_by) == (Shape.CHAT, Source.CONFIG)
    assert route.base == "davinci-002"


def test_among_several_upstreams_the_one_that_lists_the_model_is_taken() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path != "/models":
            return nothing(call)
        return models("llama-3") if call.upstream == "vllm" else models("gpt-4o")

    scene = Scene(answer, OPENAI, VLLM)
    assert scene.route("llama-3").upstream == "vllm"
    assert scene.route("unheard-of").upstream == "openai"
    known = Scene(answer, OPENAI, VLLM)
    assert known.route("gpt-4o-mini").upstream == "openai"
    assert known.network.calls == []


def test_the_nearest_ids_are_those_this_key_sees() -> None:
    async def scenario() -> None:
        rule = ModelRule("acme-suport", model="gpt-4o-mini")
        scene = Scene(jobs_on_two_pages, rules=(rule,))
        route = await scene.ask("acme-support-v8")
        assert await scene.resolver.suggested.nearest(route, ALICE) == [
            "acme-support-v7",
            "acme-suport",
        ]
        await scene.resolver.aclose()

    asyncio.run(scenario())


def test_near_names_of_a_rewritten_name_are_rewritten_back() -> None:
    async def scenario() -> None:
        rules = (ModelRule("acme/*", model="*"), ModelRule("support-bot", model="gpt-4o-mini"))
        scene = Scene(jobs_on_two_pages, rules=rules)
        route = await scene.ask("acme/acme-support-v8")
        assert (route.model_asked, route.model_sent) == ("acme/acme-support-v8", "acme-support-v8")
        assert await scene.resolver.suggested.nearest(route, ALICE) == ["acme/acme-support-v7"]
        route = await scene.ask("acme/support-bt")
        assert "support-bot" in await scene.resolver.suggested.nearest(route, ALICE)
        await scene.resolver.aclose()

    asyncio.run(scenario())


def test_near_names_ask_nobody_a_second_time() -> None:
    async def scenario() -> None:
        scene = Scene(jobs_on_two_pages)
        unheard = await scene.ask("gpt-4O-mini")
        asked = len(scene.network.calls)
        scene.clock.advance(1000)  # an old list will do
        assert await scene.resolver.suggested.nearest(
            unheard, ALICE
        ) == await scene.resolver.suggested.nearest(unheard, ALICE)
        assert len(scene.network.calls) == asked
        failing = Scene(lambda _: error_reply(500, "broken"))
        unheard = await failing.ask("gpt-4O-mini")
        asked = len(failing.network.calls)
        assert await failing.resolver.suggested.nearest(unheard, ALICE) == []
        assert len(failing.network.calls) == asked

    asyncio.run(scenario())


def test_near_names_of_a_name_that_needed_no_list_ask_for_it() -> None:
    async def scenario() -> None:
        scene = Scene(lambda call: models("GPT-4o-mini-2024-07-18", "o1"))
        known = await scene.ask("gpt-4o-mini")
        assert scene.network.calls == []
        assert await scene.resolver.suggested.nearest(known, ALICE) == ["GPT-4o-mini-2024-07-18"]
        assert await scene.resolver.suggested.nearest(known, ALICE) == ["GPT-4o-mini-2024-07-18"]
        assert scene.network.paths == ["GET /models"]

    asyncio.run(scenario())


def test_a_shutdown_date_and_a_replacement_come_with_the_route() -> None:
    route = Scene().route("text-davinci-003")
    assert route.retired == "2024-01-04"
    assert route.replacement


def test_the_model_lists_shutdown_date_is_newer_than_the_catalogues() -> None:
    card = {"id": "gpt-4o-mini", "shutdown_date": "2031-05-06"}

    def answer(call: UpstreamCall) -> Answer:
        return models(card) if call.path == "/models" else nothing(call)

    async def scenario() -> None:
        scene = Scene(answer)
        before = await scene.ask("gpt-4o-mini")
        assert (before.retired, scene.network.calls) != ("2031-05-06", [])
        explained = await scene.ask("gpt-4o-mini", explain=True)
        assert explained.retired == "2031-05-06"
        asked = len(scene.network.calls)
        later = await scene.ask("gpt-4o-mini")
        assert later.retired == "2031-05-06"
        assert later.resolved_by is Source.CATALOGUE
        assert len(scene.network.calls) == asked
        await scene.resolver.aclose()

    asyncio.run(scenario())


def test_a_list_that_failed_says_no_date() -> None:
    async def scenario() -> None:
        scene = Scene(lambda _: error_reply(500, "broken"))
        await scene.ask("unheard-of")
        route = await scene.ask("gpt-4o-mini")
        assert route.resolved_by is Source.CATALOGUE
        await scene.resolver.aclose()

    asyncio.run(scenario())


def test_a_redirected_model_is_resolved_as_the_one_in_its_place() -> None:
    route = Scene(redirect=(("text-davinci-003", "gpt-4o-mini"),)).route("text-davinci-003")
    assert (route.model_asked, route.redirected_to) == ("text-davinci-003", "gpt-4o-mini")
    assert (route.model_sent, route.shape) == ("gpt-4o-mini", Shape.CHAT)
    assert route.resolved_by is Source.CATALOGUE
    assert "retired.redirect puts 'gpt-4o-mini' in its place" in route.evidence[0].detail
    assert Scene().route("text-davinci-003").redirected_to is None


def test_rules_apply_to_the_name_that_a_redirect_leads_to() -> None:
    rule = ModelRule("writer", model="davinci-002", endpoints=(Shape.COMPLETIONS,))
    scene = Scene(rules=(rule,), redirect=(("old", "writer"),))
    route = scene.route("old")
    assert (route.model_sent, route.shape) == ("davinci-002", Shape.COMPLETIONS)
    assert route.rule is rule
    assumed = scene.resolver.assumed("old", Shape.CHAT, kinds.OPENAI)
    assert (assumed.model_sent, assumed.redirected_to) == ("davinci-002", "writer")


def test_bases_that_name_each_other_do_not_loop() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return models({"id": "a", "parent": "b"}, {"id": "b", "parent": "a"})

    assert Scene(answer, VLLM).route("a").resolved_by is Source.DEFAULT


def lists(call: UpstreamCall) -> Answer:
    listed = {"openai": ["gpt-4o"], "vllm": ["mine", "base"]}
    return models(*listed[call.upstream]) if call.path == "/models" else nothing(call)


@pytest.mark.parametrize(
    ("model", "shorter", "upstream"),
    [
        ("mine", (), "vllm"),
        ("gpt-4o", (), "openai"),
        ("nowhere", (), "openai"),
        ("nowhere", ("neither", "base"), "vllm"),
        ("pinned", (), "vllm"),
        ("alias", (), "vllm"),
        ("old", (), "vllm"),
    ],
)
def test_the_upstream_of_a_model_is_its_rules_or_the_first_that_lists_it(
    model: str, shorter: tuple[str, ...], upstream: str
) -> None:
    rules = (ModelRule("pinned", upstream="vllm"), ModelRule("alias", model="mine"))
    scene = Scene(lists, OPENAI, VLLM, rules=rules, redirect=(("old", "mine"),))
    assert asyncio.run(scene.resolver.upstream_of(model, ALICE, *shorter)) == upstream


def test_a_model_that_is_sent_under_its_name_is_searched_under_it() -> None:
    scene = Scene(lists, OPENAI, VLLM, rules=(ModelRule("gpt-4o", model="mine"),))

    async def both() -> tuple[str, str]:
        resolver = scene.resolver
        named = await resolver.upstream_of("gpt-4o", ALICE, as_named=True)
        return await resolver.upstream_of("gpt-4o", ALICE), named

    assert asyncio.run(both()) == ("vllm", "openai")


def test_of_one_upstream_nothing_is_asked() -> None:
    scene = Scene(lists)
    assert asyncio.run(scene.resolver.upstream_of("m", ALICE)) == "openai"
    assert scene.network.calls == []


def test_a_rule_that_names_an_upstream_leads_there() -> None:
    scene = Scene(lists, OPENAI, VLLM, rules=(ModelRule("gpt-4o", upstream="vllm"),))
    assert scene.route("gpt-4o").upstream == "vllm"


def test_metadata_behind_a_denied_route_is_refreshed_once_behind_the_request() -> None:
    scene = Scene(lists, VLLM)

    async def scenario() -> None:
        route = await scene.ask("mine")
        for _ in range(2):
            await scene.resolver.renew(route, ALICE)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await scene.resolver.aclose()

    asyncio.run(scenario())
    assert scene.network.paths.count("GET /models") == 2


def test_a_rule_stands_in_by_the_kind_of_its_upstream() -> None:
    rule = ModelRule("*", model="gpt-5.1", upstream="vllm")
    glob = ModelRule("*", model="gpt-5.1")
    resolver = Scene(lists, OPENAI, VLLM).resolver
    assert (
        resolver.stand_ins.model_to_send(glob, "text-embedding-ada-002", "/embeddings") != "gpt-5.1"
    )
    assert (
        resolver.stand_ins.model_to_send(rule, "text-embedding-ada-002", "/embeddings") == "gpt-5.1"
    )


@pytest.mark.parametrize("model", ["gpt-4o", "ft:davinci-002:acme:bot:8def5678"])
def test_an_assumed_route_asks_nothing(model: str) -> None:
    scene = Scene(lists, rules=(ModelRule("alias", model=model),))
    route = scene.resolver.assumed("alias", Shape.RESPONSES, kinds.OPENAI)
    assert (route.model_sent, route.shape, route.shapes) == (
        model,
        Shape.RESPONSES,
        (Shape.RESPONSES,),
    )
    assert route.base == (None if model == "gpt-4o" else "davinci-002")
    assert scene.network.calls == []


@pytest.mark.parametrize(
    ("client", "kind", "messages_url", "lacking"),
    [
        (Shape.MESSAGES, kinds.OTHER, None, {Shape.MESSAGES, Shape.RESPONSES}),
        (Shape.MESSAGES, kinds.OTHER, "https://a/v1", {Shape.RESPONSES}),
        (Shape.CHAT, kinds.OTHER, None, set()),
        (Shape.CHAT, kinds.GROQ, None, {Shape.MESSAGES}),
        (Shape.CHAT, kinds.GROQ, "https://a/v1", set()),
        (Shape.MESSAGES, kinds.ANTHROPIC, None, set(Shape) - {Shape.CHAT, Shape.MESSAGES}),
    ],
)
def test_routes_are_lacking_by_a_kind_or_as_an_upstream_has_shown(
    client: Shape, kind: Profile, messages_url: str | None, lacking: set[Shape]
) -> None:
    upstream = UpstreamSettings("some", "https://b/v1", kind, messages_url=messages_url)
    scene = Scene(nothing, upstream)
    if kind is kinds.OTHER:
        scene.resolver.notes.note_missing_route("some", Shape.MESSAGES)
        scene.resolver.notes.note_missing_route("some", Shape.RESPONSES)
    assert scene.route("m", client).lacking == lacking


def test_a_list_at_the_other_base_url_says_nothing_of_messages() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return models({"id": "m", "capabilities": {"completion_chat": True}})

    mistral = UpstreamSettings("some", "https://b/v1", kinds.MISTRAL)
    beside = replace(mistral, messages_url="https://b/anthropic/v1")
    assert Scene(answer, mistral).route("m", Shape.MESSAGES).shape is Shape.CHAT
    route = Scene(answer, beside).route("m", Shape.MESSAGES)
    assert (route.shape, route.resolved_by) == (Shape.MESSAGES, Source.DEFAULT)
    assert "the client's own endpoint is tried first" in route.evidence[-1].detail
    assert Scene(answer, beside).route("m", Shape.RESPONSES).shape is Shape.CHAT
