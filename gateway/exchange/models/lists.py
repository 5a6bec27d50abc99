"""Reads model lists for their ids only; the cards stay as their upstreams wrote them.

A list may have tens of thousands of cards, so they are read in pieces: other tasks of the event
loop wait for one piece at most.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeVar

import msgspec

from gateway.envelopes.upstream_json import NOT_JSON, valid_json
from gateway.servers.anthropic import more_follow
from gateway.texts import check_utf8

Item = TypeVar("Item")

PIECE = 250
"""The number of entries that are read in one piece."""

_ARRAY = re.compile(rb"\s*\[")
_WITHOUT = "there is no list in its reply"
_Entries = list[msgspec.Raw] | None


class _Envelope(msgspec.Struct, gc=False):
    data: _Entries | msgspec.UnsetType = msgspec.UNSET
    models: _Entries = None


class _Page(msgspec.Struct, gc=False):
    has_more: object = None
    last_id: object = None


class _Named(msgspec.Struct, gc=False):
    id: str


_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_entries = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_page = msgspec.json.Decoder(_Page).decode
_read_name = msgspec.json.Decoder(_Named).decode


class NoList(Exception):
    """A body that is not a model list; the text says what is wrong with it."""


def entries_of(body: bytes) -> list[msgspec.Raw]:
    """Return the entries of a model list, not yet read.

    A list is `{"data": [...]}`, `{"models": [...]}` or a bare array (Together, GitHub); `data` may
    be null where there are none (servers written in Go). The entries are as the upstream wrote
    them, except for invalid JSON (`upstream_json.decode`). Raises `NoList`.
    """
    try:
        try:
            return _entries_of(body)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _entries_of(valid_json(body))
    except msgspec.ValidationError:
        raise NoList(_WITHOUT) from None
    except NOT_JSON:
        raise NoList("its reply is not JSON") from None


def has_more(body: bytes) -> bool:
    """Whether a list in Anthropic's form goes on on another page."""
    if b'"has_more"' not in body:
        return False
    try:
        page = _read_page(body)
    except NOT_JSON:
        return False
    return more_follow(page.has_more, page.last_id)


def _entries_of(body: bytes) -> list[msgspec.Raw]:
    check_utf8(body)
    if _ARRAY.match(body):
        return _read_entries(body)
    envelope = _read_envelope(body)
    if envelope.data is msgspec.UNSET and envelope.models is None:
        raise NoList(_WITHOUT)
    return envelope.data or envelope.models or []


def cards_by_id(entries: Iterable[msgspec.Raw]) -> list[tuple[str, bytes]]:
    """Return the ids and cards of those entries that have an id, in their order."""
    found: list[tuple[str, bytes]] = []
    for entry in entries:
        try:
            found.append((_read_name(entry).id, bytes(entry)))
        except (msgspec.DecodeError, RecursionError):
            continue
    return found


async def in_pieces(items: Sequence[Item]) -> AsyncIterator[Sequence[Item]]:
    """Yield items in pieces; other tasks have a turn between two pieces."""
    for start in range(0, len(items), PIECE):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + PIECE]
