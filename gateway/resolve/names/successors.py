"""From a recommended replacement to a living one, because recommendations are retired in turn.

A recommendation is free text: one model, several ("gpt-5 or gpt-4.1"), one with a note
("gpt-5.6-sol (reasoning.mode: pro)"), or advice without a name.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice

MAX_ALTERNATIVES = 4
"""The most models to recommend; more would not help to choose."""
_MAX_STEPS = 8
"""The most recommendations to follow, one to the next."""

_BETWEEN = re.compile(r"(?:,? (?:or|and)|,) (?![^(]*\))")
_MODEL = re.compile(r"(?P<model>[^\s()]+)(?: \([^()]*\))?")


@dataclass(frozen=True, slots=True)
class Fate:
    """The announced end of a model."""

    retired: date | None = None
    """Its shutdown date, past or to come."""
    replacement: str | None = None
    """The recommendation instead, as free text."""


def living_successor(
    model: str, advice: str, fate_of: Callable[[str], Fate], day: date
) -> str | None:
    """Return what to recommend instead of `model` on that day, living then; None: nothing.

    `advice` is the original recommendation. A model in it that is retired by then is replaced by
    its own recommendation, and so on; cycles are dropped. Advice that is more than names of models
    is returned unchanged.
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
    """Yield the living models, each with its note; `left` are those already followed."""
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
