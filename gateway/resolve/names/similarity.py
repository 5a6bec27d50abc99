"""How similar two model names are, given typical typing errors. Pure, and bounded.

The measure is the longest common subsequence: twice its length over the length of both. Common
prefixes and suffixes are found first; the rest is compared by the bit-parallel algorithm of
Crochemore and others (2001), one step for each character.
"""

from collections.abc import Iterable, Iterator

from gateway.texts import shared_start

CUTOFF = 0.7
"""From here on a name is near."""

_CONTAINED = 0.8
"""The least similarity of names of which one lacks a date, a tag or a vendor of the other."""
_BOUNDARIES = frozenset("-_.:@/ ")
_MAX_STEPS = 1000
"""Characters that are compared one by one for one name."""


def compared(model: str, names: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Yield the names near the one that was requested, with their similarity, up to 1.

    Case matters: pass casefolded names. The most promising are compared first; once the budget is
    spent, the others count by their common prefixes and suffixes alone.
    """
    steps = _MAX_STEPS
    for certain, name, start, end in sorted(_promising(model, names), reverse=True):
        likeness = certain
        between, other = model[start : len(model) - end], name[start : len(name) - end]
        steps -= len(between) + len(other)
        if between and other and steps >= 0:
            likeness += 2 * _common(between, other) / (len(model) + len(name))
        if _contains(model, name):
            likeness = max(likeness, _CONTAINED)
        if likeness >= CUTOFF:
            # All slips are equally likely, whatever they do to the length.
            slip = max(CUTOFF, 1 - 0.5 / len(model))
            yield name, slip if _is_slip(between, other) else likeness


def shortened(name: str) -> Iterator[str]:
    """Yield a name without its last parts: `llama3.1` and `llama3` for `llama3.1:8b`."""
    for end in range(len(name) - 1, 0, -1):
        if name[end] in _BOUNDARIES:
            yield name[:end]


def _promising(model: str, names: Iterable[str]) -> Iterator[tuple[float, str, int, int]]:
    """Yield each name that can be near, with its least similarity and common ends."""
    for name in names:
        both = len(model) + len(name)
        if 2 * min(len(model), len(name)) < CUTOFF * both and not _contains(model, name):
            continue
        start = shared_start(model, name)
        end = shared_start(model[start:][::-1], name[start:][::-1])
        yield 2 * (start + end) / both, name, start, end


def _contains(one: str, other: str) -> bool:
    """Whether one is the other plus a suffix after a separator, or a prefix before a slash."""
    short, long = (one, other) if len(one) < len(other) else (other, one)
    if not short or len(short) == len(long):
        return False
    if long.startswith(short):
        return long[len(short)] in _BOUNDARIES
    return long.endswith(short) and long[-len(short) - 1] == "/"


def _is_slip(one: str, other: str) -> bool:
    """Whether two texts without common ends differ by one character, or by two swapped ones."""
    return max(len(one), len(other)) == 1 or (len(one) == 2 and one == other[::-1])


def _common(one: str, other: str) -> int:
    """Return the length of the longest common subsequence."""
    places: dict[str, int] = {}
    for place, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << place
    every = (1 << len(one)) - 1
    open_places = every
    for character in other:
        matched = open_places & places.get(character, 0)
        open_places = ((open_places + matched) | (open_places - matched)) & every
    return len(one) - open_places.bit_count()
