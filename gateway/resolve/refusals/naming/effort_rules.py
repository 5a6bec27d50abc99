"""Texts by which upstreams refuse one reasoning effort, or all of them.

Texts that list the accepted efforts are in `parameters`, whatever else they say.
"""

from typing import Final

from gateway.resolve.refusals.history.template_words import BEFORE, EFFORT
from gateway.resolve.refusals.naming.naming_rule import NAME, NamingRule, by_model
from gateway.servers.efforts import EFFORTS

EFFORT_NAMES: Final = ("reasoning_effort", "reasoning.effort", "output_config.effort")
"""What the effort is called at chat, responses and messages."""

HARMONY: Final = "Harmony "
"""The beginning of texts about gpt-oss' format, which accepts `HARMONY_EFFORTS`; they name none."""
HARMONY_EFFORTS: Final = ("low", "medium", "high")

_SPOKEN_OF = r"(?:this|the [`'\"][^`'\"\n]{1,200}[`'\"]) model"
_LEVEL = rf"[`'\"](?P<given>{'|'.join(EFFORTS)})[`'\"]"
_MODEL_QUOTED = r"[`'\"][^`'\"\n]{1,200}[`'\"]"

EFFORT_RULES: tuple[NamingRule, ...] = (
    # The same where a relay has lost the parameter; CLIProxyAPI; Gemini; Qwen's chat template;
    # Anthropic
    *(
        by_model(pattern, *serves, about=EFFORT_NAMES, value_only=True)
        for pattern, *serves in (
            (
                rf"Unsupported value: {_LEVEL} is not supported with {_SPOKEN_OF}",
                "sub2api-effort-without-param",
            ),
            (
                r"level [`'\"](?P<given>\w{1,20})[`'\"] (?:is )?not supported, valid levels: ",
                "cliproxy-effort-level",
                "cliproxyapi-effort-max",
            ),
            (
                r"Thinking level (?P<given>\w{1,20}) is not supported for this model",
                "gemini-thinking-level",
            ),
            (
                rf"{BEFORE}{EFFORT}",
                "sglang-qwen-template-effort",
                "vllm-qwen-template-effort",
                "ollama-qwen-template-effort",
                "lmstudio-qwen-template-effort",
                "vllm-k2-template-effort",
            ),
            (
                r"This model does not support effort level [`'\"](?P<given>\w{1,20})[`'\"]",
                "anthropic-effort-level",
            ),
            # gpt-oss at SGLang and vLLM
            (
                rf"{HARMONY}does not support reasoning[_ ]effort[= ][`'\"]?(?P<given>\w{{1,20}})",
                "sglang-harmony-effort",
                "vllm-harmony-effort",
            ),
            # Ollama, which knows other words in each version
            (
                r"invalid (?:reasoning|think) value: [`'\"](?P<given>\w{1,20})[`'\"] \(must be ",
                "ollama-reasoning-value",
            ),
            # Mistral; relays
            (
                (
                    r"reasoning_effort=[`'\"]?(?P<given>\w{1,20})[`'\"]? is not supported "
                    r"(?:for|by|with|on) this model"
                ),
                "mistral-effort-medium",
            ),
            (
                rf"reasoning_effort {_LEVEL} (?:is )?(?:unsupported|not supported)\b(?! when)",
                "relay-effort-unsupported",
            ),
        )
    ),
    # Anthropic
    by_model(
        r"This model does not support the effort parameter",
        "anthropic-effort",
        about=("output_config.effort",),
    ),
    # Copilot
    by_model(
        rf"{NAME} [`'\"](?P<given>\w{{1,40}})[`'\"] is not supported by model \S{{1,200}}; ",
        "copilot-effort-high",
        value_only=True,
    ),
    # Anthropic, of Claude Opus 4.8 and 5 without thinking; with it, they take the effort
    by_model(
        rf"{NAME} {_LEVEL} is not supported when thinking is disabled on this model\b",
        "anthropic-effort-without-thinking",
        value_only=True,
        beside_others=True,
    ),
    # Small servers
    by_model(
        r"Reasoning(?: effort)? is (?:not supported|unsupported) (?:with|by|for|on) this model",
        about=("reasoning_effort", "reasoning", "think"),
    ),
    by_model(
        rf"{NAME}=(?P<given>\S{{1,40}}) is only supported (?:for|by|on|with) ",
        "litellm-effort-xhigh",
        value_only=True,
    ),
    # Ollama; small servers
    by_model(
        rf"(?:{_MODEL_QUOTED}|(?:The )?model \S{{1,200}}|Th(?:e|is) model) does not support "
        r"(?:thinking|reasoning(?: effort)?)(?=$|[.,;])",
        "ollama-thinking",
        about=("reasoning_effort", "reasoning", "think"),
    ),
    # Mistral (celeste-python#311); Vertex
    by_model(
        r"[`'\"]?(?:reasoning_effort|reasoning)[`'\"]? is not enabled for this model",
        about=("reasoning_effort", "reasoning"),
    ),
    by_model(
        r"Unable to submit request because thinking is not supported by this model",
        about=("reasoning_effort", "thinking"),
    ),
)
