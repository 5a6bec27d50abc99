from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.metadata import model_lists
from gateway.resolve.metadata.server_kind import recognise
from gateway.servers import PROFILES, Profile
from tests import kinds
from tests.resolve.payloads import JSON, SAMPLE_NAMES, deep, sample

RECOGNISED = {
    "azure_deployments_2023-03-15-preview": kinds.AZURE,
    "azure_models_2023-03-15-preview": kinds.AZURE,
    "azure_models_2024-10-21": kinds.AZURE,
    "deepseek_models_docs": kinds.DEEPSEEK,
    "fireworks_models_fixture": kinds.FIREWORKS,
    "gemini_openai_compat_models_recorded": kinds.GEMINI,
    "github_models_catalog_recorded": kinds.GITHUB,
    "groq_models_recorded": kinds.GROQ,
    "xai_models_recorded": kinds.XAI,
    "hf_router_models_recorded": kinds.HUGGINGFACE,
    "litellm_model_info_docs": kinds.LITELLM,
    "llama_cpp_python_models_from_source": kinds.LLAMA_CPP_PYTHON,
    "llamacpp_models_docs": kinds.LLAMACPP,
    "llamacpp_models_recorded": kinds.LLAMACPP,
    "lmstudio_api_v0_models_docs": kinds.LMSTUDIO,
    "lmstudio_api_v1_models_docs": kinds.LMSTUDIO,
    "lmstudio_v1_models_recorded": kinds.LMSTUDIO,
    "localai_models_capabilities_docs": kinds.LOCALAI,
    "mistral_models_docs": kinds.MISTRAL,
    "ollama_api_tags_docs": kinds.OLLAMA,
    "ollama_v1_models_recorded": kinds.OLLAMA,
    "openai_models_spec_2026-08": kinds.OPENAI,
    "openrouter_models_recorded": kinds.OPENROUTER,
    "sglang_models_docs": kinds.SGLANG,
    "together_models_docs": kinds.TOGETHER,
    "vllm_models_2023_recorded": kinds.VLLM,
    "vllm_models_lora_docs": kinds.VLLM,
    "vllm_models_recorded": kinds.VLLM,
}


def entry(**more: object) -> dict[str, Any]:
    return {"id": "m", "object": "model", "created": 1, "owned_by": "x", **more}


def listing(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(entries)}


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_each_sample_is_recognised_or_nobody_is_named(name: str) -> None:
    assert recognise(sample(name)) == RECOGNISED.get(name)


def test_the_readers_module_offers_it() -> None:
    assert model_lists.recognise is recognise


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (listing(entry(owned_by="m", created=0)), kinds.TGI),
        (listing(entry(owned_by="m")), None),
        (
            listing(
                entry(id="llama3.2:latest", owned_by="library"),
                entry(id="me/own:latest", owned_by="me"),
            ),
            kinds.OLLAMA,
        ),
        (listing(entry(id="llama3.2", owned_by="library")), None),
        (listing(entry(id="me/own:latest", owned_by="me")), None),
        (
            listing(entry(owned_by="openai", created=1677610602), entry(created=1677610602)),
            kinds.LITELLM,
        ),
        (listing(entry(id="gpt-3.5-turbo", owned_by="openai", created=1677610602)), None),
        (listing(entry(owned_by="deepseek", id="deepseek-chat")), kinds.DEEPSEEK),
        (listing(entry(owned_by="deepseek", id="relayed/deepseek")), None),
        ({"models": [{"name": "models/g", "supportedGenerationMethods": []}]}, kinds.GEMINI),
        ({"models": [{"name": "accounts/a/models/m", "kind": "X"}]}, kinds.FIREWORKS),
        (
            {"models": [{"key": "m", "loaded_instances": []}]},
            kinds.LMSTUDIO,
        ),
        (listing(entry(owned_by="vllm"), entry(owned_by="openai")), None),
        (listing(entry(owned_by="vllm"), entry(owned_by="sglang")), None),
        (listing(entry(owned_by=["vllm"])), None),
        (listing(entry(shutdown_date=None), entry()), None),
        (listing(entry(id=None, shutdown_date=None)), kinds.OPENAI),
        ([entry(type="chat")], None),
        ([], None),
        (listing(), None),
        ({"data": {"id": "m"}}, None),
        (entry(owned_by="vllm"), None),
        (None, None),
        ("vllm", None),
    ],
)
def test_only_a_list_whose_entries_all_bear_one_mark_is_recognised(
    payload: object, kind: Profile | None
) -> None:
    assert recognise(payload) is kind


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Server": "llama.cpp"}, kinds.LLAMACPP),
        ({"x-litellm-version": "1.109.1"}, kinds.LITELLM),
        ({"openai-version": "2020-10-01"}, kinds.OPENAI),
        ({"OpenAI-Version": "2020-10-01", "apim-request-id": "1"}, kinds.AZURE),
        ({"server": "uvicorn"}, None),
        ({}, None),
    ],
)
def test_headers_show_what_a_list_without_marks_does_not(
    headers: dict[str, str], kind: Profile | None
) -> None:
    assert recognise(listing(entry()), headers) is kind


def test_headers_show_the_front_and_win_over_what_it_relays() -> None:
    assert recognise(listing(entry(owned_by="vllm")), {"x-litellm-version": "1"}) is kinds.LITELLM


def test_values_nested_to_any_depth_are_not_a_mark() -> None:
    nested = dict.fromkeys(("id", "owned_by", "created", "object"), deep(50_000))
    assert recognise(listing(nested, nested)) is None
    assert recognise(deep(50_000)) is None


@given(JSON, st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_any_payload_is_looked_at_without_an_error(
    payload: object, headers: dict[str, str]
) -> None:
    assert recognise(payload, headers) in {None, *PROFILES}
