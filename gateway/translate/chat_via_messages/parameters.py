"""The parameters of a chat request at a messages endpoint.

Those with a counterpart are written by the modules of `parts/to_messages`. Here are the others, and
the order of all, because what is sent for one can depend on another.
"""

from gateway.translate.chat_via_responses.client_paths import limit_name
from gateway.translate.draft import (
    OF_COST,
    Draft,
    copy_extensions,
    drop,
    refuse_audio,
    refuse_logprobs,
)
from gateway.translate.parts.output_format import known_chat_format, responses_format
from gateway.translate.parts.to_messages.conversation import Written
from gateway.translate.parts.to_messages.parameters import (
    write_cache,
    write_format,
    write_limit,
    write_user,
)
from gateway.translate.parts.to_messages.sampling import write_sampling
from gateway.translate.parts.to_messages.thinking import ThinkingRequest, write_thinking
from gateway.translate.parts.to_messages.tools import forces_call
from gateway.translate.schema.chat import CHAT_PARAMETERS, NEVER_CROSS
from gateway.translate.schema.checks import extensions
from gateway.translate.schema.neutral import Neutral

_HINTS: Neutral = {
    **OF_COST,
    "metadata": ({},),
    "prediction": (),
    "store": (False,),
    "verbosity": ("medium",),
}
"""Parameters without a counterpart, with the values that mean the same as none."""

_ANTHROPICS = frozenset({"cache_control", "thinking", "top_k"})
"""Anthropic's own parameters, which clients of OpenAI's libraries send beside OpenAI's."""

_NEVER_CROSS: Neutral = {
    **NEVER_CROSS,
    "chat_template_kwargs": ({},),
    "container": (),
    "mcp_servers": ([],),
    "output_config": ({},),
    "output_format": (),
    "stop_sequences": ([],),
    "system": ("", []),
}


def tokens_and_thinking(draft: Draft, conversation: Written) -> None:
    """Write the token limit, the thinking, and the sampling parameters, which it restricts."""
    client, name = draft.client, limit_name(draft.client)
    limit: int | None = client.get(name)
    request = ThinkingRequest(
        effort=client.get("reasoning_effort"),
        name="reasoning_effort",
        limit=limit,
        forced=forces_call(draft.upstream.get("tool_choice")),
        lacks_thinking=conversation.ends_in_calls_without_thinking,
    )
    thinking = write_thinking(draft, request)
    write_limit(draft, limit, name, thinking)
    write_sampling(draft, thinks=thinking.is_on)


def output_format(draft: Draft) -> None:
    """Write the output format."""
    if "response_format" not in draft.client:
        return
    name = "response_format"
    form = known_chat_format(draft.client[name], draft.context, draft.report)
    flat = responses_format(form, name)
    if flat.get("description"):
        draft.report.drop(f"{name}.json_schema.description")
    write_format(draft, flat, name, flat.get("schema"))


def refused(draft: Draft) -> None:
    """Refuse parameters that ask for something that messages do not have."""
    refuse_audio(draft, "the messages endpoint")
    if draft.client.get("logprobs"):
        refuse_logprobs(draft, "logprobs", "the messages endpoint does not return any.")
    if "moderation" in draft.client:
        draft.refuse("moderation", droppable=False)
    if "web_search_options" in draft.client:
        draft.refuse("web_search_options")


def extension_parameters(draft: Draft) -> None:
    """Apply the `extra_params` policy to parameters that OpenAI's chat does not have."""
    unknown = extensions(draft.client, CHAT_PARAMETERS, known_extensions=_ANTHROPICS)
    copy_extensions(draft, unknown, _NEVER_CROSS)


def others(draft: Draft) -> None:
    """Write, report or refuse the parameters that depend on no other."""
    output_format(draft)
    refused(draft)
    write_user(draft)
    drop(draft, _HINTS)
    extension_parameters(draft)
    write_cache(draft)
