"""Work that would block the event loop, cut into slices."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

Value = TypeVar("Value")

Work = Generator[None, None, Value]
"""A generator that yields after each slice, and returns the result."""

ENTRIES = 25
"""How many entries of a list one slice handles: a tenth of a millisecond's work."""


async def in_slices(work: Work[Value]) -> Value:
    """Do the work; other tasks run between its slices."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            value: Value = done.value
            return value
        await asyncio.sleep(0)
