"""Texts by which upstreams refuse parameters.

The table is data: a text, anchored at the start of the message, and what it says. `serves` names
the recorded replies (tests/resolve/errors.jsonl) that need a row.
"""

from gateway.resolve.refusals.naming.choice_rules import CHOICE_RULES
from gateway.resolve.refusals.naming.effort_rules import EFFORT_RULES
from gateway.resolve.refusals.naming.naming_rule import (
    ANY_NAME,
    ANY_NAMES,
    NAME,
    QUOTED,
    NamingRule,
    by_model,
    by_server,
)
from gateway.resolve.refusals.naming.sentence_rules import SENTENCE_RULES
from gateway.resolve.refusals.naming.validator_rules import VALIDATOR_RULES

_NAMES = r"(?P<names>[A-Za-z_][\w.\[\], ]*?)"
_INSTEAD = r"(?: Use [`'\"](?P<instead>[\w.]+)[`'\"] instead)?"
_SPOKEN_OF = r"(?:this|the [`'\"][^`'\"\n]{1,200}[`'\"]) model"
_SAMPLING = "temperature|top_p"
_NUMBER = r"\d(?:\.\d{1,4})?"
_MODEL_QUOTED = r"[`'\"][^`'\"\n]{1,200}[`'\"]"

NAMING_RULES: tuple[NamingRule, ...] = (
    # OpenAI, Azure, Copilot
    by_server(
        rf"Unsupported parameter: {QUOTED}\. In the Responses API, this parameter has moved to "
        r"[`'\"](?P<instead>[\w.]+)[`'\"]",
        "openai-responses-messages-moved-to-input",
    ),
    by_model(
        rf"Unsupported parameter: {QUOTED} is not supported with {_SPOKEN_OF}\.?{_INSTEAD}",
        "openai-max-tokens-rename",
        "9router-wraps-max-tokens",
        "openai-temperature-param",
        "openai-responses-temperature-code-null",
        "openai-stop-unsupported",
        "openai-parallel-tool-calls",
    ),
    by_server(rf"Unsupported parameter: {QUOTED} is not supported(?:\.{_INSTEAD}|$)"),
    by_server(
        rf"(?:Validation: )?Unsupported param(?:eter)?(?:s|\(s\))?:? {ANY_NAMES}\.?$",
        "codex-backend-max-output-tokens",
        "codex-backend-max-tokens",
        "codex-backend-previous-response-id",
        "nim-unsupported-parameters",
        "nim-unsupported-parameters-unquoted",
    ),
    by_server(
        rf"Unknown parameter:? {ANY_NAME}",
        "openai-unknown-parameter-reasoning-on-chat",
        "openai-unknown-parameter-reasoning-max-tokens",
        "openai-unknown-input-phase",
        "bedrock-unknown-parameter-within",
        "wire-openai-image-response-format",
        unknown=True,
    ),
    by_server(
        rf"Unrecognized request argument(?:s|\(s\))? supplied: {ANY_NAMES}\.?$",
        "openai-logprobs-unrecognized-2023",
        "openai-reasoning-effort-unrecognized",
        "openai-thinking-unrecognized",
        "azure-max-completion-tokens-reverse-rename",
        "newapi-wraps-azure-reasoning-code-nil",
        "openai-function-call-unrecognized",
    ),
    by_model(rf"Model incompatible request argument(?:s|\(s\))? supplied: {_NAMES}\.?$"),
    by_model(
        rf"Unsupported value: {QUOTED} does not support .{{1,200}}? with {_SPOKEN_OF}\. "
        r"(?:Only the default \(|Supported values are: [`'\"][^`'\",\n]*[`'\"]\.$)",
        "openai-temperature-value",
        "openai-gpt54-temperature-0",
        "litellm-temperature-no-fallback",
    ),
    by_model(
        rf"Unsupported value: {QUOTED} does not support (?P<given>.{{1,200}}?) with {_SPOKEN_OF}",
        "openai-o1-mini-system-role",
        "copilot-gpt5-mini-effort-xhigh",
        value_only=True,
    ),
    *EFFORT_RULES,
    *CHOICE_RULES,
    by_model(
        r"You are not allowed to request logprobs from this model",
        "openai-logprobs-403",
        "openai-logprobs-400-o-series",
        about=("logprobs", "top_logprobs"),
    ),
    # Gemini, Vertex; vLLM, of gpt-oss at responses
    by_model(
        r"(?:Unable to submit request because )?Logprobs is not (?:enabled|supported) for "
        r"(?:this model|the current model|models/\S{1,200})"
        r"|logprobs are not supported with gpt-oss models",
        "gemini-logprobs-not-enabled",
        "vllm-gpt-oss-logprobs",
        about=("logprobs", "top_logprobs"),
    ),
    by_model(
        r"Penalty is not enabled for (?:this model|models/\S{1,200})",
        "gemini-penalty-not-enabled",
        about=("frequency_penalty", "presence_penalty"),
    ),
    # vLLM, by the operator's choice
    by_model(
        rf"The {_NAMES} (?:sampling )?parameters are not (?:yet )?supported with speculative "
        r"decoding",
        "vllm-speculative-decoding",
        any_of=True,
    ),
    # Agents ask for the sealed reasoning of models that do not reason, too
    by_model(
        r"Encrypted content is not supported with this model",
        "openai-encrypted-content",
        "litellm-encrypted-content-no-fallback",
        about=("include",),
        entry="reasoning.encrypted_content",
    ),
    # Azure names what the model lacks, not what was sent ("logprobs, best_of and echo parameters")
    by_model(rf"{_NAMES} parameters? (?:is|are) not available on \S{{1,200}} model", any_of=True),
    # xAI
    by_model(
        rf"Argument not supported on this model: {NAME}",
        "xai-presence-penalty-camelcase",
        "xai-reasoning-effort-camelcase",
    ),
    by_model(
        rf"(?:Model \S{{1,200}}|This model) does not support parameter [`'\"]?{NAME}",
        "xai-grok46-presence-penalty",
    ),
    by_server(
        rf"The {NAME} parameter is unsupported(?: at the moment)?\.", "xai-response-format-2024"
    ),
    # Anthropic, of a type of thinking; the effort remains
    by_model(
        r"[`'\"]thinking\.type\.\w{1,40}[`'\"] is not supported (?:for|with|by|on) this model",
        "anthropic-thinking-type",
        about=("thinking",),
    ),
    by_model(
        r"adaptive thinking is not supported (?:on|by|for|with) this model",
        "omniroute-adaptive-thinking",
        about=("thinking", "reasoning_effort", "reasoning"),
    ),
    # Anthropic, through relays, too, of values that do not go together: the more telling one stays
    by_model(
        r"[`'\"]?(?:temperature[`'\"]? and [`'\"]?top_p|top_p[`'\"]? and [`'\"]?temperature)"
        r"[`'\"]? (?:cannot|can't|can not) (?:both be|be both) (?:specified|set|used|provided)\b",
        "anthropic-temperature-with-top-p",
        "anthropic-temperature-and-top-p",
        "bedrock-temperature-with-top-p",
        "newapi-temperature-and-top-p",
        about=("top_p",),
        beside="temperature",
    ),
    by_model(
        r"[`'\"]?temperature[`'\"]? may only be set to 1 when thinking is enabled",
        "anthropic-temperature-with-thinking",
        "newapi-temperature-with-thinking",
        about=("temperature",),
        beside_others=True,
    ),
    # text-generation-inference, of a 1 or a 0, which say as much as none, or the least random
    by_model(
        r"Input validation error: [`'\"]?top_p[`'\"]? must be > 0\.0 and < 1\.0",
        "tgi-top-p",
        about=("top_p",),
        beside_others=True,
    ),
    by_model(
        r"Thinking may not be enabled when tool_choice forces tool use",
        "anthropic-forced-call-with-thinking",
        "relay-forced-call-with-thinking",
        about=("thinking", "reasoning_effort", "reasoning"),
        beside_others=True,
    ),
    *(
        by_model(
            rf"[`'\"]?{name}[`'\"]? must be [^\n]{{0,60}}unset when thinking is enabled",
            about=(name,),
            beside_others=True,
        )
        for name in ("top_p", "top_k")
    ),
    # Anthropic, of the clearing of thinking that there is none of
    by_model(
        r"(?:context_management\.edits[\w.\[\]]{0,20}: )?[`'\"]?clear_thinking_\d{1,8}[`'\"]? "
        r"strategy requires [`'\"]?thinking\b",
        "anthropic-clear-thinking",
        about=("context_management",),
        beside_others=True,
    ),
    # Anthropic, of a forced call
    by_model(
        r"tool_choice: type [`'\"]tool[`'\"] and [`'\"]any[`'\"] are not supported for this model"
        r"|tool_choice forces tool use is not compatible with this model",
        "anthropic-forced-tools",
        about=("tool_choice",),
    ),
    # Groq, Cerebras; the second form is Anthropic's too ("`temperature` is deprecated for this
    # model.")
    by_server(
        rf"(?:body\.[\w.]{{1,100}}: )?property (?P<quote>[`'\"])(?:body\.)?{NAME}(?P=quote) is "
        r"unsupported"
    ),
    by_model(
        rf"[`'\"]{NAME}[`'\"] (?:parameter )?is (?:not supported|unsupported|deprecated) "
        r"(?:with|by|for|on) this model",
        "groq-reasoning-effort",
    ),
    # Proxies and small servers; "model is not supported" is about the model
    by_server(
        rf"(?:The )?(?:parameter:? )?(?P<quote>[`'\"])?(?!model\b){NAME}(?(quote)(?P=quote))"
        r" (?:parameter )?(?:is|are) (?:currently )?(?:not (?:yet )?supported|unsupported|"
        r"not available(?= (?:by|on|with|for|in) this )|deprecated(?=[.;,] (?:please )?use ))"
        r"(?: yet)?(?: (?:by|on|with|for|in) this (?:endpoint|model|provider|proxy|server))?"
        r"(?: yet)?"
        r"(?:[.;,] (?:please )?use [`'\"]?(?P<instead>[\w.]{1,60}?)[`'\"]?(?: instead)?)?\.?$"
    ),
    # Small servers, of the one value that a model takes
    *(
        by_model(rf"{text}(?: (?:by|on|with|for) this model)?\.?$")
        for text in (
            rf"Only (?P<name>{_SAMPLING}) ?= ?{_NUMBER} is (?:supported|allowed)",
            rf"[`'\"]?(?P<name>{_SAMPLING})[`'\"]? must be {_NUMBER}",
        )
    ),
    # transformers
    by_server(
        r"Unexpected fields in the request: (?P<literal>\{[^{}\n]{1,1000}\})\.?$",
        "transformers-unexpected-field",
        "transformers-unexpected-stop",
    ),
    # llama.cpp
    by_server(rf"llama\.cpp does not support {QUOTED}", "llamacpp-previous-response-id"),
    # Moonshot
    by_model(rf"invalid {NAME}: only \S{{1,40}} is allowed", "kimi-invalid-temperature"),
    # LiteLLM
    by_model(rf"Setting [`'\"]{NAME}[`'\"] is not supported by ", "litellm-setting-image-format"),
    by_model(
        r"[\w.-]{1,60} does not support parameters: (?P<literal>\{.*?\}|\[.*?\]),? for model="
    ),
    by_model(
        rf"[\w./+-]{{1,60}} models?(?: \([^()\n]{{1,200}}\))? (?:don't|doesn't|do not|does not) "
        rf"support {NAME}=[^\n]{{0,200}}?\. Only (?P=name)=\S{{1,40}} (?:is|are) supported",
        "litellm-gpt5-temperature",
        "litellm-gpt5-codex-temperature",
    ),
    by_model(
        rf"[\w./+-]{{1,100}} models? (?:don't|doesn't|do not|does not) support {NAME}="
        r"(?P<given>[\w'\"-]{1,40})?",
        value_only=True,
    ),
    by_model(
        rf"[\w./+-]{{1,100}}(?: models)? only supports? {_NAMES} when reasoning_effort=",
        "litellm-sampling-needs-effort-none",
        any_of=True,
    ),
    # Ollama
    by_model(rf"(?:{_MODEL_QUOTED}|\S{{1,200}}) does not support tools$", about=("tools",)),
    by_model(rf"(?:{_MODEL_QUOTED}|\S{{1,200}}) does not support insert$", about=("suffix",)),
    # vLLM, TGI
    by_server(
        r"chat_template is not supported for Mistral tokenizers",
        "vllm-mistral-chat-template",
        about=("chat_template_kwargs",),
    ),
    by_model(
        rf"Model {_MODEL_QUOTED} does not support matryoshka representation",
        "vllm-matryoshka-dimensions",
        about=("dimensions",),
    ),
    by_server(r"Suffix is not supported", "tgi-suffix", about=("suffix",)),
    *VALIDATOR_RULES,
    *SENTENCE_RULES,
)
