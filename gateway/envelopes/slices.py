"""Work that would hold the event loop for long, cut into slices."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

Value = TypeVar("Value")

Work = Generator[None, None, Value]
"""A generator that yields after each slice, and returns what it has made."""

ENTRIES = 25
"""How many entries of a list are dealt with in one slice: a tenth of a millisecond's work."""


async def in_slices(work: Work[Value]) -> Value:
    """Do the work, and let other tasks have their turn after each slice."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            value: Value = done.value
            return value
        await asyncio.sleep(0)
