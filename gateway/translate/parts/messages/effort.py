"""Reasoning efforts, translated between messages and OpenAI's endpoints: words and budgets.

A messages request has `output_config.effort`, or a budget of tokens for `thinking`, or neither.
OpenAI's endpoints have one word, with two more at the lower end: `none` and `minimal`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.servers.efforts import nearest_effort
from gateway.shapes import Json
from gateway.translate.draft import Draft

DISABLED: Final = "none"
"""OpenAI's word for what messages call disabled thinking."""
BUDGET: Final = "thinking.budget_tokens"

_BUDGETS: Mapping[str, int] = {"low": 1024, "medium": 8192, "high": 24576}
"""The budgets that stand for a word, for models that know only budgets."""

_LEAST_BUDGET = {"high": 16384, "medium": 4096, "low": 0}


class AskedEffort(NamedTuple):
    """An effort in OpenAI's words, and its path in the client's request."""

    word: str
    path: str
    given: object
    """The client's own value."""


def word_of_budget(tokens: int) -> str:
    """Return the effort that a thinking budget stands for."""
    return next(word for word, least in _LEAST_BUDGET.items() if tokens >= least)


def budget_of_word(word: str) -> int:
    """Return the thinking budget for an effort; an unknown word counts as `high`."""
    return _BUDGETS.get(messages_effort(word) or "low", _BUDGETS["high"])


def messages_effort(word: str) -> str | None:
    """Return OpenAI's effort in the words of messages; None: thinking is disabled.

    Words that OpenAI does not know are returned as they are.
    """
    if word == DISABLED:
        return None
    return "low" if word == "minimal" else word


def asked_effort(client: Json) -> AskedEffort | None:
    """Return the effort that a checked messages request asks for; None: the model's default.

    Disabled thinking outweighs an effort, which is also about the length of texts.
    """
    thinking: Json = client.get("thinking", {})
    if thinking.get("type") == "disabled":
        return AskedEffort(DISABLED, "thinking", "disabled")
    word, path = _word_in(client)
    if word is not None:
        return AskedEffort(word, path, word)
    if thinking.get("type") == "enabled":
        budget: int = thinking["budget_tokens"]
        return AskedEffort(word_of_budget(budget), BUDGET, budget)
    return None


def outweighed(client: Json) -> Iterator[str]:
    """Yield the paths of a checked request's settings of effort that another one outweighs."""
    asked, (word, path) = asked_effort(client), _word_in(client)
    taken = None if asked is None else asked.path
    if word is not None and path != taken:
        yield path
    if "budget_tokens" in client.get("thinking", {}) and taken != BUDGET:
        yield BUDGET


def _word_in(client: Json) -> tuple[str | None, str]:
    """Return the effort and its path; a last system message may set one for this turn."""
    messages: Sequence[Json] = client.get("messages", ())
    for position in range(len(messages) - 1, -1, -1):
        if messages[position]["role"] != "system":
            break
        word = messages[position].get("output_config", {}).get("effort")
        if word is not None:
            return word, f"messages[{position}].output_config.effort"
    return client.get("output_config", {}).get("effort"), "output_config.effort"


def effort_to_send(draft: Draft) -> str | None:
    """Return the effort to send for a messages request, or for the model as configured, or None.

    A client's effort that is changed or not sent is reported.
    """
    able, requested = draft.context.capabilities, asked_effort(draft.client)
    word = draft.context.reasoning_effort if requested is None else requested.word
    if word is None:
        return None
    if not able.reasoning_effort:
        # A model without efforts does not think more than it is told not to.
        if requested is not None and requested.word != DISABLED:
            draft.report.drop(requested.path)
        return None
    sent = word if able.efforts is None else nearest_effort(word, able.efforts)
    if requested is not None and (sent != requested.word or isinstance(requested.given, int)):
        draft.report.change(requested.path, requested.given, sent)
    return sent
