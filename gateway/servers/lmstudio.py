"""LM Studio (its API reference).

Not confirmed against a source: lists of prompts.
"""

from collections.abc import Iterable

from gateway.envelopes.json_fields import child, objects, quoted, strings, text
from gateway.servers.presets import SELF_HOSTED, TEXT_ONLY
from gateway.servers.profile import MetadataCall, Profile
from gateway.servers.reading import EMBEDDINGS, Capability, has, other, owned_by
from gateway.shapes import Json, Shape


def _capability(entry: Json) -> Capability | None:
    """Read `type` of /api/v0/models and /api/v1/models.

    Every language model is served at every endpoint of the server. /v1/responses is newer than the
    v0 list and older than the v1 list, whose entries have a `key`.
    """
    kind_of_model = text(entry, "type")
    if kind_of_model in {"embedding", "embeddings"}:
        return other(f"type is {quoted(kind_of_model)}", EMBEDDINGS)
    if kind_of_model not in {"llm", "vlm"}:
        return None
    detail = f"type is {quoted(kind_of_model)}"
    if "key" in entry:
        shapes = (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS)
        return Capability(detail, shapes, silent_on=(Shape.MESSAGES,))
    silent_on = (Shape.RESPONSES, Shape.MESSAGES)
    return Capability(detail, (Shape.CHAT, Shape.COMPLETIONS), silent_on=silent_on)


def _other_names(entry: Json, _name: str) -> Iterable[str]:
    loaded = (text(each, "id") or "" for each in objects(entry.get("loaded_instances")))
    return (*loaded, *strings(entry, "variants"))


def _instances(entry: Json) -> Iterable[Json] | None:
    if "loaded_instances" not in entry:
        return None
    return (child(loaded, "config") for loaded in objects(entry["loaded_instances"]))


PROFILE = Profile(
    name="lmstudio",
    marks=(
        owned_by("organization_owner"),
        has("compatibility_type", "max_context_length"),
        has("key", "loaded_instances"),
    ),
    further_lists=(
        MetadataCall("/api/v1/models", root=True),
        MetadataCall("/api/v0/models", root=True),
    ),
    has_jobs=False,
    name_keys=("key", "id"),
    other_names=_other_names,
    capability=_capability,
    context_fields=("loaded_context_length",),
    instances=_instances,
    capabilities={
        **SELF_HOSTED,
        **TEXT_ONLY,
        # Not among the "supported payload parameters" of its documentation.
        "n": False,
        "logprobs": False,
        # "'response_format.type' must be 'json_schema' or 'text'"
        "json_object": False,
    },
)
