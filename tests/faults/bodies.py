"""Faults in the framing and the delivery of a body: JSON for plain requests, events for others."""

from collections.abc import Callable, Sequence

from tests.faults.fault import Ends, Fault
from tests.faults.outcomes import AnyOf, Good, HttpError, Relayed
from tests.faults.payloads import dumped, events, whole
from tests.faults.script import (
    JSON,
    LAST_CHUNK,
    SSE,
    Asked,
    Close,
    Pause,
    Repeat,
    Reset,
    Script,
    Scripted,
    Stall,
    Step,
    chunk,
    head,
)

Pieces = Sequence[bytes]


def _pieces(asked: Asked) -> list[bytes]:
    """Return a good body in pieces, the first half of which has text."""
    if asked.streamed:
        return events(asked.home)
    body = dumped(whole(asked.home))
    return [body[at : at + 40] for at in range(0, len(body), 40)]


def _half(asked: Asked) -> list[bytes]:
    if asked.streamed:
        return events(asked.home, until="text")
    pieces = _pieces(asked)
    return pieces[: len(pieces) // 2]


def _of(
    framing: str,
    choose: Callable[[Asked], list[bytes]],
    write: Callable[[Pieces], Sequence[Step]],
    *,
    sent: Callable[[bytes], bytes] = lambda body: body,
) -> Scripted:
    """Return a script: a head with this framing, then what `write` makes of the pieces.

    `{}` in the framing is the body's length; `sent` is what a client gets of it in the end.
    """

    def play(asked: Asked) -> Script:
        pieces = choose(asked)
        body = b"".join(pieces)
        field = framing.format(len(b"".join(_pieces(asked))))
        start = head(*([field] if field else []), kind=SSE if asked.streamed else JSON)
        steps = tuple(write(pieces))
        if steps and isinstance(steps[0], bytes):
            # In one write: what is too much must not be taken for the next reply.
            steps = (start + steps[0], *steps[1:])
        else:
            steps = (start, *steps)
        return Script(steps, 200, sent(body), asked.streamed)

    return play


def _nothing(_: Asked) -> list[bytes]:
    return []


def _joined(pieces: Pieces) -> bytes:
    return b"".join(pieces)


def _chunks(pieces: Pieces) -> bytes:
    return b"".join([chunk(piece) for piece in pieces])


LENGTH, CHUNKED, UNTIL_CLOSE = "content-length: {}", "transfer-encoding: chunked", ""
_FRAMINGS: dict[str, tuple[str, Callable[[Pieces], bytes]]] = {
    "length": (LENGTH, _joined),
    "chunked": (CHUNKED, _chunks),
}


def _ended_at(where: str, choose: Callable[[Asked], list[bytes]]) -> list[Fault]:
    """Return what ends, by kind, a body of each framing at one place."""
    ends = {"nothing": (Ends.BROKEN, Ends.STALLED), "half": (Ends.BROKEN_LATER, Ends.STALLED_LATER)}
    broken, stalled = ends[where]
    faults: list[Fault] = []
    for name, (field, frame) in _FRAMINGS.items():
        for kind, step in (("close", Close()), ("reset", Reset()), ("stall", Stall())):

            def write(
                pieces: Pieces, frame: Callable[[Pieces], bytes] = frame, step: Step = step
            ) -> Sequence[Step]:
                return (frame(pieces), step)

            end = stalled if kind == "stall" else broken
            faults.append(Fault(f"body-{name}-{where}-{kind}", end, _of(field, choose, write)))
    return faults


def _then(*steps: Step) -> Callable[[Pieces], Sequence[Step]]:
    """Return what writes chunks, and then takes these steps."""
    return lambda pieces: (_chunks(pieces), *steps)


_BAD_CHUNKS = {
    "size-word": b"zz\r\nabc\r\n",
    "size-negative": b"-5\r\nabcde\r\n",
    "size-empty": b"\r\nabc\r\n",
    "size-plus": b"+5\r\nabcde\r\n",
    "size-0x": b"0x5\r\nabcde\r\n",
    "size-overflow": b"fffffffffffffffffff\r\nabc",
    "no-crlf-after": b"5\r\n: abcdefgh\r\n",
    "ext-huge": b"5;a=" + b"x" * 300_000 + b"\r\n: abc\r\n",
    "ext-bad": b"5;a=\x00b\r\n: abc\r\n",
}
_BAD_ENDS = {
    "trailer-bad": b"0\r\nthis is no field\r\n\r\n",
    "trailer-huge": b"0\r\nx-a: " + b"v" * 100_000 + b"\r\n\r\n",
    "trailer-length": b"0\r\ncontent-length: 3, 4\r\n\r\n",
}


def _bad_chunk(where: str, choose: Callable[[Asked], list[bytes]], end: Ends) -> list[Fault]:
    return [
        Fault(
            f"chunk-{name}-{where}",
            end,
            _of(
                CHUNKED,
                choose,
                _then(Pause(0.3), bad),
                sent=lambda body: body + b": abcdefgh",
            ),
        )
        for name, bad in _BAD_CHUNKS.items()
    ]


def _one_by_one(pieces: Pieces) -> Sequence[Step]:
    body = _joined(pieces)
    return (b"".join([chunk(body[at : at + 1]) for at in range(len(body))]) + LAST_CHUNK,)


def _dripped(pieces: Pieces) -> Sequence[Step]:
    return [step for piece in pieces for step in (chunk(piece), Pause(0.05))] + [LAST_CHUNK]


def _with_sizes(form: bytes) -> Callable[[Pieces], Sequence[Step]]:
    def write(pieces: Pieces) -> Sequence[Step]:
        return (b"".join([form % len(p) + b"\r\n" + p + b"\r\n" for p in pieces]) + LAST_CHUNK,)

    return write


def _finished(asked: Asked) -> list[bytes]:
    """Return all of a body's content, and of a stream its last event too."""
    return _pieces(asked)


_OR_BROKEN = {
    ("passed", "plain"): AnyOf((Relayed(), HttpError((502,)))),
    ("passed", "streamed"): AnyOf((Relayed(), HttpError((502,)))),
    ("translated", "plain"): AnyOf((Good(), HttpError((502,)))),
}
_CUT = Ends.CUT_AFTER_THE_END

BODIES = (
    *_ended_at("nothing", _nothing),
    *_ended_at("half", _half),
    *_bad_chunk("at-once", _nothing, Ends.BROKEN),
    *_bad_chunk("half-way", _half, Ends.BROKEN_LATER),
    *(
        Fault(f"chunk-{name}", _CUT, _of(CHUNKED, _pieces, _then(bad)))
        for name, bad in _BAD_ENDS.items()
    ),
    Fault(
        "chunk-claims-everything",
        Ends.STALLED_LATER,
        _of(CHUNKED, _half, lambda p: (_chunks(p), b"7fffffffffffffff\r\n", Pause(0.2), Stall())),
    ),
    Fault(
        "length-one-too-long",
        _CUT,
        _of("content-length: {}0", _pieces, lambda p: (_joined(p), Close())),
    ),
    Fault(
        "length-too-long-stall",
        _CUT,
        _of("content-length: {}0", _pieces, lambda p: (_joined(p), Stall())),
    ),
    Fault(
        "length-huge",
        _CUT,
        _of("content-length: 9000000000000000000", _pieces, lambda p: (_joined(p), Close())),
    ),
    Fault("chunk-last-missing-close", _CUT, _of(CHUNKED, _pieces, lambda p: (_chunks(p), Close()))),
    Fault("chunk-last-missing-reset", _CUT, _of(CHUNKED, _pieces, lambda p: (_chunks(p), Reset()))),
    Fault("chunk-last-missing-stall", _CUT, _of(CHUNKED, _pieces, lambda p: (_chunks(p), Stall()))),
    Fault(
        "chunk-last-half", _CUT, _of(CHUNKED, _pieces, lambda p: (_chunks(p) + b"0\r\n", Close()))
    ),
    Fault(
        "trailer-stall", _CUT, _of(CHUNKED, _pieces, lambda p: (_chunks(p) + b"0\r\nx-a:", Stall()))
    ),
    Fault("length-zero", Ends.NO_ANSWER, _of("content-length: 0", _nothing, lambda _: ())),
    Fault("chunked-nothing", Ends.NO_ANSWER, _of(CHUNKED, _nothing, lambda _: (LAST_CHUNK,))),
    Fault("until-close-nothing", Ends.NO_ANSWER, _of(UNTIL_CLOSE, _nothing, lambda _: (Close(),))),
    Fault(
        "until-close-half", Ends.BAD_LATER, _of(UNTIL_CLOSE, _half, lambda p: (_joined(p), Close()))
    ),
    Fault(
        "until-close-reset",
        Ends.BROKEN_LATER,
        _of(UNTIL_CLOSE, _half, lambda p: (_joined(p), Reset())),
    ),
    Fault(
        "until-close-stall",
        Ends.STALLED_LATER,
        _of(UNTIL_CLOSE, _half, lambda p: (_joined(p), Stall())),
    ),
    Fault("until-close", Ends.FINE, _of(UNTIL_CLOSE, _pieces, lambda p: (_joined(p), Close()))),
    Fault(
        "body-too-long",
        Ends.FINE,
        _of(LENGTH, _pieces, lambda p: (_joined(p) + b"and more", Close())),
    ),
    Fault(
        "body-a-reply-too-many",
        Ends.FINE,
        _of(LENGTH, _pieces, lambda p: (_joined(p) + head("content-length: 0"), Close())),
    ),
    Fault(
        "chunked-too-long",
        Ends.FINE,
        _of(CHUNKED, _pieces, lambda p: (_chunks(p) + LAST_CHUNK + b"and more", Close())),
    ),
    Fault("chunk-ext", Ends.FINE, _of(CHUNKED, _pieces, _with_sizes(b"%x;name=value"))),
    Fault("chunk-size-upper-case", Ends.FINE, _of(CHUNKED, _pieces, _with_sizes(b"%X"))),
    Fault("chunk-size-zeros", Ends.FINE, _of(CHUNKED, _pieces, _with_sizes(b"0000%x"))),
    Fault(
        "trailer",
        Ends.FINE,
        _of(CHUNKED, _pieces, lambda p: (_chunks(p) + b"0\r\nx-later: yes\r\n\r\n",)),
    ),
    Fault("body-one-byte-chunks", Ends.FINE, _of(CHUNKED, _pieces, _one_by_one)),
    Fault("body-dripped", Ends.FINE, _of(CHUNKED, _pieces, _dripped)),
    Fault(
        "body-with-pauses",
        Ends.FINE,
        _of(LENGTH, _pieces, lambda p: (_joined(p[:2]), Pause(0.5), _joined(p[2:]))),
    ),
    Fault(
        "chunk-lines-of-lf",
        Ends.BROKEN,
        _of(CHUNKED, _pieces, lambda p: (_chunks(p).replace(b"\r\n", b"\n") + b"0\n\n", Close())),
    ),
    Fault(
        "body-endless-drip",
        Ends.ENDLESS,
        _of(CHUNKED, _nothing, lambda _: (Repeat(chunk(b" "), 0.1),)),
    ),
    Fault(
        "body-endless-flood",
        Ends.ENDLESS,
        _of(CHUNKED, _nothing, lambda _: (Repeat(chunk(b":" + b" " * 1000 + b"\n"), 0.001),)),
    ),
)
