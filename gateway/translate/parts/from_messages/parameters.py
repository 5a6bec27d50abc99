"""The parameters of a messages request that mean the same at both of OpenAI's endpoints.

One function per group. Each reads the client's checked body, writes what has an equivalent into the
upstream body, and reports or refuses the rest.
"""

from collections.abc import Collection, Sequence

from gateway.shapes import Json
from gateway.translate.draft import Draft, copy_seed, not_streamed, sent_verbosity
from gateway.translate.parts.messages.effort import effort_to_send, outweighed
from gateway.translate.parts.sampling import sampling_parameters
from gateway.translate.parts.tools.definitions import is_strict_schema
from gateway.translate.schema.chat import MAX_STOPS
from gateway.translate.schema.checks import Array, extensions
from gateway.translate.schema.extra_params import extras_to_send, policy_for
from gateway.translate.schema.messages import (
    FORMAT,
    MESSAGES_PARAMETERS,
    OUTPUT_CONFIG,
    THINKING,
)
from gateway.translate.schema.neutral import Neutral, is_neutral
from gateway.translate.schema.unknown_fields import carry_unknown, passes_unknown

_CARRIED = {
    "type": ("enabled", "adaptive", "disabled"),
    "display": ("summarized", "omitted"),
}
"""The values of fields of `thinking` that other endpoints can express."""

FORMAT_NAME = "output"
"""The name of the schema of a reply, which OpenAI's endpoints require."""


_ASKING: Neutral = {
    "audio": (),
    "background": (False,),
    "best_of": (1,),
    "conversation": (),
    "echo": (False,),
    "function_call": ("auto", "none"),
    "functions": ([],),
    "include": ([],),
    "input": ("", []),
    "instructions": ("",),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "moderation": (),
    "n": (1,),
    "previous_response_id": ("",),
    "prompt": ("",),
    "response_format": ({"type": "text"},),
    "stop": ("", []),
    "suffix": ("",),
    "top_logprobs": (0,),
    "web_search_options": (),
}
"""OpenAI's parameters that ask for something, with the values that mean the same as none.

Messages have another form of them, or none, so they are not left out silently.
"""


_PENALTIES = ("frequency_penalty", "presence_penalty")
_TUNING = frozenset({*_PENALTIES, "seed", "verbosity"})
"""OpenAI's parameters that only tune a reply: none of them can make a request fail."""


def refused(draft: Draft) -> None:
    """Refuse what changes who answers, what is remembered, or what runs at Anthropic's servers."""
    for name in ("container", "fallbacks", "mcp_servers"):
        if draft.client.get(name):
            draft.refuse(name)
    if draft.client.get("thread"):
        draft.refuse("thread", "the conversation is kept at Anthropic.", droppable=False)


def sampling(draft: Draft, effort: str | None) -> None:
    """Send the sampling parameters that the model takes together with the effort."""
    asked: Json = {"reasoning_effort": effort}
    asked |= {name: draft.client[name] for name in ("temperature", "top_p") if name in draft.client}
    draft.upstream |= sampling_parameters(asked, draft.context, draft.report, "")
    if "top_k" not in draft.client:
        return
    if passes_unknown(draft.context):
        draft.upstream["top_k"] = draft.client["top_k"]
    else:
        draft.report.drop("top_k")


def effort(draft: Draft) -> str | None:
    """Return the effort to send; report the fields beside it that are unknown or have no place."""
    thinking: Json = draft.client.get("thinking", {})
    for name, known in (("thinking", THINKING), ("output_config", OUTPUT_CONFIG)):
        carry_unknown(draft.client.get(name, {}), known, name, draft.context, draft.report)
    if draft.client.get("output_config", {}).get("task_budget"):
        draft.report.drop("output_config.task_budget")
    for name, words in _CARRIED.items():
        if thinking.get(name, words[0]) not in words:
            draft.report.drop(f"thinking.{name}")
    for path in outweighed(draft.client):
        draft.report.drop(path)
    return effort_to_send(draft)


def output_schema(draft: Draft) -> Json | None:
    """Return the `name`, `schema` and `strict` of the reply's JSON schema; None: there is none.

    `strict` is true only if the schema obeys the rules of strict mode as it is: to make it obey
    them would require fields that the client does not require. Raises `UnsupportedParameter`.
    """
    form, path = output_format(draft.client)
    if form is None:
        return None
    if path != "output_format" and "output_format" in draft.client:
        draft.report.drop("output_format")
    carry_unknown(form, FORMAT, path, draft.context, draft.report)
    if not draft.context.capabilities.json_schema:
        reason = f"its {draft.report.target} endpoint takes no JSON schema."
        draft.refuse(path, reason)
        return None
    strict = is_strict_schema(form["schema"])
    if not strict:
        draft.report.change(path, "strict", "not strict")
    return {"name": FORMAT_NAME, "schema": form["schema"], "strict": strict}


def output_format(client: Json) -> tuple[Json | None, str]:
    """Return the format of the output and its path; a beta of the API had another path."""
    form: Json | None = client.get("output_config", {}).get("format")
    if form is not None:
        return form, "output_config.format"
    form = client.get("output_format")
    return form, "output_format"


def streaming(draft: Draft) -> bool:
    """Ask for a stream where the client wants one; return whether it does."""
    if not draft.client.get("stream"):
        not_streamed(draft)
        return False
    draft.upstream["stream"] = True
    return True


def extension_parameters(draft: Draft, reserved: Collection[str]) -> None:
    """Apply the `extra_params` policy to parameters that Anthropic does not have.

    `reserved` are the endpoint's own parameters, which could contradict those that are sent. Under
    `auto`, OpenAI's parameters that tune the reply are sent if the model takes them, as they are
    for a chat request. Raises `UnsupportedParameter` for parameters that ask for something.
    """
    client, others = draft.client, list[str]()
    tuning = _TUNING if _is_auto(draft) else frozenset[str]()
    for name in extensions(client, MESSAGES_PARAMETERS):
        if name in _ASKING:
            if not is_neutral(name, client[name], _ASKING):
                _refuse_asking(draft, name)
        elif name not in tuning:
            others.append(name)
    if tuning:
        asked = {name: client[name] for name in _PENALTIES if name in client}
        draft.upstream |= sampling_parameters(asked, draft.context, draft.report, "")
        copy_seed(draft)
    for name in extras_to_send(
        others, client, draft.context, draft.report, dropped=reserved, known_everywhere=("user",)
    ):
        draft.upstream[name] = client[name]


def verbosity(draft: Draft) -> Json:
    """Return OpenAI's `verbosity` as an object to send; empty unless the policy is `auto`."""
    return sent_verbosity(draft, draft.client, "verbosity") if _is_auto(draft) else {}


def _is_auto(draft: Draft) -> bool:
    """Whether the server decides what becomes of parameters that Anthropic does not have."""
    return draft.context.settings.extra_params == "auto"


def _refuse_asking(draft: Draft, name: str) -> None:
    if policy_for(draft.context) == "drop":
        draft.report.drop(name)
    else:
        draft.refuse(name, "messages requests have no such parameter.")


SAME_EVERYWHERE = frozenset(
    {"frequency_penalty", "presence_penalty", "safety_identifier", "seed", "user", "verbosity"}
)
"""OpenAI's parameters that cannot contradict anything that is sent."""


def refuse_prefill(draft: Draft, paths: Sequence[str], which: str) -> None:
    """Refuse to have the model continue the assistant's last messages, which are at `paths`.

    `which` names what cannot do it: the model's server, or its endpoint at any server. Raises
    `UnsupportedParameter`, unless the operator has them dropped.
    """
    for path in paths:
        draft.refuse(
            path,
            f"its {which} does not support assistant message prefill. "
            "The conversation must end with a user message.",
        )


def emulate_stops(draft: Draft) -> None:
    """Report that the gateway looks for stop sequences; raises `InvalidRequest` for too many."""
    name = "stop_sequences"
    if draft.client.get(name):
        Array(max_items=MAX_STOPS).bounded(draft.client[name], name)
        draft.report.emulate(name)
