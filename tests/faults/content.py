"""Replies that are whole, with status 200, and say something else than they should.

A request for a stream gets the same JSON.
"""

import gzip
from collections.abc import Callable

from gateway.shapes import Json, Shape
from tests.faults.fault import Ends, Fault, same
from tests.faults.outcomes import AnyOf, Good, HttpError, StreamError, WellFormed
from tests.faults.payloads import MISSING, dumped, spoiled, whole
from tests.faults.script import Asked, Script, Scripted, reply

_NO_ANSWERS = {
    "empty": b"",
    "blank": b" \r\n\t ",
    "text": b"hello",
    "null": b"null",
    "list": b"[]",
    "list-of-objects": b'[{"choices":[],"output":[]}]',
    "string": b'"text"',
    "number": b"42",
    "true": b"true",
    "object": b"{}",
    "other-object": b'{"object":"list","data":[]}',
    "nested-deeply": b"[" * 100_000,
    "nested-deeply-object": b'{"choices":' * 50_000 + b"1" + b"}" * 50_000,
    "binary": bytes(range(256)),
    "html": b"<html><title>Welcome</title></html>",
    "sse-line": b"data: {}\n\n",
}
_ERRORS = {
    "openai": b'{"error":{"message":"no luck","type":"server_error","param":null,"code":null}}',
    "numeric-code": b'{"error":{"message":"no luck","code":429}}',
    "string": b'{"error":"no luck"}',
    "flat": b'{"object":"error","message":"no luck","type":"x","code":400}',
    "no-message": b'{"error":{"code":1}}',
    "list": b'[{"error":{"message":"no luck","code":400}}]',
    "typed": b'{"type":"error","error":{"type":"overloaded_error","message":"no luck"}}',
    "number": b'{"error":500}',
}
_UNREPORTED = {
    "detail": b'{"detail":"Not Found"}',
    "message": b'{"message":"no Route matched with those values"}',
    "null": b'{"error":null}',
    "status-failed": b'{"status":"failed"}',
    "empty-error": b'{"error":{}}',
}
_VALUES: dict[str, object] = {
    "missing": MISSING,
    "null": None,
    "number": 42,
    "string": "text",
    "list": [],
    "object": {},
    "list-of-null": [None],
    "true": True,
}
_ESSENTIAL = {
    "list": ("missing", "null", "number", "string", "list", "object", "list-of-null", "true"),
    "item": ("number", "string", "list", "object"),
    "holder": ("null", "number", "string", "list", "object", "list-of-null"),
    "text": ("missing", "null", "number", "list", "object", "true"),
    "ending": ("missing", "null", "number", "string", "list", "object"),
}
_NO_LIST = ("missing", "null", "number", "string", "object", "true")
"""Without a list of choices or items there is no reply."""
_UNESSENTIAL = {
    "id": ("missing", "null", "number", "list"),
    "model": ("missing", "null", "number", "list"),
    "usage": ("missing", "null", "number", "string", "list", "object"),
    "object": ("missing", "number"),
}


def _whole(change: Callable[[Shape], Json]) -> Scripted:
    def play(asked: Asked) -> Script:
        return reply(dumped(change(asked.home)))

    return play


def _bytes(
    change: Callable[[bytes], bytes], *fields: str, kind: str = "application/json"
) -> Scripted:
    def play(asked: Asked) -> Script:
        return reply(change(dumped(whole(asked.home))), *fields, kind=kind)

    return play


def _spoiled(place: str, value: object) -> Scripted:
    return _whole(lambda home: spoiled(home, place, value))


def _untouched(raw: bytes) -> bytes:
    return raw


def _essential(place: str, name: str) -> Fault:
    ends = Ends.NO_ANSWER if place == "list" and name in _NO_LIST else Ends.LAX
    return Fault(f"reply-{place}-{name}", ends, _spoiled(place, _VALUES[name]))


_LABELS = {
    "text": "text/plain",
    "html": "text/html; charset=utf-8",
    "none": "",
    "octets": "application/octet-stream",
    "problem": "application/problem+json",
    "upper-case": "APPLICATION/JSON; CHARSET=UTF-8",
}
_LAX = {("translated", ""): AnyOf((WellFormed(), HttpError((502,)), StreamError()))}

CONTENT = (
    *(Fault(f"reply-{n}", Ends.NO_ANSWER, same(reply(body))) for n, body in _NO_ANSWERS.items()),
    *(Fault(f"reply-error-{n}", Ends.REPORTED, same(reply(body))) for n, body in _ERRORS.items()),
    *(
        Fault(f"reply-unreported-{n}", Ends.NO_ANSWER, same(reply(b)))
        for n, b in _UNREPORTED.items()
    ),
    *(_essential(place, name) for place, names in _ESSENTIAL.items() for name in names),
    *(
        Fault(f"reply-{place}-{name}", Ends.FINE, _spoiled(place, _VALUES[name]))
        for place, names in _UNESSENTIAL.items()
        for name in names
    ),
    *(
        Fault(f"reply-labelled-{name}", Ends.FINE, _bytes(_untouched, kind=kind))
        for name, kind in _LABELS.items()
    ),
    Fault("reply-html-page", Ends.NO_ANSWER, same(reply(_NO_ANSWERS["html"], kind="text/html"))),
    Fault("reply-cut-off", Ends.NO_ANSWER, _bytes(lambda raw: raw[:-20])),
    Fault("reply-two-objects", Ends.NO_ANSWER, _bytes(lambda raw: raw + raw)),
    Fault("reply-comma-at-end", Ends.NO_ANSWER, _bytes(lambda raw: raw[:-1] + b",}")),
    Fault("reply-single-quotes", Ends.NO_ANSWER, _bytes(lambda raw: raw.replace(b'"', b"'"))),
    Fault("reply-nan", Ends.FINE, _bytes(lambda raw: b'{"x":NaN,' + raw[1:])),
    Fault("reply-infinity", Ends.FINE, _bytes(lambda raw: b'{"x":-Infinity,' + raw[1:])),
    Fault("reply-not-utf-8", Ends.LAX, _bytes(lambda raw: raw.replace(b"One", b"\xc3\x28"))),
    Fault("reply-utf-16", Ends.NO_ANSWER, _bytes(lambda raw: raw.decode().encode("utf-16"))),
    Fault("reply-utf-8-bom", Ends.FINE, _bytes(lambda raw: b"\xef\xbb\xbf" + raw)),
    Fault("reply-surrogate", Ends.LAX, _bytes(lambda raw: raw.replace(b"One", b"\\ud800"))),
    Fault("reply-big-number", Ends.FINE, _bytes(lambda raw: b'{"x":1e999,' + raw[1:])),
    Fault(
        "reply-nested-beside",
        Ends.LAX,
        _bytes(lambda raw: b'{"x":%b,' % (b"[" * 5000 + b"]" * 5000) + raw[1:]),
    ),
    Fault("reply-blank-around", Ends.FINE, _bytes(lambda raw: b"\r\n  " + raw + b"\n\n")),
    Fault("reply-unknown-fields", Ends.FINE, _bytes(lambda raw: b'{"x":{"y":[1,null]},' + raw[1:])),
    Fault("reply-error-null-beside", Ends.FINE, _bytes(lambda raw: b'{"error":null,' + raw[1:])),
    Fault(
        "reply-error-beside",
        Ends.REPORTED,
        _whole(lambda home: {"error": {"message": "no luck", "code": 429}, **_without_error(home)}),
    ),
    Fault(
        "reply-twice-the-key",
        Ends.LAX,
        _bytes(lambda raw: raw[:-1] + b',"choices":[],"output":[]}'),
    ),
    Fault(
        "reply-escaped",
        Ends.FINE,
        _bytes(lambda raw: raw.replace(b"One", b"\\u004f\\u006e\\u0065")),
    ),
    Fault(
        "reply-gzip",
        Ends.NO_ANSWER,
        _bytes(lambda raw: gzip.compress(raw, mtime=0), "content-encoding: gzip"),
        but={("translated", ""): Good()},
    ),
    Fault("reply-gzip-undeclared", Ends.NO_ANSWER, _bytes(lambda raw: gzip.compress(raw, mtime=0))),
    Fault("reply-gzip-only-declared", Ends.LAX, _bytes(_untouched, "content-encoding: gzip")),
    Fault("reply-identity", Ends.FINE, _bytes(_untouched, "content-encoding: identity")),
    Fault("reply-large", Ends.FINE, _bytes(lambda raw: b'{"x":"%b",' % (b"x" * 300_000) + raw[1:])),
    Fault(
        "reply-failed",
        Ends.REPORTED,
        _whole(
            lambda home: (
                {
                    **whole(home),
                    "status": "failed",
                    "error": {"message": "no luck", "code": "server_error"},
                }
                if home is Shape.RESPONSES
                else {"error": {"message": "no luck", "type": "server_error"}}
            )
        ),
    ),
    Fault(
        "reply-other-shape",
        Ends.NO_ANSWER,
        _whole(lambda home: whole(Shape.CHAT if home is Shape.RESPONSES else Shape.RESPONSES)),
    ),
    Fault("reply-event-stream-label", Ends.FINE, _bytes(_untouched, kind="text/event-stream")),
)


def _without_error(home: Shape) -> Json:
    return {key: value for key, value in whole(home).items() if key != "error"}
