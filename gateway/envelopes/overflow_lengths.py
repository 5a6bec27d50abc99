"""The lengths in an error for a prompt that is too long, or that leaves too little room."""

import re
from dataclasses import dataclass

_NUMBER = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:,\d{3}){1,3}|\d{2,12})(?![\w]|\.\d| (?:input )?characters)"
)
_LIMIT = re.compile(
    r"(?:maximum|limit|context|allowed|max_\w+|n_ctx|less than|cannot exceed|model with)"
    r"(?:(?!exceed|prompt has)[^\d.;]){0,40}\Z",
    re.IGNORECASE,
)
"""What stands before the number that is the limit, in the texts of `overflows`."""
_BEFORE = 120
"""How many characters before a number are read: with all, a text of numbers would take seconds."""
_CONTEXT = re.compile(
    r"(?:\bcontext length (?:is|of)(?: only)?|exceed context limit: \d{1,12} \+ \d{1,12} >)"
    r" (\d[\d,]{0,14})"
)
_N = r"(\d{1,12})"
_MAY_BE_LONGER = re.compile(r"\bresulting in a maximum input length of \d|\bcontains at least \d")
"""vLLM since 0.13, which counts a prompt until it is too long beside the reply."""
_CHARACTERS = re.compile(
    rf"You passed \d{{1,12}} input characters and requested {_N} output tokens"
    rf"|requested {_N} output tokens and your prompt contains \d{{1,12}} characters"
)
"""vLLM, of a prompt that it does not count; the groups are the tokens of the reply."""
_PARTS = tuple(
    re.compile(text.replace("{N}", _N))
    for text in (
        # OpenAI, Azure, DeepSeek; llama-cpp-python
        (
            r"{N} in (?:your prompt|the messages)[;,](?: {N} in the functions,)? "
            r"(?:and )?{N} (?:for|in) the completion"
        ),
        # OpenRouter
        r"{N} of text input,(?: {N} of tool input,)? {N} in the output",
        # SGLang
        r"{N} tokens from the input messages and ()?{N} tokens for the completion",
        # Anthropic
        r"exceed context limit: {N} \+ ()?{N} >",
        # vLLM from 0.13 to 0.17
        r"You passed {N} input tokens and requested ()?{N} output tokens",
        # Text Generation Inference
        r"Given: {N} `inputs` tokens and ()?{N} `max_new_tokens`",
    )
)
"""The tokens of the prompt, of its tools, and of the reply, in this order."""
_REPLY_FIRST = tuple(
    re.compile(text.replace("{N}", _N))
    for text in (
        # vLLM
        r"requested {N} output tokens and your prompt contains (?:at least )?{N} input tokens",
        r"is too large: {N}\..{0,80}? your request has {N} input tokens",
    )
)

_SUM = re.compile(rf"exceeded model token limit ?: ?{_N} ?\(re ?quested ?: ?{_N}\)", re.IGNORECASE)
"""Moonshot; the groups are the limit, and the tokens of the prompt and the reply together."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """The tokens of a prompt and its reply, and of a context that has no room for both."""

    prompt: int
    reply: int
    """The most tokens that the reply may have."""
    context: int
    is_least: bool = False
    """Whether the prompt was counted until it was too long, or not at all, and can be longer."""

    @property
    def room(self) -> int:
        """The tokens of the context that the prompt leaves."""
        return self.context - self.prompt


def lengths_in(message: str) -> Lengths | None:
    """Return the lengths of a prompt that fits and of a reply that does not fit beside it.

    None: the prompt alone is too long, or the message does not tell them apart.
    """
    context = _context_in(message)
    lengths = None if context is None else _lengths_in(message, context)
    return lengths if lengths is not None and 0 < lengths.room < lengths.reply else None


def excess_in(message: str) -> int | None:
    """Return by how much a prompt and its reply together are too long; None: it is not said."""
    found = _SUM.search(message)
    excess = 0 if found is None else int(found[2]) - int(found[1])
    return excess if excess > 0 else None


def _lengths_in(message: str, context: int) -> Lengths | None:
    uncounted, parts = _CHARACTERS.search(message), parts_in(message)
    if uncounted is not None:
        reply = int(uncounted[1] or uncounted[2])
        return Lengths(context - reply + 1, reply, context, is_least=True)
    if parts is None:
        return None
    ends_count = sum(parts) == context + 1 and _MAY_BE_LONGER.search(message) is not None
    return Lengths(*parts, context, is_least=ends_count)


def _context_in(message: str) -> int | None:
    named = _CONTEXT.search(message)
    if named is not None:
        return int(named[1].replace(",", ""))
    return next((number for number, is_limit in numbers_in(message) if is_limit), None)


def parts_in(message: str) -> tuple[int, int] | None:
    """Return the tokens of the prompt and of the reply; None: they are not given separately."""
    for pattern in _PARTS:
        found = pattern.search(message)
        if found is not None:
            prompt, tools, reply = found.groups()
            return int(prompt) + int(tools or 0), int(reply)
    for pattern in _REPLY_FIRST:
        found = pattern.search(message)
        if found is not None:
            return int(found[2]), int(found[1])
    return None


def numbers_in(message: str) -> list[tuple[int, bool]]:
    """Return the numbers in a message, each with whether the words before it call it a limit."""
    return [
        (int(each[0].replace(",", "")), _LIMIT.search(_before(message, each.start())) is not None)
        for each in _NUMBER.finditer(message)
    ]


def _before(message: str, end: int) -> str:
    return message[max(0, end - _BEFORE) : end]
