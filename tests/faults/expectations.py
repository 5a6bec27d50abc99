"""What a client must see: by how a fault ends, where its model lives, and how it wants the reply.

The rules are those of docs/operations.md and docs/translation/. At the model's own endpoint the
upstream's bytes are relayed, streams unparsed, and only what breaks off is told: with a status
where nothing has been said. Elsewhere all that is no answer becomes an error: a plain one before
the client's first event, an event after it, followed by the terminator only where the upstream
itself told of it.
"""

from dataclasses import dataclass

import msgspec

from gateway.shapes import Json, Shape
from tests.faults.fault import Ends, Fault
from tests.faults.outcomes import (
    AnyOf,
    Cut,
    Good,
    HttpError,
    Left,
    Outcome,
    Relayed,
    RelayedEvents,
    StreamError,
    WellFormed,
)
from tests.faults.script import Asked, Pause, Repeat, Reset, Script, Stall


@dataclass(frozen=True)
class Flow:
    """Which endpoint the client calls, and where the model lives."""

    name: str
    client: Shape
    home: Shape

    @property
    def passed(self) -> bool:
        return self.client is self.home


FLOWS = (
    Flow("passed-chat", Shape.CHAT, Shape.CHAT),
    Flow("passed-responses", Shape.RESPONSES, Shape.RESPONSES),
    Flow("completions-chat", Shape.COMPLETIONS, Shape.CHAT),
    Flow("chat-responses", Shape.CHAT, Shape.RESPONSES),
    Flow("responses-chat", Shape.RESPONSES, Shape.CHAT),
    Flow("chat-completions", Shape.CHAT, Shape.COMPLETIONS),
)
DELIVERIES = ("plain", "streamed")


@dataclass(frozen=True)
class Case:
    """One exchange."""

    fault: Fault
    flow: Flow
    delivery: str

    @property
    def name(self) -> str:
        return f"{self.fault.name}/{self.flow.name}/{self.delivery}"

    @property
    def model(self) -> str:
        """A name of its own for each fault, so that nothing learned from one helps another."""
        return f"{self.fault.upstream}.{self.flow.home}.{self.fault.name}"

    @property
    def streamed(self) -> bool:
        return self.delivery == "streamed"

    @property
    def script(self) -> Script:
        return self.fault.script(Asked(self.flow.home, self.streamed))

    @property
    def waits(self) -> bool:
        """Whether most of its time passes in silence, or before there is a connection."""
        silent = any(
            isinstance(step, Pause | Reset | Stall) or (isinstance(step, Repeat) and step.pause)
            for step in self.script.steps
        )
        return silent or self.fault.upstream != "scripted"

    @property
    def is_timed(self) -> bool:
        """Whether a timeout ends it: one of its steps may be where nobody waits for it any more."""
        return self.fault.ends is Ends.SILENT or (
            self.fault.ends is not Ends.UNANSWERED
            and any(
                isinstance(step, Stall) or (isinstance(step, Repeat) and step.pause)
                for step in self.script.steps
            )
        )


BAD_GATEWAY = HttpError((502,))
TIMEOUT = HttpError((504,))
STATUSES = {422: 400, 501: 400, 409: 429, 503: 503, 504: 504, 529: 529}
"""As which a translated error's status reaches the client, where it is not what it was, or 502."""


def expected(case: Case) -> Outcome:
    """Return what the client must see."""
    but, side = case.fault.but, "passed" if case.flow.passed else "translated"
    for key in ((case.flow.name, case.delivery), (case.flow.name, "")):
        if key in but:
            return but[key]
    for key in ((side, case.delivery), (side, "")):
        if key in but:
            return but[key]
    if case.fault.ends in EVERYWHERE:
        return EVERYWHERE[case.fault.ends]
    if case.flow.passed:
        return _passed(case.fault.ends, case.script)
    if case.fault.streams and not case.streamed:
        return _folded(case.fault.ends)
    return _translated(case.fault.ends, case.script, streamed=case.streamed)


EVERYWHERE: dict[Ends, Outcome] = {
    Ends.UNREACHABLE: HttpError((502,), "upstream_unavailable"),
    Ends.UNANSWERED: BAD_GATEWAY,
    Ends.SILENT: HttpError((504,), "upstream_timeout"),
    Ends.ENDLESS: Left(),
}
_BROKEN = {Ends.BROKEN, Ends.BROKEN_EARLY, Ends.BROKEN_LATER}
_STALLED = {Ends.STALLED, Ends.STALLED_EARLY, Ends.STALLED_LATER}


def _passed(ends: Ends, script: Script) -> Outcome:
    if ends is Ends.REFUSED_BROKEN:
        return BAD_GATEWAY
    if ends is Ends.REFUSED_STALLED:
        return HttpError((502, 504))
    if ends is Ends.CUT_AFTER_THE_END:
        # After a terminator what is half an event is thrown away.
        return AnyOf(
            (StreamError(), Relayed(), RelayedEvents())
            if script.sse
            else (HttpError((502, 504)), Cut())
        )
    if ends not in _BROKEN | _STALLED:
        return StreamError() if script.sse and _lacks_its_end(script) else Relayed()
    if ends in (Ends.BROKEN, Ends.STALLED):
        return TIMEOUT if ends is Ends.STALLED else BAD_GATEWAY
    if script.sse:
        return StreamError()
    return AnyOf((TIMEOUT if ends in _STALLED else BAD_GATEWAY, Cut()))


_FIELDS = (b"data:", b":", b"event:", b"id:", b"retry:")
_TERMINAL = ("response.completed", "response.failed", "response.incomplete", "error")


def _lacks_its_end(script: Script) -> bool:
    """Whether more had to follow in a stream that ends in good order, and can be added to."""
    lines = [line for line in script.body.splitlines() if line]
    data = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    head = script.steps[0] if isinstance(script.steps[0], bytes) else b""
    if b"content-length" in head.partition(b"\r\n\r\n")[0]:
        return False
    if not any(data):
        return all(line.startswith(_FIELDS) for line in lines)
    seen = [event for each in data for event in _decoded(each)]
    begun = any(event.get("choices") or "response." in str(event.get("type")) for event in seen)
    return begun and b"[DONE]" not in data and not any(map(_ends, seen))


def _decoded(data: bytes) -> list[Json]:
    try:
        event = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return []
    return [event] if isinstance(event, dict) else []


def _ends(event: Json) -> bool:
    choices = event.get("choices") or ()
    finished = any(isinstance(each, dict) and each.get("finish_reason") for each in choices)
    return finished or bool(event.get("error")) or event.get("type") in _TERMINAL


def _folded(ends: Ends) -> Outcome:
    """Return what is seen of an event stream in reply to a plain request."""
    if ends in (Ends.FINE, Ends.CUT_AFTER_THE_END):
        return Good()
    if ends is Ends.LAX:
        return AnyOf((WellFormed(), BAD_GATEWAY))
    if ends in (Ends.REPORTED, Ends.REPORTED_LATER):
        # Whether the stream goes on after the error is not known before its end.
        return HttpError((400, 404, 429, 502, 504, 529))
    return HttpError((502, 504))


def _translated(ends: Ends, script: Script, *, streamed: bool) -> Outcome:
    in_events = streamed and script.sse
    if ends is Ends.FINE:
        return Good()
    if ends is Ends.CUT_AFTER_THE_END:
        return Good() if in_events else HttpError((502, 504))
    if ends is Ends.LAX:
        return AnyOf((WellFormed(), BAD_GATEWAY, StreamError()))
    if ends is Ends.REPORTED:
        return HttpError((400, 404, 429, 502, 529))
    if ends is Ends.REPORTED_LATER:
        return StreamError(done=True) if in_events else BAD_GATEWAY
    if ends in (Ends.REFUSED, Ends.REFUSED_BROKEN, Ends.REFUSED_STALLED):
        return _refused(ends, script.status)
    error = TIMEOUT if ends in _STALLED else BAD_GATEWAY
    if in_events and ends in (Ends.BROKEN_LATER, Ends.STALLED_LATER, Ends.BAD_LATER):
        return StreamError()
    if in_events and ends in (Ends.BROKEN_EARLY, Ends.STALLED_EARLY, Ends.BAD_EARLY):
        return AnyOf((error, StreamError()))
    return error


def _refused(ends: Ends, status: int) -> Outcome:
    known = STATUSES.get(status, status if 400 <= status < 500 else 502)
    if ends is Ends.REFUSED_BROKEN:
        return HttpError((known, 502))
    if ends is Ends.REFUSED_STALLED:
        return HttpError((known, 502, 504))
    return HttpError((known,))
