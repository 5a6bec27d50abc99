"""What upstreams say of their models beside the model list."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.config.settings import Settings, TimeoutSettings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.errors import UpstreamUnavailable
from gateway.resolve.evidence import Source
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.servers import Profile
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.fakes import Answer, FakeClock, FakeReply, error_reply, fingerprint, json_reply
from tests.resolve.payloads import sample
from tests.resolve.scripted_server import ALICE, ScriptedServer, key_of, listed
from tests.upstream.scripted import until

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES


def described(*capabilities: str) -> dict[str, Any]:
    return {"capabilities": list(capabilities), "details": {"parent_model": ""}}


def test_what_does_not_generate_lives_nowhere_that_is_known() -> None:
    scene = ScriptedServer(
        {
            "GET /models": sample("ollama_v1_models_recorded"),
            "POST /…/api/show": described("embedding"),
        }
    )
    route = scene.route("llama3.2:latest", CHAT)
    assert route.resolved_by is Source.DEFAULT
    assert 'capabilities are ["embedding"]' in route.evidence[0].detail


def test_the_model_asked_for_is_named_to_ollama_and_known_though_the_list_lacks_it() -> None:
    scene = ScriptedServer(
        {
            "GET /models": sample("ollama_v1_models_recorded"),
            "POST /…/api/show": described("completion"),
        }
    )
    route = scene.route("llama3.2", COMPLETIONS)
    assert (route.shape, route.resolved_by, route.exists) == (
        COMPLETIONS,
        Source.CAPABILITY,
        True,
    )
    assert scene.network.bodies() == [{"model": "llama3.2"}]
    sent = scene.network.calls[-1]
    assert dict(sent.client_headers) == {
        b"authorization": b"Bearer alice",
        b"content-type": b"application/json",
    }


def test_what_describes_the_server_does_not_show_that_a_model_exists() -> None:
    scene = ScriptedServer(
        {
            "GET /models": sample("sglang_models_docs"),
            "GET /…/model_info": {"is_generation": True},
        },
        kinds.SGLANG,
    )
    assert not scene.route("some-other", CHAT).exists


def test_an_older_sglang_is_asked_under_the_older_name() -> None:
    scene = ScriptedServer(
        {
            "GET /models": sample("sglang_models_docs"),
            "GET /…/get_model_info": {"is_generation": False},
        }
    )
    route = scene.route("meta-llama/Llama-3.1-8B-Instruct", CHAT)
    assert "is_generation is false" in route.evidence[0].detail
    assert scene.asked[:3] == ["GET /models", "GET /…/model_info", "GET /…/get_model_info"]


def test_a_slot_of_llamacpp_is_as_long_as_it_says_itself() -> None:
    scene = ScriptedServer(
        {
            "GET /models": sample("llamacpp_models_recorded"),
            "GET /…/props": sample("llamacpp_props_docs"),
        }
    )
    assert scene.route("Qwen3.8-27B-Q4_K_M", CHAT).context_length == 1024


def test_geminis_native_list_is_asked_only_with_a_key_that_it_takes() -> None:
    script = {
        "GET /models": listed("models/gemini-x", owned_by="google"),
        "GET /…/models": {
            "models": [{"name": "models/gemini-x", "supportedGenerationMethods": ["x"]}]
        },
    }
    without = ScriptedServer(script, kinds.GEMINI)
    without.route("models/gemini-x", CHAT)
    assert "GET /…/models" not in without.asked
    keyed = ScriptedServer(script, kinds.GEMINI, ((b"X-Goog-Api-Key", b"k"),))
    route = keyed.route("models/gemini-x", CHAT)
    assert "supportedGenerationMethods" in route.evidence[0].detail
    assert keyed.network.calls[1].query == b"pageSize=1000"


FAILURES: list[Callable[[], Answer]] = [
    lambda: error_reply(500, "broken"),
    lambda: UpstreamUnavailable("gone"),
    lambda: json_reply([]),
    lambda: json_reply("text"),
    lambda: json_reply({"error": "no"}),
    lambda: json_reply({"data": "no"}),
]


FURTHER = [
    (kinds.LMSTUDIO, "GET /…/api/v1/models"),
    (kinds.LOCALAI, "GET /models/capabilities"),
    (kinds.OLLAMA, "POST /…/api/show"),
    (kinds.SGLANG, "GET /…/model_info"),
]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("kind", "key"), FURTHER)
def test_a_further_look_up_that_fails_changes_nothing(
    kind: Profile, key: str, failure: Callable[[], Answer]
) -> None:
    script = {"GET /models": listed("m"), key: failure()}
    route = ScriptedServer(script, kind).route("m", CHAT)
    assert (route.shape, route.resolved_by, route.exists) == (CHAT, Source.DEFAULT, True)


@pytest.mark.parametrize(("kind", "key"), FURTHER)
def test_further_look_ups_are_made_once_for_each_credential(kind: Profile, key: str) -> None:
    scene = ScriptedServer({"GET /models": listed("m"), "GET /…/model_info": {"a": 1}}, kind)

    async def twice() -> None:
        await scene.ask("m", CHAT)
        await scene.ask("m", COMPLETIONS)
        await scene.ask("m", CHAT, ((b"authorization", b"Bearer bob"),))

    asyncio.run(twice())
    assert scene.asked.count(key) == 2


def test_a_description_counts_where_the_list_itself_failed() -> None:
    scene = ScriptedServer({"POST /…/api/show": described("completion")}, kinds.OLLAMA)
    route = scene.route("m", RESPONSES)
    assert (route.resolved_by, route.exists) == (Source.DEFAULT, True)
    details = [piece.detail for piece in route.evidence]
    assert details[0] == "the model list could not be read (GET /models: status 404)"
    assert 'capabilities are ["completion"]' in details[1]
    assert scene.route("m", CHAT).resolved_by is Source.CAPABILITY


def test_no_further_look_up_is_made_of_a_server_that_is_not_known() -> None:
    scene = ScriptedServer({})
    scene.route("m", CHAT)
    assert scene.asked == ["GET /models", "GET /fine_tuning/jobs"]


def test_a_server_that_hangs_is_given_up_and_not_asked_again_soon() -> None:
    upstream = ScriptedServer({}).upstream
    asked: list[str] = []

    async def hanging(call: UpstreamCall) -> FakeReply:
        asked.append(key_of(call))
        if call.path != "/models":
            await asyncio.Event().wait()
        return json_reply(listed("m"))

    settings = Settings((upstream,), memory=MemorySettings(ttl=100, negative_ttl=10))

    async def ask() -> None:
        for_ever = TimeoutSettings(metadata=1e9)
        patient = UpstreamSettings("up", upstream.base_url, kinds.OLLAMA, timeouts=for_ever)
        # No time at all: what bounds a look-up is the event loop's clock.
        hasty = replace(patient, timeouts=TimeoutSettings(metadata=0.0))
        lookup = Lookup(settings, hanging, fingerprint, FakeClock())
        found = await lookup.models(patient, ALICE)
        assert isinstance(found.value, ModelList)
        for _ in range(2):
            assert await lookup.card(hasty, ALICE, found.value, "m") == found.value.cards["m"]
        # Nor is it waited for when it is asked about another model.
        assert await lookup.card(patient, ALICE, found.value, "other") is None
        await until(lambda: len(asked) == 3)
        await lookup.aclose()

    asyncio.run(ask())
    assert asked == ["GET /models", "POST /…/api/show", "POST /…/api/show"]
