"""OpenRouter (openrouter.ai/docs).

Not confirmed against a source: its parameters, but for token ids.
"""

from gateway.envelopes.json_fields import child
from gateway.servers.presets import HOSTED
from gateway.servers.profile import Profile, path_below
from gateway.servers.reading import Capability, by_modalities
from gateway.shapes import Json, Shape

_ROUTING = frozenset({"exacto", "floor", "nitro", "online"})
"""Suffixes that any model takes (openrouter.ai/docs, "Model Variants"); others are listed."""


def _is_openrouter(entry: Json) -> bool:
    return "instruct_type" in child(entry, "architecture") and "supported_parameters" in entry


def _capability(entry: Json) -> Capability | None:
    """`architecture.output_modalities`: text models are offered at every endpoint."""
    return by_modalities(child(entry, "architecture"), "output_modalities")


def _listed_as(name: str) -> str | None:
    model, _, suffix = name.rpartition(":")
    return model if suffix in _ROUTING else None


PROFILE = Profile(
    name="openrouter",
    hosts=("openrouter.ai",),
    path_doubt=path_below("/api/v1"),
    marks=(_is_openrouter,),
    has_jobs=False,
    listed_as=_listed_as,
    capability=_capability,
    context_fields=("context_length",),
    # API reference: /api/v1/chat/completions; the others are legacy, beta
    routes=frozenset({Shape.CHAT}),
    capabilities={**HOSTED, "n": False, "prompt_list": False, "reasoning_field": "reasoning"},
)
