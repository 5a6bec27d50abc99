"""Hugging Face's router (huggingface.co/docs/inference-providers)."""

from gateway.envelopes.json_fields import child, objects
from gateway.servers.profile import Profile
from gateway.servers.reading import Capability, by_modalities
from gateway.shapes import Json, Shape


def _is_huggingface(entry: Json) -> bool:
    return isinstance(entry.get("providers"), list) and "architecture" in entry


def _capability(entry: Json) -> Capability | None:
    """Read `architecture.output_modalities`; the router lists chat models only."""
    architecture = child(entry, "architecture")
    return by_modalities(
        architecture, "output_modalities", (Shape.CHAT,), silent_on=(Shape.RESPONSES,)
    )


def _listed_as(name: str) -> str | None:
    """Return a name without the provider, or the way to choose one: `:cerebras`, `:fastest`."""
    return name.rpartition(":")[0] or None


PROFILE = Profile(
    name="huggingface",
    hosts=("router.huggingface.co",),
    marks=(_is_huggingface,),
    has_jobs=False,
    listed_as=_listed_as,
    capability=_capability,
    instances=lambda entry: objects(entry.get("providers")),
    # Its other routes are not for every model.
    lacks=frozenset({Shape.MESSAGES}),
    routes=frozenset({Shape.CHAT}),
)
