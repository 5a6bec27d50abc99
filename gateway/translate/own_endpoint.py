"""A request for its own endpoint: parameters that the model does not take are left out.

Nothing else is changed, and nothing is checked: the rest is between the client and its upstream.
Parameters that ask for something (`tools`, `n` …) stay, for the upstream to refuse.
"""

from gateway.shapes import Json, Shape
from gateway.translate import completions_fanned_out
from gateway.translate.contract import Context, Report, Translation
from gateway.translate.cut_at_stops import CutAtStops
from gateway.translate.draft import Draft, refuse_logprobs, sent_effort, sent_verbosity
from gateway.translate.parts.sampling import TUNING, WITHOUT_REASONING, takes
from gateway.translate.parts.tokens.biases import sent_biases
from gateway.translate.renaming import Renaming
from gateway.translate.schema.chat import MAX_STOPS
from gateway.translate.schema.checks import Array

_REASON = "the model does not take it."


def translate(shape: Shape, body: Json, context: Context) -> Translation:
    """Return the translation of a request to an endpoint of its own shape.

    Raises `UnsupportedParameter` for logprobs and biases that the model is known not to take, and
    `InvalidRequest` for more stop sequences than the gateway looks for.
    """
    report = Report(shape, shape, items=context.items)
    sent, stops = _adapted(shape, body, context, report)
    if shape is Shape.COMPLETIONS and completions_fanned_out.is_needed(sent, context):
        inner = completions_fanned_out.translate(sent, context, report)
    else:
        inner = Renaming(shape, sent, context, report)
    return CutAtStops(inner, shape, sent, stops) if stops else inner


def watched(shape: Shape, context: Context) -> frozenset[str]:
    """Return the fields that can cause a change here: a request without any of them needs none."""
    able, ids = context.own_endpoint, context.token_ids
    names = {name for name, (capability, _) in TUNING.items() if not getattr(able, capability)}
    if able.sampling_needs_effort_none:
        names |= WITHOUT_REASONING
    if not able.seed:
        names.add("seed")
    if not able.logit_bias or ids.foreign:
        names.add("logit_bias")
    nested = shape is Shape.RESPONSES
    if not able.verbosity:
        names.add("text" if nested else "verbosity")
    if not able.reasoning_effort or able.efforts is not None:
        names.add("reasoning" if nested else "reasoning_effort")
    if nested:
        return frozenset(names)
    if not able.logprobs:
        names.add("logprobs")
    if shape is Shape.CHAT and able.max_tokens_field != "max_tokens":
        names.add("max_tokens")
    if not able.stop or able.max_stops:
        names.add("stop")
    return frozenset(names)


def _adapted(
    shape: Shape, body: Json, context: Context, report: Report
) -> tuple[Json, tuple[str, ...]]:
    """Return the body to send, and the stop sequences to look for in replies."""
    draft = Draft(
        {name: value for name, value in body.items() if value is not None},
        context.with_capabilities(context.own_endpoint),
        report,
        dict(body),
    )
    _tuning(draft)
    _reasoning(draft, shape)
    _limit(draft, shape)
    if shape is not Shape.RESPONSES and not draft.context.capabilities.logprobs:
        _log_probabilities(draft)
    if context.capabilities.may_stream_unasked and body.get("stream") is None:
        draft.upstream["stream"] = False
    return draft.upstream, _stops(draft, shape)


def _tuning(draft: Draft) -> None:
    for name, (_, neutral) in TUNING.items():
        if draft.client.get(name, neutral) == neutral or takes(name, draft.client, draft.context):
            continue
        del draft.upstream[name]
        draft.report.drop(name)
    if "seed" in draft.client and not draft.context.capabilities.seed:
        del draft.upstream["seed"]
        draft.report.drop("seed")
    biases = draft.client.get("logit_bias")
    if isinstance(biases, dict) and biases:
        del draft.upstream["logit_bias"]
        sent = sent_biases(biases, draft.context, draft.report, _REASON)
        if sent is not None:
            draft.upstream["logit_bias"] = sent


def _log_probabilities(draft: Draft) -> None:
    if draft.client.get("logprobs", False) is False:
        return
    refuse_logprobs(draft, "logprobs", _REASON)
    del draft.upstream["logprobs"]
    draft.upstream.pop("top_logprobs", None)


def _reasoning(draft: Draft, shape: Shape) -> None:
    """Drop or replace the effort and the verbosity that the model does not take."""
    if shape is Shape.RESPONSES:
        _nested(draft, "reasoning", "effort")
        _nested(draft, "text", "verbosity")
        return
    effort = draft.client.get("reasoning_effort")
    if isinstance(effort, str):
        _replace(draft.upstream, "reasoning_effort", sent_effort(draft, effort, "reasoning_effort"))
    if "verbosity" in draft.client and not sent_verbosity(draft, draft.client, "verbosity"):
        del draft.upstream["verbosity"]


def _nested(draft: Draft, outer: str, inner: str) -> None:
    options = draft.client.get(outer)
    value = options.get(inner) if isinstance(options, dict) else None
    if not isinstance(options, dict) or not isinstance(value, str):
        return
    name = f"{outer}.{inner}"
    if inner == "effort":
        sent = sent_effort(draft, value, name)
    else:
        sent = sent_verbosity(draft, options, name).get(inner)
    changed = dict(options)
    _replace(changed, inner, sent)
    draft.upstream[outer] = changed


def _replace(options: Json, name: str, value: object) -> None:
    if value is None:
        del options[name]
    else:
        options[name] = value


def _limit(draft: Draft, shape: Shape) -> None:
    name = draft.context.capabilities.max_tokens_field
    if shape is not Shape.CHAT or name == "max_tokens" or "max_tokens" not in draft.client:
        return
    limit = draft.upstream.pop("max_tokens")
    if "max_completion_tokens" not in draft.client:
        draft.upstream[name] = limit
        draft.report.rename("max_tokens", name)


def _stops(draft: Draft, shape: Shape) -> tuple[str, ...]:
    wanted, able = draft.client.get("stop"), draft.context.capabilities
    mine = [wanted] if isinstance(wanted, str) else wanted
    if shape is Shape.RESPONSES or not isinstance(mine, list):
        return ()
    if not mine or not all(isinstance(stop, str) and stop for stop in mine):
        return ()
    stops = tuple(dict.fromkeys(mine))
    sent = stops[: able.max_stops or len(stops)] if able.stop else ()
    # An echoed prompt must not be searched; where it ends is unknown if it was token ids.
    if sent == stops or draft.client.get("echo"):
        return ()
    Array(max_items=MAX_STOPS).bounded(mine, "stop")
    del draft.upstream["stop"]
    if sent:
        draft.upstream["stop"] = list(sent)
    draft.report.emulate("stop")
    return stops
