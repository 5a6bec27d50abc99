"""OpenAI's own service (openai-openapi)."""

from gateway.servers.presets import OPENAI_ENDPOINTS
from gateway.servers.profile import OpenAIModels, Profile
from gateway.shapes import Json, Shape


def _doubt(path: str) -> str | None:
    return None if path.endswith("/v1") else "does not end in /v1, as OpenAI's does"


def _is_openai(entry: Json) -> bool:
    """Whether an entry has `shutdown_date`, as since August 2026; older ones have no mark."""
    return set(entry) == {"id", "object", "created", "owned_by", "shutdown_date"}


PROFILE = Profile(
    name="openai",
    hosts=("api.openai.com",),
    path_doubt=_doubt,
    has_sockets=True,
    header_mark=lambda headers: "openai-version" in headers and "apim-request-id" not in headers,
    marks=(_is_openai,),
    # Dated snapshots had it until mid-2023.
    base_fields=("parent",),
    routes=frozenset(Shape) - {Shape.MESSAGES},
    lacks=frozenset({Shape.MESSAGES}),
    openai_models=OpenAIModels(keeps_calendar=True),
    prompt_objects_end=True,
    capabilities={},
    at_endpoint=OPENAI_ENDPOINTS,
)
