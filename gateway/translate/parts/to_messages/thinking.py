"""The reasoning effort of OpenAI's endpoints as `thinking` and `output_config` of messages.

Newer models take an effort and think as much as they see fit (`adaptive`), older ones take a budget
of tokens (`enabled`). Neither goes with a forced call (OmniRoute#4389). A budget is not taken if
the last calls of the assistant came without the thinking before them (pydantic-ai#3757). Sources:
Anthropic's "Effort" and "Extended thinking".
"""

from dataclasses import dataclass

from gateway.servers.efforts import nearest_effort
from gateway.shapes import Json
from gateway.translate.draft import Draft
from gateway.translate.parts.messages.effort import (
    DISABLED,
    budget_of_word,
    messages_effort,
)

LEAST_BUDGET = 1024
"""Anthropic's minimum of `budget_tokens`."""
_LEAST = "between_tools"
"""The type of `thinking` that Claude Sonnet 5.5 has in place of `disabled`."""
_THINKS = frozenset({"adaptive", "enabled"})


@dataclass(frozen=True, slots=True)
class ThinkingRequest:
    """What the client asks for about reasoning, and what limits it."""

    effort: str | None
    name: str
    """The client's parameter with the effort."""
    limit: int | None
    """The client's limit of tokens; None: it sets none."""
    forced: bool = False
    """Whether a tool must be called."""
    lacks_thinking: bool = False
    """Whether the last calls of the assistant come without the thinking before them."""
    shown: bool = False
    """Whether the client asks for the text of the thinking."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """The thinking that was written into the request."""

    is_on: bool = False
    budget: int = 0
    """The tokens within the limit that are meant for thinking, besides those for the text."""


def write_thinking(draft: Draft, request: ThinkingRequest) -> Thinking:
    """Write `thinking` and the effort into the upstream's request."""
    given = draft.client.get("thinking")
    if isinstance(given, dict) and isinstance(given.get("type"), str):
        # Anthropic's own parameter, which clients of OpenAI's libraries send beside the others.
        if request.forced and given["type"] in _THINKS and draft.context.capabilities.thinking:
            draft.report.drop("thinking")
        else:
            draft.upstream["thinking"] = given
    elif given is not None:
        draft.report.drop("thinking")
    wanted = request.effort or draft.context.reasoning_effort
    if wanted is None:
        return _written(draft)
    if wanted == DISABLED:
        _disable(draft, request)
        return _written(draft)
    sent = _write_effort(draft, wanted, request)
    is_given = "thinking" in draft.upstream
    if not is_given:
        _enable(draft, wanted, request)
    if request.effort is not None:
        _report_lost(draft, wanted, sent, request, is_given=is_given)
    return _written(draft)


def _written(draft: Draft) -> Thinking:
    thinking: Json = draft.upstream.get("thinking", {})
    budget = thinking.get("budget_tokens")
    is_on = thinking.get("type") in _THINKS
    return Thinking(is_on, budget if is_on and type(budget) is int else 0)


def _disable(draft: Draft, request: ThinkingRequest) -> None:
    able = draft.context.capabilities
    if "thinking" in draft.upstream:
        if request.effort is not None and draft.upstream["thinking"].get("type") != "disabled":
            draft.report.drop(request.name)
        return
    if "disabled" in able.thinking:
        draft.upstream["thinking"] = {"type": "disabled"}
    elif _LEAST in able.thinking:
        draft.upstream["thinking"] = {"type": _LEAST}
        if request.effort is not None:
            draft.report.change(request.name, DISABLED, _LEAST)
    elif able.thinking != {"enabled"}:
        # A model whose only type is `enabled` does not think unless told to.
        sent = _write_effort(draft, "low", None)
        if request.effort is not None:
            if sent is None:
                draft.report.drop(request.name)
            else:
                draft.report.change(request.name, DISABLED, sent)


def _write_effort(draft: Draft, wanted: str, request: ThinkingRequest | None) -> str | None:
    """Write the effort and return it, or None if the model takes none.

    A difference from the client's own effort is reported, if there is a `request`.
    """
    able = draft.context.capabilities
    if not able.reasoning_effort:
        return None
    word = messages_effort(wanted) or wanted
    sent = word if able.efforts is None else nearest_effort(word, able.efforts)
    draft.upstream["output_config"] = {"effort": sent}
    if request is not None and request.effort is not None and sent != wanted:
        draft.report.change(request.name, wanted, sent)
    return sent


def _enable(draft: Draft, wanted: str, request: ThinkingRequest) -> None:
    taken = draft.context.capabilities.thinking
    if request.forced:
        return
    if "adaptive" in taken:
        display = {"display": "summarized"} if request.shown else {}
        draft.upstream["thinking"] = {"type": "adaptive", **display}
    elif "enabled" in taken and not request.lacks_thinking:
        budget = _budget(draft, wanted, request)
        if budget:
            draft.upstream["thinking"] = {"type": "enabled", "budget_tokens": budget}


def _budget(draft: Draft, wanted: str, request: ThinkingRequest) -> int:
    """Return the budget for an effort, so that room is left for the text; 0: no thinking."""
    budget = budget_of_word(wanted)
    limit = request.limit or draft.context.capabilities.max_output_tokens
    if limit is None:
        return budget
    if limit <= LEAST_BUDGET:
        return 0
    return min(budget, max(limit // 2, LEAST_BUDGET))


def _report_lost(
    draft: Draft, wanted: str, sent: str | None, request: ThinkingRequest, *, is_given: bool
) -> None:
    """Report an effort that is not sent, as a word or a budget, or is sent without thinking.

    `is_given`: the client itself has set `thinking`.
    """
    kind = draft.upstream.get("thinking", {}).get("type")
    if sent is None and kind == "adaptive" and not is_given:
        draft.report.change(request.name, wanted, kind)
    elif sent is None and (is_given or kind is None):
        draft.report.drop(request.name)
    elif sent is not None and kind is None and draft.context.capabilities.thinking & _THINKS:
        draft.report.change(request.name, wanted, f"{sent} without thinking")
