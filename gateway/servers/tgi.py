"""text-generation-inference (`router/src/lib.rs`, and its description).

Not confirmed against a source: logprobs at completions.
"""

from gateway.envelopes.json_fields import text
from gateway.servers.presets import SELF_HOSTED
from gateway.servers.profile import MetadataCall, Profile
from gateway.shapes import Json, Shape


def _is_tgi(entry: Json) -> bool:
    """Whether an entry names the model as its own owner, created at zero."""
    return text(entry, "id") == entry.get("owned_by") and entry.get("created") == 0


# The pipeline tag in its description is that of the Hub, and does not say where a model lives.
PROFILE = Profile(
    name="tgi",
    marks=(_is_tgi,),
    about_server=(MetadataCall("/info", root=True),),
    has_jobs=False,
    name_keys=("id", "model_id"),
    context_fields=("max_total_tokens",),
    lacks=frozenset({Shape.MESSAGES}),
    capabilities={
        **SELF_HOSTED,
        # `n` and `logit_bias` are declared as unused, the latter as a list at that. A response
        # format has its schema under `value`, so neither of OpenAI's forms can be read.
        "n": False,
        "logit_bias": False,
        "max_top_logprobs": 5,
        # --max-stop-sequences
        "max_stops": 4,
        "json_object": False,
        "json_schema": False,
        "token_prompts": False,
    },
    at_endpoint={Shape.COMPLETIONS: {"logprobs": False}},
    refuses_more_stops=4,
)
