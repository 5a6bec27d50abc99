"""One request as several calls: a list of prompts, an emulated `n`, an emulated `best_of`."""

import math
from collections.abc import Sequence

from gateway.errors import InvalidRequest, UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.fields import finite_number
from gateway.translate.logprobs import LOWEST


def choice_index(prompt: int, choice: int, n: int) -> int:
    """Return the index of a prompt's choice among all choices: prompt by prompt (as vLLM counts).

    All are counted from 0; `n` is the number of choices per prompt.
    """
    return prompt * n + choice


def check_fanout(total: int, context: Context, param: str) -> None:
    """Raise `InvalidRequest` naming `param` if `total` choices or calls are more than allowed."""
    limit = context.settings.max_fanout
    if total > limit:
        raise InvalidRequest(
            f"'{param}' asks for {total} generations in one request, but the gateway allows "
            f"{limit}. Split the request.",
            param=param,
            code="fanout_limit_exceeded",
        )


def rank(candidates: Sequence[Json]) -> list[int]:
    """Return the positions of chat choices, best first, as `best_of` orders them.

    The best has the highest log probability *per token* (OpenAI's definition); an empty candidate
    is last; equals keep their order. Raises `UpstreamError` if a candidate with text has no
    logprobs, for then there is no telling.
    """
    scores = [_score(candidate) for candidate in candidates]
    return sorted(range(len(candidates)), key=lambda position: -scores[position])


def _score(candidate: Json) -> float:
    message = candidate.get("message")
    text = (message.get("content") or message.get("refusal")) if isinstance(message, dict) else None
    if not text:
        return -math.inf
    logprobs = candidate.get("logprobs")
    entries: object = None
    if isinstance(logprobs, dict):
        entries = logprobs.get("content") or logprobs.get("refusal")
    if not isinstance(entries, list) or not entries:
        raise UpstreamError(
            "The upstream returned no logprobs, without which 'best_of' cannot choose. "
            "Leave 'best_of' out, or set it to the value of 'n'."
        )
    return sum(_token_score(entry) for entry in entries) / len(entries)


def _token_score(entry: object) -> float:
    number = finite_number(entry.get("logprob")) if isinstance(entry, dict) else None
    return LOWEST if number is None else max(number, LOWEST)
