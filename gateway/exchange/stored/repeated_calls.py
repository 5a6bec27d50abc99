"""Calls that a conversation ends with, and that a request which continues it has again.

OpenAI takes the call of the continued response beside its output, as LiveKit's agents send both. It
is one call: written twice, one of the two would have no output.
"""

from collections.abc import Collection, Iterable


def called(kind: object, call_id: object) -> str | None:
    """Return the `call_id` of an item of this type that is a call; None: it is no call with one."""
    return _named(kind, call_id, "_call")


def answered(kind: object, call_id: object) -> str | None:
    """Return the `call_id` of the call that an item of this type is the output of, if it is one."""
    return _named(kind, call_id, "_output")


def unanswered(items: Iterable[tuple[str | None, str | None]]) -> Collection[str]:
    """Return the calls without an output: of each item what `called` and `answered` say."""
    found: set[str] = set()
    for opened, closed in items:
        if opened is not None:
            found.add(opened)
        elif closed is not None:
            found.discard(closed)
    return found


def _named(kind: object, call_id: object, ending: str) -> str | None:
    is_one = isinstance(kind, str) and kind.endswith(ending)
    return call_id if is_one and isinstance(call_id, str) else None
