"""Whose marks a model list bears, for the tests of this folder."""

from gateway.envelopes.json_fields import is_list, objects
from gateway.servers import PROFILES, Profile


def bearing(payload: object) -> set[Profile]:
    """Return all software whose mark is on every entry of a list."""
    listed = payload
    if isinstance(payload, dict):
        listed = payload["data"] if is_list(payload.get("data")) else payload.get("models")
    entries = list(objects(listed))
    return {
        kind
        for kind in PROFILES
        for mark in (*kind.marks, *kind.bare_marks)
        if entries and all(mark(entry) for entry in entries)
    }
