"""Finds the calls at the end of a conversation that a request which continues it may repeat.

LiveKit's agents send the call of the continued response again with the call's output, and OpenAI
takes that. The two are one call: if it stood there twice, one of the two would have no output.
"""

from collections.abc import Collection, Iterable


def called(kind: object, call_id: object) -> str | None:
    """Return the `call_id` of an item of type `kind` if that is a call and has one, else None."""
    return _named(kind, call_id, "_call")


def answered(kind: object, call_id: object) -> str | None:
    """Return the `call_id` of an item of type `kind` if that is a call's output, else None."""
    return _named(kind, call_id, "_output")


def unanswered(items: Iterable[tuple[str | None, str | None]]) -> Collection[str]:
    """Return the ids of calls without an output.

    `items` has, for each item, the results of `called` and `answered`.
    """
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
