"""What is to be known of the schemas of tools, which are sent as they are written.

A schema must be valid all through, as it must be for the generic path: it may not have a number
beyond every double (1e400). To decode it is the fastest way to see that; since the next turn of a
conversation has the same tools, a schema that was decoded is recognised.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT
from gateway.translate.parts.tools.definitions import has_nulls, is_complete, is_strict_schema

LARGEST_KEPT = 4096
"""The length of the largest schema that is recognised, in bytes."""
_KEPT = 1024


class Form(NamedTuple):
    """What is known of a schema."""

    type: Any
    """Its type; `ABSENT` if it says none."""
    is_strict: bool
    """Whether it obeys the rules of strict mode."""
    is_complete: bool
    """Whether it has all that OpenAI requires."""
    is_empty: bool = False
    """Whether it says nothing."""


read_schema = msgspec.json.Decoder(dict[str, Any]).decode
"""Returns a schema; raises one of `UNCOMMON` for anything else."""


def form_of(schema: Raw) -> Form:
    """Return what is known of a schema; raises `Uncommon` for one with nulls.

    Raises as `read_schema` does, too.
    """
    # A copy: a part would keep its whole request.
    written = bytes(schema)
    return _kept_form(written) if len(written) <= LARGEST_KEPT else _form(written)


def _form(written: bytes) -> Form:
    read = read_schema(written)
    if has_nulls(read):
        raise Uncommon
    return Form(read.get("type", ABSENT), is_strict_schema(read), is_complete(read), not read)


_kept_form = lru_cache(_KEPT)(_form)
