"""Features of a request that can change its endpoint, which otherwise depends on the model alone.

OpenAI's reasoning models of 2026 take function tools at /v1/chat/completions only with reasoning
effort "none", and some take tools only at /v1/responses (openai-openapi#541, litellm#35879).
Without tools, the same models answer at either endpoint.
"""

from collections.abc import Collection

from gateway.shapes import Shape

TOOLS = "tools"
"""The request has function tools."""
REASONING = "reasoning"
"""The request sets a reasoning effort other than "none"."""
NO_REASONING = "no_reasoning"
"""The request sets the reasoning effort "none"."""

FEATURES = frozenset({TOOLS, REASONING, NO_REASONING})

SAMPLING = frozenset({"temperature", "top_p", "logprobs", "top_logprobs"})
"""Parameters that OpenAI's models since GPT-5.1 take only with reasoning effort "none"."""


def effort_of(features: Collection[str]) -> str:
    """Return the feature for a request's reasoning effort; empty if the request sets none."""
    return next((each for each in (REASONING, NO_REASONING) if each in features), "")


def fitting(
    shapes: tuple[Shape, ...], quirks: Collection[str], features: Collection[str]
) -> tuple[Shape, ...]:
    """Return those of a model's endpoints that take a request with these features.

    That is all of them if none is excluded, or if none would be left.
    """
    if TOOLS not in features or Shape.RESPONSES not in shapes:
        return shapes
    needs_responses = "tools_responses_only" in quirks or (
        "chat_tools_need_effort_none" in quirks and NO_REASONING not in features
    )
    return (Shape.RESPONSES,) if needs_responses else shapes
