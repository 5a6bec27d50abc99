"""Ids of what the gateway makes: responses, their items, completions."""

import os
from time import time_ns

_BYTES = 8
_AT_ONCE = 64
"""Ids that are drawn by one system call, which takes longer than all else."""

_drawn: list[bytes] = []
os.register_at_fork(after_in_child=_drawn.clear)


def new_id() -> str:
    """Return an id of 32 digits. Later ones sort after earlier ones, as OpenAI's do.

    Frameworks put the calls of a reply in the order of their items' ids (Haystack).
    """
    try:
        random = _drawn.pop()
    except IndexError:
        random, *others = _draw()
        _drawn.extend(others)
    return (time_ns().to_bytes(8) + random).hex()


def _draw() -> list[bytes]:
    drawn = os.urandom(_BYTES * _AT_ONCE)
    return [drawn[at : at + _BYTES] for at in range(0, len(drawn), _BYTES)]
