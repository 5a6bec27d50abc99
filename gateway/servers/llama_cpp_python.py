"""llama-cpp-python's server (`server/types.py`, `server/app.py`)."""

from gateway.servers.presets import SELF_HOSTED, TEXT_ONLY
from gateway.servers.profile import Profile
from gateway.shapes import Shape

PROFILE = Profile(
    name="llama-cpp-python",
    marks=(lambda entry: entry.get("owned_by") == "me" and "permissions" in entry,),
    has_jobs=False,
    lacks=frozenset({Shape.MESSAGES}),
    capabilities={
        **SELF_HOSTED,
        **TEXT_ONLY,
        "one_call_at_a_time": True,
        # Declared as "ignored or currently unsupported"; `stream_options` is not declared at all.
        "n": False,
        "stream_usage": False,
        # Its response format is `json_object` with a `schema` beside the type.
        "json_schema": False,
    },
)
