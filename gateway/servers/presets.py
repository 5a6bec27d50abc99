"""Capabilities that many servers have in common, as the base of their profiles.

A capability that is wrongly on costs a refused request, or a parameter that the server silently
ignores; one that is wrongly off costs an emulation, or a refusal by the gateway. So it is off if a
server is known to ignore or refuse a parameter, and on if it is known to act on it; for unknown
servers, basic sampling parameters are assumed to work.

A list of prompts in one call saves calls, but a server that misreads it gives wrong answers. So
`prompt_list` is on only for servers that are known to answer lists prompt by prompt.
"""

from collections.abc import Mapping
from typing import Any

from gateway.shapes import Shape

MANY_STOPS = 1024
"""Means "no limit", for servers that accept any number of stop sequences."""

Changes = Mapping[str, Any]
"""Capabilities that differ from OpenAI's, by their names in `translate.limits.capabilities`."""

OPENAI_HOSTED_TOOLS = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "programmatic_tool_calling",
        "shell",
        "tool_search",
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
    }
)

OPENAI_ENDPOINTS: Mapping[Shape, Changes] = {
    Shape.COMPLETIONS: {"max_top_logprobs": 5},
    Shape.RESPONSES: {"min_output_tokens": 16, "hosted_tools": OPENAI_HOSTED_TOOLS},
}
"""OpenAI's own service, and its front ends."""

SELF_HOSTED: Changes = {
    "strict_params": False,
    "custom_tools": False,
    "allowed_tools": False,
    "moderation": False,
    "hints": False,
    # Many chat templates know neither `developer` nor a system message that is not the first.
    "developer_role": False,
    "multi_system": False,
    "late_system": "user",
    # "Conversation roles must alternate" (Gemma's and Mistral's templates); deepseek-reasoner, too.
    "roles_in_a_row": False,
    "max_stops": MANY_STOPS,
    # The name of the field at most of them; the others ignore it.
    "reasoning_field": "reasoning_content",
}
"""Servers that use an open model's own chat template."""

HOSTED: Changes = {**SELF_HOSTED, "max_stops": 4}
"""Services with open models."""

# transformers serve 5.19 streams by default, at responses.
UNKNOWN: Changes = {**HOSTED, "may_stream_unasked": True}
"""Unknown servers may stream by default."""

EFFORTS_OF_OPEN_MODELS = frozenset({"none", "low", "medium", "high"})

NO_REASONING = " "
"""The reasoning that is sent with a call to servers that demand one, if the call has none.

An empty text would not do: Moonshot's Kimi K2.5 and K2.6 take it for none (llmgateway#2093)."""

INVALID_ARGUMENTS = "INVALID_JSON"
"""The property of an object that holds the arguments of a call which are no object themselves.

Anthropic's guide to streamed inputs has this name."""

TEXT_ONLY: Changes = {"prompt_list": False, "token_prompts": False}
"""A completions prompt is one string."""
