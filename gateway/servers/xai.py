"""xAI (docs.x.ai), the home of Grok.

Its models live at both chat and responses; the list says nothing about endpoints. Not confirmed
against a source: its parameters.
"""

import re
from collections.abc import Iterable

from gateway.envelopes.json_fields import text
from gateway.servers.presets import HOSTED
from gateway.servers.profile import Profile
from gateway.shapes import Json, Shape

_DATE = re.compile(r"-[0-9]{4}$")


def _is_xai(entry: Json) -> bool:
    return entry.get("owned_by") == "xai" and (text(entry, "id") or "").startswith("grok")


def _other_names(_entry: Json, name: str) -> Iterable[str]:
    """Return the name without its date: `grok-4` is `grok-4-0709` (docs.x.ai, "Model aliases")."""
    alias = _DATE.sub("", name)
    return () if alias == name else (alias,)


def _listed_as(name: str) -> str | None:
    """Return a name without `-latest`, which any name may have."""
    return name.removesuffix("-latest") if name.endswith("-latest") else None


PROFILE = Profile(
    name="xai",
    hosts=("api.x.ai",),
    has_sockets=True,
    marks=(_is_xai,),
    has_jobs=False,
    other_names=_other_names,
    listed_as=_listed_as,
    routes=frozenset({Shape.CHAT, Shape.RESPONSES}),
    capabilities={**HOSTED, "logit_bias": False},
)
