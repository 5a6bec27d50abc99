"""DeepSeek (api-docs.deepseek.com).

Not confirmed against a source: its parameters.
"""

from gateway.envelopes.json_fields import child, strings, text
from gateway.servers.presets import HOSTED, TEXT_ONLY
from gateway.servers.profile import Profile, any_path
from gateway.servers.reading import Abilities, Capability, by_modalities
from gateway.shapes import Json, Shape


def _is_deepseek(entry: Json) -> bool:
    own_id = (text(entry, "id") or "").startswith("deepseek")
    return own_id and entry.get("owned_by") == "deepseek"


def _capability(entry: Json) -> Capability | None:
    """Read `output_modalities`, which the list has since 2026."""
    return by_modalities(entry, "output_modalities")


def _abilities(entry: Json) -> Abilities | None:
    """Read `effort.supported_levels` of the same list: models accept different efforts."""
    levels = strings(child(entry, "effort"), "supported_levels")
    return Abilities(efforts=frozenset(levels)) if levels else None


PROFILE = Profile(
    name="deepseek",
    hosts=("api.deepseek.com",),
    path_doubt=any_path,
    marks=(_is_deepseek,),
    has_jobs=False,
    capability=_capability,
    abilities=_abilities,
    context_fields=("context_window",),
    # Completions are at another base URL (/beta).
    lacks=frozenset({Shape.MESSAGES}),
    routes=frozenset({Shape.CHAT}),
    capabilities={
        **HOSTED,
        **TEXT_ONLY,
        "n": False,
        "seed": False,
        "logit_bias": False,
        "max_stops": 16,
        "json_schema": False,
        "efforts": frozenset({"high", "max"}),
        "reasoning_required": True,
    },
)
