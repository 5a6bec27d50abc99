"""Event streams that break off, end too early or late, say nothing, or report an error.

They come whatever was asked for: to a plain request too.
"""

from dataclasses import replace
from typing import cast

from tests.faults.fault import Ends, Fault
from tests.faults.outcomes import AnyOf, Good, HttpError, Outcome, RelayedEvents, StreamError
from tests.faults.payloads import DONE, chunk_objects, dumped, events, whole
from tests.faults.script import (
    Asked,
    Close,
    Pause,
    Repeat,
    Reset,
    Script,
    Stall,
    Step,
    chunk,
    stream,
)
from tests.faults.stream_scripts import (
    Events,
    error_event,
    failed_event,
    fault,
    of,
    reported_then,
    until,
)

_POINTS = {
    "opened": (Ends.BROKEN_EARLY, Ends.STALLED_EARLY, Ends.BAD_EARLY),
    "text": (Ends.BROKEN_LATER, Ends.STALLED_LATER, Ends.BAD_LATER),
    "unfinished": (Ends.BROKEN_LATER, Ends.STALLED_LATER, Ends.BAD_LATER),
}
_HALF = b'data: {"id":"x-1","choi'
_ENDS: tuple[tuple[str, int, tuple[bytes, ...], tuple[Step, ...]], ...] = (
    ("close", 0, (), (Close(),)),
    ("reset", 0, (), (Reset(),)),
    ("stall", 1, (), (Stall(),)),
    ("half-close", 0, (_HALF,), (Close(),)),
    ("half-reset", 0, (_HALF,), (Reset(),)),
    ("half-stall", 1, (_HALF,), (Stall(),)),
    ("bad-chunk", 0, (), (Pause(0.3), b"xyz\r\n")),
    ("end", 2, (), ()),
    ("half-end", 2, (_HALF,), ()),
    ("done", 2, (DONE,), ()),
    ("not-json", 2, (b"data: {'a': 1}\n\n",), ()),
    ("cut-json", 2, (_HALF + b"\n\n",), ()),
    ("null", 2, (b"data: null\n\n",), ()),
    ("true", 2, (b"data: true\n\n",), ()),
    ("list", 2, (b"data: [1, 2]\n\n",), ()),
    ("number", 2, (b"data: 42\n\n",), ()),
    ("nan", 2, (b'data: {"x":NaN}\n\n',), ()),
    ("not-utf-8", 2, (b'data: {"x":"\xc3\x28"}\n\n',), ()),
    ("deep", 2, (b'data: {"choices":' + b"[" * 50_000 + b"\n\n",), ()),
    ("html", 2, (b"<html>504 Gateway Time-out</html>\n\n",), ()),
)


def _endings() -> list[Fault]:
    """Return each way to end at each point of a stream before its finish."""
    return [
        fault(f"stream-{point}-{name}", kinds[kind], until(point, *more), *after)
        for point, kinds in _POINTS.items()
        for name, kind, more, after in _ENDS
    ]


# All of the answer is there, and at a responses endpoint its last event too. Elsewhere `[DONE]` may
# still follow, so that what comes first may count as well.
_IN_DOUBT = AnyOf((Good(), StreamError()))
_AFTER_FINISH: dict[tuple[str, str], Outcome] = {
    ("completions-chat", "streamed"): _IN_DOUBT,
    ("responses-chat", "streamed"): _IN_DOUBT,
    ("chat-completions", "streamed"): _IN_DOUBT,
}
# Folded, such a stream is not over before its terminator.
_CUT_AFTER_FINISH: dict[tuple[str, str], Outcome] = {
    (flow, "plain"): HttpError((502, 504)) for flow, _ in _AFTER_FINISH
}


def _after_finish(
    name: str, more: tuple[bytes, ...], *after: Step, passed: Outcome | None = None
) -> Fault:
    but = {**_AFTER_FINISH, **(_CUT_AFTER_FINISH if after else {})}
    return Fault(
        f"stream-finished-{name}",
        Ends.CUT_AFTER_THE_END if after else Ends.FINE,
        of(until("finished", *more), *after),
        streams=True,
        but=but if passed is None else {**but, ("passed", ""): passed},
    )


def _done_then_comments(asked: Asked) -> Script:
    comment, times = b": x\n\n", 20
    script = stream(events(asked.home), Repeat(chunk(comment), 0.1, times), Close())
    return replace(script, body=script.body + comment * times)


def _late(name: str, ends: Ends, more: Events, *after: Step, done: bool = False) -> Fault:
    """Return a fault that comes after the gateway has begun the client's stream by itself.

    Comments come for as long as that takes.
    """

    def play(asked: Asked) -> Script:
        pieces = more(asked.home)
        comment, times = b": still thinking\n\n", 12
        (raw,) = stream(pieces, *after).steps[:1]
        start, _, sent = cast("bytes", raw).partition(b"\r\n\r\n")
        steps = (Repeat(chunk(comment), 0.6, times), *([sent] if sent else []), *after)
        return Script((start + b"\r\n\r\n", *steps), 200, comment * times + b"".join(pieces), True)

    outcome: Outcome = Good() if ends is Ends.FINE else StreamError(done=done)
    return Fault(
        f"late-{name}",
        ends,
        play,
        streams=True,
        but={("translated", "streamed"): outcome},
    )


STREAMS = (
    *_endings(),
    _after_finish("end", ()),
    _after_finish("close", (), Close()),
    _after_finish("reset", (), Reset()),
    _after_finish("stall", (), Stall()),
    _after_finish("half-event", (_HALF,), passed=AnyOf((StreamError(), RelayedEvents()))),
    _after_finish("half-event-close", (_HALF,), Close()),
    _after_finish("not-json", (b"data: oops\n\n",)),
    _after_finish("bad-chunk", (), Pause(0.3), b"xyz\r\n"),
    Fault(
        "stream-finished-error",
        Ends.FINE,
        of(lambda home: [*events(home, until="finished"), error_event(home)]),
        streams=True,
        but={
            **{key: AnyOf((Good(), StreamError(done=True))) for key in _AFTER_FINISH},
            ("translated", "plain"): AnyOf((Good(), HttpError((502,)))),
        },
    ),
    fault("stream-done-close", Ends.CUT_AFTER_THE_END, events, Close()),
    fault("stream-done-stall", Ends.CUT_AFTER_THE_END, events, Stall()),
    fault("stream-done-reset", Ends.CUT_AFTER_THE_END, events, Reset()),
    Fault("stream-done-comments", Ends.CUT_AFTER_THE_END, _done_then_comments, streams=True),
    fault("stream-done-twice", Ends.FINE, lambda home: [*events(home), DONE, DONE]),
    fault("stream-done-then-events", Ends.FINE, lambda home: [*events(home), *events(home)]),
    fault("stream-done-then-error", Ends.FINE, lambda home: [*events(home), error_event(home)]),
    fault(
        "stream-done-then-garbage",
        Ends.FINE,
        lambda home: [*events(home), b"\xff\x00 oops\n\ndata: {\n\n"],
    ),
    fault("stream-empty", Ends.NO_ANSWER, lambda _: []),
    fault("stream-only-done", Ends.NO_ANSWER, lambda _: [DONE]),
    fault("stream-only-comments", Ends.NO_ANSWER, lambda _: [b": a\n\n", b": b\n\n"]),
    fault("stream-only-blank", Ends.NO_ANSWER, lambda _: [b"\n\n\n\r\n\r\n"]),
    fault(
        "stream-only-fields", Ends.NO_ANSWER, lambda _: [b"id: 1\nretry: 5\n\n", b"event: x\n\n"]
    ),
    fault("stream-only-empty-data", Ends.NO_ANSWER, lambda _: [b"data:\n\n", b"data: \n\n"]),
    fault(
        "stream-only-usage",
        Ends.NO_ANSWER,
        lambda _: [b'data: {"id":"x","choices":[],"usage":{"total_tokens":1}}\n\n', DONE],
    ),
    fault("stream-json-unframed", Ends.FINE, lambda home: [dumped(whole(home))]),
    fault(
        "stream-json-lines",
        Ends.NO_ANSWER,
        lambda home: [dumped(e) + b"\n" for e in chunk_objects(home)["text"]],
    ),
    fault(
        "stream-whole-as-event",
        Ends.LAX,
        lambda home: [b"data: " + dumped(whole(home)) + b"\n\n", DONE],
    ),
    fault(
        "stream-html", Ends.NO_ANSWER, lambda _: [b"<html><title>502 Bad Gateway</title></html>\n"]
    ),
    fault("error-first", Ends.REPORTED, lambda home: [error_event(home)]),
    fault("error-first-done", Ends.REPORTED, lambda home: [error_event(home), DONE]),
    reported_then("error-first-stall", Ends.REPORTED, lambda home: [error_event(home)], Stall()),
    fault("error-first-string", Ends.REPORTED, lambda _: [b'data: {"error":"no luck"}\n\n']),
    fault(
        "error-first-typed",
        Ends.REPORTED,
        lambda _: [b'event: error\ndata: {"type":"error","message":"no luck","code":null}\n\n'],
    ),
    fault(
        "error-first-flat",
        Ends.REPORTED,
        lambda _: [b'data: {"object":"error","message":"no luck","code":400}\n\n'],
    ),
    fault(
        "error-first-rate",
        Ends.REPORTED,
        lambda _: [b'data: {"error":{"message":"no luck","code":429}}\n\n'],
    ),
    fault("error-after-comment", Ends.REPORTED, lambda home: [b": wait\n\n", error_event(home)]),
    fault("failed-first", Ends.REPORTED, lambda home: [failed_event(home)]),
    fault(
        "error-middle",
        Ends.REPORTED_LATER,
        lambda home: [*events(home, until="text"), error_event(home)],
    ),
    fault(
        "error-middle-done",
        Ends.REPORTED_LATER,
        lambda home: [*events(home, until="text"), error_event(home), DONE],
    ),
    reported_then(
        "error-middle-stall",
        Ends.REPORTED_LATER,
        lambda home: [*events(home, until="text"), error_event(home)],
        Stall(),
    ),
    reported_then(
        "error-middle-close",
        Ends.REPORTED_LATER,
        lambda home: [*events(home, until="text"), error_event(home)],
        Close(),
    ),
    fault(
        "error-middle-goes-on",
        Ends.REPORTED_LATER,
        lambda home: [*events(home, until="text"), error_event(home), *events(home)],
    ),
    fault(
        "error-middle-string", Ends.REPORTED_LATER, until("text", b'data: {"error":"no luck"}\n\n')
    ),
    fault(
        "error-unfinished",
        Ends.REPORTED_LATER,
        lambda home: [*events(home, until="unfinished"), error_event(home)],
    ),
    fault(
        "failed-middle",
        Ends.REPORTED_LATER,
        lambda home: [*events(home, until="text"), failed_event(home)],
    ),
    _late("good", Ends.FINE, events),
    _late("error", Ends.REPORTED_LATER, lambda home: [error_event(home)], done=True),
    _late("failed", Ends.REPORTED_LATER, lambda home: [failed_event(home)], done=True),
    _late("not-json", Ends.BAD_LATER, lambda _: [b"data: oops\n\n"]),
    _late("done", Ends.BAD_LATER, lambda _: [DONE]),
    _late("close", Ends.BROKEN_LATER, lambda _: [], Close()),
    _late("reset", Ends.BROKEN_LATER, lambda _: [], Reset()),
    _late("stall", Ends.STALLED_LATER, lambda _: [], Stall()),
    _late("bad-chunk", Ends.BROKEN_LATER, lambda _: [], b"xyz\r\n"),
    _late("end", Ends.BAD_LATER, lambda _: []),
)
