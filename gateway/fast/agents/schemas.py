"""Finds out the facts that are needed about the schemas of tools, which are sent as written.

A schema has to be valid all through, as for the generic path: no number may be out of a double's
range (1e400). Decoding is the fastest way to check that. The next turn of a conversation has the
same tools, so decoded schemas are remembered.
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
    """The facts about a schema."""

    type: Any
    """The value of the schema's `type`; `ABSENT` if it has none."""
    is_strict: bool
    """Whether the schema obeys the rules of strict mode."""
    is_complete: bool
    """Whether the schema has all that OpenAI requires."""
    is_empty: bool = False
    """Whether the schema has no fields."""


read_schema = msgspec.json.Decoder(dict[str, Any]).decode
"""Returns a schema; raises one of `UNCOMMON` for anything else."""


def form_of(schema: Raw) -> Form:
    """Return the facts about a schema; raises `Uncommon` for one with nulls.

    Also raises what `read_schema` raises.
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
