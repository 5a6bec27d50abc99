"""Fireworks (docs.fireworks.ai: querying text models, and the guide to its Responses API)."""

from gateway.envelopes.json_fields import quoted, text
from gateway.servers.profile import Profile, path_below
from gateway.servers.reading import EMBEDDINGS, Capability, other
from gateway.shapes import Json, Shape


def _is_fireworks(entry: Json) -> bool:
    name = text(entry, "id") or text(entry, "name") or ""
    return name.startswith("accounts/") and "kind" in entry


def _capability(entry: Json) -> Capability | None:
    """Read `kind`, then `supports_chat` (inference API) or `conversationConfig` (control plane).

    `supports_chat` alone is not dependable: it is true of embedding models too.
    """
    if text(entry, "kind") == "EMBEDDING_MODEL":
        return other('kind is "EMBEDDING_MODEL"', EMBEDDINGS)
    supports_chat = entry.get("supports_chat")
    if isinstance(supports_chat, bool):
        detail = f"supports_chat is {quoted(supports_chat)}"
    elif isinstance(entry.get("conversationConfig"), dict):
        supports_chat, detail = True, "conversationConfig is set"
    else:
        return None
    if supports_chat:
        return Capability(detail, (Shape.CHAT,), silent_on=(Shape.COMPLETIONS, Shape.RESPONSES))
    return Capability(detail, (Shape.COMPLETIONS,))


PROFILE = Profile(
    name="fireworks",
    hosts=("api.fireworks.ai",),
    path_doubt=path_below("/inference/v1"),
    marks=(_is_fireworks,),
    name_keys=("id", "name"),
    capability=_capability,
    base_fields=("peftDetails.baseModel",),
    context_fields=("context_length",),
    lacks=frozenset({Shape.MESSAGES}),
    routes=frozenset({Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES}),
)
