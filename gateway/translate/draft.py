"""An unfinished upstream body, and the functions for parameters that several pairs share."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.servers.efforts import nearest_effort
from gateway.shapes import Json
from gateway.translate.contract import HOSTED_TOOLS, Context, Report, unsupported
from gateway.translate.parts.sampling import sampling_parameters
from gateway.translate.schema.checks import Record
from gateway.translate.schema.extra_params import extras_to_send
from gateway.translate.schema.hints import CACHE_OPTIONS
from gateway.translate.schema.neutral import Neutral, is_neutral
from gateway.translate.schema.unknown_fields import strip_unknown


@dataclass(slots=True)
class Draft:
    """The client's request, and the upstream's request as far as it is written."""

    client: Json
    """The client's request, checked."""
    context: Context
    report: Report
    upstream: Json = field(default_factory=dict)

    def refuse(self, name: str, reason: str | None = None, *, droppable: bool = True) -> None:
        """Refuse a parameter, or drop it if it is `droppable` and the operator allows that.

        Without a `reason`, the error says that the endpoint has no equivalent. Raises
        `UnsupportedParameter`.
        """
        reason = reason or (
            f"the model is served through the {self.report.target} endpoint, which has no "
            "equivalent."
        )
        unsupported(self.context, self.report, name, reason, droppable=droppable)

    def refuse_hosted(self, name: str, reason: str) -> None:
        """Refuse a hosted tool, or drop it; see `refuse`."""
        unsupported(self.context, self.report, name, reason, setting=HOSTED_TOOLS)


def refuse_logprobs(draft: Draft, name: str, reason: str | None = None) -> None:
    """Refuse the parameter that asks for logprobs, or drop it and `top_logprobs`; see `refuse`."""
    draft.refuse(name, reason)
    if draft.client.get("top_logprobs"):
        draft.report.drop("top_logprobs")


def asked_logprobs(draft: Draft, endpoint: str, reason: str) -> int | None:
    """Return how many alternatives per token to ask for; None: no logprobs.

    Where the server returns no logprobs, they are refused with `reason`, or dropped. More
    alternatives than the `endpoint` returns are always refused.
    """
    if not draft.client.get("logprobs"):
        return None
    if not draft.context.capabilities.logprobs:
        refuse_logprobs(draft, "logprobs", reason)
        return None
    top: int = draft.client.get("top_logprobs", 0)
    most = draft.context.capabilities.max_top_logprobs
    if top > most:
        draft.refuse(
            "top_logprobs",
            f"the {endpoint} endpoint returns at most {most} alternatives per token.",
            droppable=False,
        )
    return top


def asked_stops(draft: Draft) -> tuple[str, ...]:
    """Return the stop sequences of a chat client, each once."""
    wanted = draft.client.get("stop") or ()
    return tuple(dict.fromkeys([wanted] if isinstance(wanted, str) else wanted))


def copy_sampling(draft: Draft, reason: str) -> None:
    """Copy the sampling parameters that mean the same at both endpoints, `seed` included.

    `reason` completes the error for a `logit_bias` that the server does not take.
    """
    draft.upstream |= sampling_parameters(draft.client, draft.context, draft.report, reason)
    copy_seed(draft)


def copy_seed(draft: Draft) -> None:
    """Copy the `seed`, or drop it where the server takes none."""
    if "seed" in draft.client:
        if draft.context.capabilities.seed:
            draft.upstream["seed"] = draft.client["seed"]
        else:
            draft.report.drop("seed")


def sent_effort(draft: Draft, effort: str | None, name: str) -> str | None:
    """Return the reasoning effort to send; None: send none.

    `effort` is the client's value, and `name` its parameter. If the client sets none, the effort
    configured for the model is sent. A model that takes no effort gets none; a model that takes
    only some efforts gets the nearest of them. The report has what was dropped or changed.
    """
    able, configured = draft.context.capabilities, draft.context.reasoning_effort
    wanted = configured if effort is None else effort
    if wanted is None:
        return None
    if not able.reasoning_effort:
        if effort is not None:
            draft.report.drop(name)
        return None
    sent = wanted if able.efforts is None else nearest_effort(wanted, able.efforts)
    if effort is not None and sent != effort:
        draft.report.change(name, effort, sent)
    return sent


def sent_verbosity(draft: Draft, options: Json, name: str) -> Json:
    """Return an object with the `verbosity` of `options`, empty if it is not to be sent.

    `name` is the client's name of the parameter, for the report.
    """
    if "verbosity" not in options:
        return {}
    if draft.context.capabilities.verbosity:
        return {"verbosity": options["verbosity"]}
    if options["verbosity"] != "medium":
        draft.report.drop(name)
    return {}


OF_COST: Neutral = {
    "prompt_cache_key": (),
    "prompt_cache_options": ({},),
    "prompt_cache_retention": ("in_memory",),
    "service_tier": ("auto", "default"),
}
"""Hints that chat and responses share; other endpoints have no place for them."""


def drop(draft: Draft, neutral: Neutral) -> None:
    """Report parameters of the client that `neutral` lists, unless their values are neutral."""
    for name in neutral:
        if name in draft.client and not is_neutral(name, draft.client[name], neutral):
            draft.report.drop(name)


def copy_extensions(draft: Draft, names: Iterable[str], never_cross: Neutral) -> None:
    """Apply the `extra_params` policy to parameters that the client's endpoint does not have.

    `never_cross` lists parameters that mean something else, or nothing, at the other endpoint, with
    their neutral values. With another value they raise `UnsupportedParameter`.
    """
    client = draft.client
    extras = [name for name in names if not is_neutral(name, client[name], never_cross)]
    for name in extras_to_send(extras, client, draft.context, draft.report):
        if name in never_cross:
            draft.refuse(name)
        else:
            draft.upstream[name] = client[name]


def not_streamed(draft: Draft) -> None:
    """Set `stream` to false where the server may stream unless it is."""
    if draft.context.capabilities.may_stream_unasked:
        draft.upstream["stream"] = False


def refuse_audio(draft: Draft, endpoint: str) -> None:
    """Refuse audio output; drop an `audio` that only describes its voice.

    `endpoint` begins the reason: `a completions endpoint`.
    """
    if "audio" in draft.client.get("modalities", ()):
        draft.refuse("modalities", f"{endpoint} generates text only.", droppable=False)
    if "audio" in draft.client:
        draft.report.drop("audio")


def copy_moderation(draft: Draft, reason: str | None = None) -> None:
    """Copy `moderation` where it is understood; its results are part of the reply."""
    if "moderation" not in draft.client:
        return
    if draft.context.capabilities.moderation:
        draft.upstream["moderation"] = draft.client["moderation"]
    else:
        draft.refuse("moderation", reason, droppable=False)


def cache_options(draft: Draft, known: Record = CACHE_OPTIONS) -> Json:
    """Return the client's `prompt_cache_options` without unknown fields that may not be passed."""
    options: Json = draft.client["prompt_cache_options"]
    return strip_unknown(options, known, "prompt_cache_options", draft.context, draft.report)
