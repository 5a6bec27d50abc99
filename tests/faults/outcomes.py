"""What a client can see of a request, each outcome with what makes it clear."""

from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from gateway.shapes import Shape
from tests.faults.client import Seen
from tests.faults.payloads import TEXT
from tests.faults.script import Script

_KEYS = {"message", "type", "param", "code"}


@dataclass(frozen=True)
class Judged:
    """All that an outcome can be judged by: who asked for what, what was sent, what was seen."""

    client: Shape
    streamed: bool
    passed: bool
    script: Script
    seen: Seen


class Outcome(Protocol):
    """Something that a client may see."""

    def problem(self, case: Judged) -> str:
        """Return what is wrong with a reply, if this was to be seen; empty: nothing."""


@dataclass(frozen=True)
class HttpError:
    """An error with one of these statuses, in OpenAI's envelope, whole."""

    statuses: tuple[int, ...]
    code: str | None = None

    def problem(self, case: Judged) -> str:
        seen = case.seen
        if seen.status not in self.statuses or not seen.complete:
            return f"no error {self.statuses}"
        if seen.kind != "application/json":
            return "an error that is not JSON"
        error = envelope(seen.body)
        if error is None:
            return "an error without its envelope"
        if self.code is not None and error["code"] != self.code:
            return f"an error with another code than {self.code}"
        return ""


@dataclass(frozen=True)
class Good:
    """The whole text, in the client's shape, ended as it should be."""

    def problem(self, case: Judged) -> str:
        return _answer(case, TEXT)


@dataclass(frozen=True)
class WellFormed:
    """A reply in the client's shape that ended as it should; its text does not matter."""

    def problem(self, case: Judged) -> str:
        return _answer(case, None)


@dataclass(frozen=True)
class StreamError:
    """A stream that ends with one error event in the client's shape.

    `done`: the upstream itself told of the error, so the terminator follows. Of a stream that is
    passed on, what came before is what the upstream sent.
    """

    done: bool = False

    def problem(self, case: Judged) -> str:
        seen = case.seen
        if seen.status != 200 or seen.kind != "text/event-stream":
            return "no event stream"
        if case.passed and "content-length" in seen.headers:
            # Of the declared length there may be no room for the event, and never for its end.
            return _passed_error(case) and Cut().problem(case)
        if not seen.complete:
            return "a stream that was cut off"
        if case.passed:
            return _passed_error(case)
        if case.client is Shape.RESPONSES:
            return _responses_error(seen.body)
        return _chunks_error(seen.body, done=self.done)


@dataclass(frozen=True)
class Relayed:
    """What the upstream sent, untouched."""

    def problem(self, case: Judged) -> str:
        seen, script = case.seen, case.script
        if seen.status != script.status:
            return f"another status than the upstream's {script.status}"
        if not seen.complete:
            return "a reply that was cut off"
        return "" if seen.body == script.body else "another body than the upstream's"


@dataclass(frozen=True)
class RelayedEvents:
    """What the upstream sent, without the half of an event that it ends in."""

    def problem(self, case: Judged) -> str:
        seen, script = case.seen, case.script
        if seen.status != script.status or not seen.complete:
            return "another status than the upstream's, or a reply that was cut off"
        whole, end, _ = script.body.rpartition(b"\n\n")
        return "" if seen.body == whole + end else "other events than the upstream's"


@dataclass(frozen=True)
class Cut:
    """A beginning of what the upstream sent, visibly incomplete."""

    def problem(self, case: Judged) -> str:
        seen = case.seen
        if seen.status != case.script.status or seen.complete or seen.late or seen.left:
            return "no reply that was cut off"
        return "" if case.script.body.startswith(seen.body) else "other bytes than the upstream's"


@dataclass(frozen=True)
class Left:
    """Nothing but that the client could leave: what remains is looked at elsewhere."""

    def problem(self, case: Judged) -> str:
        seen = case.seen
        if not seen.left:
            return "a reply that ended"
        return "" if seen.status in (0, 200) else "an error"


@dataclass(frozen=True)
class AnyOf:
    """One of several."""

    outcomes: tuple[Outcome, ...]

    def problem(self, case: Judged) -> str:
        problems = [outcome.problem(case) for outcome in self.outcomes]
        return "" if "" in problems else " and ".join(problems)


def envelope(body: bytes) -> dict[str, Any] | None:
    """Return the inside of OpenAI's error envelope if that is what a body is, with all its keys."""
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    return _error_in(decoded)


def _error_in(event: object) -> dict[str, Any] | None:
    error = event.get("error") if isinstance(event, dict) else None
    if not isinstance(error, dict) or not set(error) >= _KEYS:
        return None
    message = error["message"]
    return error if isinstance(message, str) and message and "Traceback" not in message else None


def _events(body: bytes) -> list[tuple[str, bytes]]:
    """Return a stream's events as (name, data); fails for what clients could stumble over."""
    assert body.endswith(b"\n\n"), "the last event has no end"
    events: list[tuple[str, bytes]] = []
    for block in body[:-2].split(b"\n\n"):
        name, data = "", []
        for line in block.split(b"\n"):
            if line.startswith(b"event: "):
                name = line[7:].decode()
            elif line.startswith(b"data: "):
                data.append(line[6:])
            else:
                assert line.startswith(b":") or not line, f"a line that is none: {line!r}"
        if data:
            events.append((name, b"\n".join(data)))
    return events


def _parsed(body: bytes) -> tuple[list[tuple[str, Any]], bool]:
    """Return a stream's events, decoded, and whether the terminator ended it."""
    events = _events(body)
    done = bool(events) and events[-1][1] == b"[DONE]"
    if done:
        events.pop()
    return [(name, msgspec.json.decode(data)) for name, data in events], done


def _answer(case: Judged, text: str | None) -> str:
    seen = case.seen
    if seen.status != 200 or not seen.complete:
        return "no whole reply with status 200"
    if not case.streamed:
        return _whole_answer(case, text)
    if seen.kind != "text/event-stream":
        return "no event stream"
    try:
        events, done = _parsed(seen.body)
    except (AssertionError, msgspec.DecodeError) as error:
        return f"a malformed stream: {error}"
    if case.client is Shape.RESPONSES:
        return _responses_answer(events, text)
    if not done:
        return "a stream without its end"
    try:
        said, finished = _read_chunks(case.client, [event for _, event in events])
    except (KeyError, TypeError) as error:
        return f"chunks of another shape: {error!r}"
    if finished != 1:
        return f"a stream with {finished} finish reasons"
    return "" if text in (None, said) else f"another text: {said!r}"


def _whole_answer(case: Judged, text: str | None) -> str:
    if case.seen.kind != "application/json":
        return "a reply that is not JSON"
    try:
        reply = msgspec.json.decode(case.seen.body)
        said: object
        if case.client is Shape.RESPONSES:
            parts = [part for item in reply["output"] for part in item.get("content") or []]
            said = "".join(part["text"] for part in parts if part["type"] == "output_text")
        elif case.client is Shape.CHAT:
            said = "".join(choice["message"]["content"] or "" for choice in reply["choices"])
        else:
            said = "".join(choice["text"] for choice in reply["choices"])
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        return f"a reply of another shape: {error!r}"
    return "" if text in (None, said) else f"another text: {said!r}"


def _read_chunks(client: Shape, events: list[Any]) -> tuple[str, int]:
    said, finished = "", 0
    for event in events:
        for choice in event["choices"]:
            text = choice["text"] if client is Shape.COMPLETIONS else choice["delta"].get("content")
            said += text or ""
            finished += choice["finish_reason"] is not None
    return said, finished


def _responses_answer(events: list[tuple[str, Any]], text: str | None) -> str:
    wrong = [name for name, event in events if name != event["type"]]
    if wrong:
        return f"events under another name: {wrong}"
    kinds = [name for name, _ in events]
    ends = [kind for kind in kinds if kind in ("response.completed", "response.incomplete")]
    if len(ends) != 1 or kinds[-1] != ends[0] or "error" in kinds:
        return f"a stream with these ends: {ends}"
    deltas = [event["delta"] for name, event in events if name == "response.output_text.delta"]
    said = "".join(deltas)
    return "" if text in (None, said) else f"another text: {said!r}"


def _chunks_error(body: bytes, *, done: bool) -> str:
    try:
        events, ended = _parsed(body)
    except (AssertionError, msgspec.DecodeError) as error:
        return f"a malformed stream: {error}"
    errors = [event for _, event in events if "error" in event]
    if len(errors) != 1 or not events or _error_in(events[-1][1]) is None:
        return "a stream that does not end with one error"
    if ended != done:
        return "an error with [DONE]" if ended else "an error without [DONE]"
    return ""


def _responses_error(body: bytes) -> str:
    try:
        events, _ = _parsed(body)
    except (AssertionError, msgspec.DecodeError) as error:
        return f"a malformed stream: {error}"
    kinds = [name for name, _ in events]
    if [name for name, event in events if name != event["type"]]:
        return f"events under another name: {kinds}"
    if "response.completed" in kinds or kinds.count("error") != 1:
        return f"not one error: {kinds}"
    if kinds[-1] not in ("error", "response.failed"):
        return "a stream that goes on after its error"
    reported_error = dict(events)["error"]
    return "" if reported_error.get("message") else "an error without a message"


def _passed_error(case: Judged) -> str:
    """Look at the end of a stream that was passed on, and at what comes before it."""
    before, _, last = case.seen.body.removesuffix(b"\n\n").rpartition(b"\n\n")
    if not case.script.body.startswith(before.rstrip(b"\r\n")):
        return "other bytes than the upstream's before the error"
    try:
        ((name, data),) = _events(last.lstrip(b"\r\n") + b"\n\n")
        event = msgspec.json.decode(data)
    except (AssertionError, ValueError) as error:
        return f"a stream that does not end with an error: {error!r}"
    if case.client is Shape.RESPONSES:
        typed = name == event.get("type") and name in ("error", "response.failed")
        return "" if typed else "an error that is not a responses event"
    return "" if _error_in(event) is not None else "a stream that does not end with an error"
