"""The parameters of a responses request at a messages endpoint.

Those with a counterpart are written by the modules of `parts/to_messages`. The others are dropped
or refused by the functions that do so for chat.
"""

from collections.abc import Sequence
from typing import Any

from gateway.shapes import Json
from gateway.translate.draft import (
    OF_COST,
    Draft,
    copy_extensions,
    drop,
    not_streamed,
    sent_verbosity,
)
from gateway.translate.parts.output_format import known_responses_format
from gateway.translate.parts.to_messages.conversation import Written
from gateway.translate.parts.to_messages.parameters import (
    write_cache,
    write_format,
    write_limit,
    write_stops,
    write_user,
)
from gateway.translate.parts.to_messages.sampling import write_sampling
from gateway.translate.parts.to_messages.thinking import ThinkingRequest, write_thinking
from gateway.translate.parts.to_messages.tools import (
    forces_call,
    messages_choice,
    messages_tool,
    named_once,
    possible_choice,
)
from gateway.translate.parts.tools.choices import read_chat_choice
from gateway.translate.responses_via_chat.parameters import (
    asks_for_summary,
    hints,
    moderation,
    prewarming,
    reasoning_options,
    report_unknown,
)
from gateway.translate.responses_via_chat.tools.choice import tool_parameters
from gateway.translate.responses_via_chat.tools.definitions import ChatTools
from gateway.translate.schema.checks import extensions
from gateway.translate.schema.neutral import Neutral
from gateway.translate.schema.responses import (
    ENCRYPTED_REASONING,
    LOGPROBS,
    RESPONSES_EXTENSIONS,
    RESPONSES_PARAMETERS,
    STREAM_OPTIONS,
    TEXT,
)

_KNOWN = frozenset({*RESPONSES_EXTENSIONS, "cache_control", "thinking", "top_k"})
"""Parameters of other endpoints, and Anthropic's own, that are handled here."""

_NEVER_CROSS: Neutral = {
    "best_of": (1,),
    "container": (),
    "echo": (False,),
    "functions": ([],),
    "max_completion_tokens": (),
    "max_tokens": (),
    "mcp_servers": ([],),
    "messages": (),
    "n": (1,),
    "output_config": ({},),
    "output_format": (),
    "reasoning_effort": (),
    "response_format": (),
    "stop_sequences": ([],),
    "suffix": ("",),
    "system": ("", []),
}
"""Names outside responses' parameters that are never copied, each with its neutral values."""


def tools(draft: Draft, declared: ChatTools) -> Sequence[str]:
    """Write `tools` and `tool_choice`; return the client's path of each tool that is sent.

    Raises `InvalidRequest` and `UnsupportedParameter` for a choice that cannot be made.
    """
    sent = tool_parameters(draft.client, declared, draft.context, draft.report)
    definitions: list[Json] = sent.get("tools", [])
    if not definitions:
        return ()
    paths = declared.paths_of(definitions)
    written = [
        _tool(definition["function"], path, draft)
        for definition, path in zip(definitions, paths, strict=True)
    ]
    kept = named_once(list(zip(paths, written, strict=True)), draft)
    draft.upstream["tools"] = [written[place] for place in kept]
    choice = read_chat_choice(sent.get("tool_choice", "auto"))
    named = None if choice.named is None else choice.named.name
    parallel = sent.get("parallel_tool_calls", True)
    mode, named = possible_choice(choice.mode, named, "tool_choice", draft)
    made = messages_choice(mode, named, parallel=parallel)
    if made is not None:
        draft.upstream["tool_choice"] = made
    return [paths[place] for place in kept]


def _tool(function: Json, path: str, draft: Draft) -> Json:
    unsent = function.get("strict") and not draft.context.capabilities.strict_tools
    if unsent and "strict" not in _declared(draft.client, path):
        # `strict` is the default of responses, not the client's wish: it can be left out silently.
        function = {name: value for name, value in function.items() if name != "strict"}
    return messages_tool(function, path, draft.context, draft.report)


def _declared(client: Json, path: str) -> Json:
    """Return the client's definition of a tool at a path such as `tools[2].tools[0]`."""
    found: Any = client
    for step in path.replace("]", "").replace("[", ".").split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    tool: Json = found
    return tool


def tokens_and_thinking(draft: Draft, conversation: Written) -> None:
    """Write the token limit, the thinking, and the sampling parameters, which it restricts."""
    client, name = draft.client, "max_output_tokens"
    options = reasoning_options(draft)
    limit: int | None = client.get(name)
    request = ThinkingRequest(
        effort=options.get("effort"),
        name="reasoning.effort",
        limit=limit,
        forced=forces_call(draft.upstream.get("tool_choice")),
        lacks_thinking=conversation.ends_in_calls_without_thinking,
        shown=asks_for_summary(options),
    )
    thinking = write_thinking(draft, request)
    write_limit(draft, limit, name, thinking)
    write_sampling(draft, thinks=thinking.is_on)


def stop_sequences(draft: Draft) -> None:
    """Write the stop sequences, which responses have only as an extension.

    Raises `UnsupportedParameter` for stop sequences that the endpoint does not take.
    """
    before = len(draft.report.emulated)
    if write_stops(draft):
        del draft.report.emulated[before:]
        draft.upstream.pop("stop_sequences", None)
        draft.refuse("stop", "its messages endpoint does not take these.")


def text_options(draft: Draft) -> None:
    """Write the output format; the verbosity has no place."""
    report_unknown(draft, "text", TEXT)
    text: Json = draft.client.get("text", {})
    form = known_responses_format(text.get("format", {"type": "text"}), draft.context, draft.report)
    if form.get("description"):
        draft.report.drop("text.format.description")
    write_format(draft, form, "text.format", form.get("schema"))
    sent_verbosity(draft, text, "text.verbosity")


def include(draft: Draft) -> None:
    """Report or refuse values of `include` that replies cannot have."""
    for value in draft.client.get("include", ()):
        if value == LOGPROBS:
            draft.refuse("include", "its messages endpoint does not return logprobs.")
        elif value != ENCRYPTED_REASONING or draft.context.seal is None:
            draft.report.drop(f"include[{value}]")
    if draft.client.get("top_logprobs"):
        draft.report.drop("top_logprobs")


def streaming(draft: Draft) -> None:
    """Ask for a stream; its usage is always sent."""
    report_unknown(draft, "stream_options", STREAM_OPTIONS)
    if draft.client.get("stream_options", {}).get("include_obfuscation"):
        draft.report.drop("stream_options.include_obfuscation")
    if draft.client.get("stream"):
        draft.upstream["stream"] = True
    else:
        not_streamed(draft)


def others(draft: Draft) -> None:
    """Write, report or refuse the parameters that depend on no other."""
    text_options(draft)
    include(draft)
    moderation(draft)
    write_user(draft)
    hints(draft)
    prewarming(draft)
    drop(draft, OF_COST)
    stop_sequences(draft)
    extension_parameters(draft)
    write_cache(draft)


def extension_parameters(draft: Draft) -> None:
    """Apply the `extra_params` policy to parameters that OpenAI's responses do not have."""
    unknown = extensions(draft.client, RESPONSES_PARAMETERS, known_extensions=_KNOWN)
    copy_extensions(draft, unknown, _NEVER_CROSS)
