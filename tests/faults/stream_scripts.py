"""Helpers to script event streams."""

from collections.abc import Callable, Sequence

from gateway.shapes import Json, Shape
from tests.faults.fault import Ends, Fault
from tests.faults.outcomes import StreamError
from tests.faults.payloads import events, framed, terminator, whole
from tests.faults.script import SSE, Asked, Script, Scripted, Step, stream

_ERROR: Json = {"message": "no luck today", "type": "server_error", "param": None, "code": "x_code"}
Events = Callable[[Shape], Sequence[bytes]]


def of(choose: Events, *after: Step, kind: str = SSE) -> Scripted:
    """Return a script that streams these events, and ends as it should unless `after` says how."""

    def play(asked: Asked) -> Script:
        return stream(choose(asked.home), *after, kind=kind)

    return play


def fault(name: str, ends: Ends, choose: Events, *after: Step) -> Fault:
    """Return a fault of events that come whatever was asked for."""
    return Fault(name, ends, of(choose, *after), streams=True)


def reported_then(name: str, ends: Ends, choose: Events, after: Step) -> Fault:
    """Return an error that is told before the stream breaks off."""
    passed = {("passed", ""): StreamError()}
    return Fault(name, ends, of(choose, after), streams=True, but=passed)


def until(point: str, *more: bytes) -> Events:
    """Return a good stream until a point (see `payloads.events`), and what follows there."""
    return lambda home: [*events(home, until=point), *more]


def error_event(home: Shape) -> bytes:
    """Return the event by which a shape's own servers report an error."""
    if home is not Shape.RESPONSES:
        return framed(home, {"error": _ERROR})
    return framed(home, {"type": "error", "sequence_number": 9, **_ERROR, "error": _ERROR})


def failed_event(home: Shape) -> bytes:
    """Return another event that reports an error: `response.failed`, or only a text."""
    if home is not Shape.RESPONSES:
        return framed(home, {"error": "no luck today"})
    error = {"code": "server_error", "message": "no luck today"}
    response = {**whole(home), "status": "failed", "output": [], "error": error}
    return framed(home, {"type": "response.failed", "response": response})


def ended(home: Shape) -> bytes:
    """Return what ends a shape's stream, where there is nothing such a comment."""
    return terminator(home) or b": end\n\n"
