from dataclasses import replace

import pytest

from gateway.servers import PROFILES, Profile
from gateway.servers.reading import Abilities
from gateway.shapes import Shape
from gateway.translate.limits.capabilities import TAKES_ALL, Capabilities
from gateway.translate.limits.quirks import with_quirks
from gateway.translate.limits.server_capabilities import (
    at_own_endpoint,
    by_card,
    capabilities_of,
    preset,
    wants_reasoning_back,
)
from tests import kinds


@pytest.mark.parametrize("kind", PROFILES)
@pytest.mark.parametrize("shape", Shape)
def test_every_server_has_a_preset_for_every_shape(kind: Profile, shape: Shape) -> None:
    capabilities = preset(kind, shape)
    assert capabilities.max_stops >= 4
    if shape is Shape.COMPLETIONS:
        assert not capabilities.tools
        assert not capabilities.custom_tools
        assert not capabilities.developer_role
    else:
        assert not capabilities.prompt_list
    if shape is Shape.RESPONSES:
        assert not capabilities.n
        assert capabilities.penalties is (kind in (kinds.VLLM, kinds.SGLANG, kinds.LLAMACPP))


def test_openais_chat_is_what_the_defaults_describe() -> None:
    assert preset(kinds.OPENAI, Shape.CHAT) == Capabilities(prompt_list=False)


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.AZURE, kinds.GITHUB])
def test_openais_endpoints_have_their_own_limits(kind: Profile) -> None:
    completions, responses = preset(kind, Shape.COMPLETIONS), preset(kind, Shape.RESPONSES)
    assert completions.max_top_logprobs == 5
    assert completions.prompt_list
    assert responses.min_output_tokens == 16
    assert not responses.stop
    assert not responses.seed
    assert not responses.logit_bias
    assert "web_search" in responses.hosted_tools
    assert completions.strict_params
    assert responses.strict_params


def test_no_server_but_openais_has_hosted_tools() -> None:
    for kind in set(PROFILES) - {kinds.OPENAI, kinds.AZURE, kinds.GITHUB}:
        assert preset(kind, Shape.RESPONSES).hosted_tools == frozenset()
        assert preset(kind, Shape.RESPONSES).min_output_tokens == 0


def test_vllm_extends_completions_and_responses() -> None:
    completions, responses = (
        preset(kinds.VLLM, Shape.COMPLETIONS),
        preset(kinds.VLLM, Shape.RESPONSES),
    )
    assert completions.add_special_tokens
    assert completions.json_schema
    assert responses.stop
    assert responses.seed
    assert responses.logit_bias
    assert responses.penalties
    assert responses.json_object
    assert not responses.strict_by_default
    chat = preset(kinds.VLLM, Shape.CHAT)
    assert chat.tools
    assert not chat.allowed_tools
    assert not chat.custom_tools
    assert chat.tool_image_parts
    assert chat.reasoning_field == "reasoning"
    assert not chat.strict_params
    assert chat.max_stops == completions.max_stops == responses.max_stops == 4
    assert not chat.several_greedy


def test_tgi_refuses_more_than_four_stop_sequences() -> None:
    assert all(preset(kinds.TGI, shape).max_stops == 4 for shape in Shape)
    assert kinds.TGI.refuses_more_stops == 4


def test_llamacpp_generates_without_end_and_for_one_choice() -> None:
    completions = preset(kinds.LLAMACPP, Shape.COMPLETIONS)
    assert completions.unlimited_by_default
    assert completions.max_n == 1
    assert not completions.add_special_tokens
    assert preset(kinds.LLAMACPP, Shape.CHAT).json_schema
    responses = preset(kinds.LLAMACPP, Shape.RESPONSES)
    assert responses.reads_response_format
    assert responses.json_schema
    assert (responses.stop, responses.seed, responses.logit_bias) == (True, True, True)
    assert not responses.logprobs


@pytest.mark.parametrize("kind", PROFILES)
def test_only_servers_that_nobody_knows_may_stream_unasked(kind: Profile) -> None:
    unknown = {
        kinds.AUTO,
        kinds.OTHER,
        kinds.LITELLM,
        kinds.LOCALAI,
        kinds.FIREWORKS,
        kinds.HUGGINGFACE,
    }
    for shape in Shape:
        assert preset(kind, shape).may_stream_unasked is (kind in unknown)


def test_ollama_has_logprobs_in_chat_only_and_one_choice() -> None:
    assert preset(kinds.OLLAMA, Shape.CHAT).logprobs
    assert not preset(kinds.OLLAMA, Shape.COMPLETIONS).logprobs
    assert not preset(kinds.OLLAMA, Shape.CHAT).n


def test_mistral_refuses_what_it_does_not_know() -> None:
    chat = preset(kinds.MISTRAL, Shape.CHAT)
    assert chat.strict_params
    assert not chat.stream_usage
    assert not chat.seed


def test_an_unknown_server_is_trusted_with_sampling_but_not_with_openais_extras() -> None:
    for kind in (kinds.AUTO, kinds.OTHER):
        chat = preset(kind, Shape.CHAT)
        assert chat.temperature
        assert chat.n
        assert chat.stop
        assert not chat.custom_tools
        assert not chat.strict_params


@pytest.mark.parametrize(
    "kind", [kinds.OPENAI, kinds.AZURE, kinds.VLLM, kinds.SGLANG, kinds.LLAMACPP]
)
def test_servers_known_to_answer_lists_prompt_by_prompt_get_them(kind: Profile) -> None:
    completions = preset(kind, Shape.COMPLETIONS)
    assert completions.prompt_list
    assert completions.token_prompts


@pytest.mark.parametrize(
    "kind", [kinds.OLLAMA, kinds.LLAMA_CPP_PYTHON, kinds.LMSTUDIO, kinds.TOGETHER, kinds.DEEPSEEK]
)
def test_servers_that_take_one_text_get_one_text(kind: Profile) -> None:
    completions = preset(kind, Shape.COMPLETIONS)
    assert not completions.prompt_list
    assert not completions.token_prompts


@pytest.mark.parametrize("kind", [kinds.LITELLM, kinds.OPENROUTER])
def test_relays_get_one_prompt_at_a_time_in_any_form(kind: Profile) -> None:
    completions = preset(kind, Shape.COMPLETIONS)
    assert not completions.prompt_list
    assert completions.token_prompts


@pytest.mark.parametrize("kind", [kinds.TGI, kinds.LOCALAI])
def test_lists_of_texts_but_no_tokens_go_to_servers_that_read_strings(kind: Profile) -> None:
    completions = preset(kind, Shape.COMPLETIONS)
    assert completions.prompt_list
    assert not completions.token_prompts


def test_sglangs_responses_take_stop_sequences_and_penalties() -> None:
    responses = preset(kinds.SGLANG, Shape.RESPONSES)
    assert (responses.stop, responses.penalties) == (True, True)
    assert (responses.seed, responses.logit_bias) == (False, False)


def test_lmstudio_takes_a_schema_but_no_json_object() -> None:
    chat = preset(kinds.LMSTUDIO, Shape.CHAT)
    assert (chat.json_schema, chat.json_object) == (True, False)
    assert (chat.n, chat.logprobs) == (False, False)


def test_tgi_reads_no_response_format_of_openais() -> None:
    chat = preset(kinds.TGI, Shape.CHAT)
    assert (chat.json_schema, chat.json_object, chat.n, chat.logit_bias) == (False,) * 4
    assert (chat.logprobs, chat.max_top_logprobs) == (True, 5)
    assert not preset(kinds.TGI, Shape.COMPLETIONS).logprobs


def test_sglang_has_response_formats_at_completions_too() -> None:
    assert preset(kinds.SGLANG, Shape.COMPLETIONS).json_schema
    assert preset(kinds.SGLANG, Shape.COMPLETIONS).json_object


def test_gemini_refuses_what_it_does_not_know_a_seed_among_it() -> None:
    chat = preset(kinds.GEMINI, Shape.CHAT)
    assert chat.strict_params
    assert (chat.seed, chat.logit_bias, chat.logprobs) == (False, False, False)
    assert chat.n


def test_llama_cpp_python_serves_one_request_at_a_time() -> None:
    for shape in (Shape.CHAT, Shape.COMPLETIONS):
        able = preset(kinds.LLAMA_CPP_PYTHON, shape)
        assert able.one_call_at_a_time
        assert (able.n, able.stream_usage, able.json_schema) == (False, False, False)
    assert not preset(kinds.VLLM, Shape.CHAT).one_call_at_a_time


def test_chat_logprobs_of_together_are_of_another_form() -> None:
    assert not preset(kinds.TOGETHER, Shape.CHAT).logprobs
    assert preset(kinds.TOGETHER, Shape.COMPLETIONS).logprobs


def test_ollamas_responses_have_no_text_format() -> None:
    assert not preset(kinds.OLLAMA, Shape.RESPONSES).json_schema
    assert preset(kinds.OLLAMA, Shape.CHAT).json_schema


@pytest.mark.parametrize("shape", Shape)
def test_what_is_known_of_a_model_bounds_its_servers_capabilities(shape: Shape) -> None:
    quirks = frozenset({"no_stop", "max_completion_tokens_only"})
    known = capabilities_of(kinds.VLLM, shape, quirks, 4096)
    limited = with_quirks(preset(kinds.VLLM, shape), quirks, shape)
    assert known == replace(limited, context_length=4096)
    assert capabilities_of(kinds.VLLM, shape, quirks, None) == limited
    assert capabilities_of(kinds.VLLM, shape, quirks, 4096) is known


def test_reasoning_is_read_where_the_servers_have_a_place_for_it() -> None:
    fields = {kind: preset(kind, Shape.CHAT).reasoning_field for kind in PROFILES}
    of_openai = {kinds.OPENAI, kinds.AZURE, kinds.GITHUB, kinds.MISTRAL, kinds.GEMINI}
    in_reasoning = {kinds.VLLM, kinds.OLLAMA, kinds.LOCALAI, kinds.GROQ, kinds.OPENROUTER}
    assert {kind for kind, name in fields.items() if name is None} == of_openai
    assert {kind for kind, name in fields.items() if name == "reasoning"} == in_reasoning


@pytest.mark.parametrize(
    ("kind", "model", "base_url", "wanted"),
    [
        (kinds.OTHER, "DeepSeek-R1", "http://a.example/v1", True),
        (kinds.OTHER, "moonshotai/kimi-k2", "http://a.example/v1", True),
        (kinds.OTHER, "r1", "https://api.deepseek.com/v1", True),
        (kinds.OTHER, "llama-3", "http://a.example/v1", False),
        (kinds.OPENAI, "ft:kimi", "https://api.openai.com/v1", False),
        (kinds.MISTRAL, "deepseek-r1", "https://api.mistral.ai/v1", False),
    ],
)
def test_whether_reasoning_is_wanted_back_is_known_by_name_or_host(
    kind: Profile, model: str, base_url: str, wanted: bool
) -> None:
    assert wants_reasoning_back(kind, model, base_url) is wanted


def test_at_its_own_endpoint_only_a_models_quirks_and_refused_stops_count() -> None:
    assert at_own_endpoint(kinds.OLLAMA, Shape.CHAT, frozenset()) == replace(
        TAKES_ALL, max_stops=kinds.OLLAMA.refuses_more_stops
    )
    assert not at_own_endpoint(kinds.VLLM, Shape.CHAT, frozenset({"no_stop"})).stop


@pytest.mark.parametrize("kind", PROFILES)
def test_what_a_server_refuses_at_its_own_endpoint_it_lacks_for_others_too(kind: Profile) -> None:
    own = at_own_endpoint(kind, Shape.CHAT, frozenset())
    known = preset(kind, Shape.CHAT)
    for name in kind.refuses:
        assert (getattr(own, name), getattr(known, name)) == (False, False)


def test_mistral_and_gemini_refuse_a_seed() -> None:
    refusing = [kind for kind in PROFILES if kind.refuses]
    assert set(refusing) == {kinds.GEMINI, kinds.MISTRAL}
    for kind in refusing:
        own = at_own_endpoint(kind, Shape.CHAT, frozenset())
        assert own == replace(TAKES_ALL, seed=False)


@pytest.mark.parametrize("kind", [kind for kind in PROFILES if kind is not kinds.ANTHROPIC])
def test_little_is_assumed_of_an_unknown_messages_endpoint(kind: Profile) -> None:
    able = preset(kind, Shape.MESSAGES)
    assert able.top_k
    assert able.max_temperature == 1
    assert able.late_system == "user"
    assert able.thinking == frozenset()
    assert able.max_output_tokens is None
    assert able.temperature_with_top_p
    for name in ("n", "seed", "logprobs", "json_schema", "reasoning_effort", "strict_tools"):
        assert not getattr(able, name), name
    assert not able.cache_auto


def test_nothing_is_left_out_of_requests_of_messages_clients_at_home() -> None:
    quirks = frozenset({"no_temperature", "no_stop", "adaptive_thinking_only"})
    for kind in PROFILES:
        assert at_own_endpoint(kind, Shape.MESSAGES, quirks) == TAKES_ALL


def test_a_card_says_what_a_model_takes() -> None:
    able = preset(kinds.ANTHROPIC, Shape.MESSAGES)
    card = Abilities(8192, frozenset({"adaptive"}), frozenset({"low", "high"}))
    known = by_card(able, card)
    assert (known.max_output_tokens, known.thinking) == (8192, frozenset({"adaptive"}))
    assert (known.reasoning_effort, known.efforts) == (True, card.efforts)
    without = by_card(replace(able, reasoning_effort=True), Abilities(efforts=frozenset()))
    assert (without.reasoning_effort, without.efforts) == (False, None)


def test_a_card_that_says_nothing_leaves_what_the_name_says() -> None:
    quirks = frozenset({"no_manual_thinking", "takes_effort"})
    able = capabilities_of(kinds.ANTHROPIC, Shape.MESSAGES, quirks, None)
    assert able.reasoning_effort
    assert by_card(able, Abilities()) == able


def test_a_card_limits_what_its_model_takes_and_enables_nothing() -> None:
    able = preset(kinds.OPENROUTER, Shape.CHAT)
    known = by_card(able, Abilities(parameters=frozenset({"seed", "presence_penalty", "tools"})))
    assert (known.seed, known.penalties, known.tools) == (True, True, True)
    for name in ("logit_bias", "logprobs", "stop", "temperature", "top_p", "verbosity"):
        assert not getattr(known, name)
    assert (known.json_object, known.json_schema, known.n) == (False, False, False)
    loose = by_card(able, Abilities(parameters=frozenset({"response_format"})))
    assert (loose.json_object, loose.json_schema) == (True, False)
    strict = by_card(able, Abilities(parameters=frozenset({"structured_outputs"})))
    assert (strict.json_object, strict.json_schema) == (True, True)
    at_completions = preset(kinds.OPENROUTER, Shape.COMPLETIONS)
    assert not by_card(at_completions, Abilities(parameters=frozenset({"tools"}))).tools
