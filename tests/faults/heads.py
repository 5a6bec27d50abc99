"""Faults in the head of a reply: cut off, malformed, contradictory, too large."""

from collections.abc import Callable

from tests.faults.fault import Ends, Fault, same
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
)

_CUTS = {
    "in-the-version": b"HTT",
    "after-the-version": b"HTTP/1.1",
    "in-the-status": b"HTTP/1.1 20",
    "after-the-status": b"HTTP/1.1 200 OK",
    "in-a-name": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "in-a-value": b"HTTP/1.1 200 OK\r\ncontent-type: applica",
    "after-a-field": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n",
    "before-the-last-byte": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r",
    "after-an-interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}
_STATUS_LINES = {
    "http2": b"HTTP/2.0 200 OK",
    "http3": b"HTTP/3 200",
    "http0.9": b"HTTP/0.9 200 OK",
    "no-version": b"200 OK",
    "lower-case": b"http/1.1 200 OK",
    "other-protocol": b"ICY 200 OK",
    "status-0": b"HTTP/1.1 0 Zero",
    "status-099": b"HTTP/1.1 099 Low",
    "status-99": b"HTTP/1.1 99 Low",
    "status-20": b"HTTP/1.1 20 Short",
    "status-1000": b"HTTP/1.1 1000 High",
    "status-2000": b"HTTP/1.1 2000 OK",
    "status-word": b"HTTP/1.1 OK",
    "status-negative": b"HTTP/1.1 -200 OK",
    "status-hex": b"HTTP/1.1 0xC8 OK",
    "status-missing": b"HTTP/1.1",
    "version-glued": b"HTTP/1.1200 OK",
    "a-request": b"GET / HTTP/1.1",
    "binary": b"\x00\x01\x02\xff\xfe\xfd",
    "json-without-a-head": b'{"error":{"message":"no"}}',
    "tls-alert": b"\x15\x03\x01\x00\x02\x02\x46",
}
_BAD_FIELDS = {
    "no-colon": b"this is no field",
    "no-name": b": value",
    "space-in-name": b"x field: value",
    "space-before-colon": b"x-field : value",
    "control-in-name": b"x-\x01field: value",
    "nul-in-name": b"x-\x00field: value",
    "nul-in-value": b"x-field: a\x00b",
    "cr-in-value": b"x-field: a\rb: c",
    "lengths-differ": b"content-length: 3\r\ncontent-length: 4",
    "length-list-differs": b"content-length: 3, 4",
    "length-negative": b"content-length: -1",
    "length-plus": b"content-length: +5",
    "length-word": b"content-length: five",
    "length-hex": b"content-length: 0x10",
    "length-overflow": b"content-length: 184467440737095516160",
    "length-of-zeros": b"content-length: " + b"0" * 5000 + b"2",
    "length-and-chunked": b"content-length: 3\r\ntransfer-encoding: chunked",
    "chunked-and-length": b"transfer-encoding: chunked\r\ncontent-length: 3",
    "coding-gzip-chunked": b"transfer-encoding: gzip, chunked",
    "coding-gzip": b"transfer-encoding: gzip",
    "coding-unknown": b"transfer-encoding: xchunked",
    "coding-chunked-last-but-one": b"transfer-encoding: chunked, gzip",
}
_ODD_FIELDS = {
    "empty-value": "x-empty:",
    "latin-1-value": "x-name: caf\xe9",
    "tab-in-value": "x-tab: a\tb",
    "repeated": "x-a: 1\r\nx-a: 2\r\nx-a: 3",
    "upper-case": "X-UPPER: YES",
    "own-header": "x-gateway-upstream: somebody-else",
    "cookie": "set-cookie: a=b",
    "hop-by-hop": "keep-alive: timeout=5\r\nproxy-authenticate: Basic",
    "sixty-fields": "\r\n".join(f"x-{i}: {i}" for i in range(60)),
    "half-the-limit": "x-long: " + "v" * 30_000,
    "trailer-announced": "trailer: x-later",
}
_INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


_HINTS: tuple[Step, ...] = (_INTERIM, Pause(0.1)) * 3


def _same(raw: bytes) -> bytes:
    return raw


def _good(change: Callable[[bytes], bytes] = _same, *before: Step, fields: str = "") -> Scripted:
    """Return a good chunked reply with its head changed."""

    def play(asked: Asked) -> Script:
        kind = SSE if asked.streamed else JSON
        pieces = events(asked.home) if asked.streamed else [dumped(whole(asked.home))]
        lines = ["HTTP/1.1 200 OK", f"content-type: {kind}", "transfer-encoding: chunked"]
        lines += [fields] if fields else []
        raw = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        body = b"".join([chunk(piece) for piece in pieces]) + LAST_CHUNK
        return Script((*before, change(raw) + body), 200, b"".join(pieces), asked.streamed)

    return play


def _unusable(name: str, *steps: Step) -> Fault:
    return Fault(name, Ends.UNANSWERED, same(Script(steps)))


def _silent(name: str, *steps: Step) -> Fault:
    return Fault(name, Ends.SILENT, same(Script((*steps, Stall()))))


def _drip(asked: Asked) -> Script:
    script = _good()(asked)
    (raw,) = script.steps
    assert isinstance(raw, bytes)
    steps: list[Step] = [raw[40:]]
    for position in range(39, -1, -1):
        steps[:0] = [raw[position : position + 1], Pause(0.01)]
    return Script(tuple(steps), 200, script.body, script.sse)


def _line(old: bytes, new: bytes) -> Scripted:
    return _good(lambda raw: raw.replace(old, new, 1))


_EITHER = {
    ("passed", ""): AnyOf((Relayed(), HttpError((502,)))),
    ("translated", ""): AnyOf((Good(), HttpError((502,)))),
}

HEADS = (
    *(_unusable(f"head-close-{name}", sent, Close()) for name, sent in _CUTS.items()),
    *(_unusable(f"head-reset-{name}", sent, Reset()) for name, sent in _CUTS.items()),
    *(_silent(f"head-stall-{name}", sent) for name, sent in _CUTS.items()),
    *(
        _unusable(f"line-{name}", line + b"\r\ncontent-length: 2\r\n\r\n{}")
        for name, line in _STATUS_LINES.items()
    ),
    *(
        _unusable(f"field-{name}", b"HTTP/1.1 200 OK\r\n" + field + b"\r\n\r\n")
        for name, field in _BAD_FIELDS.items()
    ),
    *(
        Fault(f"odd-field-{name}", Ends.FINE, _good(fields=field))
        for name, field in _ODD_FIELDS.items()
    ),
    _unusable("field-folded", b"HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 2\r\n\r\n{}"),
    _unusable("head-one-field-too-long", b"HTTP/1.1 200 OK\r\nx: " + b"v" * 70_000, Stall()),
    _unusable("head-too-many-fields", b"HTTP/1.1 200 OK\r\n" + b"x-a: 1\r\n" * 12_000 + b"\r\n"),
    _unusable("head-endless", b"HTTP/1.1 200 OK\r\n", Repeat(b"x-a: " + b"v" * 1000 + b"\r\n")),
    _unusable("head-endless-line", Repeat(b"HTTP/1.1 200 " + b"O" * 1000)),
    _unusable("interim-flood", Repeat(_INTERIM * 50)),
    _unusable("interim-switching", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
    _unusable("interim-switching-bare", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    _unusable("interim-reset", _INTERIM, Reset()),
    _silent("interim-only", _INTERIM * 3),
    Fault("interim-100", Ends.FINE, _good(_same, b"HTTP/1.1 100 Continue\r\n\r\n")),
    Fault("interim-102-103", Ends.FINE, _good(_same, *_HINTS)),
    Fault("head-late", Ends.FINE, _good(_same, Pause(0.5))),
    Fault("head-drip", Ends.FINE, _drip),
    Fault("line-no-reason", Ends.FINE, _line(b"200 OK", b"200")),
    Fault("line-empty-reason", Ends.FINE, _line(b"200 OK", b"200 ")),
    Fault("line-other-reason", Ends.FINE, _line(b"200 OK", b"200 Not at all OK")),
    Fault("coding-upper-case", Ends.FINE, _line(b": chunked", b": Chunked")),
    Fault("line-blank-before", Ends.FINE, _line(b"HTTP/1.1", b"\r\nHTTP/1.1"), but=_EITHER),
    Fault("line-two-spaces", Ends.FINE, _line(b"1.1 200", b"1.1  200"), but=_EITHER),
    Fault("line-http1.0-chunked", Ends.FINE, _line(b"HTTP/1.1", b"HTTP/1.0"), but=_EITHER),
    Fault("coding-twice", Ends.FINE, _line(b": chunked", b": chunked, chunked"), but=_EITHER),
    Fault(
        "field-control-in-value",
        Ends.FINE,
        _good(fields="x-a: b\x01c"),
        but={
            ("passed", ""): AnyOf((Relayed(), HttpError((502,)))),
            ("translated", ""): AnyOf((Good(), HttpError((502,)))),
        },
    ),
    Fault("lines-of-lf", Ends.FINE, _good(lambda raw: raw.replace(b"\r\n", b"\n")), but=_EITHER),
)
