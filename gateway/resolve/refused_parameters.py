"""Which parameters an upstream's error names as unsupported.

The table is data: a text, anchored at the start of the message, and what it says. Every name must
be in the request that was sent; an error about a parameter that nobody sent is about something
else. `serves` names the recorded replies (tests/resolve/errors.jsonl) that a row is there for.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from gateway.resolve.error_envelopes import ErrorReply
from gateway.resolve.parameter_fixes import RefusedParameter
from gateway.resolve.printed_values import python_literal


@dataclass(frozen=True, slots=True)
class NamingRule:
    """A text that refuses parameters.

    The pattern's groups: `name` (one name), `names` (several), `literal` (a Python dict or list of
    them), `instead` (the name to use). Where the text names none, `about` lists what it can be
    about: those that were sent are meant, and the same goes for a text with `any_of`, which names
    all the parameters that it could be about.
    """

    pattern: re.Pattern[str]
    serves: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    any_of: bool = False
    value_only: bool = False
    unknown: bool = False


def _rule(pattern: str, *serves: str) -> NamingRule:
    return NamingRule(re.compile(pattern), serves)


_NAME = r"(?P<name>[A-Za-z_][\w.\[\]]*)"
_NAMES = r"(?P<names>[A-Za-z_][\w.\[\], ]*?)"

NAMING_RULES: tuple[NamingRule, ...] = (
    # OpenAI, Azure, Copilot
    _rule(
        rf"Unsupported parameter: '{_NAME}'\. In the Responses API, this parameter has moved to "
        r"'(?P<instead>[\w.]+)'",
        "openai-responses-messages-moved-to-input",
    ),
    _rule(
        rf"Unsupported parameter: '{_NAME}' is not supported with "
        r"(?:this model|the '[^'\n]{1,200}' model)\.?(?: Use '(?P<instead>[\w.]+)' instead)?",
        "openai-max-tokens-rename",
        "openai-temperature-param",
        "openai-responses-temperature-code-null",
        "openai-stop-unsupported",
        "openai-parallel-tool-calls",
    ),
    _rule(
        rf"Unsupported parameter(?:s|\(s\))?: '?{_NAMES}'?\.?$",
        "codex-backend-max-output-tokens",
        "codex-backend-max-tokens",
        "codex-backend-previous-response-id",
    ),
    replace(
        _rule(
            rf"Unknown parameter: '{_NAME}'",
            "openai-unknown-parameter-reasoning-on-chat",
            "openai-unknown-parameter-reasoning-max-tokens",
            "openai-unknown-input-phase",
            "wire-openai-image-response-format",
        ),
        unknown=True,
    ),
    _rule(
        r"(?:Unrecognized|Model incompatible) request argument(?:s|\(s\))? supplied: "
        rf"{_NAMES}\.?$",
        "openai-logprobs-unrecognized-2023",
        "openai-reasoning-effort-unrecognized",
        "openai-thinking-unrecognized",
        "azure-max-completion-tokens-reverse-rename",
        "newapi-wraps-azure-reasoning-code-nil",
        "openai-function-call-unrecognized",
    ),
    _rule(
        rf"Unsupported value: '{_NAME}' does not support .{{1,200}}? with "
        r"(?:this|the '\S+') model\. (?:Only the default \(|Supported values are: '[^',\n]*'\.$)",
        "openai-temperature-value",
    ),
    replace(
        _rule(
            rf"Unsupported value: '{_NAME}' does not support .{{1,200}}? with (?:this|the '\S+') "
            r"model",
            "openai-o1-mini-system-role",
        ),
        value_only=True,
    ),
    replace(
        _rule(
            r"You are not allowed to request logprobs from this model",
            "openai-logprobs-403",
            "openai-logprobs-400-o-series",
        ),
        about=("logprobs", "top_logprobs"),
    ),
    # Azure names what the model lacks, not what was sent ("logprobs, best_of and echo parameters")
    replace(
        _rule(rf"{_NAMES} parameters? (?:is|are) not available on \S{{1,200}} model"), any_of=True
    ),
    # xAI
    _rule(
        rf"Argument not supported on this model: {_NAME}",
        "xai-presence-penalty-camelcase",
        "xai-reasoning-effort-camelcase",
    ),
    _rule(
        rf"(?:Model \S{{1,200}}|This model) does not support parameter [`'\"]?{_NAME}",
        "xai-grok46-presence-penalty",
    ),
    # Groq; the second form is Anthropic's too ("`temperature` is deprecated for this model.")
    _rule(rf"property '{_NAME}' is unsupported"),
    _rule(
        rf"[`'\"]{_NAME}[`'\"] (?:parameter )?is (?:not supported|unsupported|deprecated) "
        r"(?:with|by|for|on) this model",
        "groq-reasoning-effort",
    ),
    # Anthropic, and pydantic messages without their structure
    _rule(rf"{_NAME}: Extra inputs are not permitted$"),
    # Moonshot
    _rule(rf"invalid {_NAME}: only \S{{1,40}} is allowed", "kimi-invalid-temperature"),
    # LiteLLM
    _rule(r"[\w.-]{1,60} does not support parameters: (?P<literal>\{.*?\}|\[.*?\]),? for model="),
    # Ollama
    replace(
        _rule(r'"[^"\n]{1,200}" does not support thinking', "ollama-thinking"),
        about=("reasoning_effort", "reasoning", "think"),
    ),
    replace(_rule(r'(?:"[^"\n]{1,200}"|\S{1,200}) does not support tools$'), about=("tools",)),
    replace(_rule(r'(?:"[^"\n]{1,200}"|\S{1,200}) does not support insert$'), about=("suffix",)),
    # vLLM, TGI
    replace(
        _rule(
            r'Model "[^"\n]{1,200}" does not support matryoshka representation',
            "vllm-matryoshka-dimensions",
        ),
        about=("dimensions",),
    ),
    replace(_rule(r"Suffix is not supported", "tgi-suffix"), about=("suffix",)),
)

_GEMINI_LINE = re.compile(
    r"Invalid JSON payload received\. Unknown name \"(?P<name>[\w.]+)\"(?: at '(?P<at>[^'\n]*)')?:"
    r" Cannot find field\."
)
_VALUE_REFUSED = re.compile(
    r"Unsupported value: '[^'\n]{0,200}' is not supported with (?:this model|the '\S+' model)"
)


def refused_parameters(
    reply: ErrorReply, sent: Collection[str]
) -> tuple[RefusedParameter, ...] | None:
    """Return the parameters that an error refuses, as they are named in the request that was sent.

    None when it refuses none, or one that was not sent.
    """
    if reply.unknown_fields:
        return _all_sent([RefusedParameter(name) for name in reply.unknown_fields], sent)
    gemini = _gemini_names(reply.message)
    if gemini:
        return _all_sent([RefusedParameter(name) for name in gemini], sent)
    if reply.param and _VALUE_REFUSED.match(reply.message):
        return _all_sent([RefusedParameter(reply.param, value_only=True)], sent)
    for rule in NAMING_RULES:
        match = rule.pattern.match(reply.message)
        if match is not None:
            return _apply(rule, match, sent)
    return None


def _apply(
    rule: NamingRule, match: re.Match[str], sent: Collection[str]
) -> tuple[RefusedParameter, ...] | None:
    groups = match.groupdict()
    names = list(rule.about) or _names(groups)
    if rule.about or rule.any_of:
        names = [name for name in names if name in sent]
    instead = groups.get("instead")
    refused = [
        RefusedParameter(name, instead, unknown=rule.unknown, value_only=rule.value_only)
        for name in names
    ]
    return _all_sent(refused, sent)


def _names(groups: dict[str, str | None]) -> list[str]:
    literal = groups.get("literal")
    if literal is not None:
        value = python_literal(literal)
        return [str(name) for name in value] if isinstance(value, dict | list) else []
    text = groups.get("names") or groups.get("name") or ""
    return [name.rstrip(".") for name in re.split(r", (?:and )?| and ", text)]


def _gemini_names(message: str) -> list[str]:
    """Return the fields that Gemini does not know: one line each, and nothing but such lines."""
    names: list[str] = []
    for line in message.splitlines():
        match = _GEMINI_LINE.match(line)
        if match is None:
            return []
        name, at = match["name"], match["at"]
        names.append(name if not at or at == name else f"{at}.{name}")
    return names


def _all_sent(
    refused: list[RefusedParameter], sent: Collection[str]
) -> tuple[RefusedParameter, ...] | None:
    """Return the parameters under the names they were sent by; None unless all were sent."""
    found: list[RefusedParameter] = []
    for parameter in refused:
        name = _as_sent(parameter.name, sent)
        if name is None:
            return None
        found.append(replace(parameter, name=name))
    return tuple(found) or None


def _as_sent(name: str, sent: Collection[str]) -> str | None:
    # xAI names parameters as its own code does: `presencePenalty`.
    snake_case = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    return next((form for form in (name, snake_case) if _is_sent(form, sent)), None)


def _is_sent(name: str, sent: Collection[str]) -> bool:
    """Whether a path begins in the request; `sent` itself knows no more than two levels."""
    root, index, _ = name.partition("[")
    if index:
        return ".".join(root.split(".")[:2]) in sent
    return ".".join(name.split(".")[:2]) in sent
