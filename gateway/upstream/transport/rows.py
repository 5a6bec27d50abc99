"""Hands on the reads of streams in a row, after all reads of one turn of the event loop.

A slow stream's event is little work between two system calls. The kernel and the interpreter drive
each other out of the processor's caches: if reads alternate with that work, an event takes a tenth
more time than if all reads come first.
"""

import asyncio
from typing import Protocol

from gateway.system.per_loop import PerLoop


class Taker(Protocol):
    """The receiver of the bytes that arrive on a connection."""

    def receive(self, data: bytes) -> None:
        """Take bytes that have arrived."""


class Reading(Protocol):
    """A connection with a read that waits for its row."""

    arrived: bytes
    """The read; empty once it is handed on."""

    @property
    def receiver(self) -> Taker | None:
        """The receiver of the read; None if there is none any more."""

    def abort(self, error: Exception | None = None) -> None:
        """Close the connection: its receiver has failed."""


class Rows:
    """The connections of one event loop whose reads wait, in their order."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Reading] = []

    def put(self, reading: Reading) -> None:
        """Have a connection's read handed on after all reads of this turn."""
        waiting = self._waiting
        if not waiting:
            asyncio.get_running_loop().call_soon(self._hand_on)
        waiting.append(reading)

    def _hand_on(self) -> None:
        waiting, self._waiting = self._waiting, []
        for reading in waiting:
            # As `Connection._take_arrived` does, without a call: a twentieth of an event's cost.
            data, receiver = reading.arrived, reading.receiver
            if data and receiver is not None:
                reading.arrived = b""
                try:
                    receiver.receive(data)
                except Exception as error:  # noqa: BLE001 - reported, as that of a read is
                    _fail(reading, error)


def _fail(reading: Reading, error: Exception) -> None:
    """Handle a failed read as the event loop does, so that the other reads are not lost."""
    reading.abort(error)
    message = "What an upstream has sent could not be taken."
    asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})


ROWS: PerLoop[Rows] = PerLoop(Rows)
