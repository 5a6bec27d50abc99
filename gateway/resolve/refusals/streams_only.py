"""Texts by which upstreams refuse to send a reply whole, or to stream it.

Some replies are only streamed: of Qwen's models when they think, long ones at Fireworks, all of
Codex. The gateway can ask for a stream and fold it. Other replies are not streamed: OpenAI's to
organisations that are not verified, Bedrock's with tools. The gateway can ask for a whole reply and
give it to the client as a stream.
"""

import re
from collections.abc import Collection
from typing import Final

from gateway.resolve.refusals.destinations import Called
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape

STREAM: Final = "stream"
WHOLE: Final = "whole"
USAGE: Final = "include_usage"
"""The option in `stream_options` by which a stream has its usage at the `_WITHOUT_USAGE` shapes."""
_WITHOUT_USAGE = frozenset({Shape.CHAT, Shape.COMPLETIONS})
"""The shapes whose streams have no usage unless a request asks for it."""

_WHOLE = r"non[- ]?stream(?:ing|ed)?"
_WORD = r"[\w./:-]{1,100}"
_SUBJECT = rf"(?:th(?:e|is) )?(?:(?:[`'\"]{_WORD}[`'\"]|{_WORD}) ){{1,2}}?"
_REFUSED = re.compile(
    "|".join(
        (
            # DashScope, of models and of thinking; ModelScope of the same
            rf"{_SUBJECT}only supports? stream(?:ing|ed|s)?\b(?![`'\"]?=)",
            (
                r"parameter\.enable_thinking (?:must be set to false for non-streaming calls"
                r"|only supports? stream call)"
            ),
            r"enable[ _]thinking can ?not be support(?:ed)? when [`'\"]?stream=False\b",
            # Fireworks
            r"Requests with max_tokens > \d{1,9} must have stream=true\b",
            # Codex, and others with such words; "must be true or false" is about its type
            (
                r"(?P<quote>[`'\"]?)stream(?P=quote) (?:parameter )?must be (?:set to )?"
                r"[`'\"]?true\b[`'\"]?(?! or\b)"
            ),
            rf"{_SUBJECT}(?:does not|doesn't) support {_WHOLE}\b",
            rf"{_WHOLE}(?: \w{{1,20}}){{0,2}} (?:is|are) (?:not (?:yet )?supported|unsupported)\b",
            r"only stream(?:ing|ed|s)?(?: \w{1,20}){0,2} (?:is|are) supported\b",
            r"stream(?:ing)?(?: \w{1,20})? is required\b",
        )
    ),
    re.IGNORECASE,
)


_STREAM_REFUSED = re.compile(
    r"Your organization must be verified to stream this model\b"
    r"|Unsupported value: [`'\"]stream[`'\"] does not support true with this model\b"
    rf"|{_SUBJECT}(?:does not|doesn't) support streaming(?: for this model| mode)?\.?$"
    r"|(?:the )?(?:[`'\"]?stream[`'\"]?|streaming)(?: mode)? is (?:not (?:yet )?|un)supported"
    r"(?: (?:by|for|on|with) (?:this|the) model)?\.?$",
    re.IGNORECASE,
)
_WITH_TOOLS = re.compile(
    # Bedrock; llama.cpp (am17an/llama.cpp#35)
    r"This model doesn't support tool use in streaming mode\b"
    r"|logprobs (?:is|are) not supported with tools \+ stream\b",
    re.IGNORECASE,
)


def delivery_asked_for(message: str, called: Called, sent: Collection[str]) -> ParameterFix | None:
    """Return the fix after a refusal of whole replies, or of streams; None: another error."""
    if called is not None and asks_for_stream(message):
        return stream_asked_for(called)
    if called is None or STREAM not in sent:
        return None
    if _WITH_TOOLS.match(message):
        return ParameterFix(WHOLE, STREAM, once=True)
    return ParameterFix(WHOLE, STREAM) if _STREAM_REFUSED.match(message) else None


def asks_for_stream(message: str) -> bool:
    """Whether an error's text says that the reply can only be streamed."""
    return _REFUSED.match(message) is not None


def is_of_the_model(message: str) -> bool:
    """Whether such a text is about the model, which then lives at this endpoint."""
    words = message.lower()
    return "model" in words or "thinking" in words


def ask_for_whole(body: Json) -> None:
    """Have a body ask for a whole reply."""
    if body.get(STREAM) is True:
        body[STREAM] = False
        body.pop("stream_options", None)


def stream_asked_for(called: Shape) -> ParameterFix:
    """Return the fix that asks an endpoint for a stream with its usage."""
    return ParameterFix(STREAM, STREAM, USAGE if called in _WITHOUT_USAGE else None)


def ask_for_stream(body: Json, option: str | None) -> None:
    """Have a body ask for a stream, if it does not; `option` is set in its `stream_options`."""
    if body.get(STREAM) is True:
        return
    body[STREAM] = True
    if option is not None:
        given = body.get("stream_options")
        body["stream_options"] = {**(given if isinstance(given, dict) else {}), option: True}
