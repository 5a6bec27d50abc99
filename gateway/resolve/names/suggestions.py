"""Suggestions for a missing name, from the configuration and the model list of the key.

A list may have tens of thousands of similar names, and clients repeat requests for a deleted model.
So a list is indexed once, in pieces between which other tasks run, and each query then compares a
few hundred names at most.
"""

import asyncio
import sys
import weakref
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from cachetools import LRUCache

from gateway.resolve.metadata.lookup import ModelList
from gateway.resolve.names.similarity import compared, shortened
from gateway.texts import shared_start

MAX_RANKED = 32
"""The most near names of one list: more than are shown, for a client may not see all of them."""
MAX_NAMES = 50_000
"""The most names of one list to compare with."""
MAX_KEPT_NAMES = 100_000
"""The most names in all indexes together; each takes a few hundred bytes."""

_PIECE = 400
"""Names that are indexed at a time."""
_PATIENCE = 1.0
"""Seconds that a query waits for indexes, its own and those of the queries before it."""
_FEW = 100
"""The number of names up to which all are compared."""
_NEIGHBOURS = 16
_PLACES = 4
"""Positions of a slip to try from either end, if there are many."""
_MAX_WITH_A_SLIP = 512
"""The most names to try for one position of a slip."""
_SAME_KEY = 8
_ANSWERS = 16
"""Answers to keep for one list: misguided clients repeat their requests."""
_LAST_CHARACTER = chr(sys.maxunicode)
_WITHOUT_VENDOR = 0.95
"""The similarity of names that differ only in the vendor before the slash."""


@dataclass(frozen=True, slots=True)
class Near:
    """A name that is near to the one asked for."""

    name: str
    place: int | None
    """The position of its list; None: the configuration has it."""


Ranked = Sequence[tuple[tuple[float, int, str], str]]
"""Near names, nearest first, each after what it is sorted by."""


class NameIndex:
    """The indexed names of one list.

    Iterating over `steps` builds the index, about a millisecond each; after an interruption, the
    next query continues.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._given = list(islice(names, MAX_NAMES))
        self.size = len(self._given)
        self._names: dict[str, str] = {}
        """Names by their keys, casefolded: the whole name, and the part after the last slash."""
        self._more_names: dict[str, list[str]] = {}
        self._forwards: list[str] = []
        """The keys, sorted."""
        self._backwards: list[str] = []
        """The reversed keys, sorted."""
        self.steps = self._prepare()
        self.answers: LRUCache[str, Ranked] = LRUCache(_ANSWERS)

    def near(self, model: str) -> dict[str, float]:
        """Return the names that are near, with their similarity, up to 1."""
        found: dict[str, float] = {}
        wanted = model.casefold()
        for query in dict.fromkeys((wanted, _without_vendor(wanted))):
            for key, likeness in compared(query, self._candidates(query)):
                for name in (self._names[key], *self._more_names.get(key, ())):
                    is_whole = query == wanted and name.casefold() == key
                    weighed = likeness if is_whole else likeness * _WITHOUT_VENDOR
                    found[name] = max(found.get(name, 0), weighed)
            if max(found.values(), default=0) > _WITHOUT_VENDOR:
                break
        return found

    def _candidates(self, query: str) -> set[str]:
        """Return the keys that may be near: one slip away, shorter, or adjacent in either order."""
        if len(self._forwards) <= _FEW:
            return set(self._forwards)
        backwards = query[::-1]
        found = {short for short in shortened(query) if short in self._names}
        before, start = _neighbours(self._forwards, query)
        behind, end = _neighbours(self._backwards, backwards)
        found.update(before)
        found.update(key[::-1] for key in behind)
        # The text on either side of a slip is right, which bounds the positions from both ends.
        places = range(max(0, len(query) - 2 - end), start + 1)
        for place in {*places[:_PLACES], *places[-_PLACES:]}:
            found.update(self._with_a_slip_at(query, place))
        return found

    def _with_a_slip_at(self, query: str, place: int) -> Iterator[str]:
        """Yield the keys that differ by a slip at a position.

        The character there is wrong, missing, superfluous, or swapped with the next one. Of the
        keys with the same prefix and those with the same suffix, the fewer are searched.
        """
        start, here, end = query[:place], query[place : place + 1], query[place + 1 :]
        yield from {f"{start}{end}", f"{start}{end[:1]}{here}{end[1:]}"} & self._names.keys()
        first, after = _beginning_with(self._forwards, start)
        first_back, after_back = _beginning_with(self._backwards, end[::-1])
        if after - first <= after_back - first_back:
            keys = self._forwards[first : min(after, first + _MAX_WITH_A_SLIP)]
        else:
            some = self._backwards[first_back : min(after_back, first_back + _MAX_WITH_A_SLIP)]
            keys = [key[::-1] for key in some]
        wrong = [key for key in keys if key.startswith(start) and key.endswith(end)]
        missing = [key for key in wrong if key.endswith(f"{here}{end}")]
        yield from [*missing[:_NEIGHBOURS], *wrong[:_NEIGHBOURS]]

    def _prepare(self) -> Iterator[None]:
        runs: list[list[str]] = []
        for piece in _pieces(iter(self._given)):
            runs.append(sorted(self._file(piece)))
            yield
        self._given.clear()
        backward_runs: list[list[str]] = []
        for run in runs:
            backward_runs.append(sorted(key[::-1] for key in run))
            yield
        for order, sources in ((self._forwards, runs), (self._backwards, backward_runs)):
            for piece in _pieces(merge(*sources)):
                order.extend(piece)
                yield

    def _file(self, names: list[str]) -> Iterator[str]:
        """Index names by their keys, and yield the new keys."""
        for name in names:
            whole = name.casefold()
            for key in dict.fromkeys((whole, _without_vendor(whole))):
                if self._names.setdefault(key, name) is name:
                    yield key
                    continue
                same = self._more_names.setdefault(key, [])
                # Other vendors' models never displace the model with this very name.
                if len(same) < (2 * _SAME_KEY if key == whole else _SAME_KEY):
                    same.append(name)


def _without_vendor(name: str) -> str:
    return name.rpartition("/")[2] or name


def _pieces(items: Iterator[str]) -> Iterator[list[str]]:
    while piece := list(islice(items, _PIECE)):
        yield piece


def _neighbours(order: list[str], query: str) -> tuple[list[str], int]:
    """Return a text's neighbours in a sorted list, and its longest common prefix with them."""
    at = bisect_left(order, query)
    shared = max(shared_start(query, key) for key in order[max(0, at - 1) : at + 1])
    return order[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS], shared


def _beginning_with(order: list[str], start: str) -> tuple[int, int]:
    """Return the range of a sorted list whose texts begin with `start`."""
    first = bisect_left(order, start)
    return first, bisect_left(order, f"{start}{_LAST_CHARACTER}", first)


class NearNames:
    """Suggests names for missing ones.

    The index of a list lives as long as that list, and is used with it only: lists are kept by
    upstream and credential.
    """

    def __init__(self, configured: Iterable[str]) -> None:
        self._configured = NameIndex(configured)
        self._kept: LRUCache[weakref.ref[ModelList], NameIndex] = LRUCache(
            MAX_KEPT_NAMES, getsizeof=lambda index: 1 + index.size
        )
        self._turn = asyncio.Lock()

    async def find(self, model: str, lists: Sequence[ModelList | None]) -> list[Near]:
        """Return the near names, nearest first, each once: of the configuration, and of the lists.

        Queries are answered one at a time, so that other tasks run between them. A query that takes
        longer than a second has no suggestions.
        """
        indexes = [None if listed is None else self._index_of(listed) for listed in lists]
        answers = self._known(model, indexes)
        if answers is None:
            try:
                async with asyncio.timeout(_PATIENCE), self._turn:
                    answers = [await self._answer(model, index) for index in indexes]
                    answers.insert(0, await self._answer(model, self._configured))
            except TimeoutError:
                return []
        return _merged(answers)

    def _known(self, model: str, indexes: Iterable[NameIndex | None]) -> list[Ranked] | None:
        """Return the kept answers, the configuration's first; None: one is not kept."""
        kept = []
        for index in (self._configured, *indexes):
            answer: Ranked | None = () if index is None else index.answers.get(model)
            if answer is None:
                return None
            kept.append(answer)
        return kept

    async def _answer(self, model: str, index: NameIndex | None) -> Ranked:
        if index is None:
            return ()
        await _prepare(index)
        answer = index.answers.get(model)
        if answer is None:
            answer = index.answers[model] = _ranked(model, index.near(model))
            await asyncio.sleep(0)
        return answer

    def _index_of(self, listed: ModelList) -> NameIndex:
        key = weakref.ref(listed, lambda gone: self._kept.pop(gone, None))
        index = self._kept.get(key)
        if index is None:
            index = self._kept[key] = NameIndex(
                name for name in listed.cards if name not in listed.patterns
            )
        return index


async def _prepare(index: NameIndex) -> None:
    for _ in index.steps:
        await asyncio.sleep(0)


def _ranked(model: str, found: dict[str, float]) -> Ranked:
    found.pop(model, None)
    entries = [
        ((-likeness, abs(len(name) - len(model)), name), name) for name, likeness in found.items()
    ]
    return sorted(entries)[:MAX_RANKED]


def _merged(answers: Sequence[Ranked]) -> list[Near]:
    """Return all near names; of equally near ones, those of the configuration first."""
    entries = [
        ((rank[0], bool(position), *rank[1:]), position, name)
        for position, answer in enumerate(answers)
        for rank, name in answer
    ]
    merged: dict[str, Near] = {}
    for _, position, name in sorted(entries):
        merged.setdefault(name, Near(name, position - 1 if position else None))
    return list(merged.values())
