"""Strips the decorations that relays put around an upstream's message.

Before the message stands a report: "litellm.BadRequestError: OpenAIException - ", "error, status
code: 400, message: ", "bad response status code 400, message: ". The report is recognised by its
words, which are all about transport, so it ends at anything that a user wrote; a sentence of
Bedrock's or Nous' may follow. After the message stand request ids, LiteLLM's sentences on its
router, and new-api's copy of the body.
"""

import re
from dataclasses import dataclass

from gateway.envelopes.printed_values import printed_value


@dataclass(frozen=True, slots=True)
class Undecorated:
    """A message without its decorations, and the facts in these."""

    text: str
    statuses: tuple[int, ...] = ()
    """The statuses in the report before the message, which the relay received."""
    body: object = None
    """The decoded body after the message (", body: {…}"), if there is one."""


REASONS = (
    "Bad Request|Forbidden|Gone|Internal Server Error|Method Not Allowed|Not Found|"
    "Not Implemented|Payment Required|Service Unavailable|Too Many Requests|Unauthorized|"
    "Unprocessable (?:Entity|Content)"
)
"""A pattern for the names of statuses, without a group."""
# Words within a report that cannot end one: what follows "bad request body:" or "response:" is the
# user's text, or the model's.
_LEADING = (
    "and|api|backend|bad|by|call|code|from|got|https?|received|remote|request|responded|response|"
    "status|status_code|statuscode|unexpected(?= status)|with"
)
_ENDING = (
    "anthropic|azure|copilot|errors|failed|failure|gemini|github|groq|mistral|newapi|openai|"
    "openrouter|provider|relay|returned|server|upstream|xai|上游返回错误"
)
_FIELDS = "body|cause|details?|error_msg|message|msg"
# A token ends where the next begins, and no two begin alike: a report is read in one pass.
_TOKEN = re.compile(
    # 9router: "[openai/gpt-5.4] [400]: "
    r"(?:(?:\[[\w./:@-]{1,100}\] (?=\[\d))?[\[<]?(?P<status>[1-5]\d\d)\b[\]>]?"
    rf"(?: (?:{REASONS})\b)?|(?:{REASONS})\b|"
    # OpenRouter; Databricks and gRPC, whose words come after "bad request: ", too
    r"upstream error from [\w.-]{1,40}(?: [\w.-]{1,40}){0,2}(?=: )|"
    r"(?:BAD_REQUEST|INVALID_ARGUMENT|INVALID_PARAMETER_VALUE)\b|"
    r"rpc error: code = (?:InvalidArgument|NotFound) desc(?= = )|"
    # DashScope, behind "<400> "
    r"InternalError\.Algo(?:\.\w{1,40}){0,2}\b|"
    # LiteLLM's and Python's class names, which come twice or thrice; and invalid_request_error
    r"(?:\w{1,60}\.){0,4}\w{0,60}(?:error|exception)\b|"
    rf"(?P<leading>{_LEADING})\b|(?:{_ENDING})\b|(?<=, )(?:{_FIELDS})\b|"
    # "HTTP error! status: 404, message: ", as programs in JavaScript write it
    r"!(?= status: \d)|"
    # Where the relay asked: openai-go, openai-dotnet, LiteLLM; and opencode's "provider(x: 400)".
    r"(?:GET|POST) \"?https?://[^\s\"]{1,300}\"?|"
    r"Parameter: [\w.\[\]]{1,100}(?=\n)|"
    r"/[\w/.-]{1,100}(?=:)|"
    r"\([^()\n]{0,200}\))"
    r"(?P<mark>\s?[:=,]\s*|\s+-\s+|\n\s*)?\s*",
    re.IGNORECASE,
)
_MAX_TOKENS = 24
# Names begin with a capital letter; another word is the message's.
_WHOSE = re.compile(r"(?:[A-Z][\w.-]{0,40} ){1,2}(?=(?i:API|provider|upstream)\b|\[[1-5]\d\d\]:)")
# openai-node prints "404 This is a chat model …", without a mark. Three other texts are messages
# with the number as a part of them: "404 page not found", "400 tokens are too many", and "401
# Client Error. (Request ID: …)" of Hugging Face's library. So in lower case only a model or the
# name of a parameter may follow.
_BARE_STATUS = re.compile(
    r"[\[(]?(?P<status>[1-5]\d\d)[\])]? (?!Client Error\. )"
    r"(?=[A-Z'\"`]|model\b|(?<![123]\d\d )(?:invalid \w+:|[a-z]\w*[-_./:]\w))"
)

_PREFACES = (
    "The model returned the following errors: ",
    "This request is not valid. Check the model name and other parameters.\nAdditional info: ",
)
"""Sentences before the provider's own words: Bedrock's, and those of Nous (hermes-agent#70058)."""
_MAX_SUFFIXES = 6
# LiteLLM appends sentences on its router and its retries, since 1.108 a paragraph on its fallbacks.
# The line breaks before that paragraph cannot be within JSON, where they would be escaped.
_FALLBACKS = "\n\nLiteLLM: "
_TAILS = (
    ". Received Model Group=",
    ". LiteLLM Retried: ",
    # Without any mark before it, where fallbacks are configured for other models
    "No fallback model group found for original model_group=",
)
_REQUEST_ID = "(request id: "
_RESET = re.compile(r" \(reset after [\w ]{1,20}\)$")
"""9router says after what time it asks the account again."""
_SENTENCE_NONE = (". None", "! None", "? None")
_BODY = ", body: "


def undecorated(message: str) -> Undecorated:
    """Return a message without the decorations of relays, and the facts in these."""
    # First, since anything after a report is taken for the message: one in a report's own words
    # ("Not Found") would be lost, and LiteLLM's paragraph behind it stay.
    text = message.partition(_FALLBACKS)[0].strip() or message.strip()
    end, statuses = _report(text)
    text = text[end:]
    for preface in _PREFACES:
        text = text.removeprefix(preface)
    text = _without_suffixes(text)
    text, body = _without_body(text)
    return Undecorated(text if body is None else _without_suffixes(text), statuses, body)


def _report(text: str) -> tuple[int, tuple[int, ...]]:
    """Return where the report before a message ends, and the statuses in it.

    The report ends at its last mark, or where JSON begins, unless this JSON is the request. A
    report without anything after it is the message.
    """
    whose = _WHOSE.match(text)
    position = whose.end() if whose is not None else 0
    end = 0
    seen: tuple[int, ...] = ()
    statuses: tuple[int, ...] = ()
    for _ in range(_MAX_TOKENS):
        token = _TOKEN.match(text, position)
        if token is None:
            break
        position = token.end()
        if token["status"]:
            seen = (*seen, int(token["status"]))
        leading = (token["leading"] or "").lower()
        before_json = text.startswith(("{", "["), position) and leading != "request"
        if before_json or (token["mark"] and not leading):
            end, statuses = position, seen
    bare = _BARE_STATUS.match(text, end)
    if bare is not None:
        return bare.end(), (*statuses, int(bare["status"]))
    return (end, statuses) if end < len(text) else (0, ())


def _without_body(text: str) -> tuple[str, object]:
    head, found, printed = text.partition(_BODY)
    head = head.rstrip()
    within = head.startswith(("{", "[")) and printed_value(head) is None
    if not found or not printed.startswith("{") or within:
        return text, None
    return head, printed_value(printed)


def _without_suffixes(text: str) -> str:
    for _ in range(_MAX_SUFFIXES):
        shorter = text if printed_value(text) is not None else _without_last_suffix(text)
        if shorter == text:
            break
        text = shorter
    return text


def _without_last_suffix(text: str) -> str:
    for tail in _TAILS:
        head, found, _ = text.rpartition(tail)
        if found and head:
            return head.rstrip()
    if text.endswith(")"):
        head, found, request_id = text.rpartition(_REQUEST_ID)
        if found and ")" not in request_id[:-1]:
            return head.rstrip()
        text = _RESET.sub("", text)
    # vLLM prints the cause of an error behind its message, and `None` where there is none.
    return text.removesuffix(" None") if text.endswith(_SENTENCE_NONE) else text
