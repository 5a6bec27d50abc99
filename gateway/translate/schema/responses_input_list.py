"""The check of the whole `input` of a responses request, where it is a list."""

from typing import Any

from gateway.translate.schema.checks import Array, Record
from gateway.translate.schema.native_types import Objects, tagged, without_nulls
from gateway.translate.schema.responses_input import (
    COMMON_CONTENT,
    HOSTED_RECORDS,
    ITEMS,
    MESSAGE,
    Item,
)


def _typed(items: list[object]) -> list[Any]:
    """Return items without null fields; messages without a type get theirs."""
    ready = without_nulls(items)
    for position, item in enumerate(ready):
        if isinstance(item, dict) and "type" not in item and "role" in item:
            ready[position] = {**item, "type": "message"}
    return ready


INPUT = Objects(
    Array(Item()),
    lambda: tagged(
        {
            "message": Record({**MESSAGE.fields, "content": COMMON_CONTENT}, MESSAGE.required),
            **{kind: known for kind, known in ITEMS.items() if kind not in HOSTED_RECORDS},
        },
        closed=False,
    ),
    _typed,
)
"""The items of an `input`, each with a type."""
