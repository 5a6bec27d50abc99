"""The parameters of a responses request as parameters of a chat request.

There is one function per group of parameters; `input`, `instructions` and the tools have modules of
their own. Each function reads the client's checked body, writes equivalents into the upstream body,
and reports or refuses the rest. A value that means the same as its absence is never refused.
"""

from collections.abc import Callable, Mapping, Sequence

from gateway.shapes import Json, Shape
from gateway.translate.draft import (
    Draft,
    cache_options,
    copy_sampling,
    drop,
    not_streamed,
    refuse_logprobs,
    sent_effort,
    sent_verbosity,
)
from gateway.translate.parts.output_format import chat_format, known_responses_format
from gateway.translate.schema.checks import Record, extensions
from gateway.translate.schema.extra_params import extras_to_send
from gateway.translate.schema.hints import CACHE_OPTIONS
from gateway.translate.schema.responses import (
    ENCRYPTED_REASONING,
    LOGPROBS,
    REASONING,
    RESPONSES_CACHE_OPTIONS,
    RESPONSES_EXTENSIONS,
    RESPONSES_PARAMETERS,
    STREAM_OPTIONS,
    TEXT,
)
from gateway.translate.schema.unknown_fields import carry_unknown


def _not_by_model(draft: Draft) -> str:
    return f"its {draft.report.target} endpoint does not take it."


def sampling(draft: Draft) -> None:
    """Copy sampling parameters; at responses, penalties, biases and stops are extensions."""
    able = draft.context.capabilities
    copy_sampling(draft, _not_by_model(draft))
    stops = draft.client.get("stop", [])
    count = 1 if isinstance(stops, str) else len(stops)
    if count and able.stop and count <= able.max_stops:
        draft.upstream["stop"] = stops
    elif count:
        draft.refuse("stop", _not_by_model(draft))


def token_limit(draft: Draft) -> None:
    """Send the limit under the name that the server takes."""
    if "max_output_tokens" in draft.client:
        name = draft.context.capabilities.max_tokens_field
        draft.upstream[name] = draft.client["max_output_tokens"]


_SAME_NAME = (
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "user",
)


def same_name(draft: Draft) -> None:
    """Copy parameters with the same name: end user, cache keys and options, service tier."""
    for name in _SAME_NAME:
        if name not in draft.client:
            continue
        if name == "service_tier" and draft.client[name] == "ultrafast":
            # Chat has all other tiers.
            draft.report.drop(name)
        elif name == "prompt_cache_options":
            draft.upstream[name] = _chat_cache_options(draft)
        else:
            draft.upstream[name] = draft.client[name]


def _chat_cache_options(draft: Draft) -> Json:
    """Return the cache options that chat has, too; the others concern only responses."""
    options = cache_options(draft, RESPONSES_CACHE_OPTIONS)
    if "comparison_response_id" in options:
        draft.report.drop("prompt_cache_options.comparison_response_id")
    only_here = RESPONSES_CACHE_OPTIONS.names - CACHE_OPTIONS.names
    return {name: value for name, value in options.items() if name not in only_here}


def prewarming(draft: Draft) -> None:
    """Refuse a request that only fills the cache: other endpoints would generate an answer."""
    if draft.client.get("prompt_cache_options", {}).get("prewarm"):
        draft.refuse(
            "prompt_cache_options.prewarm",
            f"the model is served through the {draft.report.target} endpoint, which always "
            "generates.",
        )


def moderation(draft: Draft) -> None:
    """Send `moderation` if the server understands it; otherwise refuse it: it adds to the reply."""
    if "moderation" not in draft.client:
        return
    if draft.context.capabilities.moderation:
        draft.upstream["moderation"] = draft.client["moderation"]
    else:
        draft.refuse("moderation", _not_by_model(draft), droppable=False)


_HINTS: Mapping[str, Sequence[object]] = {
    # It lets OpenAI's models do things that other models do anyway.
    "access_programs": ({},),
    # They say when a response in the background is due; there is none here.
    "background_options": ({},),
    # It shortens long conversations; without it the upstream refuses them.
    "context_management": (),
    # It makes pictures smaller.
    "image": ({}, {"context_compression": "auto"}, {"context_compression": "disabled"}),
    # Echoed in the reply. Chat takes metadata for stored completions only.
    "metadata": ({},),
    "store": (False,),
    # It shortens long inputs; without it the upstream refuses them.
    "truncation": ("disabled",),
    # It limits hosted tools; chat has none.
    "max_tool_calls": (),
}
"""Parameters that do not change the form of the reply, with their neutral values."""


def hints(draft: Draft) -> None:
    """Drop the hints; report those with a value that is not neutral."""
    drop(draft, _HINTS)


def text_options(draft: Draft) -> None:
    """Send the output format and the verbosity."""
    text: Json = draft.client.get("text", {})
    report_unknown(draft, "text", TEXT)
    form: Json = text.get("format", {"type": "text"})
    form = known_responses_format(form, draft.context, draft.report)
    able = draft.context.capabilities
    if form["type"] != "text":
        takes = able.json_object if form["type"] == "json_object" else able.json_schema
        if takes:
            draft.upstream["response_format"] = chat_format(form)
        else:
            draft.refuse("text.format", _not_by_model(draft))
    draft.upstream |= sent_verbosity(draft, text, "text.verbosity")


def reasoning(draft: Draft) -> None:
    """Send the effort; `summary` only decides how the gateway shows reasoning."""
    options = reasoning_options(draft)
    effort = sent_effort(draft, options.get("effort"), "reasoning.effort")
    if effort is not None:
        draft.upstream["reasoning_effort"] = effort


_SUMMARY_NAMES = ("summary", "generate_summary")
_SUMMARIES = frozenset({"auto", "concise", "detailed"})


def reasoning_options(draft: Draft) -> Json:
    """Return the `reasoning` of a request; report options without a counterpart.

    Raises `UnsupportedParameter` for the mode `pro`.
    """
    options: Json = draft.client.get("reasoning", {})
    report_unknown(draft, "reasoning", REASONING)
    if options.get("context", "auto") != "auto":
        draft.report.drop("reasoning.context")
    mode = options.get("mode", "standard")
    if mode == "pro":
        draft.refuse("reasoning.mode")
    elif mode != "standard":
        draft.report.drop("reasoning.mode")
    for name in _SUMMARY_NAMES:
        if options.get(name, "auto") not in _SUMMARIES:
            draft.report.drop(f"reasoning.{name}")
    return options


def asks_for_summary(options: Json) -> bool:
    """Whether the `reasoning` of a request asks for a summary, with a known word."""
    return any(options.get(name) in _SUMMARIES for name in _SUMMARY_NAMES)


def include(draft: Draft) -> int | None:
    """Ask for logprobs; return how many alternatives per token the client wants; None: none.

    The other values of `include` concern hosted tools, except reasoning, which the gateway seals
    itself. At least one alternative is requested, because llama.cpp takes 0 for "no logprobs".
    """
    wanted = draft.client.get("include", ())
    for value in wanted:
        if value == ENCRYPTED_REASONING:
            is_served = draft.context.seal is not None and draft.report.target is Shape.CHAT
        else:
            is_served = value == LOGPROBS
        if not is_served:
            draft.report.drop(f"include[{value}]")
    if LOGPROBS not in wanted:
        if draft.client.get("top_logprobs"):
            draft.report.drop("top_logprobs")
        return None
    able = draft.context.capabilities
    if not able.logprobs:
        reason = f"its {draft.report.target} endpoint does not return logprobs."
        refuse_logprobs(draft, "include", reason)
        return None
    top: int = draft.client.get("top_logprobs", 0)
    if top > able.max_top_logprobs:
        most = able.max_top_logprobs
        draft.refuse(
            "top_logprobs",
            f"the {draft.report.target} endpoint returns at most {most} alternatives per token.",
            droppable=False,
        )
    draft.upstream["logprobs"] = True
    draft.upstream["top_logprobs"] = max(top, 1)
    return top


def streaming(draft: Draft) -> None:
    """Ask for a stream with usage, which a response has at its end."""
    report_unknown(draft, "stream_options", STREAM_OPTIONS)
    if draft.client.get("stream_options", {}).get("include_obfuscation"):
        draft.report.drop("stream_options.include_obfuscation")
    if not draft.client.get("stream"):
        not_streamed(draft)
        return
    draft.upstream["stream"] = True
    if draft.context.capabilities.stream_usage:
        draft.upstream["stream_options"] = {"include_usage": True}


def report_unknown(draft: Draft, name: str, known: Record) -> None:
    """Report the unknown fields of a parameter that other endpoints do not have."""
    carry_unknown(draft.client.get(name, {}), known, name, draft.context, draft.report)


_NEVER_CROSS = frozenset(
    {
        "add_generation_prompt",
        "audio",
        "best_of",
        "continue_final_message",
        "echo",
        "function_call",
        "functions",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "modalities",
        "n",
        "prediction",
        "reasoning_effort",
        "response_format",
        "suffix",
        "verbosity",
        "web_search_options",
    }
)
"""Chat's own parameters: they could contradict those that are sent, or change the reply."""


def extension_parameters(draft: Draft) -> None:
    """Apply the `extra_params` policy to parameters that OpenAI does not have."""
    unknown = extensions(
        draft.client, RESPONSES_PARAMETERS, known_extensions=RESPONSES_EXTENSIONS.keys()
    )
    client = draft.client
    for name in extras_to_send(unknown, client, draft.context, draft.report, dropped=_NEVER_CROSS):
        draft.upstream[name] = client[name]


INDEPENDENT: Sequence[Callable[[Draft], None]] = (
    sampling,
    token_limit,
    same_name,
    prewarming,
    moderation,
    hints,
    text_options,
    reasoning,
    streaming,
    extension_parameters,
)
"""The groups without a result. Their order does not matter."""
