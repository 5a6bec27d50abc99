"""Gemini's OpenAI compatibility, and its native model list (ai.google.dev).

Not confirmed against a source: `logit_bias` and logprobs.
"""

from collections.abc import Iterable

from gateway.envelopes.json_fields import quoted, strings, text
from gateway.servers.presets import HOSTED
from gateway.servers.profile import MetadataCall, Profile, path_below
from gateway.servers.reading import EMBEDDINGS, Capability, other
from gateway.shapes import Json, Shape

_PREFIX = "models/"


def _is_gemini(entry: Json) -> bool:
    compatible = (text(entry, "id") or "").startswith(_PREFIX)
    return "supportedGenerationMethods" in entry or (
        compatible and entry.get("owned_by") == "google"
    )


def _capability(entry: Json) -> Capability | None:
    """Read `supportedGenerationMethods` of the native list; text is generated at chat only."""
    methods = strings(entry, "supportedGenerationMethods")
    if not methods:
        return None
    detail = f"supportedGenerationMethods are {quoted(methods)}"
    if "generateContent" in methods:
        return Capability(detail, (Shape.CHAT,))
    return other(detail, EMBEDDINGS if "embedContent" in methods else "")


def _other_names(_entry: Json, name: str) -> Iterable[str]:
    return (name.removeprefix(_PREFIX),) if name.startswith(_PREFIX) else ()


PROFILE = Profile(
    name="gemini",
    hosts=("generativelanguage.googleapis.com",),
    path_doubt=path_below("/v1beta/openai"),
    marks=(_is_gemini,),
    further_lists=(MetadataCall("/models", "pageSize=1000", root=True),),
    # The native API refuses bearer keys: it needs one in its own header.
    further_needs="x-goog-api-key",
    has_jobs=False,
    name_keys=("id", "name"),
    other_names=_other_names,
    capability=_capability,
    base_fields=("baseModelId",),
    is_base=lambda base, _, name: name != f"{_PREFIX}{base}",
    lacks=frozenset({Shape.MESSAGES}),
    routes=frozenset({Shape.CHAT}),
    capabilities={
        **HOSTED,
        # Unknown names are refused; the seed, too, is an unknown name ("Cannot find field").
        "strict_params": True,
        "reasoning_field": None,
        "seed": False,
        "logit_bias": False,
        "logprobs": False,
    },
    refuses=frozenset({"seed"}),
)
