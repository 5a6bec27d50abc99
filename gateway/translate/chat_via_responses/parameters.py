"""What becomes of each parameter of a chat request on its way to a responses endpoint.

One function per group of parameters. Each reads the client's (checked) body, writes into the
upstream body what has an equivalent there, and notes the rest in the report or refuses it. A value
that means the same as its absence is never refused. Tools have a module of their own.
"""

from collections.abc import Callable, Mapping, Sequence

from gateway.shapes import Json
from gateway.translate.chat_via_responses.client_paths import limit_name
from gateway.translate.draft import (
    Draft,
    cache_options,
    copy_moderation,
    copy_sampling,
    not_streamed,
    refuse_audio,
    sent_effort,
    sent_verbosity,
)
from gateway.translate.parts.output_format import known_chat_format, responses_format
from gateway.translate.schema.chat import CHAT_PARAMETERS
from gateway.translate.schema.checks import extensions
from gateway.translate.schema.extra_params import extras_to_send

LOGPROBS = "message.output_text.logprobs"
"""What `include` must name for logprobs to be returned."""

NOT_BY_SERVER = "the server's responses endpoint does not take it."

_SAME: Sequence[str] = (
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "user",
)


def same(draft: Draft) -> None:
    """Copy what both endpoints call the same and mean the same by."""
    for name in _SAME:
        if name in draft.client:
            draft.upstream[name] = draft.client[name]
    if "prompt_cache_options" in draft.client:
        draft.upstream["prompt_cache_options"] = cache_options(draft)


def storage(draft: Draft) -> None:
    """Say whether to store the reply: chat does not by default, responses do."""
    draft.upstream["store"] = draft.client.get("store", False)


def sampling(draft: Draft) -> None:
    """Copy the sampling parameters that the server takes: OpenAI's two, other servers' all."""
    copy_sampling(draft, NOT_BY_SERVER)


def token_limit(draft: Draft) -> int | None:
    """Send the token limit; return it if it had to be raised to the endpoint's minimum."""
    name = limit_name(draft.client)
    limit: int | None = draft.client.get(name)
    if limit is None:
        return None
    least = draft.context.capabilities.min_output_tokens
    draft.upstream["max_output_tokens"] = max(limit, least)
    if limit >= least:
        return None
    draft.report.change(name, limit, least)
    return limit


def log_probabilities(draft: Draft) -> int | None:
    """Ask for logprobs; return how many alternatives per token the client wants, None for none.

    `include` turns them on; without it `top_logprobs` says nothing.
    """
    if not draft.client.get("logprobs"):
        return None
    if not draft.context.capabilities.logprobs:
        draft.refuse("logprobs", "the server's responses endpoint does not return any.")
        return None
    top: int = draft.client.get("top_logprobs", 0)
    most = draft.context.capabilities.max_top_logprobs
    if top > most:
        draft.refuse(
            "top_logprobs",
            f"the responses endpoint returns at most {most} alternatives per token.",
            droppable=False,
        )
    draft.upstream["include"] = [LOGPROBS]
    draft.upstream["top_logprobs"] = max(top, 1)
    return top


def stop_sequences(draft: Draft) -> tuple[str, ...]:
    """Send the stop sequences where there is a parameter for them; return those to scan for.

    A server takes so many; where there are more, all are scanned for here.
    """
    wanted = draft.client.get("stop")
    if not wanted:
        return ()
    stops = tuple(dict.fromkeys([wanted] if isinstance(wanted, str) else wanted))
    capabilities = draft.context.capabilities
    sent = stops[: capabilities.max_stops] if capabilities.stop else ()
    if sent:
        draft.upstream["stop"] = list(sent)
    if sent == stops:
        return ()
    draft.report.emulate("stop")
    return stops


def streaming(draft: Draft) -> bool:
    """Ask for a stream; return whether the client wants the usage in it.

    The usage is always in a responses stream, so nobody has to be asked for it.
    """
    options: Json = draft.client.get("stream_options", {})
    if not draft.client.get("stream"):
        not_streamed(draft)
        if options:
            draft.report.drop("stream_options")
        return False
    draft.upstream["stream"] = True
    for name, value in options.items():
        if name == "include_obfuscation" and draft.context.capabilities.strict_params:
            draft.upstream["stream_options"] = {name: value}
        elif name != "include_usage" and value is not False:
            draft.report.drop(f"stream_options.{name}")
    return bool(options.get("include_usage"))


def text_options(draft: Draft) -> None:
    """Send the output format and the verbosity, which responses keep under `text`."""
    text: Json = {}
    if "response_format" in draft.client:
        wanted = known_chat_format(draft.client["response_format"], draft.context, draft.report)
        form = responses_format(wanted, "response_format")
        capabilities = draft.context.capabilities
        able = {"json_object": capabilities.json_object, "json_schema": capabilities.json_schema}
        if form["type"] != "text":
            if not able[form["type"]]:
                draft.refuse("response_format", NOT_BY_SERVER)
            elif capabilities.reads_response_format:
                draft.upstream["response_format"] = wanted
            else:
                text["format"] = form
    text |= sent_verbosity(draft, draft.client, "verbosity")
    if text:
        draft.upstream["text"] = text


def reasoning(draft: Draft) -> None:
    """Send the reasoning effort: the client's, else the one configured for the model."""
    effort = sent_effort(draft, draft.client.get("reasoning_effort"), "reasoning_effort")
    if effort is not None:
        draft.upstream["reasoning"] = {"effort": effort}


def modalities(draft: Draft) -> None:
    """Refuse to speak."""
    refuse_audio(draft, "the responses endpoint")


def moderation(draft: Draft) -> None:
    """Send a moderation request where it is understood."""
    copy_moderation(draft, NOT_BY_SERVER)


def prediction(draft: Draft) -> None:
    """Drop predicted output: it makes a reply faster, not different."""
    if "prediction" in draft.client:
        draft.report.drop("prediction")


_NEVER_CROSS: Mapping[str, Sequence[object]] = {
    "add_generation_prompt": (True,),
    "add_special_tokens": (False,),
    "background": (False,),
    "best_of": (1,),
    "chat_template": (),
    "continue_final_message": (False,),
    "conversation": (),
    "documents": ([],),
    "echo": (False,),
    "include": ([],),
    "input": (),
    "instructions": ("",),
    "max_output_tokens": (),
    "previous_response_id": (),
    "prompt": (),
    "reasoning": ({},),
    "suffix": ("",),
    "text": ({},),
}
"""Names outside chat's parameters that are never copied, with the values that say nothing.

Some would override what the translation sends or turn the reply into another kind; the others are
vLLM's, and say how messages become a prompt: its responses endpoint does not take them.
"""


def extension_parameters(draft: Draft) -> None:
    """Apply the `extra_params` policy to whatever is not a chat parameter of OpenAI's."""
    client = draft.client
    unknown = [
        name
        for name in extensions(client, CHAT_PARAMETERS)
        if name not in _NEVER_CROSS or client[name] not in _NEVER_CROSS[name]
    ]
    for name in extras_to_send(unknown, draft.context, draft.report):
        if name in _NEVER_CROSS:
            draft.refuse(name)
        else:
            draft.upstream[name] = client[name]


INDEPENDENT: Sequence[Callable[[Draft], None]] = (
    same,
    storage,
    sampling,
    text_options,
    reasoning,
    modalities,
    moderation,
    prediction,
    extension_parameters,
)
"""The groups that nothing else depends on."""
