"""Fields that only hint at cost, speed, storage or caching, or that tell of the client.

None of them can change what a reply may be. So none ever fails a request, and none is sent to a
shape that does not have it itself: it is dropped and reported, whatever the server is and whatever
`extra_params` says.
"""

from collections.abc import Iterable

from gateway.translate.contract import Report
from gateway.translate.schema.checks import OneOf, Record, String

HINTS = frozenset(
    {
        "betas",
        "cache_control",
        "client_metadata",
        "context_management",
        "metadata",
        "prompt_cache_breakpoint",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
    }
)
"""Their names, wherever in a request they stand. `client_metadata` is Codex's, `cache_control`
Anthropic's, `betas` and edits of the context are both's; the others are OpenAI's."""

CACHE_OPTIONS = Record({"mode": OneOf("implicit", "explicit"), "ttl": String()})
"""The `prompt_cache_options`, with all the fields that they may have."""


def without_hints(names: Iterable[str], report: Report) -> list[str]:
    """Return those of some unknown parameters that are no hints; the hints are dropped."""
    others: list[str] = []
    for name in names:
        if name in HINTS:
            report.drop(name)
        else:
            others.append(name)
    return others
