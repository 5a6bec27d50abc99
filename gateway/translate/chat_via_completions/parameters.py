"""The parameters of a chat request at a completions endpoint.

One function per group. Each reads the client's checked body, writes what has an equivalent into the
upstream body, and reports or refuses the rest. A value that means the same as its absence is never
refused.
"""

from collections.abc import Callable, Mapping, Sequence

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.chat_via_completions.tools import tools
from gateway.translate.draft import (
    OF_COST,
    Draft,
    asked_logprobs,
    asked_stops,
    copy_moderation,
    copy_sampling,
    drop,
    refuse_audio,
)
from gateway.translate.parts.output_format import known_chat_format
from gateway.translate.schema.chat import CHAT_PARAMETERS
from gateway.translate.schema.checks import extensions
from gateway.translate.schema.extra_params import extras_to_send, policy_for


def sampling(draft: Draft) -> None:
    """Copy the sampling parameters, which mean the same at both endpoints."""
    copy_sampling(draft, "the server does not take it.")


def token_limit(draft: Draft, prompt: str) -> None:
    """Send a limit in every case: without one it is 16 tokens here, but the whole context in chat.

    The prompt's number of tokens is unknown, but it is at most its number of bytes. The limit is
    the number of tokens that then certainly fits into the context, or a quarter of the context if
    that is more, up to the configured default. Only llama.cpp has no limit by default.
    """
    limit = draft.client.get("max_completion_tokens", draft.client.get("max_tokens"))
    capabilities = draft.context.capabilities
    if limit is None:
        if capabilities.unlimited_by_default:
            return
        limit = draft.context.settings.default_completion_max_tokens
        if capabilities.context_length is not None:
            length = capabilities.context_length
            certain = length - len(prompt.encode("utf-8", "replace")) - 1
            limit = max(certain, min(limit, length // 4), 1)
        draft.report.change("max_completion_tokens", "none", limit)
    draft.upstream["max_tokens"] = limit


def log_probabilities(draft: Draft) -> int | None:
    """Ask for logprobs; return how many alternatives per token the client wants, None for none.

    The minimum sent is 1: llama.cpp reads 0 as "no logprobs".
    """
    top = asked_logprobs(draft, "completions", "the server does not return any.")
    if top is not None:
        draft.upstream["logprobs"] = max(top, 1)
    return top


def continuation(draft: Draft) -> bool:
    """Return whether the last message is to be continued (vLLM's `continue_final_message`).

    Raises `InvalidRequest` if it is not the assistant's, or a new turn is requested as well.
    """
    continues = bool(draft.client.get("continue_final_message"))
    begins = draft.client.get("add_generation_prompt")
    if not continues:
        if begins is False:
            draft.refuse("add_generation_prompt")
        return False
    if begins:
        raise InvalidRequest(
            "'continue_final_message' and 'add_generation_prompt' cannot both be true. "
            "Remove one of them.",
            param="add_generation_prompt",
            code="invalid_value",
        )
    if draft.client["messages"][-1]["role"] != "assistant":
        raise InvalidRequest(
            "'continue_final_message' needs a last message with the role 'assistant'. "
            "Append the beginning of the assistant's message, or remove the parameter.",
            param="continue_final_message",
            code="invalid_value",
        )
    return True


def stop_sequences(draft: Draft, template_stops: Sequence[str]) -> tuple[str, ...]:
    """Send the client's stop sequences, then the template's; return those to scan for.

    If there are more than the server takes, the gateway scans for all of them: the first one found
    counts, on either side.
    """
    mine, capabilities = asked_stops(draft), draft.context.capabilities
    stops = tuple(dict.fromkeys((*mine, *template_stops)))
    sent = stops[: capabilities.max_stops] if capabilities.stop else ()
    if sent:
        draft.upstream["stop"] = list(sent)
    if not set(mine) <= set(sent):
        draft.report.emulate("stop")
    return () if sent == stops else stops


def output_format(draft: Draft) -> None:
    """Send a JSON format to servers whose completions take one (vLLM); refuse it elsewhere."""
    wanted: Json = draft.client.get("response_format", {"type": "text"})
    wanted = known_chat_format(wanted, draft.context, draft.report)
    kind = wanted["type"]
    if kind == "text":
        return
    capabilities = draft.context.capabilities
    taken = {"json_object": capabilities.json_object, "json_schema": capabilities.json_schema}
    if taken.get(kind, False):
        draft.upstream["response_format"] = wanted
    else:
        draft.refuse("response_format")


def modalities(draft: Draft) -> None:
    """Refuse audio output."""
    refuse_audio(draft, "a completions endpoint")


def moderation(draft: Draft) -> None:
    """Send `moderation` where the server understands it."""
    copy_moderation(draft)


def web_search(draft: Draft) -> None:
    """Refuse web search: without it the answer would differ."""
    if "web_search_options" in draft.client:
        draft.refuse("web_search_options")


def end_user(draft: Draft) -> None:
    """Send the end user as `user`, also if the client names it in `safety_identifier`."""
    user = draft.client.get("user")
    identifier = draft.client.get("safety_identifier")
    if user is not None and identifier not in (None, user):
        draft.report.drop("safety_identifier")
    if user is None and identifier is not None:
        user = identifier
        draft.report.rename("safety_identifier", "user")
    if user is not None:
        draft.upstream["user"] = user


_HINTS: Mapping[str, Sequence[object]] = {
    **OF_COST,
    "metadata": ({},),
    "prediction": (),
    "reasoning_effort": (),
    "store": (False,),
    "verbosity": ("medium",),
}
"""Parameters about cost, speed and storage, each with its neutral values."""


def hints(draft: Draft) -> None:
    """Drop the hints; report those that are not neutral."""
    drop(draft, _HINTS)


_COLLIDING: Mapping[str, Sequence[object]] = {
    "add_special_tokens": (False,),
    "best_of": (1,),
    "chat_template": (),
    "chat_template_kwargs": ({},),
    "documents": ([],),
    "echo": (False,),
    "prompt": (),
    "suffix": ("",),
}
"""Chat extensions that mean something else, or nothing, at a completions endpoint.

They are never copied. vLLM's `echo` and `add_special_tokens` have another meaning and another
default there; templates are applied by the gateway; llama.cpp refuses the mere presence of
`best_of` and `suffix`.
"""


_KNOWN_EXTENSIONS = frozenset({"continue_final_message", "add_generation_prompt", *_COLLIDING})


def extension_parameters(draft: Draft) -> None:
    """Apply the `extra_params` policy to parameters that OpenAI does not have."""
    unknown = extensions(draft.client, CHAT_PARAMETERS, known_extensions=_KNOWN_EXTENSIONS)
    for name in extras_to_send(unknown, draft.client, draft.context, draft.report):
        draft.upstream[name] = draft.client[name]
    for name, neutral in _COLLIDING.items():
        if name not in draft.client or draft.client[name] in neutral:
            continue
        if policy_for(draft.context) == "drop":
            draft.report.drop(name)
        else:
            draft.refuse(name)


INDEPENDENT: Sequence[Callable[[Draft], None]] = (
    sampling,
    output_format,
    tools,
    modalities,
    moderation,
    web_search,
    end_user,
    hints,
    extension_parameters,
)
"""The groups whose results no other group needs."""
