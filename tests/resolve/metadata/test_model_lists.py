from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.json_fields import MAX_ENTRIES
from gateway.resolve.metadata import model_lists
from gateway.resolve.metadata.model_lists import ModelCard, has_more, merged, read_description
from gateway.resolve.names.model_ids import base_of
from gateway.servers import PROFILES, Profile
from gateway.servers.reading import Abilities
from gateway.shapes import Shape
from tests import kinds
from tests.resolve.payloads import JSON, SAMPLE_NAMES, deep, finished, sample

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
MESSAGES = Shape.MESSAGES
AZURE_CURIE = ModelCard(
    "curie",
    (COMPLETIONS,),
    shutdown_date=date(2024, 3, 1),
    detail="capabilities.chat_completion is false, .completion is true",
    generative=True,
)
AZURE_FINE_TUNE = replace(
    AZURE_CURIE,
    id="curie.ft-72a2792ef7d24ba7b82c7fe4a37e379f",
    base="curie",
    detail=f'{AZURE_CURIE.detail}; model is "curie"',
)
FIREWORKS_CHAT = ModelCard(
    "accounts/fireworks/models/kimi-k2p6",
    (CHAT,),
    context_length=262144,
    detail="supports_chat is true",
    generative=True,
    silent_on=(COMPLETIONS, RESPONSES),
)
FIREWORKS_EMBEDDING = ModelCard(
    "accounts/fireworks/models/qwen3-embedding-8b",
    context_length=40960,
    detail='kind is "EMBEDDING_MODEL"',
    generative=False,
    other_endpoints=("embeddings",),
)
LMSTUDIO_V0 = ModelCard(
    "qwen2-vl-7b-instruct",
    (CHAT, COMPLETIONS),
    detail='type is "vlm"',
    generative=True,
    silent_on=(RESPONSES, MESSAGES),
)
LMSTUDIO_V1 = ModelCard(
    "deepseek-r1",
    (CHAT, RESPONSES, COMPLETIONS),
    detail='type is "llm"',
    generative=True,
    silent_on=(MESSAGES,),
)
MISTRAL = ModelCard(
    "<model_id>",
    (CHAT,),
    base="open-mistral-7b",
    context_length=32768,
    detail='capabilities.completion_chat is true; root is "open-mistral-7b"',
    generative=True,
)
ROUTED = ModelCard(
    "01-ai/yi-large",
    context_length=32768,
    detail='output_modalities are ["text"]',
    generative=True,
)
YI = {
    *("max_tokens", "temperature", "top_p", "stop", "frequency_penalty", "presence_penalty"),
    *("top_k", "repetition_penalty", "response_format", "structured_outputs", "logit_bias"),
    *("logprobs", "top_logprobs"),
}
GPT = [
    *("include_reasoning", "max_tokens", "reasoning", "response_format", "seed"),
    *("structured_outputs", "tool_choice", "tools"),
]


def taking(parameters: list[str], efforts: frozenset[str] | None = None) -> Abilities:
    return Abilities(efforts=efforts, parameters=frozenset(parameters))


TOGETHER = ModelCard(
    "Austism/chronos-hermes-13b",
    (CHAT,),
    context_length=2048,
    detail='type is "chat"',
    generative=True,
    silent_on=(COMPLETIONS, RESPONSES),
)

EXPECTED: dict[str, tuple[Profile, list[ModelCard]]] = {
    "anthropic_model_2025_recorded": (
        kinds.ANTHROPIC,
        [
            ModelCard(
                "claude-opus-4-20250514",
                (MESSAGES,),
                detail="Claude Opus 4 is in Anthropic's list",
                generative=True,
                abilities=Abilities(),
            ),
            ModelCard(
                "claude-opus-4-0",
                (MESSAGES,),
                detail="Claude Opus 4 is in Anthropic's list",
                generative=True,
                abilities=Abilities(),
            ),
        ],
    ),
    "anthropic_model_docs_2026": (
        kinds.ANTHROPIC,
        [
            ModelCard(
                "claude-opus-4-6",
                (MESSAGES,),
                detail="Claude Opus 4.6 is in Anthropic's list with thinking, structured_outputs, "
                "image_input, pdf_input",
                generative=True,
                abilities=Abilities(
                    thinking=frozenset({"adaptive", "enabled"}),
                    efforts=frozenset({"low", "medium", "high", "xhigh", "max"}),
                ),
            )
        ],
    ),
    "azure_deployments_2023-03-15-preview": (
        kinds.AZURE,
        [
            ModelCard(
                "deployment-afa0669ca01e4693ae3a93baf40f26d6",
                base="curie",
                detail='model is "curie"',
            )
        ],
    ),
    "azure_models_2023-03-15-preview": (kinds.AZURE, [AZURE_CURIE, AZURE_FINE_TUNE]),
    "azure_models_2024-10-21": (kinds.AZURE, [AZURE_CURIE, AZURE_FINE_TUNE]),
    "deepseek_model_2025_recorded": (kinds.DEEPSEEK, [ModelCard("deepseek-chat")]),
    "deepseek_models_docs": (
        kinds.DEEPSEEK,
        [
            replace(
                ROUTED,
                id="deepseek-flash",
                context_length=1048576,
                abilities=Abilities(efforts=frozenset({"low", "high", "max"})),
            )
        ],
    ),
    "fireworks_models_fixture": (
        kinds.FIREWORKS,
        [
            FIREWORKS_CHAT,
            FIREWORKS_EMBEDDING,
            replace(FIREWORKS_EMBEDDING, id="accounts/fireworks/models/qwen3-reranker-8b"),
            replace(
                FIREWORKS_CHAT, id="accounts/fireworks/models/qwen3p7-plus", context_length=None
            ),
        ],
    ),
    "gemini_native_model_recorded": (
        kinds.GEMINI,
        [
            ModelCard(
                name,
                (CHAT,),
                detail="supportedGenerationMethods are "
                '["generateContent", "countTokens", "bidiGenerateContent"]',
                generative=True,
            )
            for name in (
                "models/gemini-2.0-flash-exp-image-generation",
                "gemini-2.0-flash-exp-image-generation",
            )
        ],
    ),
    "github_models_catalog_recorded": (
        kinds.GITHUB,
        [
            ModelCard(
                "openai/gpt-4.1-mini",
                (CHAT,),
                detail='supported_output_modalities are ["text"]',
                generative=True,
            )
        ],
    ),
    "hf_router_models_recorded": (
        kinds.HUGGINGFACE,
        [
            replace(
                ROUTED,
                id="zai-org/GLM-5.3-Flash",
                shapes=(CHAT,),
                context_length=1048576,
                silent_on=(RESPONSES,),
            )
        ],
    ),
    "litellm_model_info_docs": (
        kinds.LITELLM,
        [
            ModelCard(
                "gpt-4",
                (CHAT,),
                detail='model_info.mode is "chat"',
                generative=True,
                silent_on=(RESPONSES, MESSAGES),
            )
        ],
    ),
    "llama_cpp_python_models_from_source": (
        kinds.LLAMA_CPP_PYTHON,
        [ModelCard("gpt-3.5-turbo")],
    ),
    "llamacpp_models_docs": (
        kinds.LLAMACPP,
        [ModelCard("../models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf")],
    ),
    "llamacpp_models_recorded": (
        kinds.LLAMACPP,
        [ModelCard("Qwen3.8-27B-Q4_K_M", context_length=8192)],
    ),
    "lmstudio_api_v0_models_docs": (
        kinds.LMSTUDIO,
        [
            LMSTUDIO_V0,
            replace(LMSTUDIO_V0, id="meta-llama-3.1-8b-instruct", detail='type is "llm"'),
            ModelCard(
                "text-embedding-nomic-embed-text-v1.5",
                detail='type is "embeddings"',
                generative=False,
                other_endpoints=("embeddings",),
            ),
        ],
    ),
    "lmstudio_api_v1_models_docs": (
        kinds.LMSTUDIO,
        [
            replace(LMSTUDIO_V1, id="google/gemma-4-26b-a4b", context_length=4096),
            LMSTUDIO_V1,
            ModelCard(
                "text-embedding-nomic-embed-text-v1.5-embedding",
                detail='type is "embedding"',
                generative=False,
                other_endpoints=("embeddings",),
            ),
            replace(LMSTUDIO_V1, id="google/gemma-4-26b-a4b@q4_k_m", context_length=4096),
        ],
    ),
    "lmstudio_v1_models_recorded": (
        kinds.LMSTUDIO,
        [ModelCard("text-embedding-nomic-embed-text-v1.5")],
    ),
    "localai_models_capabilities_docs": (
        kinds.LOCALAI,
        [
            ModelCard(
                "qwen2.5-omni",
                (CHAT,),
                detail='capabilities are ["chat", "tools", "vision"]',
                generative=True,
                silent_on=(RESPONSES,),
            ),
            ModelCard(
                "parakeet",
                detail='capabilities are ["transcript"]',
                generative=False,
                other_endpoints=("audio/transcriptions",),
            ),
        ],
    ),
    "mistral_model_finetuned_fixture": (
        kinds.MISTRAL,
        [replace(MISTRAL, id="ft:open-mistral-7b:587a6b29:20240514:7e773925")],
    ),
    "mistral_models_docs": (kinds.MISTRAL, [MISTRAL]),
    "ollama_api_tags_docs": (
        kinds.OLLAMA,
        [ModelCard("deepseek-r1:latest"), ModelCard("llama3.2:latest")],
    ),
    "ollama_v1_models_recorded": (
        kinds.OLLAMA,
        [ModelCard("llama3.1:latest"), ModelCard("qwen2.5:latest"), ModelCard("llama3.2:latest")],
    ),
    "openai_engines_spec_2022-01": (
        kinds.OPENAI,
        [ModelCard("engine-id-0"), ModelCard("engine-id-2"), ModelCard("engine-id-3")],
    ),
    "openai_model_spec_2026-08": (
        kinds.OPENAI,
        [ModelCard("VAR_chat_model_id", shutdown_date=date(2026, 10, 23))],
    ),
    "openai_models_2022_finetuned_root_parent": (
        kinds.OPENAI,
        [
            ModelCard("curie:2020-05-03"),
            ModelCard(
                "curie:ft-personal-2022-01-10-16-52-53",
                base="curie:2020-05-03",
                detail='parent is "curie:2020-05-03"',
            ),
        ],
    ),
    "openai_models_2023_permission_root_parent": (
        kinds.OPENAI,
        [
            ModelCard("babbage"),
            ModelCard("if-curie-v2"),
            ModelCard("if-davinci:3.0.0"),
            ModelCard(
                "curie:ft-personal-2023-03-15-03-15-09",
                base="curie:2020-05-03",
                detail='parent is "curie:2020-05-03"',
            ),
            ModelCard(
                "davinci:ft-personal-2023-03-15-09-11-14",
                base="davinci:2020-05-03",
                detail='parent is "davinci:2020-05-03"',
            ),
        ],
    ),
    "openai_models_spec_2026-08": (
        kinds.OPENAI,
        [
            ModelCard("model-id-0"),
            ModelCard("model-id-1"),
            ModelCard("model-id-2", shutdown_date=date(2026, 10, 23)),
        ],
    ),
    "openrouter_models_recorded": (
        kinds.OPENROUTER,
        [
            replace(ROUTED, abilities=taking(sorted(YI), efforts=frozenset())),
            replace(
                ROUTED,
                id="openai/gpt-5-mini",
                context_length=400000,
                abilities=taking(GPT),
            ),
            replace(
                ROUTED,
                id="deepseek/deepseek-r1-0528",
                context_length=163840,
                abilities=taking([*YI, *GPT, "min_p"]),
            ),
        ],
    ),
    "sglang_models_docs": (
        kinds.SGLANG,
        [ModelCard("meta-llama/Llama-3.1-8B-Instruct", context_length=131072)],
    ),
    "tgi_info": (
        kinds.TGI,
        [ModelCard("meta-llama/Llama-3.1-8B-Instruct", context_length=4096)],
    ),
    "together_model_recorded": (
        kinds.TOGETHER,
        [replace(TOGETHER, id="arcee_ai/arcee-spotlight", context_length=131072)],
    ),
    "together_models_docs": (kinds.TOGETHER, [TOGETHER]),
    "vllm_models_2023_recorded": (kinds.VLLM, [ModelCard("Mistral-7B-Instruct-v0.1/")]),
    "vllm_models_lora_docs": (
        kinds.VLLM,
        [
            ModelCard("meta-llama/Llama-2-7b-hf"),
            ModelCard(
                "sql-lora",
                base="meta-llama/Llama-2-7b-hf",
                detail='parent is "meta-llama/Llama-2-7b-hf"',
            ),
        ],
    ),
    "vllm_models_recorded": (kinds.VLLM, [ModelCard("acegpt13bchat", context_length=2048)]),
}
ALL_ALIKE: dict[str, tuple[Profile, int]] = {
    "gemini_openai_compat_models_recorded": (kinds.GEMINI, 2 * 53),
    "groq_models_recorded": (kinds.GROQ, 20),
    "openai_models_recorded_2026-01": (kinds.OPENAI, 119),
    # Three of ten have a date, and an alias without it.
    "xai_models_recorded": (kinds.XAI, 13),
}
"""Long lists that say nothing but names (and Groq: lengths): how many cards they give."""
DESCRIPTIONS: dict[str, tuple[Profile, ModelCard]] = {
    "llamacpp_props_docs": (kinds.LLAMACPP, ModelCard("m", context_length=1024)),
    "ollama_api_show_docs": (
        kinds.OLLAMA,
        ModelCard(
            "m",
            (CHAT, COMPLETIONS),
            detail='capabilities are ["completion", "vision"]',
            generative=True,
            silent_on=(RESPONSES, MESSAGES),
        ),
    ),
    "tgi_info": (kinds.TGI, ModelCard("m", context_length=4096)),
}
JOB_RECORDS = {name for name in SAMPLE_NAMES if "fine_tun" in name and "models" not in name}


def read_models(payload: object, kind: Profile) -> list[ModelCard]:
    cards = finished(model_lists.read_models(payload, kind))
    assert all(name == card.id for name, card in cards.items())
    return list(cards.values())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_list_gives_the_evidence_it_holds_and_no_more(name: str) -> None:
    kind, expected = EXPECTED[name]
    assert read_models(sample(name), kind) == expected


@pytest.mark.parametrize("name", ALL_ALIKE)
def test_a_list_of_names_gives_cards_that_say_nothing_else(name: str) -> None:
    kind, size = ALL_ALIKE[name]
    cards = read_models(sample(name), kind)
    assert len(cards) == size
    for card in cards:
        assert replace(card, context_length=None) == ModelCard(card.id)
        assert (card.context_length is not None) == (kind is kinds.GROQ)


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_gives_the_card_of_the_model_that_was_asked_about(name: str) -> None:
    kind, expected = DESCRIPTIONS[name]
    assert read_description(sample(name), kind, "m") == expected


def test_every_sample_is_read_by_some_test() -> None:
    read = EXPECTED.keys() | ALL_ALIKE.keys() | DESCRIPTIONS.keys() | JOB_RECORDS
    assert read == set(SAMPLE_NAMES)


def test_the_snapshot_that_openai_named_as_parent_leads_to_the_public_name() -> None:
    card = read_models(sample("openai_models_2022_finetuned_root_parent"), kinds.OPENAI)[1]
    assert card.base is not None
    assert base_of(card.base) == "curie"


def test_with_kind_auto_the_list_itself_shows_how_to_read_it() -> None:
    name = "fireworks_models_fixture"
    assert read_models(sample(name), kinds.AUTO) == EXPECTED[name][1]
    assert read_models({"data": [{"id": "a", "parent": "b"}]}, kinds.AUTO)[0].base == "b"


def test_gemini_models_have_a_card_with_and_without_the_models_prefix() -> None:
    cards = read_models(sample("gemini_openai_compat_models_recorded"), kinds.GEMINI)
    names = {card.id for card in cards}
    assert {"models/gemini-2.5-flash", "gemini-2.5-flash"} <= names


def test_other_names_of_a_model_have_cards_too_unless_listed_themselves() -> None:
    payload = {
        "data": [
            {"id": "new", "aliases": ["latest", "old", "", 5, "bad\n"], "max_context_length": 9},
            {"id": "old", "max_context_length": 4},
        ]
    }
    assert read_models(payload, kinds.MISTRAL) == [
        ModelCard("new", context_length=9),
        ModelCard("old", context_length=4),
        ModelCard("latest", context_length=9),
    ]


def test_a_loaded_instance_is_another_name_and_sets_the_length_served() -> None:
    payload = {
        "models": [
            {
                "type": "llm",
                "key": "m",
                "max_context_length": 100_000,
                "loaded_instances": [
                    {"id": "m:2", "config": {"context_length": 8192}},
                    {"id": "m", "config": {"context_length": 4096}},
                    {"config": {}},
                ],
            }
        ]
    }
    cards = read_models(payload, kinds.LMSTUDIO)
    assert [(card.id, card.context_length) for card in cards] == [("m", 4096), ("m:2", 4096)]


@pytest.mark.parametrize(
    ("kind", "entry", "base"),
    [
        (kinds.VLLM, {"id": "m", "root": "/models/m", "parent": None}, None),
        (kinds.VLLM, {"id": "m", "root": "org/other"}, None),
        (kinds.VLLM, {"id": "m", "parent": "m"}, None),
        (kinds.SGLANG, {"id": "lora", "parent": "base"}, "base"),
        (kinds.OTHER, {"id": "lora", "parent": "base"}, "base"),
        (kinds.GROQ, {"id": "lora", "parent": "base"}, None),
        (kinds.OPENAI, {"id": "ft", "parent": "snapshot\n"}, None),
        (kinds.MISTRAL, {"id": "m", "root": "n"}, None),
        (kinds.MISTRAL, {"id": "m", "root": "n", "type": "base"}, None),
        (kinds.MISTRAL, {"id": "m", "root": "n", "type": "fine-tuned"}, "n"),
        (kinds.MISTRAL, {"id": "m", "root": "n", "job": "j"}, "n"),
        (kinds.MISTRAL, {"id": "ft:n:x:y", "root": "n"}, "n"),
        (kinds.GEMINI, {"name": "models/g", "baseModelId": "g"}, None),
        (kinds.GEMINI, {"name": "tunedModels/t", "baseModelId": "g"}, "g"),
        (kinds.OLLAMA, {"name": "m", "details": {"parent_model": "llama3:8b"}}, "llama3:8b"),
        (kinds.OLLAMA, {"name": "m", "details": {"parent_model": "/root/.ollama/x"}}, None),
        (kinds.OLLAMA, {"name": "m", "details": {"parent_model": "C:\\m.gguf"}}, None),
        (kinds.OLLAMA, {"name": "m", "details": {"parent_model": "x/sha256-0a8c"}}, None),
        (
            kinds.FIREWORKS,
            {"name": "accounts/a/models/m", "peftDetails": {"baseModel": "accounts/f/models/b"}},
            "accounts/f/models/b",
        ),
        (
            kinds.LITELLM,
            {
                "model_name": "m",
                "litellm_params": {"model": "azure/d"},
                "model_info": {"base_model": "azure/gpt-4o", "key": "k"},
            },
            "azure/gpt-4o",
        ),
        (kinds.LITELLM, {"model_name": "m", "litellm_params": {"model": "azure/d"}}, "azure/d"),
        (kinds.LITELLM, {"model_name": "m", "litellm_params": {"model": "m"}}, None),
        (kinds.LITELLM, {"id": "gpt-4o", "object": "model"}, None),
    ],
)  # fmt: skip
def test_the_base_comes_from_the_field_that_is_trustworthy_there(
    kind: Profile, entry: dict[str, object], base: str | None
) -> None:
    (card, *_) = read_models([entry], kind)
    assert card.base == base
    assert (base or "") in card.detail


@pytest.mark.parametrize(
    "written",
    ["2026-10-23T00:00:00Z", "20261023", "2026-W43-5", "2026-02-30", "soon", "", 1798000000, None],
)
def test_what_is_not_a_date_is_not_a_shutdown_date(written: object) -> None:
    (card,) = read_models([{"id": "m", "shutdown_date": written}], kinds.OPENAI)
    assert card.shutdown_date is None


@pytest.mark.parametrize("written", [0, -5, True, 1.5, 10**15, 10**400, "1709284527", None])
def test_what_is_not_a_time_in_seconds_is_not_a_shutdown_date_of_azures(written: object) -> None:
    (card,) = read_models([{"id": "m", "deprecation": {"inference": written}}], kinds.AZURE)
    assert card.shutdown_date is None


@pytest.mark.parametrize(
    ("kind", "entry", "length"),
    [
        (kinds.VLLM, {"max_model_len": 4096}, 4096),
        (kinds.VLLM, {"max_model_len": True}, None),
        (kinds.VLLM, {"max_model_len": 0}, None),
        (kinds.VLLM, {"max_model_len": 4096.0}, None),
        (kinds.LLAMACPP, {"meta": {"n_ctx_train": 131072}}, None),
        (kinds.LLAMACPP, {"meta": None}, None),
        (kinds.LMSTUDIO, {"max_context_length": 32768, "loaded_context_length": 4096}, 4096),
        (kinds.LMSTUDIO, {"max_context_length": 32768}, None),
        (kinds.GEMINI, {"inputTokenLimit": 1048576}, None),
        (
            kinds.HUGGINGFACE,
            {"providers": [{"context_length": 9}, {"context_length": 5}, {}, 3]},
            5,
        ),
        (kinds.HUGGINGFACE, {"providers": "all"}, None),
    ],
)
def test_the_context_length_is_the_one_served(
    kind: Profile, entry: dict[str, object], length: int | None
) -> None:
    (card, *_) = read_models([{"id": "m", **entry}], kind)
    assert card.context_length == length


@pytest.mark.parametrize(
    "payload",
    [
        None,
        True,
        7,
        "text",
        [],
        {},
        {"data": None},
        {"data": []},
        {"data": {"id": "m"}},
        {"error": {"message": "no"}},
        {"object": "error", "message": "no", "code": 400},
        [1, "m", None, []],
        [{"id": None}, {"id": 5}, {"id": ""}, {"id": "a\nb"}, {"id": "x" * 2000}, {"name": "m"}],
    ],
)
def test_a_payload_without_models_gives_no_cards(payload: object) -> None:
    assert read_models(payload, kinds.OPENAI) == []


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"data": [], "has_more": True, "last_id": "a"}, True),
        ({"data": [], "has_more": False, "last_id": "a"}, False),
        ({"data": [], "has_more": "yes", "last_id": "a"}, False),
        ({"data": [], "has_more": True}, False),
        ({"data": [], "has_more": True, "last_id": None}, False),
        ([{"has_more": True, "last_id": "a"}], False),
        (None, False),
    ],
)
def test_a_page_in_anthropics_form_says_that_more_follows(payload: object, expected: bool) -> None:
    assert has_more(payload) is expected


def test_the_rest_of_a_list_is_read_although_some_of_it_is_malformed() -> None:
    payload = {"data": [{"id": "a"}, "b", {"id": 3}, {"id": "c", "parent": ["a"]}, None]}
    assert read_models(payload, kinds.VLLM) == [ModelCard("a"), ModelCard("c")]


def test_of_two_entries_with_one_name_the_first_counts() -> None:
    payload = [{"id": "m", "max_model_len": 1}, {"id": "m", "max_model_len": 2}]
    assert read_models(payload, kinds.VLLM) == [ModelCard("m", context_length=1)]


def test_endless_lists_are_read_in_part() -> None:
    payload = [{"id": f"m{number}"} for number in range(MAX_ENTRIES + 5)]
    assert len(read_models(payload, kinds.OTHER)) == MAX_ENTRIES
    aliases = [f"a{number}" for number in range(MAX_ENTRIES)]
    payload_of_aliases = [{"id": "m", "aliases": aliases}, {"id": "n", "aliases": ["one", "more"]}]
    assert len(read_models(payload_of_aliases, kinds.MISTRAL)) == 2 + MAX_ENTRIES


@pytest.mark.parametrize("payload", [None, [], "m", {"error": "model 'm' not found"}])
def test_an_error_describes_no_model(payload: object) -> None:
    assert read_description(payload, kinds.OLLAMA, "m") is None


def test_an_embedding_server_of_sglang_says_so() -> None:
    card = read_description({"is_generation": False}, kinds.SGLANG, "m")
    assert card == ModelCard("m", detail="is_generation is false", generative=False)


@given(JSON, st.sampled_from(PROFILES))
def test_any_json_is_read_without_an_error_and_what_comes_out_is_clean(
    payload: object, kind: Profile
) -> None:
    cards = read_models(payload, kind)
    assert len({card.id for card in cards}) == len(cards)
    for card in cards:
        assert card.id.isprintable()
        assert card.base is None or (card.base.isprintable() and card.base != "")
        assert card.context_length is None or card.context_length > 0
        assert not card.shapes or card.generative
        assert not set(card.shapes) & set(card.silent_on)
        assert card.detail.isprintable()
        assert len(card.detail) < 1500
    read_description(payload, kind, "m")


@given(st.lists(JSON, max_size=3), st.sampled_from(SAMPLE_NAMES), st.sampled_from(PROFILES))
def test_any_kind_reads_any_servers_list_without_an_error(
    more: list[object], name: str, kind: Profile
) -> None:
    payload = sample(name)
    assert all(card.id for card in read_models([payload, *more], kind))
    assert all(card.id for card in read_models(payload, kind))


@pytest.mark.parametrize("kind", PROFILES)
def test_values_nested_to_any_depth_are_left_alone(kind: Profile) -> None:
    fields = ("id", "name", "owned_by", "created", "capabilities", "type", "parent", "details")
    nested = {**dict.fromkeys(fields, deep(50_000)), "object": "model", "id": "m"}
    assert [card.id for card in read_models([nested, deep(50_000)], kind)] == ["m"]


def test_a_further_look_up_completes_a_card_and_its_capability_wins() -> None:
    listed = ModelCard(
        "m",
        (CHAT,),
        base="listed-base",
        shutdown_date=date(2027, 1, 1),
        context_length=4096,
        detail="listed",
        silent_on=(RESPONSES,),
    )
    further = ModelCard(
        "other",
        (COMPLETIONS,),
        base="further-base",
        context_length=1024,
        detail="further",
        generative=True,
    )
    assert merged(listed, further) == replace(
        listed,
        shapes=(COMPLETIONS,),
        context_length=1024,
        detail="further; listed",
        generative=True,
        silent_on=(),
    )
    assert merged(listed, ModelCard("m")) == listed
    assert merged(ModelCard("m"), replace(further, id="m")) == replace(further, id="m")
    assert merged(None, further) == further


@given(st.sampled_from([None, True, False]), st.sampled_from([None, True, False]))
def test_what_is_known_is_never_lost_when_cards_are_merged(
    first: bool | None, second: bool | None
) -> None:
    card = merged(ModelCard("m", generative=first), ModelCard("m", generative=second))
    assert card.generative is (first if second is None else second)


CLAUDE = {"id": "m", "type": "model", "display_name": "M", "lifecycle": "deprecated"}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2027-02-01T00:00:00Z", date(2027, 2, 1)),
        ("2027-02-01", date(2027, 2, 1)),
        (None, None),
        ("soon", None),
        ("2027-02-31T00:00:00Z", None),
        (5, None),
    ],
)
def test_anthropics_cards_say_when_a_model_retires(written: object, day: date | None) -> None:
    (card,) = read_models([{**CLAUDE, "retires_at": written}], kinds.ANTHROPIC)
    assert (card.shutdown_date, card.shapes) == (day, (MESSAGES,))


def test_what_a_claude_can_do_is_read_as_far_as_it_is_said() -> None:
    said = {
        "max_tokens": 0,
        "capabilities": {"effort": {"low": {"supported": False}}, "thinking": {"types": []}},
    }
    (card,) = read_models([{**CLAUDE, **said}], kinds.ANTHROPIC)
    assert card.abilities == Abilities(None, frozenset(), frozenset())
    (card,) = read_models([{**CLAUDE, "max_tokens": 8192}], kinds.ANTHROPIC)
    assert card.abilities == Abilities(8192)


@pytest.mark.parametrize(
    ("given", "length"), [(200_000, 200_000), (0, None), (None, None), ("200000", None), (-1, None)]
)
def test_the_window_of_a_claude_is_its_context_length(given: object, length: int | None) -> None:
    (card,) = read_models([{**CLAUDE, "max_input_tokens": given}], kinds.ANTHROPIC)
    assert card.context_length == length


@pytest.mark.parametrize("kind", [kinds.OTHER, kinds.LITELLM, kinds.GITHUB, kinds.VLLM])
def test_what_limits_the_input_only_is_none(kind: Profile) -> None:
    (card,) = read_models([{"id": "m", "max_input_tokens": 8192}], kind)
    assert card.context_length is None
