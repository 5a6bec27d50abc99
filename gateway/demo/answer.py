"""What an endpoint hands to the delivery: the whole reply, and the same as a stream of events."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from gateway.demo.scenarios import Scenario

Json = dict[str, Any]
FINGERPRINT = "fp_demo"
DONE = b"data: [DONE]\n\n"


class Phase(Enum):
    """Where in a stream an event stands; tricks strike among the deltas."""

    OPENING = auto()
    DELTA = auto()
    CLOSING = auto()


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, encoded."""

    phase: Phase
    data: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """What identifies one reply: its number within the emulator, and its time (unix seconds)."""

    number: int
    created: int

    def id(self, prefix: str) -> str:
        """Return an id of the form that OpenAI gives this kind of object."""
        return f"{prefix}demo{self.number:08d}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A generated reply.

    `failure` gives the events that end a failing stream, told how many went before.
    """

    scenario: Scenario
    whole: Callable[[], Json]
    events: Callable[[], Iterator[Event]]
    failure: Callable[[int], Iterator[bytes]]


def encoded(value: object) -> bytes:
    """Encode as JSON in UTF-8, on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def data_event(value: Json, name: str | None = None) -> bytes:
    """Encode one server-sent event; `name` gives it an event line."""
    head = b"" if name is None else b"event: %b\n" % name.encode()
    return b"%bdata: %b\n\n" % (head, encoded(value))
