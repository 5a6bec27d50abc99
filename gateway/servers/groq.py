"""Groq (console.groq.com/docs/api-reference)."""

from gateway.servers.presets import EFFORTS_OF_OPEN_MODELS, HOSTED
from gateway.servers.profile import Profile, path_below
from gateway.servers.reading import has
from gateway.shapes import Shape

PROFILE = Profile(
    name="groq",
    hosts=("api.groq.com",),
    path_doubt=path_below("/openai/v1"),
    marks=(has("active", "context_window", "public_apps"),),
    has_jobs=False,
    context_fields=("context_window",),
    routes=frozenset({Shape.CHAT}),
    lacks=frozenset({Shape.MESSAGES}),
    capabilities={
        **HOSTED,
        "n": False,
        "logprobs": False,
        "logit_bias": False,
        "efforts": EFFORTS_OF_OPEN_MODELS,
        "reasoning_field": "reasoning",
    },
    strict_messages=True,
)
