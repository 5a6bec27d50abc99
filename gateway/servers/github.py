"""GitHub Models (docs.github.com: REST API endpoints for models inference, and for the catalog)."""

from gateway.servers.presets import OPENAI_ENDPOINTS
from gateway.servers.profile import MetadataCall, OpenAIModels, Profile, path_below
from gateway.servers.reading import Capability, by_modalities, has
from gateway.shapes import Json, Shape


def _capability(entry: Json) -> Capability | None:
    """Read `supported_output_modalities`; chat is the only endpoint that generates text."""
    return by_modalities(entry, "supported_output_modalities", text_at=(Shape.CHAT,))


PROFILE = Profile(
    name="github",
    hosts=("models.github.ai",),
    path_doubt=path_below("/inference"),
    bare_marks=(has("registry", "publisher", "supported_output_modalities"),),
    # Its inference API has no list.
    model_list=MetadataCall("/catalog/models", root=True),
    has_jobs=False,
    capability=_capability,
    lacks=frozenset({Shape.MESSAGES}),
    routes=frozenset({Shape.CHAT}),
    openai_models=OpenAIModels(below="openai/", endpoints=(Shape.CHAT,)),
    capabilities={"moderation": False},
    at_endpoint=OPENAI_ENDPOINTS,
)
