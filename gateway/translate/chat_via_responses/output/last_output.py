"""Finds the items of a terminal event's `output` that the stream has already had.

They should keep their ids. vLLM changes them, for calls even the `call_id` (vllm#47916, #56285),
and some servers leave items out. So ids are compared first, then contents, then the order. Each
known item is matched once.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.shapes import Json
from gateway.translate.chat_via_responses.output.calls import call_text
from gateway.translate.chat_via_responses.output.item_texts import digests_of, texts_of
from gateway.translate.chat_via_responses.output.tracking import (
    ItemKind,
    OutputItem,
    OutputItems,
    goes_on,
    has_other_name,
    is_cut_off,
    item_kind,
)
from gateway.translate.parts.tools.arguments import comparable
from gateway.translate.parts.tools.calls import arguments_text

_NEAR = 16
"""The number of known items whose texts are compared one by one."""


@dataclass(slots=True)
class _Place:
    """One item of the output, and the known item that it matches."""

    item: Json
    known: OutputItem | None = None


def matched(items: OutputItems, output: Sequence[Json]) -> list[tuple[OutputItem, Json]]:
    """Return each item of the output with the known item that it matches, or with a new one.

    Items without a place in chat are left out, and exact duplicates count once.
    """
    places: defaultdict[ItemKind, list[_Place]] = defaultdict(list)
    in_order: list[tuple[ItemKind, _Place]] = []
    for item in _once(output):
        kind = item_kind(item)
        if kind is not None:
            place = _Place(item)
            places[kind].append(place)
            in_order.append((kind, place))
    for kind, of_kind in places.items():
        _match(items.all_of(kind), of_kind)
    return [(place.known or items.add(kind, place.item), place.item) for kind, place in in_order]


def _once(output: Sequence[Json]) -> list[Json]:
    named: dict[tuple[str, ...], Json] = {}
    kept: list[Json] = []
    for item in output:
        fields = ("id", "call_id") if item_kind(item) is ItemKind.CALL else ("id",)
        ids = tuple(value for name in fields if isinstance(value := item.get(name), str) and value)
        if len(ids) < len(fields) or ids not in named or named[ids] != item:
            kept.append(item)
        named.setdefault(ids, item)
    return kept


def _match(known: list[OutputItem], places: Sequence[_Place]) -> None:
    """Find a known item for each place; all are of the same kind."""
    left = dict.fromkeys(known)
    _match_ids({each.call.upstream_id: each for each in reversed(known)}, "call_id", places, left)
    _match_ids({each.item_id: each for each in reversed(known)}, "id", places, left)
    _match_calls(places, left)
    _match_texts(places, left)
    unmatched = [place for place in places if place.known is None]
    if unmatched and left:
        _match_in_order(unmatched, left)


def _match_ids(
    known: Mapping[str, OutputItem],
    name: str,
    places: Sequence[_Place],
    left: dict[OutputItem, None],
) -> None:
    for place in places:
        value = place.item.get(name)
        found = known.get(value) if isinstance(value, str) and value else None
        if place.known is None and found in left and not has_other_name(found, place.item):
            _take(place, found, left)


def _match_calls(places: Sequence[_Place], left: dict[OutputItem, None]) -> None:
    """Match calls of the same function with the same arguments."""
    called: defaultdict[tuple[object, str], deque[OutputItem]] = defaultdict(deque)
    for each in left:
        if each.kind is ItemKind.CALL and each.call.name:
            called[each.call.name, comparable(each.call.text.text)].append(each)
    for place in places:
        if place.known is None and called:
            text = comparable(arguments_text(call_text(place.item)))
            same = called.get((place.item.get("name"), text))
            if same:
                _take(place, same.popleft(), left)


def _match_texts(places: Sequence[_Place], left: dict[OutputItem, None]) -> None:
    """Match messages and reasoning with equal texts, then those that begin with a known text."""
    by_digests: defaultdict[object, deque[OutputItem]] = defaultdict(deque)
    for each in left:
        if each.texts:
            by_digests[each.texts.digests].append(each)
    if not by_digests:
        return
    unmatched = [(place, texts_of(place.item)) for place in places if place.known is None]
    for place, texts in unmatched:
        same = by_digests.get(digests_of(texts))
        if same:
            _take(place, same.popleft(), left)
    for place, texts in unmatched:
        near = islice(left if place.known is None else (), _NEAR)
        found = next((each for each in near if each.texts.begins(texts)), None)
        if found is not None:
            _take(place, found, left)


def _match_in_order(places: Sequence[_Place], left: dict[OutputItem, None]) -> None:
    """Match the rest by order: calls with compatible calls, others with items that were shown.

    If both sides have the same number left, each item has its counterpart, shown or not.
    """
    not_empty = [place for place in places if _has_content(place.item)]
    as_many = len(not_empty) == len(left)
    for place in not_empty:
        for each in left:
            if each.kind is ItemKind.CALL:
                same = goes_on(each, place.item) or is_cut_off(each, place.item)
                fits = same and not has_other_name(each, place.item)
            else:
                fits = as_many or each.has_been_shown
            if fits:
                _take(place, each, left)
                break


def _has_content(item: Json) -> bool:
    has_content = any(item.get(name) for name in ("content", "summary", "result"))
    return "call_id" in item or "name" in item or has_content


def _take(place: _Place, found: OutputItem, left: dict[OutputItem, None]) -> None:
    place.known = found
    del left[found]
