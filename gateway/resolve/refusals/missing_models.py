"""Whether an upstream says that a model is missing or retired, and what it names instead."""

import re

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.resolve.names.model_ids import is_plausible
from gateway.resolve.refusals.model_words import (
    BY_YOU,
    HAS_GONE,
    HAS_GONE_IN_CHINESE,
    MISSING,
    RETIRED,
    is_named,
)

_RETIRED_CODES = frozenset(
    {"model_decommissioned", "model_deprecated", "model_gone", "model_retired"}
)
_RETIRED_TEXT = re.compile(
    r"(?:(?:(?:The |This )?(?:requested )?model(?: version)?(?::? \S{1,300})?|models/\S{1,300})"
    rf"{BY_YOU} {HAS_GONE}|"
    # Relays in China; Bedrock
    rf"{HAS_GONE_IN_CHINESE}|"
    r"(?:Access denied\. )?This Model is marked by provider as Legacy\b)",
    re.IGNORECASE,
)
# Names have a digit or a dash, unlike "use it instead" and "use another model instead".
_REPLACEMENT_TEXT = re.compile(
    r"\b(?:use|try|switch to|migrate to|replaced by) (?:the )?(?:model )?"
    r"(?P<quote>[`'\"]?)(?P<name>(?!https?:)(?=[\w./:]{0,100}[-\d])[A-Za-z][\w./:-]{1,200}?)(?P=quote)"
    r"(?= instead|\.?$|\.\s)",
    re.IGNORECASE,
)

_NOT_FOUND_CODES = frozenset(
    # 20012 is SiliconFlow's
    {"model_not_found", "model_not_supported", "invalid_model", "deploymentnotfound", "20012"}
)
_NOT_FOUND_TEXTS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(text, re.IGNORECASE)
    for text in (
        # OpenAI since 2021, llama-cpp-python, vLLM, xAI
        r"Engine not found",
        r"That model does not exist",
        r"The requested model '\S{1,300} with deployment name \S{1,300} does not exist",
        r"LoRA adapter \S{1,300} does not exist",
        r"The API deployment for this resource does not exist",
        # llama.cpp, Ollama, LocalAI, Llama Stack, Cohere, Fireworks, DeepSeek, SiliconFlow
        r"The supported API model names are .{1,1000}, but you passed \S",
        (
            r"(?:Invalid value: )?(?:The )?(?:(?:requested |specified )?model(?: with name)?:? "
            r"\S{1,300}|(?:requested|specified) model) (?:(?:does not|doesn't) exist|"
            r"(?:was |is )?not found|has not been found|(?:could not|cannot|can't) be found)"
        ),
        r"Model (?:not found|Not Exist|does not exist)",
        # Mistral, Perplexity, LiteLLM
        r"(?:anthropic_messages: )?Invalid model(?:: ?| ['`\"]| name(?::| passed in model=)|$)",
        r"Unknown model\b",
        # OpenRouter: "No endpoints found that support …" is about providers
        r"\S{1,300} is not a valid model ID",
        r"No endpoints found for \S{1,300}$",
        # Moonshot, Gemini, NVIDIA NIM, Copilot, Hugging Face, Voyage, OpenCode, Bedrock
        r"Not found the model ",
        r"models/\S{1,300} is not found for API version",
        r"Function [`'\"]?[^`'\"\n]{1,300}[`'\"]?: Not found for account",
        r"The requested model (?:\S{1,300} )?is not supported(?:\.|$| by )",
        r"Model \S{1,300} is not supported(?:\.?$|\. Supported models are)",
        r"The provided model identifier is invalid",
        # Volcengine's Ark; Zhipu in Chinese; Vertex; Workers AI; CLIProxyAPI
        r"The model or endpoint \S{1,300} does not exist",
        r"(?:\[1211\]\[)?\u6a21\u578b\u4e0d\u5b58\u5728",
        r"Publisher Model [`'\"]?\S{1,300} (?:was|is) not found",
        r"No such model\b",
        r"unknown provider for model \S",
        # FastChat; Xinference; Hugging Face's library, of mlx-lm
        r"Only \S{1,1000} allowed now, your model ",
        r"\[address=[^\]\n]{1,100}\] Model not found",
        r"(?:40[14] Client Error\. [^\n]{0,200}\n\n)?Repository Not Found for url: ",
        r"Cannot find an appropriate cached snapshot folder for ",
        # MiniMax (cockpit-tools#1431)
        r"invalid params, unknown model\b",
        # OpenVINO's server, Databricks; small servers
        r"The given endpoint does not exist, please retry after checking the specified model\b",
        r"Mediapipe graph definition with requested name is not found",
        r"Endpoint with name \S{1,300} does not exist",
        r"Unsupported model(?:: | ['`\"])",
        r"(?:Could not|Cannot|Can't) find (?:the )?model\b",
        (
            rf"The model(?= that | you| associated){BY_YOU} (?:(?:does not|doesn't) exist|"
            r"(?:was |is )?not found)\b"
        ),
        # Envoy AI Gateway, llama-swap (its older text first)
        r"No matching route found\. It is likely (?:because|that) the model ",
        r"(?:llama-swap: )?could not find real modelID for \S",
        r"(?:llama-swap: )?no model id could be identified\.?$",
        r"(?:llama-swap: )?no (?:router|peer found|local server found) for requested model\.?$",
    )
)
_ANTHROPIC_NOT_FOUND = re.compile(r"model: \S{1,300}$")


def is_retired(reply: ErrorDetails, model: str) -> bool:
    """Whether an error says that the model was there once, by a code or a text.

    `model` is its name as sent.
    """
    if not _RETIRED_CODES.isdisjoint({reply.code, reply.type}):
        return True
    is_said = _RETIRED_TEXT.match(reply.message) is not None
    return is_said or is_named(RETIRED, reply.message, model)


def replacement(reply: ErrorDetails) -> str | None:
    """Return the model to use instead of a retired one, by a field or else by the text."""
    advice = _REPLACEMENT_TEXT.search(reply.message)
    return named_instead(reply) or (advice["name"] if advice is not None else None)


def named_instead(reply: ErrorDetails) -> str | None:
    """Return the model that a field names as the replacement."""
    name = reply.replacement
    return name if name is not None and is_plausible(name) else None


def is_not_found(reply: ErrorDetails, model: str) -> bool:
    """Whether the model is missing: by a known text, or by a code with an unknown text.

    `model` is its name as sent. Every other meaning of `model_not_found` has been ruled out before.
    """
    if any(pattern.match(reply.message) for pattern in _NOT_FOUND_TEXTS):
        return True
    if is_named(MISSING, reply.message, model):
        return True
    if reply.type == "not_found_error" and _ANTHROPIC_NOT_FOUND.match(reply.message):
        return True
    codes = {(reply.code or "").lower(), (reply.type or "").lower()}
    return not codes.isdisjoint(_NOT_FOUND_CODES)
