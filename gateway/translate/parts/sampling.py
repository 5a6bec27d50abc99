"""Sampling parameters: sent if the model takes them, else dropped.

A text that is sampled with the model's defaults still answers the request. A bias asks for more: it
can forbid words, or allow only some, so it is refused.
"""

from collections.abc import Mapping

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.parts.tokens.biases import sent_biases

TUNING: Mapping[str, tuple[str, object]] = {
    "temperature": ("temperature", 1),
    "top_p": ("top_p", 1),
    "presence_penalty": ("penalties", 0),
    "frequency_penalty": ("penalties", 0),
}
"""Parameter: (the capability it needs, its neutral value)."""

WITHOUT_REASONING = frozenset({"temperature", "top_p"})
"""Parameters that some models take only without reasoning."""


def sampling_parameters(client: Json, context: Context, report: Report, reason: str) -> Json:
    """Return the sampling parameters to send of a checked request of any shape.

    A neutral value is sent too, because the server's own default may differ (vLLM reads one from
    the model's `generation_config.json`). Parameters that are not taken are dropped; biases are
    refused with `reason`. Raises `UnsupportedParameter`.
    """
    sent: Json = {}
    for name, (_, neutral) in TUNING.items():
        if name not in client:
            continue
        if takes(name, client, context):
            sent[name] = client[name]
        elif client[name] != neutral:
            report.drop(name)
    if client.get("logit_bias"):
        biases = sent_biases(client["logit_bias"], context, report, reason)
        if biases is not None:
            sent["logit_bias"] = biases
    return sent


def takes(name: str, client: Json, context: Context) -> bool:
    """Whether the model takes a parameter of `TUNING` in this request."""
    able = context.capabilities
    if not getattr(able, TUNING[name][0]):
        return False
    if not able.sampling_needs_effort_none or name not in WITHOUT_REASONING:
        return True
    return effort_of(client, context) == "none"


def effort_of(client: Json, context: Context) -> object:
    """Return the reasoning effort of a request of any shape, or the one configured."""
    options = client.get("reasoning")
    nested = options.get("effort") if isinstance(options, dict) else None
    return client.get("reasoning_effort") or nested or context.reasoning_effort
