"""One request as several calls: a list of prompts, an emulated `n`, an emulated `best_of`."""

import math
from collections.abc import Sequence

from gateway.envelopes.upstream_json import LOWEST
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.fields import finite_number


def choice_index(prompt: int, choice: int, n: int) -> int:
    """Return the index of a prompt's choice among all choices: prompt by prompt (as vLLM counts).

    All count from 0; `n` is the number of choices per prompt.
    """
    return prompt * n + choice


def check_fanout(total: int, context: Context, param: str) -> None:
    """Raise `InvalidRequest` naming `param` if `total` choices or calls are more than allowed."""
    limit = context.settings.max_fanout
    if total > limit:
        raise too_many(total, limit, param)


def too_many(total: int, limit: int, param: str) -> InvalidRequest:
    """Return the error for a request that takes more generations than the `limit`."""
    return InvalidRequest(
        f"'{param}' asks for {total} generations in one request, but the gateway allows "
        f"{limit}. Split the request.",
        param=param,
        code="fanout_limit_exceeded",
    )


def together(context: Context, choices: int, temperature: object) -> bool:
    """Whether one call can generate this number of `choices` of one prompt.

    `temperature` is None if the request has none. At 0 all choices would be equal, and vLLM refuses
    a request for several.
    """
    able = context.capabilities
    if not able.n or choices > (able.max_n or choices):
        return False
    return choices == 1 or able.several_greedy or temperature != 0


def rank(candidates: Sequence[Json]) -> list[int]:
    """Return the positions of chat choices, best first, as `best_of` orders them.

    The best has the highest log probability *per token* (OpenAI's definition); empty choices and
    those without logprobs, like refusals, are last; equals keep their order. Raises
    `UnsupportedParameter` if no text has logprobs, unless all are refusals.
    """
    scores = [_score(candidate) for candidate in candidates]
    unknown = any(score is None for score in scores)
    if unknown and all(score in (None, -math.inf) for score in scores):
        raise UnsupportedParameter(
            "'best_of' is not supported: the server returned no logprobs, without which the best "
            "text cannot be chosen. Leave 'best_of' out, or set it to the value of 'n'.",
            param="best_of",
        )
    known = [-math.inf if score is None else score for score in scores]
    return sorted(range(len(candidates)), key=lambda position: -known[position])


def _score(candidate: Json) -> float | None:
    """Return a candidate's score; None for a text without one."""
    message = candidate.get("message")
    texts: Json = message if isinstance(message, dict) else {}
    if not (texts.get("content") or texts.get("refusal")):
        return -math.inf
    logprobs = candidate.get("logprobs")
    entries: object = None
    if isinstance(logprobs, dict):
        entries = logprobs.get("content") or logprobs.get("refusal")
    if not isinstance(entries, list) or not entries:
        return None if texts.get("content") else -math.inf
    return sum(_token_score(entry) for entry in entries) / len(entries)


def _token_score(entry: object) -> float:
    number = finite_number(entry.get("logprob")) if isinstance(entry, dict) else None
    return LOWEST if number is None else max(number, LOWEST)
