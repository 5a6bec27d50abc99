"""Other statuses than 200: with an error as they should be, and without."""

from collections.abc import Sequence

from tests.faults.fault import Ends, Fault, same
from tests.faults.outcomes import AnyOf, Cut, Good, HttpError
from tests.faults.payloads import dumped, whole
from tests.faults.script import Asked, Close, Reset, Script, Scripted, Stall, Step, head, reply

_ERROR = b'{"error":{"message":"no luck today","type":"x_error","param":null,"code":"x_code"}}'
_PAGE = b"<html><head><title>Oops</title></head><body><h1>Oops</h1></body></html>"
_STATUSES = (
    *(400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 418, 421, 422),
    *(423, 424, 425, 426, 428, 429, 431, 451, 498, 499),
    *(500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 521, 522, 524, 529, 530, 598, 599),
    *(600, 700, 999),
)
_SOME = (400, 403, 429, 500, 503, 504, 529)
_REDIRECTS = (300, 301, 302, 303, 305, 307, 308, 399)


def _status(status: int, body: bytes, *fields: str, kind: str = "application/json") -> Scripted:
    return same(reply(body, *fields, status=f"{status} Some Reason", kind=kind))


def _broken(status: int, framing: str, *steps: Step, body: bytes = b"") -> Scripted:
    return same(Script((head(framing, status=f"{status} X"), *steps), status, body))


def _successful(status: int) -> Scripted:
    def play(asked: Asked) -> Script:
        return reply(dumped(whole(asked.home)), status=f"{status} X")

    return play


def _refused(name: str, script: Scripted) -> Fault:
    return Fault(name, Ends.REFUSED, script)


def _redirect(name: str, script: Scripted) -> Fault:
    """Return a redirect, which reaches no client."""
    return Fault(name, Ends.REFUSED, script, but={("passed", ""): HttpError((502,))})


def _cut(status: int) -> Sequence[Fault]:
    """Return an error whose body does not come, or not whole."""
    broken, stalled = Ends.REFUSED_BROKEN, Ends.REFUSED_STALLED
    length, half = f"content-length: {len(_ERROR)}", _ERROR[:30]
    chunked, large = "transfer-encoding: chunked", b"x" * 70_000
    return (
        Fault(f"status-{status}-body-cut", broken, _broken(status, length, half, Close())),
        Fault(f"status-{status}-body-reset", broken, _broken(status, length, half, Reset())),
        Fault(f"status-{status}-body-never", broken, _broken(status, length, Close())),
        Fault(f"status-{status}-body-stall", stalled, _broken(status, length, half, Stall())),
        Fault(f"status-{status}-chunk-bad", broken, _broken(status, chunked, b"zz\r\n", Close())),
        Fault(f"status-{status}-chunk-cut", broken, _broken(status, chunked, b"5\r\n{", Close())),
        Fault(
            f"status-{status}-chunk-stall", stalled, _broken(status, chunked, b"5\r\n{", Stall())
        ),
        Fault(
            f"status-{status}-large-cut",
            broken,
            _broken(status, "content-length: 100000", large, Close(), body=large),
            but={("passed", ""): AnyOf((HttpError((502,)), Cut()))},
        ),
    )


_NO_ENDPOINT = HttpError((404,), "unknown_url")
"""A server that lacks every endpoint which was tried: the gateway says so, in its own words."""

STATUSES = (
    *(_refused(f"status-{status}", _status(status, _ERROR)) for status in _STATUSES),
    *(_refused(f"status-{n}-page", _status(n, _PAGE, kind="text/html")) for n in (*_SOME, 404)),
    *(_refused(f"status-{n}-empty", _status(n, b"")) for n in _SOME),
    *(_refused(f"status-{n}-text", _status(n, b"upstream connect error", kind="")) for n in _SOME),
    *(fault for status in (400, 429, 500) for fault in _cut(status)),
    *(
        Fault(
            f"status-{status}-route-{name}",
            Ends.REFUSED,
            _status(status, body, kind=kind),
            but={("passed", ""): _NO_ENDPOINT, ("translated", ""): _NO_ENDPOINT},
        )
        for status, name, body, kind in (
            (404, "empty", b"", ""),
            (404, "page", b"<html><title>404 Not Found</title></html>", "text/html"),
            (404, "detail", b'{"detail":"Not Found"}', "application/json"),
            (405, "detail", b'{"detail":"Method Not Allowed"}', "application/json"),
        )
    ),
    _refused("status-429-retry-after", _status(429, _ERROR, "retry-after: 7")),
    _refused("status-503-retry-after", _status(503, _ERROR, "retry-after: soon")),
    _refused("status-500-cut-json", _status(500, _ERROR[:-5])),
    _refused("status-500-list", _status(500, b'[{"error":{"message":"no luck"}}]')),
    _refused("status-500-null", _status(500, b"null")),
    _refused("status-500-number", _status(500, b'{"error":{"message":5,"code":[],"param":{}}}')),
    _refused("status-500-deep", _status(500, b"[" * 20_000)),
    _refused("status-500-not-utf-8", _status(500, b'{"error":{"message":"\xff\xfe"}}')),
    _refused("status-500-large", _status(500, b'{"error":{"message":"%b"}}' % (b"x" * 200_000))),
    _refused(
        "status-500-sse", _status(500, b"data: " + _ERROR + b"\n\n", kind="text/event-stream")
    ),
    _refused("status-400-control", _status(400, b'{"error":{"message":"a\\u0000\\r\\nb: c"}}')),
    *(
        _redirect(f"status-{n}", _status(n, _PAGE, "location: /v1/elsewhere", kind="text/html"))
        for n in _REDIRECTS
    ),
    _redirect("status-302-elsewhere", _status(302, b"", "location: http://127.0.0.1:9/")),
    _redirect("status-307-loop", _status(307, b"", "location: /v1/chat/completions")),
    _refused("status-301-nowhere", _status(301, b"")),
    Fault("status-204", Ends.NO_ANSWER, same(Script((b"HTTP/1.1 204 No Content\r\n\r\n",), 204))),
    Fault("status-204-length", Ends.NO_ANSWER, _status(204, b"")),
    Fault("status-205", Ends.NO_ANSWER, _status(205, b"")),
    Fault("status-304", Ends.REFUSED, same(Script((b"HTTP/1.1 304 Not Modified\r\n\r\n",), 304))),
    *(
        Fault(f"status-{n}-good", Ends.FINE, _successful(n), but={("translated", ""): Good()})
        for n in (201, 202, 203, 206, 226, 299)
    ),
)
