"""The parameters of a chat request at a responses endpoint.

One function per group. Each reads the client's checked body, writes what has an equivalent into the
upstream body, and reports or refuses the rest. A value that means the same as its absence is never
refused. Tools have a module of their own.
"""

from collections.abc import Callable, Sequence

from gateway.shapes import Json
from gateway.translate.chat_via_responses.client_paths import limit_name
from gateway.translate.draft import (
    Draft,
    asked_logprobs,
    asked_stops,
    cache_options,
    copy_extensions,
    copy_moderation,
    copy_sampling,
    refuse_audio,
    sent_effort,
    sent_verbosity,
)
from gateway.translate.parts.output_format import known_chat_format, responses_format
from gateway.translate.schema.chat import CHAT_PARAMETERS, NEVER_CROSS
from gateway.translate.schema.checks import extensions
from gateway.translate.schema.responses import LOGPROBS

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


def copy_same(draft: Draft) -> None:
    """Copy parameters with the same name and meaning at both endpoints."""
    for name in _SAME:
        if name in draft.client:
            draft.upstream[name] = draft.client[name]
    if "prompt_cache_options" in draft.client:
        draft.upstream["prompt_cache_options"] = cache_options(draft)


def storage(draft: Draft) -> None:
    """Send `store`, whose default is false in chat and true in responses."""
    draft.upstream["store"] = draft.client.get("store", False)


def sampling(draft: Draft) -> None:
    """Copy the sampling parameters that the server takes: OpenAI takes two, other servers all."""
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

    `include` turns them on; `top_logprobs` alone has no effect.
    """
    reason = "the server's responses endpoint does not return any."
    top = asked_logprobs(draft, "responses", reason)
    if top is not None:
        draft.upstream |= {"include": [LOGPROBS], "top_logprobs": max(top, 1)}
    return top


def stop_sequences(draft: Draft) -> tuple[str, ...]:
    """Send the stop sequences if the server takes any; return those that the gateway scans for.

    If there are more than the server takes, the gateway scans for all of them.
    """
    stops = asked_stops(draft)
    capabilities = draft.context.capabilities
    sent = stops[: capabilities.max_stops] if capabilities.stop else ()
    if sent:
        draft.upstream["stop"] = list(sent)
    if sent == stops:
        return ()
    draft.report.emulate("stop")
    return stops


def text_options(draft: Draft) -> None:
    """Send the output format and the verbosity, which responses have under `text`."""
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
    """Refuse audio output."""
    refuse_audio(draft, "the responses endpoint")


def moderation(draft: Draft) -> None:
    """Send `moderation` where the server understands it."""
    copy_moderation(draft, NOT_BY_SERVER)


def prediction(draft: Draft) -> None:
    """Drop predicted output, which changes only the speed of a reply."""
    if "prediction" in draft.client:
        draft.report.drop("prediction")


def extension_parameters(draft: Draft) -> None:
    """Apply the `extra_params` policy to parameters that OpenAI's chat does not have."""
    copy_extensions(draft, extensions(draft.client, CHAT_PARAMETERS), NEVER_CROSS)


INDEPENDENT: Sequence[Callable[[Draft], None]] = (
    copy_same,
    storage,
    sampling,
    text_options,
    reasoning,
    modalities,
    moderation,
    prediction,
    extension_parameters,
)
"""The groups whose results no other group needs."""
