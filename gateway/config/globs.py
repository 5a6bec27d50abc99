"""Ordered names and globs: finds the first that matches a name without trying them all.

`*`, `?` and `[…]` have the meaning of `fnmatch.fnmatchcase`.
"""

import fnmatch
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

_WILDCARD = re.compile(r"\*|\?|\[!?\]?[^\]]*\]|\[")
_CROWD = 8
"""The most globs with one head that are tried one by one; more are indexed by their marks."""
_SIZES = (8, 4, 2, 1)
"""Lengths of the marks that a crowd is indexed by, the best first."""


class _Glob:
    """One glob, and its place in the order."""

    __slots__ = ("_inner", "_regex", "_tail", "head", "pattern", "position")

    def __init__(self, position: int, pattern: str) -> None:
        self.position = position
        self.pattern = pattern
        self.head = _WILDCARD.split(pattern, 1)[0]
        self._regex: re.Pattern[str] | None = None
        texts = pattern.split("*")
        self._inner = texts[1:-1]
        self._tail = texts[-1]

    def matches(self, name: str) -> bool:
        """Whether `fnmatchcase` accepts the name."""
        if "?" in self.pattern or "[" in self.pattern:
            # Compiled at first use: compiling all of them would dominate the start.
            if self._regex is None:
                self._regex = re.compile(fnmatch.translate(self.pattern))
            return self._regex.match(name) is not None
        at, end = len(self.head), len(name) - len(self._tail)
        if at > end or not (name.startswith(self.head) and name.endswith(self._tail)):
            return False
        for piece in self._inner:
            at = name.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    def marks(self) -> set[str]:
        """Return the longest pieces of text that every match contains."""
        found: set[str] = set()
        for text in _WILDCARD.split(self.pattern):
            size = next((size for size in _SIZES if size <= len(text)), 0)
            if size:
                found.update(text[i : i + size] for i in range(len(text) - size + 1))
        return found


class Globs:
    """Finds the first of many names and globs that matches a name.

    A glob is indexed by the text before its first wildcard or, where too many share it, by the
    rarest piece of the rest. A name is then tried only with the few that could match.
    """

    def __init__(self, patterns: Iterable[tuple[int, str]]) -> None:
        """Take names and globs with their positions, in rising order."""
        self._exact: dict[str, int] = {}
        by_head: defaultdict[str, list[_Glob]] = defaultdict(list)
        for position, pattern in patterns:
            if _WILDCARD.search(pattern) is None:
                self._exact.setdefault(pattern, position)
                continue
            glob = _Glob(position, pattern)
            by_head[glob.head].append(glob)
        self._by_mark = _marked(glob for crowd in by_head.values() for glob in _crowd(crowd))
        marked = {glob.position for globs in self._by_mark.values() for glob in globs}
        self._by_head: dict[str, list[_Glob]] = {}
        for head, globs in by_head.items():
            left = [glob for glob in globs if glob.position not in marked]
            if left:
                self._by_head[head] = left
        self._head_sizes = sorted({len(head) for head in self._by_head})
        self._mark_sizes = sorted({len(mark) for mark in self._by_mark})

    def first(self, name: str, before: int = sys.maxsize) -> int | None:
        """Return the position of the first pattern that matches, of those before a position."""
        found = min(before, self._exact.get(name, before))
        for size in self._head_sizes:
            if size > len(name):
                break
            globs = self._by_head.get(name[:size])
            if globs is not None:
                found = _first(globs, name, found)
        for size in self._mark_sizes:
            for start in range(len(name) - size + 1):
                globs = self._by_mark.get(name[start : start + size])
                if globs is not None:
                    found = _first(globs, name, found)
        return found if found != before else None


def _first(globs: Sequence[_Glob], name: str, before: int) -> int:
    """Return the position of the first that matches, else `before`."""
    for glob in globs:
        if glob.position >= before:
            break
        if glob.matches(name):
            return glob.position
    return before


def _crowd(globs: list[_Glob]) -> list[_Glob]:
    return globs if len(globs) > _CROWD else []


def _marked(crowds: Iterable[_Glob]) -> dict[str, list[_Glob]]:
    """Return globs by the rarest of their marks; globs without marks are left out."""
    marks = [(glob, glob.marks()) for glob in crowds]
    counts = Counter(mark for _, found in marks for mark in found)
    by_mark: defaultdict[str, list[_Glob]] = defaultdict(list)
    for glob, found in sorted(marks, key=lambda each: each[0].position):
        if found:
            rarest = min(found, key=lambda mark: (counts[mark], -len(mark), mark))
            by_mark[rarest].append(glob)
    return dict(by_mark)
