"""What the documents say is lost without a word, and nothing else may be."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from gateway.shapes import Shape
from tests.documents import TRANSLATION, marked_table
from tests.translate.round_trips.fields import Field

_REPORT = TRANSLATION / "report.md"


class _Place(NamedTuple):
    """A field, with all that is in it, that is lost between two shapes.

    With a value: only where it has that value, which says what its absence says.
    """

    client: Shape
    home: Shape
    pattern: str
    value: str


def documented(kind: str, client: Shape, home: Shape, field: Field) -> bool:
    """Whether a table of docs/translation/report.md says of a field that it is left out.

    `kind` is `requests` or `replies`.
    """
    exactly = field.pattern
    of_any_type = re.sub(r"\[\w+\]", "[]", exactly)
    return any(
        f"{pattern}.".startswith((f"{place.pattern}.", f"{place.pattern}["))
        for place in _places(kind)
        if (place.client, place.home) == (client, home)
        and place.value in ("", str(field.value).lower())
        for pattern in (exactly, of_any_type)
    )


@cache
def _places(kind: str) -> frozenset[_Place]:
    return frozenset(_rows(kind))


def _rows(kind: str) -> Iterator[_Place]:
    for clients, homes, patterns, _ in marked_table(_REPORT, f"no place: {kind}"):
        for client in _shapes(clients):
            for home in _shapes(homes):
                for pattern, value in re.findall(r"`([^`:]+)(?:: ([^`]+))?`", patterns):
                    yield _Place(client, home, pattern, value)


def _shapes(cell: str) -> list[Shape]:
    return list(Shape) if cell == "all" else [Shape(name) for name in cell.split(", ")]
