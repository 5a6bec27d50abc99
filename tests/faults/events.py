"""Event streams that are framed as they should and say things in an odd way, or go on forever.

They come whatever was asked for: to a plain request too.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

from gateway.shapes import Json, Shape
from tests.faults.fault import Ends, Fault
from tests.faults.outcomes import AnyOf, Good, Outcome, StreamError
from tests.faults.payloads import (
    EVENT_PLACES,
    MISSING,
    chunk_objects,
    events,
    framed,
    piece,
    put,
    whole,
)
from tests.faults.script import LAST_CHUNK, Repeat, Script, chunk, stream
from tests.faults.stream_scripts import Events, ended, fault, of


def mapped(change: Callable[[bytes], bytes]) -> Events:
    """Return a good stream with its bytes changed, in one piece."""
    return lambda home: [change(b"".join(events(home)))]


def each(change: Callable[[bytes], bytes]) -> Events:
    """Return a good stream with each of its events changed."""
    return lambda home: [change(event) for event in events(home)]


def _changed(place: str, value: object, home: Shape) -> list[bytes]:
    """Return a stream one of whose texts has another value at a place."""
    phases = chunk_objects(home)
    texts = phases["text"]
    texts[2] = put(texts[2], EVENT_PLACES[home][place], value)
    chosen = [*phases["opening"], *texts, *phases["closing"], *phases["finish"]]
    return [*(framed(home, event) for event in chosen), ended(home)]


_VALUES = {"missing": MISSING, "null": None, "number": 7, "list": [], "object": {}, "true": True}


def _odd_values() -> list[Fault]:
    return [
        Fault(
            f"event-{place}-{name}",
            Ends.LAX,
            of(partial(_changed, place, value)),
            streams=True,
        )
        for place in ("list", "item", "holder", "text")
        for name, value in _VALUES.items()
        if (place, name) != ("item", "missing")
    ]


def _extra(home: Shape, event: Json) -> list[bytes]:
    """Return a good stream with one more event in the middle."""
    good = events(home)
    return [*good[:-3], framed(home, event), *good[-3:]]


def _without(home: Shape, *phases: str) -> list[bytes]:
    """Return a stream without some of its phases."""
    kept = [e for phase, some in chunk_objects(home).items() if phase not in phases for e in some]
    return [*(framed(home, event) for event in kept), ended(home)]


def _incomplete(home: Shape) -> list[bytes]:
    """Return a stream that ends for its length."""
    phases = chunk_objects(home)
    last: Json = piece(home, None, finish="length")
    if home is Shape.RESPONSES:
        details = {"reason": "max_output_tokens"}
        response = {**whole(home), "status": "incomplete", "incomplete_details": details}
        last = {"type": "response.incomplete", "response": response}
    chosen = [*phases["opening"], *phases["text"], *phases["closing"], last]
    return [*(framed(home, event) for event in chosen), ended(home)]


def _other_index(home: Shape) -> Json:
    event = piece(Shape.CHAT if home is Shape.RESPONSES else home, " seven", index=7)
    return {**event, "type": "response.x"} if home is Shape.RESPONSES else event


def _by_bytes(home: Shape) -> list[bytes]:
    body = b"".join(events(home))
    return [body[at : at + 1] for at in range(len(body))]


def _multi_line(event: bytes) -> bytes:
    """Return an event whose JSON is spread over lines."""
    if b"[DONE]" in event:
        return event
    return event.replace(b",", b",\ndata: ", 1) if event.startswith(b"data") else event


@cache
def _too_large() -> Script:
    """34 MB: the same for all that ask."""
    piece, times = b"x" * (1 << 18), 4 * 33
    script = stream([b"data: "], Repeat(chunk(piece), times=times), LAST_CHUNK)
    return replace(script, body=script.body + piece * times)


_LAX_DONE: dict[tuple[str, str], Outcome] = {
    ("translated", "streamed"): AnyOf((Good(), StreamError()))
}

EVENTS = (
    *_odd_values(),
    fault("incomplete", Ends.FINE, _incomplete),
    fault("lines-crlf", Ends.FINE, mapped(lambda raw: raw.replace(b"\n", b"\r\n"))),
    fault("lines-cr", Ends.FINE, mapped(lambda raw: raw.replace(b"\n", b"\r"))),
    fault(
        "lines-crlf-split",
        Ends.FINE,
        lambda home: [
            b[i : i + 1]
            for b in [b"".join(events(home)).replace(b"\n", b"\r\n")]
            for i in range(len(b))
        ],
    ),
    fault(
        "lines-mixed",
        Ends.FINE,
        lambda home: [
            e.replace(b"\n", (b"\r", b"\r\n", b"\n")[i % 3]) for i, e in enumerate(events(home))
        ],
    ),
    fault("bom", Ends.FINE, mapped(lambda raw: b"\xef\xbb\xbf" + raw)),
    fault("no-space", Ends.FINE, mapped(lambda raw: raw.replace(b"data: ", b"data:"))),
    fault("two-spaces", Ends.FINE, mapped(lambda raw: raw.replace(b"data: {", b"data:  {"))),
    fault("split-into-bytes", Ends.FINE, _by_bytes),
    fault("one-piece", Ends.FINE, mapped(lambda raw: raw)),
    fault("no-last-blank-line", Ends.FINE, mapped(lambda raw: raw.rstrip(b"\n"))),
    fault("blank-lines-between", Ends.FINE, each(lambda event: event + b"\n\n\n")),
    fault(
        "comments-between", Ends.FINE, each(lambda event: b": OPENROUTER PROCESSING\n\n" + event)
    ),
    fault("comments-inside", Ends.FINE, each(lambda event: b": ping\n" + event)),
    fault("fields-between", Ends.FINE, each(lambda event: b"id: 5\nretry: 9\nx: y\nz\n" + event)),
    fault("multi-line-data", Ends.FINE, each(_multi_line)),
    fault(
        "other-names",
        Ends.FINE,
        each(lambda e: e if e.startswith(b"event") else b"event: message\n" + e),
    ),
    fault("pings", Ends.LAX, lambda home: _extra(home, {"type": "ping"})),
    fault(
        "empty-choices", Ends.LAX, lambda home: _extra(home, {"type": "response.x", "choices": []})
    ),
    fault("empty-object", Ends.LAX, lambda home: _extra(home, {})),
    fault(
        "usage-between",
        Ends.FINE,
        lambda home: _extra(
            home, {"type": "response.x", "choices": [], "usage": {"total_tokens": 1}}
        ),
    ),
    fault("other-index", Ends.LAX, lambda home: _extra(home, _other_index(home))),
    fault(
        "other-shape",
        Ends.NO_ANSWER,
        lambda home: events(Shape.CHAT if home is Shape.RESPONSES else Shape.RESPONSES),
    ),
    fault("no-opening", Ends.LAX, lambda home: _without(home, "opening")),
    fault("no-text", Ends.LAX, lambda home: _without(home, "text")),
    fault("no-closing", Ends.FINE, lambda home: _without(home, "closing")),
    fault("no-finish", Ends.BAD_LATER, lambda home: _without(home, "finish")),
    fault("only-the-finish", Ends.LAX, lambda home: _without(home, "opening", "text", "closing")),
    fault("opening-twice", Ends.LAX, lambda home: [*events(home, until="opened"), *events(home)]),
    fault(
        "everything-twice",
        Ends.LAX,
        lambda home: [*events(home, until="unfinished"), *events(home)],
    ),
    fault(
        "backwards",
        Ends.LAX,
        lambda home: [*reversed(events(home, until="finished")), ended(home)],
    ),
    fault(
        "finish-first", Ends.LAX, lambda home: [*events(home, until="finished")[-1:], *events(home)]
    ),
    fault(
        "done-with-blanks",
        Ends.FINE,
        lambda home: [*events(home, until="finished"), b"data:  [DONE] \n\n"],
    ),
    fault("null-between", Ends.FINE, each(lambda event: b"data: null\n\n" + event)),
    fault("empty-list-between", Ends.FINE, each(lambda event: event + b"data: [] \n\n")),
    Fault(
        "done-lower-case",
        Ends.FINE,
        of(lambda home: [*events(home, until="finished"), b"data: [done]\n\n"]),
        streams=True,
        but=_LAX_DONE,
    ),
    Fault(
        "done-named",
        Ends.FINE,
        of(lambda home: [*events(home, until="finished"), b"event: done\ndata: [DONE]\n\n"]),
        streams=True,
    ),
    *(
        Fault(f"stream-labelled-{name}", Ends.FINE, of(events, kind=kind))
        for name, kind in (("json", "application/json"), ("text", "text/plain"), ("none", ""))
    ),
    Fault(
        "stream-labelled-upper-case",
        Ends.FINE,
        of(events, kind="TEXT/EVENT-STREAM; CHARSET=UTF-8"),
        streams=True,
    ),
    Fault(
        "event-of-1-mb",
        Ends.FINE,
        of(
            lambda home: [
                b": x\n\n",
                *_extra(home, {"type": "response.x", "choices": [], "x": "y" * 1_000_000}),
            ]
        ),
        streams=True,
    ),
    Fault(
        "event-too-large",
        Ends.NO_ANSWER,
        lambda _: _too_large(),
        streams=True,
        heavy=True,
    ),
    Fault(
        "comments-endless",
        Ends.ENDLESS,
        of(lambda _: [], Repeat(chunk(b": wait\n\n"), 0.1)),
        streams=True,
    ),
    Fault(
        "text-endless",
        Ends.ENDLESS,
        lambda asked: stream(
            events(asked.home, until="text"),
            Repeat(chunk(framed(asked.home, chunk_objects(asked.home)["text"][1])), 0.02),
        ),
        streams=True,
    ),
    Fault(
        "blank-endless",
        Ends.ENDLESS,
        of(lambda _: [], Repeat(chunk(b"\n" * 100), 0.02)),
        streams=True,
    ),
)
