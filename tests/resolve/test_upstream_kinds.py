"""Each kind of server, scripted with what such servers were seen to say: where its models live."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import (
    MemorySettings,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from gateway.errors import UpstreamUnavailable
from gateway.resolve.evidence import Route, Source
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup, ModelList
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.servers import Profile
from gateway.shapes import RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.fakes import (
    Answer,
    FakeClock,
    FakeReply,
    FakeUpstream,
    error_reply,
    fingerprint,
    json_reply,
)
from tests.resolve.payloads import sample
from tests.upstream.scripted import until

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
ALICE: RawHeaders = ((b"authorization", b"Bearer alice"),)

Script = Mapping[str, object]
"""`METHOD path`, with `/…` before a path below the server's root → payload, or an answer."""


def key_of(call: UpstreamCall) -> str:
    return f"{call.method} {'/…' if call.root else ''}{call.path}"


class Scene:
    """A resolver before one scripted server."""

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
    return {"object": "list", "data": [{"id": name, "object": "model", **more} for name in names]}


def shown(*capabilities: str) -> dict[str, Any]:
    return {"capabilities": list(capabilities), "details": {"parent_model": ""}}


LMSTUDIO_LIST = listed(
    "google/gemma-4-26b-a4b",
    "qwen2-vl-7b-instruct",
    "text-embedding-nomic-embed-text-v1.5",
    owned_by="organization_owner",
)

# kind, its answers, model → where a completions client is sent, and where a chat client is;
# None: nothing says where, so that the client's own endpoint is tried.
KINDS: list[tuple[Profile, Script, str, Shape | None, Shape | None]] = [
    (
        kinds.LMSTUDIO,
        {
            "GET /models": LMSTUDIO_LIST,
            "GET /…/api/v1/models": sample("lmstudio_api_v1_models_docs"),
        },
        "google/gemma-4-26b-a4b",
        COMPLETIONS,
        CHAT,
    ),
    (
        kinds.LMSTUDIO,
        {
            "GET /models": LMSTUDIO_LIST,
            # It answers paths that it does not know with 200 and an error.
            "GET /…/api/v1/models": {"error": "Unexpected endpoint or method."},
            "GET /…/api/v0/models": sample("lmstudio_api_v0_models_docs"),
        },
        "qwen2-vl-7b-instruct",
        COMPLETIONS,
        CHAT,
    ),
    (
        kinds.LOCALAI,
        {
            "GET /models": listed("qwen2.5-omni", "parakeet"),
            "GET /models/capabilities": sample("localai_models_capabilities_docs"),
        },
        "qwen2.5-omni",
        CHAT,
        CHAT,
    ),
    (
        kinds.LITELLM,
        {
            "GET /models": listed("gpt-4", created=1677610602, owned_by="openai"),
            "GET /model/info": sample("litellm_model_info_docs"),
        },
        "gpt-4",
        CHAT,
        CHAT,
    ),
    (
        kinds.OLLAMA,
        {
            "GET /models": sample("ollama_v1_models_recorded"),
            "POST /…/api/show": sample("ollama_api_show_docs"),
        },
        "llama3.2:latest",
        COMPLETIONS,
        CHAT,
    ),
    (
        kinds.SGLANG,
        {
            "GET /models": sample("sglang_models_docs"),
            "GET /…/model_info": {"model_path": "x", "is_generation": True},
        },
        "meta-llama/Llama-3.1-8B-Instruct",
        None,
        None,
    ),
    (
        kinds.LLAMACPP,
        {
            "GET /models": sample("llamacpp_models_recorded"),
            "GET /…/props": sample("llamacpp_props_docs"),
        },
        "Qwen3.8-27B-Q4_K_M",
        None,
        None,
    ),
    (
        kinds.TGI,
        {
            "GET /models": listed("meta-llama/Llama-3.1-8B-Instruct", created=0, owned_by="m"),
            "GET /…/info": sample("tgi_info"),
        },
        "meta-llama/Llama-3.1-8B-Instruct",
        None,
        None,
    ),
    (
        kinds.GITHUB,
        {"GET /…/catalog/models": sample("github_models_catalog_recorded")},
        "openai/gpt-4.1-mini",
        CHAT,
        CHAT,
    ),
    (
        kinds.GEMINI,
        {"GET /models": sample("gemini_openai_compat_models_recorded")},
        "models/gemini-2.5-flash",
        None,
        None,
    ),
    (kinds.VLLM, {"GET /models": sample("vllm_models_recorded")}, "acegpt13bchat", None, None),
    (kinds.VLLM, {"GET /models": sample("vllm_models_lora_docs")}, "sql-lora", None, None),
    (
        kinds.LLAMA_CPP_PYTHON,
        {"GET /models": sample("llama_cpp_python_models_from_source")},
        "gpt-3.5-turbo",
        None,
        None,
    ),
    (
        kinds.TOGETHER,
        {"GET /models": sample("together_models_docs")},
        "Austism/chronos-hermes-13b",
        None,
        CHAT,
    ),
    (
        kinds.FIREWORKS,
        {"GET /models": sample("fireworks_models_fixture")},
        "accounts/fireworks/models/kimi-k2p6",
        None,
        CHAT,
    ),
    (kinds.MISTRAL, {"GET /models": sample("mistral_models_docs")}, "<model_id>", CHAT, CHAT),
    (
        kinds.HUGGINGFACE,
        {"GET /models": sample("hf_router_models_recorded")},
        "zai-org/GLM-5.3-Flash",
        CHAT,
        CHAT,
    ),
    (
        kinds.OPENROUTER,
        {"GET /models": sample("openrouter_models_recorded")},
        "01-ai/yi-large",
        None,
        None,
    ),
    (kinds.GROQ, {"GET /models": sample("groq_models_recorded")}, "whisper-large-v3", None, None),
    (kinds.DEEPSEEK, {"GET /models": sample("deepseek_models_docs")}, "deepseek-flash", None, None),
    (
        kinds.AZURE,
        {"GET /models": sample("azure_models_2024-10-21")},
        "curie.ft-72a2792ef7d24ba7b82c7fe4a37e379f",
        COMPLETIONS,
        COMPLETIONS,
    ),
]
IDS = [f"{kind}-{model}" for kind, _, model, _, _ in KINDS]


@pytest.mark.parametrize(("kind", "script", "model", "completions", "chat"), KINDS, ids=IDS)
def test_the_server_says_where_its_models_live_or_the_clients_endpoint_is_tried(
    kind: Profile, script: Script, model: str, completions: Shape | None, chat: Shape | None
) -> None:
    for client, home in ((COMPLETIONS, completions), (CHAT, chat)):
        route = Scene(script, kind).route(model, client)
        assert route.shape is (home or client)
        assert (route.resolved_by is Source.DEFAULT) is (home is None)
        # Where names alone decide, nothing is asked.
        assert route.exists or kind.has_openai_names


RECOGNISABLE = [
    row for row in KINDS if row[0] not in {kinds.LOCALAI, kinds.GITHUB, kinds.LITELLM, kinds.TGI}
]


@pytest.mark.parametrize(
    ("kind", "script", "model", "completions", "chat"),
    RECOGNISABLE,
    ids=[f"{row[0]}-{row[2]}" for row in RECOGNISABLE],
)
def test_without_a_configured_kind_the_list_tells_it_and_the_route_is_the_same(
    kind: Profile, script: Script, model: str, completions: Shape | None, chat: Shape | None
) -> None:
    scene = Scene(script)
    assert scene.lookup.kind(scene.upstream) is kinds.AUTO
    route = scene.route(model, CHAT)
    assert (route.kind, route.shape) == (kind, chat or CHAT)
    assert scene.lookup.kind(scene.upstream) is kind


def test_headers_tell_the_kind_of_a_list_that_does_not() -> None:
    said = json_reply(listed("m"), headers=((b"x-litellm-version", b"1.109.1"),))
    info = {"data": [{"model_name": "m", "model_info": {"mode": "completion"}}]}
    route = Scene({"GET /models": said, "GET /model/info": info}).route("m", CHAT)
    assert (route.kind, route.shape) == (kinds.LITELLM, COMPLETIONS)


def test_a_kind_that_was_recognised_stays() -> None:
    scene = Scene({"GET /models": sample("vllm_models_recorded")})
    scene.route("acegpt13bchat", CHAT)
    scene.script["GET /models"] = listed("acegpt13bchat", owned_by="someone")
    scene.clock.advance(101)
    assert scene.route("acegpt13bchat", CHAT).kind is kinds.VLLM


def test_a_list_that_tells_nothing_yet_is_looked_at_again() -> None:
    scene = Scene({"GET /models": listed()})
    assert scene.route("acegpt13bchat", CHAT).kind is kinds.OTHER
    scene.script["GET /models"] = sample("vllm_models_recorded")
    scene.clock.advance(11)
    assert scene.route("acegpt13bchat", CHAT).kind is kinds.VLLM


def test_what_does_not_generate_lives_nowhere_that_is_known() -> None:
    scene = Scene(
        {"GET /models": sample("ollama_v1_models_recorded"), "POST /…/api/show": shown("embedding")}
    )
    route = scene.route("llama3.2:latest", CHAT)
    assert route.resolved_by is Source.DEFAULT
    assert 'capabilities are ["embedding"]' in route.evidence[0].detail


def test_the_model_asked_for_is_named_to_ollama_and_known_though_the_list_lacks_it() -> None:
    scene = Scene(
        {
            "GET /models": sample("ollama_v1_models_recorded"),
            "POST /…/api/show": shown("completion"),
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
    scene = Scene(
        {
            "GET /models": sample("sglang_models_docs"),
            "GET /…/model_info": {"is_generation": True},
        },
        kinds.SGLANG,
    )
    assert not scene.route("some-other", CHAT).exists


def test_an_older_sglang_is_asked_under_the_older_name() -> None:
    scene = Scene(
        {
            "GET /models": sample("sglang_models_docs"),
            "GET /…/get_model_info": {"is_generation": False},
        }
    )
    route = scene.route("meta-llama/Llama-3.1-8B-Instruct", CHAT)
    assert "is_generation is false" in route.evidence[0].detail
    assert scene.asked[:3] == ["GET /models", "GET /…/model_info", "GET /…/get_model_info"]


def test_a_slot_of_llamacpp_is_as_long_as_it_says_itself() -> None:
    scene = Scene(
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
    without = Scene(script, kinds.GEMINI)
    without.route("models/gemini-x", CHAT)
    assert "GET /…/models" not in without.asked
    keyed = Scene(script, kinds.GEMINI, ((b"X-Goog-Api-Key", b"k"),))
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
    route = Scene(script, kind).route("m", CHAT)
    assert (route.shape, route.resolved_by, route.exists) == (CHAT, Source.DEFAULT, True)


@pytest.mark.parametrize(("kind", "key"), FURTHER)
def test_further_look_ups_are_made_once_for_each_credential(kind: Profile, key: str) -> None:
    scene = Scene({"GET /models": listed("m"), "GET /…/model_info": {"a": 1}}, kind)

    async def twice() -> None:
        await scene.ask("m", CHAT)
        await scene.ask("m", COMPLETIONS)
        await scene.ask("m", CHAT, ((b"authorization", b"Bearer bob"),))

    asyncio.run(twice())
    assert scene.asked.count(key) == 2


def test_what_is_told_further_counts_where_the_list_itself_failed() -> None:
    scene = Scene({"POST /…/api/show": shown("completion")}, kinds.OLLAMA)
    route = scene.route("m", RESPONSES)
    assert (route.resolved_by, route.exists) == (Source.DEFAULT, True)
    details = [piece.detail for piece in route.evidence]
    assert details[0] == "the model list could not be read (GET /models: status 404)"
    assert 'capabilities are ["completion"]' in details[1]
    assert scene.route("m", CHAT).resolved_by is Source.CAPABILITY


def test_no_further_look_up_is_made_of_a_server_that_is_not_known() -> None:
    scene = Scene({})
    scene.route("m", CHAT)
    assert scene.asked == ["GET /models", "GET /fine_tuning/jobs"]


def test_a_server_that_hangs_is_given_up_and_not_asked_again_soon() -> None:
    upstream = Scene({}).upstream
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
