"""Recognises messages of one role in a row, which some servers do not take at messages."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol


class _Message(Protocol):
    @property
    def role(self) -> str:
        """Who says it."""


def alternate(messages: Sequence[_Message]) -> bool:
    """Whether no message follows one of the same role."""
    return all(one.role != following.role for one, following in pairwise(messages))
