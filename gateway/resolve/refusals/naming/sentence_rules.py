"""Plain sentences by which small servers, proxies and relays refuse parameters.

`seed is not allowed`, `frequency_penalty and presence_penalty are not supported`: each has words
and marks of its own, and names one parameter or several. A sentence is known as a whole, up to its
end: what follows otherwise can be a condition ("… together with tools"), or somebody's text.
"""

import re
from typing import Final

from gateway.resolve.refusals.endpoint_words import ENDPOINT
from gateway.resolve.refusals.naming.naming_rule import BETWEEN, NamingRule, by_model, by_server

_UNMARKED = r"[A-Za-z_](?:[\w\[\]]|\.(?=\w)){0,60}"
_SPOKEN = r"(?:frequency|presence|repetition) penalty|reasoning effort|top [kp]|min p|logit bias"
_MARKED = r"`[\w.\[\]]{1,200}`|'[\w.\[\]]{1,200}'|\"[\w.\[\]]{1,200}\""
# "model is not supported" is about the model.
_ONE = rf"(?:(?![`'\"]?(?:model|the|this|both|neither)\b)(?:{_MARKED}|{_SPOKEN}|{_UNMARKED}))"
_NAMES = rf"(?P<names>{_ONE}(?:{BETWEEN}{_ONE}){{0,31}})"
_KIND = r"(?:request |sampling )?(?:parameter|param|field|option|argument)(?:s|\(s\))?"
_BEFORE = r"(?:(?:invalid request|validation(?: error)?|error): )?"
_SUBJECT = rf"{_BEFORE}(?:Both )?(?:The )?(?:following )?(?:{_KIND}:? )?{_NAMES}(?: {_KIND})?"

_SET = r"(?:used|set|specified|passed|provided|sent|included|changed|configured|customi[sz]ed)"
_UNSUPPORTED = (
    r"(?:(?:is|are) )?(?:currently |both )?"
    r"(?:not (?:yet |currently )?supported|unsupported|not (?:yet )?implemented)(?: yet)?"
)
_FORBIDDEN = (
    r"(?:(?:is|are) )?(?:currently )?(?:not (?:allowed|permitted|accepted)|disallowed|forbidden)|"
    rf"(?:cannot|can't|can not|must not|may not|should not) be {_SET}"
)
_TAKEN = r"(?:supported|allowed|permitted|accepted|available)"

_HERE = (
    r"(?:this|the (?:current|selected|requested|underlying|target)) (?:\w{1,20} )?"
    r"(?:endpoint|model|provider|proxy|server|API|deployment|backend|gateway|service|channel|route)"
)
_PROVIDER = (
    r"(?:Anthropic|Azure|Bedrock|Cerebras|Cohere|DeepSeek|Fireworks|Gemini|Groq|Mistral|NVIDIA|"
    r"Ollama|OpenAI|OpenRouter|Perplexity|SGLang|Snowflake|Together|Vertex|vLLM|xAI)"
    r"(?: (?:AI|API|OpenAI|NIM|Cortex))?"
)
_NAMED = r"(?:[`'\"][^`'\"\n]{1,200}[`'\"]|(?=[\w./:@-]{0,200}\d)[\w./:@-]{1,200})"
_WITH = (
    rf"(?: (?:by|on|with|for|in|when using) "
    rf"(?:{_HERE}|{_PROVIDER}|(?:the )?(?:model:? )?{_NAMED}(?: models?)?|(?:the )?{ENDPOINT}))?"
)
_ADVICE = (
    r"(?:[.;,] (?:please )?(?:remove (?:it|them|this)(?: \w{1,20}){0,5}|"
    r"try again without (?:it|them)))?"
)
_ENDS = rf"{_WITH}(?: yet)?{_ADVICE}[.!]?$"

# Words of which messages about access or content are made, too: "user is not allowed".
_EVERYDAY = r"(?:audio|content|file|image|input|message|prompt|request|system|text|tool|user)s?"

_SUPPORTS_NO = (
    r"(?:does not|doesn't|do not|don't) (?:support|accept|allow) (?:the )?"
    rf"(?:{_KIND}:? )?{_NAMES}(?: {_KIND})?{_ADVICE}\.?$"
)

UNNAMED: Final = re.compile(
    rf"(?:(?:This |The |Request )?{_KIND} (?:{_UNSUPPORTED}|{_FORBIDDEN}){_ENDS}|"
    rf"(?:Unsupported|Unknown|Unrecogni[sz]ed) {_KIND}\.?$)",
    re.IGNORECASE,
)
"""The same sentences without a name, for errors whose `param` has it."""

SENTENCE_RULES: tuple[NamingRule, ...] = (
    by_server(rf"{_SUBJECT} {_UNSUPPORTED}{_ENDS}"),
    by_server(rf"(?!{_BEFORE}(?:The )?{_EVERYDAY}\b){_SUBJECT} (?:{_FORBIDDEN}){_ENDS}"),
    by_server(rf"{_SUBJECT}: (?:is |are )?(?:not {_TAKEN}|unsupported){_ENDS}"),
    by_server(rf"Neither {_NAMES} (?:is|are) {_TAKEN}{_ENDS}"),
    by_model(rf"(?:This model|(?:The )?(?:model )?{_NAMED}) {_SUPPORTS_NO}"),
    by_server(rf"(?:{_HERE}|{_PROVIDER}) {_SUPPORTS_NO}"),
    by_server(
        r"(?:Cannot|Can't|Do not|Don't|Please do not) (?:use|set|specify|pass|provide|send) "
        rf"(?:the )?(?:{_KIND}:? )?{_NAMES}(?: {_KIND})?{_ENDS}"
    ),
)
