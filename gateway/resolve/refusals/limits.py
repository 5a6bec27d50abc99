"""Texts by which upstreams refuse a limit of the reply's length, and name the largest possible one.

Agents and frameworks ask for more than many models can give (Claude Code for 32,000 tokens, of any
model that it does not know, Pydantic AI for 16,384). They want the whole reply, however long it is,
so the limit is lowered to what the model can give, or to what its context has room for.
"""

import re
from collections.abc import Collection
from dataclasses import replace

import msgspec

from gateway.envelopes.error_envelopes import ErrorDetails
from gateway.envelopes.overflow_lengths import Lengths, excess_in, lengths_in
from gateway.envelopes.overflows import overflow_message
from gateway.resolve.refusals.destinations import Called
from gateway.resolve.refusals.parameter_fixes import (
    ANTHROPICS,
    COUNTED,
    NONE_GIVEN,
    ParameterFix,
)
from gateway.shapes import Json, Shape

_NAMES = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_BUDGET = "thinking.budget_tokens"
"""The budget, which must be smaller than the limit."""
_N = r"[`'\"]?(?P<most>\d{1,9})(?!\d|[,_]\d)[`'\"]?"
_NAME = r"max_(?:completion_|output_)?tokens"
# Both marks or none: behind one alone, text of the request may be quoted.
_LIMIT = rf"(?:[`'\"]{_NAME}[`'\"]|{_NAME})"
_GIVEN = (
    _LIMIT + r"(?: \((?:current value: )?\d+\)| value \d+|: ?\d+|=\d+|:)?"
    r"(?: for [`'\"]?[\w./:@-]{1,200}[`'\"]?)?"
)
_EXCLUSIVE = "(exclusive)"
_TEXT = re.compile(
    "|".join(
        text.replace("{N}", _N.replace("most", f"most{number}"))
        for number, text in enumerate(
            (
                # OpenAI, Azure; the second is responses'
                _LIMIT + r" is too large: \d+\. This model supports at most {N} ",
                r"Invalid '[\w.]+': integer above maximum value\. Expected a value <= {N}",
                # Anthropic, Bedrock
                r"max_tokens: \d+ > {N}, which is the maximum allowed",
                r"The maximum tokens you requested exceeds the model limit of {N}",
                # Gemini at Vertex; Cohere
                (
                    r"Unable to submit request because it has a maxOutputTokens value of \d+ but "
                    r"the supported range is from 1 \(inclusive\) ?to {N} \(exclusive\)"
                ),
                r"too many tokens: max tokens must be less than or equal to {N}, the maximum",
                # Groq, Cerebras, Mistral; small servers, each with words of its own
                (
                    _GIVEN + r" (?:must|should) "
                    r"(?:be (?:less than or equal to|at most|no more than|<=)|not exceed) {N}"
                ),
                _GIVEN + r" (?:must|should) be (?:an integer )?between \d+ and {N}",
                _GIVEN + r" cannot exceed {N}",
                _GIVEN + r" exceeds (?:the )?(?:model |maximum )?(?:maximum|limit) (?:of )?{N}",
                # Bedrock, of OpenAI's bodies
                r"Malformed input request: #/max_tokens: \d+ is not less or equal to {N}\b",
                # SenseNova; DeepSeek, DashScope
                r"field MaxTokens invalid, should be in \[1, ?{N}\]",
                r"Invalid max_tokens value, the valid range of max_tokens is \[1, ?{N}\]",
                r"Range of max_tokens should be \[1, ?{N}\]",
                # Volcengine's Ark, Zhipu; pydantic, and NVIDIA's services with its older texts
                (
                    r"The parameter `max_(?:completion_)?tokens` specified in the request are not "
                    r"valid: integer above maximum value, expected a value <= {N}"
                ),
                r"Exceeding the limiting length: \[max_tokens should be less or equal to {N}\]",
                (
                    r"(?:body -> )?max_(?:completion_|output_)?tokens(?:: |\n\s{1,4})"
                    r"(?:Input should be|ensure this value is) less than or equal to {N}"
                ),
            )
        )
    ),
    re.IGNORECASE,
)
_WHOLE_CONTEXT = re.compile(
    _LIMIT + r"=\d+ ?cannot be greater than (?:max_model_len=)?(?:max_\w+=)" + _N,
    re.IGNORECASE,
)
"""vLLM since 0.16, at first without the blank. The number is the whole context, which as a limit
would leave no room for any prompt."""
_COUNTED_CONTEXT = re.compile(
    _LIMIT + r" is too large: \d+\.This model supports at most " + _N + " completion tokens",
    re.IGNORECASE,
)
"""SGLang, without a blank; its number, too, is the whole context. If a limit is no larger than
that, SGLang says how long the prompt is."""
_ANTHROPICS = re.compile(
    r"max_tokens: \d+ > \d+, which is the maximum allowed|input length and `max_tokens` exceed ",
    re.IGNORECASE,
)
_MEDIA = re.compile(rb'"type":"(?:input_)?(?:image|audio|video|file|document)')
"""Parts of a body whose length says nothing about their tokens."""
_TEMPLATE = 256
"""Tokens that a model's template may add of its own."""

_ENOUGH_ROOM = 4096
_ENOUGH_SHARE = 4
"""Enough room for a reply: 4096 tokens, or a quarter of the context if that is less. With less room
the reply would be cut off, so clients get the refusal, and shorten the conversation."""
_MOST = 4
"""A prompt that surely leaves all but a quarter of the context need not be counted exactly."""


def too_large(reply: ErrorDetails, sent: Collection[str]) -> ParameterFix | None:
    """Return the fix that lowers a limit to the model's own; None: another error."""
    found = _TEXT.match(reply.message)
    name = _limit_in(sent)
    whole, counted = _WHOLE_CONTEXT.match(reply.message), _COUNTED_CONTEXT.match(reply.message)
    context = whole or counted
    if context is not None and name is not None and int(context["most"]) > 0:
        return ParameterFix("room", name, context["most"], None if whole else COUNTED)
    if found is None or name is None:
        return None
    most = int(next(filter(None, found.groupdict().values())))
    if found[0].endswith(_EXCLUSIVE):
        most -= 1
    return ParameterFix("limit", name, str(most), _whose(reply.message)) if most > 0 else None


def no_room(reply: ErrorDetails, called: Called, sent: Collection[str]) -> ParameterFix | None:
    """Return the fix that lowers the limit of a reply to the room that its prompt leaves.

    If the request has no limit, the server has chosen it: DeepInfra takes the whole context. None:
    another error, too little room for a reply, or a budget for thinking, which may not fit in.
    """
    message, name = overflow_message(reply), _limit_in(sent)
    excess = excess_in(message or reply.message)
    if excess is not None and name is not None and _BUDGET not in sent:
        return ParameterFix("fit", name, str(-excess))
    lengths = lengths_in(message or reply.message)
    if called is None or lengths is None or _BUDGET in sent or not _is_enough(lengths):
        return None
    if not lengths.is_least:
        whose = _whose(message or reply.message)
        return ParameterFix("fit", name, str(lengths.room), whose) if name is not None else None
    given = NONE_GIVEN if name is None else None
    depends = lengths.reply < lengths.context
    name = name or ("max_output_tokens" if called is Shape.RESPONSES else "max_tokens")
    return ParameterFix("room", name, str(lengths.context), given, once=depends)


def sure_room(body: Json, context: int, refused: int) -> int:
    """Return what a request's prompt surely leaves of a context, or else the least for a reply.

    A token has at least one byte; most have three or four, so a long prompt leaves more than that.
    `refused` is the limit that found no room.
    """
    encoded = msgspec.json.encode(body)
    left = context - len(encoded) - _TEMPLATE
    is_sure = left < refused and _MEDIA.search(encoded) is None
    return max(_least(context), left) if is_sure else _least(context)


def within(fix: ParameterFix, refused: Json) -> ParameterFix | None:
    """Return a fix with its limit for the refused body; None: too little is left for a reply.

    An error may say only by how many tokens the prompt and the reply together are too long. Then
    `to` is negative, and is added to the limit in the body.
    """
    if fix.action != "fit" or not (fix.to or "").startswith("-"):
        return fix
    given = refused.get(fix.name)
    room = given + int(fix.to or 0) if isinstance(given, int) else 0
    is_enough = isinstance(given, int) and room >= _least(given) > 0
    return replace(fix, to=str(room)) if is_enough else None


def is_most(room: int, context: int) -> bool:
    """Whether what is surely left of a context is hardly less than what a short prompt leaves."""
    return room * _MOST >= context * (_MOST - 1)


def _whose(message: str) -> str | None:
    return ANTHROPICS if _ANTHROPICS.match(message) else None


def _limit_in(sent: Collection[str]) -> str | None:
    return next((known for known in _NAMES if known in sent), None)


def _is_enough(lengths: Lengths) -> bool:
    return lengths.room >= _least(lengths.context)


def _least(context: int) -> int:
    return min(_ENOUGH_ROOM, context // _ENOUGH_SHARE)
