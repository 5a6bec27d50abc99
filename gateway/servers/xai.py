"""xAI (docs.x.ai), the home of Grok.

Its models are at chat and at responses alike; the list says nothing about them. Not confirmed
against a source: its parameters.
"""

from gateway.envelopes.json_fields import text
from gateway.servers.presets import HOSTED
from gateway.servers.profile import Profile
from gateway.shapes import Json, Shape


def _is_xai(entry: Json) -> bool:
    return entry.get("owned_by") == "xai" and (text(entry, "id") or "").startswith("grok")


PROFILE = Profile(
    name="xai",
    hosts=("api.x.ai",),
    has_sockets=True,
    marks=(_is_xai,),
    has_jobs=False,
    routes=frozenset({Shape.CHAT, Shape.RESPONSES}),
    capabilities={**HOSTED, "logit_bias": False},
)
