"""Azure OpenAI (azure-rest-api-specs, cognitiveservices/OpenAI): a model is a deployment there."""

from gateway.envelopes.json_fields import child, quoted
from gateway.servers.presets import OPENAI_ENDPOINTS
from gateway.servers.profile import OpenAIModels, Profile, any_path
from gateway.servers.reading import EMBEDDINGS, Capability, other, shapes_if
from gateway.shapes import Json, Shape

_ADVICE = (
    "write the resource's own, https://NAME.openai.azure.com (deployments are then "
    "model names), or end it in /openai/v1 for Azure's v1 API"
)


def _fault(path: str) -> tuple[str, str] | None:
    one_deployment = "/openai/deployments" in path
    other_api = path.endswith("/v1") and not path.endswith("/openai/v1")
    if not (one_deployment or other_api):
        return None
    fault = "is one deployment" if one_deployment else "is not an address of Azure's API"
    return fault, _ADVICE


def _is_azure(entry: Json) -> bool:
    return "chat_completion" in child(entry, "capabilities") or (
        entry.get("object") == "deployment" and "scale_settings" in entry
    )


def _capability(entry: Json) -> Capability | None:
    """Read `capabilities` {chat_completion, completion, embeddings} (azure-rest-api-specs)."""
    flags = child(entry, "capabilities")
    chat, completion = flags.get("chat_completion") is True, flags.get("completion") is True
    if chat or completion:
        return Capability(
            f"capabilities.chat_completion is {quoted(chat)}, .completion is {quoted(completion)}",
            shapes_if((chat, Shape.CHAT), (completion, Shape.COMPLETIONS)),
            silent_on=(Shape.RESPONSES,) if chat else (),
        )
    if flags.get("embeddings") is True:
        return other("of its capabilities only embeddings is true", EMBEDDINGS)
    return None


PROFILE = Profile(
    name="azure",
    hosts=("openai.azure.com", "services.ai.azure.com"),
    path_doubt=any_path,
    path_fault=_fault,
    deployments=True,
    has_sockets=True,  # learn.microsoft.com, Azure OpenAI, Responses over WebSockets: the v1 API
    key_header=b"api-key",
    # Claude in Foundry, at https://NAME.services.ai.azure.com/anthropic/v1 (anthropic-sdk-python,
    # lib/foundry.py: `api-key` is sent beside it for old resources only)
    messages_key_header=b"x-api-key",
    # Azure's front adds a field of its own to those of OpenAI's service.
    header_mark=lambda headers: "openai-version" in headers and "apim-request-id" in headers,
    marks=(_is_azure,),
    base_fields=("model",),
    capability=_capability,
    shutdown_field="deprecation.inference",
    # 2024-10-21 (chat, completions), /openai/v1 (responses)
    routes=frozenset(Shape) - {Shape.MESSAGES},
    lacks=frozenset({Shape.MESSAGES}),
    openai_models=OpenAIModels(),
    prompt_objects_end=True,
    capabilities={},
    at_endpoint=OPENAI_ENDPOINTS,
)
