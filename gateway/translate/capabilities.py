"""What the endpoints of known servers understand.

A capability that is wrongly on costs a refused request, or a parameter that the server silently
ignores; one that is wrongly off costs an emulation, or a refusal by the gateway. So it is off
where a server is known to ignore or refuse a parameter, and on where it is known to act on it; for
servers that are not known, basic sampling parameters are believed to work.

A list of prompts that a server takes costs one call; one that it misreads gives wrong answers. So
`prompt_list` is on only where lists are known to be answered prompt by prompt.

Sources: OpenAI's OpenAPI description; vLLM `entrypoints/openai`; SGLang
`entrypoints/openai/protocol.py`; llama.cpp `tools/server`; llama-cpp-python `server/types.py` and
`server/app.py`; text-generation-inference `router/src/lib.rs`; LocalAI `core/http`; LM Studio's,
Ollama's and Groq's API references, together-python's types.

Not confirmed against a source, so to be checked before anything is built on it: DeepSeek; Mistral
but for `stream_options`; OpenRouter but for token ids; Gemini's `logit_bias` and logprobs; LM
Studio's lists of prompts; TGI's logprobs at completions. Fireworks and Hugging Face have no row.
"""

from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from gateway.config.settings import Kind
from gateway.shapes import Shape
from gateway.translate.contract import TAKES_ALL, Capabilities
from gateway.translate.quirks import with_quirks

MANY_STOPS = 1024
"""Stands for "no limit" where a server takes any number of stop sequences."""

_Changes = dict[str, Any]

_OPENAI_HOSTED_TOOLS = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "programmatic_tool_calling",
        "shell",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)

_SHAPES: dict[Shape, _Changes] = {
    Shape.CHAT: {"prompt_list": False},
    Shape.COMPLETIONS: {
        "tools": False,
        "custom_tools": False,
        "allowed_tools": False,
        "moderation": False,
        "json_object": False,
        "json_schema": False,
        "developer_role": False,
        "multi_system": False,
    },
    Shape.RESPONSES: {
        "prompt_list": False,
        "n": False,
        "stop": False,
        "seed": False,
        "penalties": False,
        "logit_bias": False,
    },
}
"""What no server's endpoint of the shape has (servers' extensions are in their own table)."""

_OPENAI: dict[Shape, _Changes] = {
    Shape.COMPLETIONS: {"max_top_logprobs": 5},
    Shape.RESPONSES: {"min_output_tokens": 16, "hosted_tools": _OPENAI_HOSTED_TOOLS},
}

_SELF_HOSTED: _Changes = {
    "strict_params": False,
    "custom_tools": False,
    "allowed_tools": False,
    "moderation": False,
    # Many chat templates know neither `developer` nor a system message that is not the first.
    "developer_role": False,
    "multi_system": False,
    # "Conversation roles must alternate" (Gemma's and Mistral's templates); deepseek-reasoner, too.
    "assistants_in_a_row": False,
    "max_stops": MANY_STOPS,
    # What most of them call it; those that do not know the field ignore it.
    "reasoning_field": "reasoning_content",
}
"""Servers with an open model's own chat template behind them."""

# Servers nobody knows may stream unless told not to: transformers serve 5.19 does at responses.
_OTHER: _Changes = {**_SELF_HOSTED, "max_stops": 4}
_UNKNOWN: _Changes = {**_OTHER, "may_stream_unasked": True}

_EFFORTS_OF_OPEN_MODELS = frozenset({"none", "low", "medium", "high"})

_TEXT_ONLY: _Changes = {"prompt_list": False, "token_prompts": False}
"""A completions prompt is one string."""

_SERVERS: dict[Kind, _Changes] = {
    Kind.OPENAI: {},
    Kind.AZURE: {},
    Kind.GITHUB: {"moderation": False},
    Kind.VLLM: {
        **_SELF_HOSTED,
        # VLLM_MAX_STOP_STRINGS since 0.32; before it any number, which may be sent as four, too.
        "max_stops": 4,
        # "n must be 1 when using greedy sampling"
        "several_greedy": False,
        "strict_by_default": False,
        "tool_image_parts": True,
        "reasoning_field": "reasoning",
    },
    Kind.SGLANG: {
        **_SELF_HOSTED,
        "efforts": _EFFORTS_OF_OPEN_MODELS,
    },
    Kind.TGI: {
        **_SELF_HOSTED,
        # `n` and `logit_bias` are declared as unused, the latter as a list at that. A response
        # format has its schema under `value`, so neither of OpenAI's forms can be read.
        "n": False,
        "logit_bias": False,
        "max_top_logprobs": 5,
        "json_object": False,
        "json_schema": False,
        "token_prompts": False,
    },
    Kind.LLAMACPP: {
        **_SELF_HOSTED,
        "tool_image_parts": True,
        "unlimited_by_default": True,
        # `n` may not pass the number of slots, which only /props tells.
        "max_n": 1,
    },
    Kind.LLAMA_CPP_PYTHON: {
        **_SELF_HOSTED,
        **_TEXT_ONLY,
        "one_at_a_time": True,
        # Declared as "ignored or currently unsupported"; `stream_options` is not declared at all.
        "n": False,
        "stream_usage": False,
        # Its response format is `json_object` with a `schema` beside the type.
        "json_schema": False,
    },
    Kind.OLLAMA: {
        **_SELF_HOSTED,
        # "`prompt` currently only accepts a string" (docs/api/openai-compatibility.mdx).
        **_TEXT_ONLY,
        "n": False,
        "logit_bias": False,
        "logprobs": False,
        "efforts": _EFFORTS_OF_OPEN_MODELS,
        "reasoning_field": "reasoning",
    },
    Kind.LMSTUDIO: {
        **_SELF_HOSTED,
        **_TEXT_ONLY,
        # Not among the "supported payload parameters" of its documentation.
        "n": False,
        "logprobs": False,
        # "'response_format.type' must be 'json_schema' or 'text'"
        "json_object": False,
    },
    # Items of a list that are not strings are skipped without a word.
    Kind.LOCALAI: {**_UNKNOWN, "token_prompts": False, "reasoning_field": "reasoning"},
    # Lists reach providers as they are, which join or refuse them (litellm#5558, litellm#3215).
    Kind.LITELLM: {**_UNKNOWN, "prompt_list": False},
    # `logprobs` of chat is a number there, and not followed by `top_logprobs`.
    Kind.TOGETHER: {**_OTHER, **_TEXT_ONLY},
    Kind.GROQ: {
        **_OTHER,
        "n": False,
        "logprobs": False,
        "logit_bias": False,
        "efforts": _EFFORTS_OF_OPEN_MODELS,
        "reasoning_field": "reasoning",
    },
    Kind.DEEPSEEK: {
        **_OTHER,
        **_TEXT_ONLY,
        "n": False,
        "seed": False,
        "logit_bias": False,
        "max_stops": 16,
        "json_schema": False,
        "efforts": frozenset({"high", "max"}),
        "reasoning_required": True,
    },
    Kind.MISTRAL: {
        **_OTHER,
        # Unknown fields are refused with 422, `stream_options` among them (dnakov/anon-kode#53);
        # the usage comes always, and the seed is called `random_seed`.
        "strict_params": True,
        "reasoning_field": None,
        "seed": False,
        "logit_bias": False,
        "logprobs": False,
        "stream_usage": False,
    },
    Kind.GEMINI: {
        **_OTHER,
        # Unknown names are refused; the seed, too, is an unknown name ("Cannot find field").
        "strict_params": True,
        "reasoning_field": None,
        "seed": False,
        "logit_bias": False,
        "logprobs": False,
    },
    Kind.OPENROUTER: {**_OTHER, "n": False, "prompt_list": False, "reasoning_field": "reasoning"},
}

_SERVER_SHAPES: dict[tuple[Kind, Shape], _Changes] = {
    (Kind.OLLAMA, Shape.CHAT): {"logprobs": True},
    # The documented fields are the tools, the limit and the two basic sampling parameters.
    (Kind.OLLAMA, Shape.RESPONSES): {"json_object": False, "json_schema": False},
    (Kind.SGLANG, Shape.COMPLETIONS): {"json_object": True, "json_schema": True},
    (Kind.TGI, Shape.COMPLETIONS): {"logprobs": False},
    (Kind.TOGETHER, Shape.CHAT): {"logprobs": False},
    (Kind.VLLM, Shape.COMPLETIONS): {
        "add_special_tokens": True,
        "json_object": True,
        "json_schema": True,
    },
    (Kind.VLLM, Shape.RESPONSES): {
        "stop": True,
        "seed": True,
        "logit_bias": True,
        # Both seen with 0.32.
        "penalties": True,
        "json_object": True,
        "reasoning_items": True,
    },
    (Kind.SGLANG, Shape.RESPONSES): {"reasoning_items": True},
    # Seen with b10434: keys that the converter to chat does not know are passed on to chat, while
    # `text.format` is ignored, and logprobs are refused.
    (Kind.LLAMACPP, Shape.RESPONSES): {
        "stop": True,
        "seed": True,
        "logit_bias": True,
        "penalties": True,
        "logprobs": False,
        "reads_response_format": True,
        "reasoning_items": True,
    },
}


@cache
def preset(kind: Kind, shape: Shape) -> Capabilities:
    """Return what a server of that kind understands at its endpoint of that shape."""
    changes: _Changes = dict(_SHAPES[shape])
    if kind in {Kind.OPENAI, Kind.AZURE, Kind.GITHUB}:
        changes |= _OPENAI.get(shape, {})
    server = _SERVERS.get(kind, _UNKNOWN)
    # A shape's lack is no server's gain: only the table of both can turn a capability back on.
    changes |= {key: value for key, value in server.items() if changes.get(key) is not False}
    changes |= _SERVER_SHAPES.get((kind, shape), {})
    return replace(Capabilities(), **changes)


_FEW_STOPS = {Kind.VLLM: 4}
"""Servers that refuse more stop sequences than so many, which OpenAI's clients may send them."""


@lru_cache(maxsize=1024)
def at_own_endpoint(kind: Kind, shape: Shape, quirks: frozenset[str]) -> Capabilities:
    """Return what is known to be taken, or not, of requests in the endpoint's own shape.

    What a server ignores or lacks is not in it: that is between it and its client.
    """
    few = replace(TAKES_ALL, max_stops=_FEW_STOPS.get(kind, 0))
    return with_quirks(few, quirks, shape)


@lru_cache(maxsize=1024)
def capabilities_of(
    kind: Kind, shape: Shape, quirks: frozenset[str], context_length: int | None
) -> Capabilities:
    """Return what a model's server understands at an endpoint, given what is known of the model."""
    capabilities = with_quirks(preset(kind, shape), quirks, shape)
    if context_length is None:
        return capabilities
    return replace(capabilities, context_length=context_length)
