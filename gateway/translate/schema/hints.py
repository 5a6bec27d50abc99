"""Fields that only tune cost, speed, storage or caching, or describe the client.

They cannot change the contract of a reply. So they never fail a request, and are not sent to a
shape that does not have them: they are dropped and reported, whatever `extra_params` says.
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
"""The names of these fields, at any depth of a request. `client_metadata` is Codex's and
`cache_control` Anthropic's; `betas` and `context_management` are OpenAI's and Anthropic's, the
others OpenAI's."""

SAFETY_IDENTIFIER = String(max_length=128)
"""The check of a `safety_identifier`; its greatest length is that of openai-python 3.57."""

CACHE_OPTIONS = Record({"mode": OneOf("implicit", "explicit"), "ttl": String()})
"""The `prompt_cache_options`, with all the fields that they may have."""


def without_hints(names: Iterable[str], report: Report) -> list[str]:
    """Return the names of unknown parameters that are not hints; report the hints as dropped."""
    others: list[str] = []
    for name in names:
        if name in HINTS:
            report.drop(name)
        else:
            others.append(name)
    return others
