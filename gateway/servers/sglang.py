"""SGLang (`entrypoints/openai/protocol.py`, and its native API)."""

from gateway.envelopes.json_fields import quoted
from gateway.servers.presets import SELF_HOSTED
from gateway.servers.profile import MetadataCall, Profile
from gateway.servers.reading import Capability, owned_by
from gateway.shapes import Json, Shape


def _capability(description: Json) -> Capability | None:
    """`is_generation` of /model_info: false for embedding and reward models."""
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
    # Its `root` is a path.
    base_fields=("parent",),
    capability=_capability,
    context_fields=("max_model_len",),
    # 0.5.23 takes every effort, and treats one above `high` as that where the model has none such;
    # what an earlier schema lacks is learned from its refusal.
    capabilities=SELF_HOSTED,
    at_endpoint={
        Shape.CHAT: {"continues_last": True, "names_stop": True},
        Shape.COMPLETIONS: {"json_object": True, "json_schema": True},
        # Extensions of its `ResponsesRequest`.
        Shape.RESPONSES: {"stop": True, "penalties": True, "reasoning_items": True},
    },
)
