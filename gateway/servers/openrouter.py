"""OpenRouter (openrouter.ai/docs).

Not confirmed against a source: its parameters, but for token ids.
"""

from gateway.envelopes.json_fields import child, strings
from gateway.servers.efforts import EFFORTS
from gateway.servers.presets import HOSTED
from gateway.servers.profile import Profile, path_below
from gateway.servers.reading import Abilities, Capability, by_modalities
from gateway.shapes import Json, Shape

_NONE = EFFORTS[0]
_ROUTING = frozenset({"exacto", "floor", "nitro", "online"})
"""Suffixes that any model takes (openrouter.ai/docs, "Model Variants"); others are listed."""


def _is_openrouter(entry: Json) -> bool:
    return "instruct_type" in child(entry, "architecture") and "supported_parameters" in entry


def _capability(entry: Json) -> Capability | None:
    """Read `architecture.output_modalities`: text models are offered at every endpoint."""
    return by_modalities(child(entry, "architecture"), "output_modalities")


def _abilities(entry: Json) -> Abilities | None:
    """Read `supported_parameters` (others are ignored), and the efforts of `reasoning`.

    Without a list of efforts all are accepted, except `none` if reasoning is `mandatory`
    (openrouter.ai/docs, SDK reference, ModelReasoning).
    """
    taken = frozenset(strings(entry, "supported_parameters"))
    if not taken:  # its own routers, whose models differ
        return None
    if taken.isdisjoint({"reasoning", "reasoning_effort"}):
        return Abilities(efforts=frozenset(), parameters=taken)
    about = child(entry, "reasoning")
    efforts = set(strings(about, "supported_efforts"))
    if about.get("mandatory") is True:
        efforts = (efforts or {*EFFORTS}) - {_NONE}
    elif efforts and about.get("mandatory") is False:
        efforts |= {_NONE}
    return Abilities(efforts=frozenset(efforts) or None, parameters=taken)


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
    abilities=_abilities,
    context_fields=("context_length",),
    # API reference: /api/v1/chat/completions; the others are legacy, beta
    routes=frozenset({Shape.CHAT}),
    capabilities={**HOSTED, "n": False, "prompt_list": False, "reasoning_field": "reasoning"},
)
