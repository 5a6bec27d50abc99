"""OpenAI's parameters that tune the text, written for a messages endpoint."""

from gateway.translate.draft import Draft
from gateway.translate.parts.tokens.biases import sent_biases
from gateway.translate.schema.checks import Integer

_PENALTIES = ("presence_penalty", "frequency_penalty")
_LEAST_TOP_P = 0.95
"""The least `top_p` that models take while they think."""

NO_BIAS = "the messages endpoint does not take it."


def write_sampling(draft: Draft, *, thinks: bool) -> None:
    """Write the parameters that the model takes; others are dropped, biases refused.

    A bias against the end of a text is dropped, as at every endpoint. `thinks`: the request asks
    for thinking, which goes with the default temperature only. Raises `UnsupportedParameter`.
    """
    _temperature(draft, thinks=thinks)
    _top_p(draft, thinks=thinks)
    _top_k(draft, thinks=thinks)
    for name in _PENALTIES:
        if draft.client.get(name):
            draft.report.drop(name)
    if "seed" in draft.client:
        draft.report.drop("seed")
    sent_biases(draft.client.get("logit_bias", {}), draft.context, draft.report, NO_BIAS)


def _temperature(draft: Draft, *, thinks: bool) -> None:
    wanted, able = draft.client.get("temperature"), draft.context.capabilities
    if wanted is None:
        return
    if not able.temperature or thinks:
        if wanted != 1:
            draft.report.drop("temperature")
        return
    most = able.max_temperature
    if wanted <= most:
        draft.upstream["temperature"] = wanted
    elif draft.context.settings.on_unsupported == "drop":
        draft.upstream["temperature"] = most
        draft.report.change("temperature", wanted, most)
    else:
        draft.refuse("temperature", f"the messages endpoint takes at most {most}.")


def _top_p(draft: Draft, *, thinks: bool) -> None:
    wanted, able = draft.client.get("top_p"), draft.context.capabilities
    if wanted is None:
        return
    is_taken = able.top_p and not (thinks and wanted < _LEAST_TOP_P)
    if is_taken and (able.temperature_with_top_p or "temperature" not in draft.upstream):
        draft.upstream["top_p"] = wanted
    elif wanted != 1:
        draft.report.drop("top_p")


def _top_k(draft: Draft, *, thinks: bool) -> None:
    if "top_k" not in draft.client:
        return
    # At other servers 0 and -1 mean all tokens.
    wanted = Integer(minimum=-1).accept(draft.client["top_k"], "top_k")
    if wanted <= 0:
        return
    if draft.context.capabilities.top_k and not thinks:
        draft.upstream["top_k"] = wanted
    else:
        draft.report.drop("top_k")
