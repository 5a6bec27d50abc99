"""SGLang (`entrypoints/openai/protocol.py`, and its native API)."""

from gateway.envelopes.json_fields import quoted
from gateway.servers.presets import SELF_HOSTED
from gateway.servers.profile import MetadataCall, Profile
from gateway.servers.reading import Capability, owned_by
from gateway.shapes import Json, Shape


def _capability(description: Json) -> Capability | None:
    """Read `is_generation` of /model_info, which is false for embedding and reward models."""
    flag = description.get("is_generation")
    if not isinstance(flag, bool):
        return None
    return Capability(f"is_generation is {quoted(flag)}", generative=flag)


PROFILE = Profile(
    name="sglang",
    marks=(owned_by("sglang"),),
    about_server=(
        MetadataCall("/model_info", root=True),
        MetadataCall("/get_model_info", root=True),
    ),
    has_jobs=False,
    # Not `root`, which is a path.
    base_fields=("parent",),
    capability=_capability,
    context_fields=("max_model_len",),
    # 0.5.23 accepts every effort, and treats those above `high` as `high` if the model has no such
    # efforts. Which efforts an earlier schema lacks is learned from its refusals.
    capabilities=SELF_HOSTED,
    at_endpoint={
        Shape.CHAT: {"continues_last": True, "names_stop": True},
        Shape.COMPLETIONS: {"json_object": True, "json_schema": True},
        # Extensions of its `ResponsesRequest`.
        Shape.RESPONSES: {"stop": True, "penalties": True, "reasoning_items": True},
    },
)
