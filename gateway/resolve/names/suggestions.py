"""Which names come near one that is not there, of the configuration and of the list of the key.

A list may have tens of thousands of names that are all alike, and whoever asks for a deleted model
asks again and again. So a list is prepared once, in pieces between which others have their turn,
and each question then compares a few hundred names at most.
"""

import asyncio
import sys
import weakref
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice

from cachetools import LRUCache

from gateway.resolve.metadata.lookup import ModelList
from gateway.resolve.names.similarity import compared, shared_start, shortened

MAX_NEAR = 3
MAX_NAMES = 50_000
"""Names of one list that are compared with."""
MAX_KEPT_NAMES = 100_000
"""Names of all prepared lists together; each takes a few hundred bytes."""

_PIECE = 400
"""Names that are prepared at a time."""
_PATIENCE = 1.0
"""Seconds that a question waits for lists to be prepared, its own and those of others before it."""
_FEW = 100
"""So many names are all compared."""
_NEIGHBOURS = 16
_PLACES = 4
"""Places of a slip that are tried from either end, where there may be many."""
_MAX_WITH_A_SLIP = 512
"""Names that are gone through for one place of a slip."""
_SAME_KEY = 8
_ANSWERS = 16
"""Answers that are kept for one list: a client that goes wrong mostly asks for the same again."""
_LAST_CHARACTER = chr(sys.maxunicode)
_WITHOUT_VENDOR = 0.95
"""How alike names are that differ in the vendor before the slash only."""


class NameIndex:
    """The names of one list, prepared for being compared with.

    It is prepared by running through `steps`, each of which takes about a millisecond; who is
    interrupted leaves the rest to the next.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._given = list(islice(names, MAX_NAMES))
        self.size = len(self._given)
        self._names: dict[str, str] = {}
        """Names by what they are found by, casefolded: themselves, and what is behind a slash."""
        self._more_names: dict[str, list[str]] = {}
        self._forwards: list[str] = []
        """What names are found by, sorted."""
        self._backwards: list[str] = []
        """The same from right to left, sorted."""
        self.steps = self._prepare()
        self.answers: LRUCache[str, list[str]] = LRUCache(_ANSWERS)

    def near(self, asked: str) -> dict[str, float]:
        """Return the names that are near, and how alike they are, up to 1."""
        found: dict[str, float] = {}
        wanted = asked.casefold()
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
        """Return what may be near: what is one slip away, shorter, or its neighbour either way."""
        if len(self._forwards) <= _FEW:
            return set(self._forwards)
        backwards = query[::-1]
        found = {short for short in shortened(query) if short in self._names}
        before, start = _neighbours(self._forwards, query)
        behind, end = _neighbours(self._backwards, backwards)
        found.update(before)
        found.update(key[::-1] for key in behind)
        # The rest of the text on either side of a slip is right: so far from the end, and so near.
        places = range(max(0, len(query) - 2 - end), start + 1)
        for place in {*places[:_PLACES], *places[-_PLACES:]}:
            found.update(self._with_a_slip_at(query, place))
        return found

    def _with_a_slip_at(self, query: str, place: int) -> Iterator[str]:
        """Yield what was meant if the character there is wrong, missing or one too many.

        Or has changed places with the next. Of the names that begin like the text and those that
        end like it, the fewer are gone through.
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
        """File names under their keys, and yield the keys that are new."""
        for name in names:
            whole = name.casefold()
            for key in dict.fromkeys((whole, _without_vendor(whole))):
                if self._names.setdefault(key, name) is name:
                    yield key
                    continue
                same = self._more_names.setdefault(key, [])
                # One vendor's models never push out the model that has this very name.
                if len(same) < (2 * _SAME_KEY if key == whole else _SAME_KEY):
                    same.append(name)


def _without_vendor(name: str) -> str:
    return name.rpartition("/")[2] or name


def _pieces(items: Iterator[str]) -> Iterator[list[str]]:
    while piece := list(islice(items, _PIECE)):
        yield piece


def _neighbours(order: list[str], query: str) -> tuple[list[str], int]:
    """Return a text's neighbours in a sorted list, and how much it shares with the next at most."""
    at = bisect_left(order, query)
    shared = max(shared_start(query, key) for key in order[max(0, at - 1) : at + 1])
    return order[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS], shared


def _beginning_with(order: list[str], start: str) -> tuple[int, int]:
    """Return from where to where the texts of a sorted list begin with one."""
    first = bisect_left(order, start)
    return first, bisect_left(order, f"{start}{_LAST_CHARACTER}", first)


class NearNames:
    """Suggestions for names that are not there.

    What is derived from a list lives as long as that list, and serves whoever the list serves:
    lists are kept by upstream and credential.
    """

    def __init__(self, configured: Iterable[str]) -> None:
        self._configured = NameIndex(configured)
        self._kept: LRUCache[weakref.ref[ModelList], NameIndex] = LRUCache(
            MAX_KEPT_NAMES, getsizeof=lambda index: 1 + index.size
        )
        self._turn = asyncio.Lock()

    async def find(self, asked: str, listed: ModelList | None) -> list[str]:
        """Return up to three names that come near: equally near ones of the configuration first.

        Questions are answered one at a time, so that however many there are, others have their turn
        between them. What cannot be answered within a second has no answer.
        """
        index = self._configured if listed is None else self._index_of(listed)
        answer = index.answers.get(asked)
        if answer is None:
            try:
                async with asyncio.timeout(_PATIENCE), self._turn:
                    answer = await self._answer(asked, index)
            except TimeoutError:
                return []
        return list(answer)

    async def _answer(self, asked: str, index: NameIndex) -> list[str]:
        await _prepare(self._configured)
        await _prepare(index)
        answer = index.answers.get(asked)
        if answer is None:
            answer = index.answers[asked] = self._compare(asked, index)
            await asyncio.sleep(0)
        return answer

    def _compare(self, asked: str, index: NameIndex) -> list[str]:
        configured = self._configured.near(asked)
        found = configured if index is self._configured else index.near(asked) | configured
        found.pop(asked, None)

        def order(name: str) -> tuple[float, bool, int, str]:
            return -found[name], name not in configured, abs(len(name) - len(asked)), name

        return sorted(found, key=order)[:MAX_NEAR]

    def _index_of(self, listed: ModelList) -> NameIndex:
        key = weakref.ref(listed, lambda gone: self._kept.pop(gone, None))
        index = self._kept.get(key)
        if index is None:
            index = self._kept[key] = NameIndex(listed.cards)
        return index


async def _prepare(index: NameIndex) -> None:
    for _ in index.steps:
        await asyncio.sleep(0)
