"""Ollama (`docs/api.md`, `docs/api/openai-compatibility.mdx`)."""

from collections.abc import Sequence

from gateway.envelopes.json_fields import child, quoted, strings, text
from gateway.servers.presets import EFFORTS_OF_OPEN_MODELS, SELF_HOSTED, TEXT_ONLY
from gateway.servers.profile import MetadataCall, Profile
from gateway.servers.reading import EMBEDDINGS, IMAGES, Capability, other
from gateway.shapes import Json, Shape

_COMPATIBLE_KEYS = {"id", "object", "created", "owned_by"}
_ELSEWHERE = {"embedding": EMBEDDINGS, "image": IMAGES}


def _is_native(entry: Json) -> bool:
    """Whether an entry is of the native list, /api/tags."""
    return "digest" in entry and "quantization_level" in child(entry, "details")


def _is_compatible(entries: Sequence[Json]) -> bool:
    """Whether entries are of /v1/models: their owner is their namespace, `library` or a user."""
    tagged = all(
        set(entry) == _COMPATIBLE_KEYS and ":" in (text(entry, "id") or "") for entry in entries
    )
    return tagged and any(entry["owned_by"] == "library" for entry in entries)


def _capability(description: Json) -> Capability | None:
    """Read `capabilities` of /api/show: `completion` means both chat and completions.

    /v1/responses exists since version 0.13.3, but the reply does not say the version.
    """
    found = strings(description, "capabilities")
    detail = f"capabilities are {quoted(found)}"
    if "completion" in found:
        silent_on = (Shape.RESPONSES, Shape.MESSAGES)
        return Capability(detail, (Shape.CHAT, Shape.COMPLETIONS), silent_on=silent_on)
    others = [path for capability, path in _ELSEWHERE.items() if capability in found]
    return other(detail, *others) if others else None


def _listed_as(name: str) -> str | None:
    """Return a name with the tag `latest`, which a request may leave out, but a list does not."""
    return None if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _is_base(base: str, _entry: Json, _name: str) -> bool:
    """Whether the base is a name: of models made from a file it is /home/…/blobs/sha256-…."""
    return not base.startswith(("/", "\\", ".")) and "sha256" not in base and base[1:2] != ":"


PROFILE = Profile(
    name="ollama",
    marks=(_is_native,),
    list_mark=_is_compatible,
    about_model=lambda model: MetadataCall("/api/show", root=True, body={"model": model}),
    has_jobs=False,
    name_keys=("id", "name", "model"),
    listed_as=_listed_as,
    capability=_capability,
    base_fields=("details.parent_model",),
    is_base=_is_base,
    order={
        # `openai/responses.go`: if a reply has calls, its text is missing from a whole reply, from
        # the last event of a stream, and after the first call; and a stream has no
        # `output_item.done` for the message. A reply that max_output_tokens has cut off is
        # `completed`. All of these are right through Ollama's chat endpoint.
        Shape.RESPONSES: (Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS),
    },
    capabilities={
        **SELF_HOSTED,
        # "`prompt` currently only accepts a string" (docs/api/openai-compatibility.mdx).
        **TEXT_ONLY,
        "n": False,
        "logit_bias": False,
        "logprobs": False,
        "efforts": EFFORTS_OF_OPEN_MODELS,
        "reasoning_field": "reasoning",
    },
    at_endpoint={
        Shape.CHAT: {"logprobs": True},
        # The documented fields are the tools, the limit and the two basic sampling parameters.
        Shape.RESPONSES: {"json_object": False, "json_schema": False},
    },
)
