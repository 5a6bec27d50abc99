"""Suggestions for misspelt words: "did you mean …?"."""

import difflib
from collections.abc import Iterable

_CLOSE_ENOUGH = 0.6
_A_SLIP = 0.9
"""A word as near as this is misspelt, even if it is a name of `OTHER_NAMES` (`servers`)."""
_LONGEST_WORD = 64

OTHER_NAMES = {
    "api_base": "base_url",
    "url": "base_url",
    "endpoint_url": "base_url",
    "key": "api_key",
    "apikey": "api_key",
    "auth": "credential",
    "type": "kind",
    "provider": "kind",
    "target": "model",
    "endpoints": "endpoint",
    "timeout": "timeouts",
    "providers": "upstreams",
    "backends": "upstreams",
    "servers": "upstreams",
    "aliases": "models",
    "model_list": "models",
    "keys": "clients",
    "logging": "log",
    "cache": "memory",
    "listen": "host",
    "bind": "host",
    "chat/completions": "chat",
    "refused": "refuse",
    "error": "refuse",
    **dict.fromkeys(("temperature", "top_p", "max_tokens", "max_completion_tokens"), "params"),
    **dict.fromkeys(("seed", "stop", "user", "litellm_params"), "params"),
    "ignore": "drop",
}
"""Names of other gateways and proxies for the same keys, and what belongs under `params`."""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` probably meant, or None."""
    spelled = {candidate.lower(): candidate for candidate in candidates}
    wanted = word.strip().lower()[:_LONGEST_WORD]
    slips = difflib.get_close_matches(wanted, spelled, n=1, cutoff=_A_SLIP)
    other = OTHER_NAMES.get(wanted.replace("-", "_"))
    if other in spelled and not slips:
        return spelled[other]
    longer = [name for name in spelled if wanted and name.startswith(f"{wanted}_")]
    close = difflib.get_close_matches(wanted, spelled, n=1, cutoff=_CLOSE_ENOUGH)
    found = slips or (longer if len(longer) == 1 else close)
    return spelled[found[0]] if found else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return `did you mean 'x'?`, or the empty string if nothing is near."""
    found = nearest(word, candidates)
    return f"did you mean '{found}'?" if found is not None else ""
