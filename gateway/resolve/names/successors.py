"""From a recommended replacement to one that lives: what is recommended is retired in its turn.

A recommendation is a person's text: one model, several ("gpt-5 or gpt-4.1"), one with a note
("gpt-5.6-sol (reasoning.mode: pro)"), or advice that names none.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

MAX_ALTERNATIVES = 4
"""Models that are advised at most; more would help nobody to choose."""
_MAX_STEPS = 8
"""Recommendations that are followed, one to the next."""

_BETWEEN = re.compile(r"(?:,? (?:or|and)|,) (?![^(]*\))")
_MODEL = re.compile(r"(?P<model>[^\s()]+)(?: \([^()]*\))?")


@dataclass(frozen=True, slots=True)
class Fate:
    """What is announced of a model."""

    retired: date | None = None
    """Its shutdown date, past or to come."""
    replacement: str | None = None
    """What is recommended instead, in a person's words."""


def living_successor(
    model: str, advice: str, fate_of: Callable[[str], Fate], day: date
) -> str | None:
    """Return what to recommend instead of `model`, so that it lives on that day; None: nothing.

    `advice` is the recommendation as it was made. A model in it that is retired by then gives way
    to what is recommended instead of that one, and so on; what leads back to a model that was left
    is left out. Advice that is more than names of models is taken as it is.
    """
    living = _living(advice, fate_of, day, {model}, _MAX_STEPS)
    found = list(islice(dict.fromkeys(living), MAX_ALTERNATIVES))
    if not found:
        return None
    *first, last = found
    return f"{', '.join(first)} or {last}" if first else last


def _living(
    advice: str, fate_of: Callable[[str], Fate], day: date, left: set[str], steps: int
) -> Iterator[str]:
    """Yield the models that live, each with its note; `left` are those that were left."""
    parts = [(part, _MODEL.fullmatch(part)) for part in _BETWEEN.split(advice)]
    models = [(part, named["model"]) for part, named in parts if named is not None]
    if len(models) < len(parts):
        yield advice
        return
    for part, model in models:
        if model in left:
            continue
        fate = fate_of(model)
        if fate.retired is None or fate.retired > day:
            yield part
            continue
        left.add(model)
        if fate.replacement is not None and steps:
            yield from _living(fate.replacement, fate_of, day, left, steps - 1)
