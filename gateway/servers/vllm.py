"""vLLM (`entrypoints/openai`)."""

from gateway.servers.presets import SELF_HOSTED
from gateway.servers.profile import Profile
from gateway.servers.reading import owned_by
from gateway.shapes import Shape

PROFILE = Profile(
    name="vllm",
    tried="0.32",
    marks=(owned_by("vllm"),),
    has_jobs=False,
    # Not `root`, which is a path.
    base_fields=("parent",),
    context_fields=("max_model_len",),
    capabilities={
        **SELF_HOSTED,
        # VLLM_MAX_STOP_STRINGS since 0.32. Earlier versions take any number, so four as well.
        "max_stops": 4,
        # "n must be 1 when using greedy sampling"
        "several_greedy": False,
        "strict_by_default": False,
        "tool_image_parts": True,
        "reasoning_field": "reasoning",
    },
    at_endpoint={
        Shape.CHAT: {"continues_last": True, "names_stop": True},
        Shape.COMPLETIONS: {
            "add_special_tokens": True,
            "json_object": True,
            "json_schema": True,
        },
        Shape.RESPONSES: {
            "stop": True,
            "seed": True,
            "logit_bias": True,
            # Both seen with 0.32.
            "penalties": True,
            "json_object": True,
            "reasoning_items": True,
        },
    },
    refuses_more_stops=4,
)
