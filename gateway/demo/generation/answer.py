"""What an endpoint hands to `delivery`: the whole reply, and the same as a stream of events."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from gateway.demo.generation.scenarios import Scenario

Json = dict[str, Any]
FINGERPRINT = "fp_demo"
DONE = b"data: [DONE]\n\n"


class Phase(Enum):
    """Where in a stream an event stands; behaviours are injected among the deltas."""

    OPENING = auto()
    DELTA = auto()
    CLOSING = auto()


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event, encoded."""

    phase: Phase
    data: bytes


@dataclass(frozen=True, slots=True)
class ReplyIds:
    """The ids and the time of one reply: its number within the emulator, and unix seconds."""

    number: int
    created: int

    def prefixed(self, prefix: str) -> str:
        """Return an id in the form that OpenAI uses for objects with this prefix."""
        return f"{prefix}demo{self.number:08d}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A generated reply.

    `failure` takes the number of events sent so far and returns those that end a failing stream.
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
