"""Recognises server software by its model list. Pure, and undecided rather than wrong."""

from collections.abc import Mapping
from itertools import islice

from gateway import servers
from gateway.envelopes.json_fields import is_list, objects
from gateway.servers import Profile

_SAMPLE = 50
"""Entries to check: one program writes the whole list."""


def recognise(payload: object, headers: Mapping[str, str] | None = None) -> Profile | None:
    """Return the kind of server that sent this model list with these reply headers.

    Every entry must have the same software's mark; a list that several could have written, or with
    mixed marks, like those of aggregators, gives None. Header names may be in any case.
    """
    return _by_headers(headers or {}) or _by_entries(payload)


def _by_headers(headers: Mapping[str, str]) -> Profile | None:
    named = {name.lower(): value for name, value in headers.items()}
    bearing = [kind for kind in servers.PROFILES if kind.header_mark(named)]
    return next((kind for kind in bearing if kind.is_front), next(iter(bearing), None))


def _by_entries(payload: object) -> Profile | None:
    bare = is_list(payload)
    listed: object = payload
    if isinstance(payload, dict):
        listed = payload["data"] if is_list(payload.get("data")) else payload.get("models")
    sample = list(islice(objects(listed), _SAMPLE))
    if not sample:
        return None
    for kind in servers.PROFILES:
        for bears_mark in kind.bare_marks if bare else kind.marks:
            if all(bears_mark(entry) for entry in sample):
                return kind
    return next((kind for kind in servers.PROFILES if kind.list_mark(sample)), None)
