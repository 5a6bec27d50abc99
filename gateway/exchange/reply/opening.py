"""Tells by its first bytes whether the reply to a streaming request is events or one JSON value.

Servers and proxies label streams `application/json`, `text/plain` or not at all, and whole replies
`text/event-stream`. The label counts only where the bytes are neither.
"""

from gateway.envelopes.upstream_json import BLANK
from gateway.errors import UpstreamError
from gateway.exchange.reply.reading import Allowance
from gateway.exchange.reply.wrapped_errors import begins_json
from gateway.shapes import Json, Shape
from gateway.translate.parts.upstream_errors import bare_error, upstream_error
from gateway.translate.stream.sse import begins_events

_RESULTS = {Shape.RESPONSES: "output", Shape.MESSAGES: "content"}


def error_in_place(home: Shape, reply: Json) -> Json | None:
    """Return the error that stands in a result's place in no envelope, as an error reply's body.

    None if `reply` is a result of the upstream's endpoint, an error in a known envelope, or
    neither a result nor an error.
    """
    has_result = isinstance(reply.get(_result_of(home)), list)
    return None if has_result or upstream_error(reply) is not None else bare_error(reply)


def check_reply(home: Shape, reply: Json, body: bytes) -> None:
    """Raise `UpstreamError` for JSON that is not a reply of the upstream's endpoint."""
    name = _result_of(home)
    if not isinstance(reply.get(name), list):
        text = body[:200].decode("utf-8", "replace").strip()
        raise UpstreamError(
            f"The upstream answered the request for a stream with JSON without '{name}': {text}"
        )


def _result_of(home: Shape) -> str:
    return _RESULTS.get(home, "choices")


class Opening:
    """Takes the body of one call until it turns out to be events, or else to its end.

    `labelled` is whether the head announces events.
    """

    __slots__ = ("_allowance", "_is_whole", "_labelled", "_pieces")

    def __init__(self, allowance: Allowance, *, labelled: bool = True) -> None:
        self._allowance = allowance
        self._labelled = labelled
        self._pieces: list[bytes] = []
        self._is_whole = False

    def take(self, data: bytes) -> bytes:
        """Take the next bytes; return all bytes so far once they prove to be events, else none.

        Raises `UpstreamError` if they are more than the allowance.
        """
        if not (self._pieces or self._is_whole) and data.startswith(b"data:"):
            return data
        self._allowance.take(len(data))
        self._pieces.append(data)
        if self._is_whole:
            return b""
        begun = b"".join(self._pieces)
        is_events = self._judged(begun)
        self._pieces = [begun]
        self._is_whole = is_events is False
        return begun if is_events else b""

    def end(self) -> tuple[bytes, bool]:
        """Return the bytes that `take` has not returned, and whether they have to be events."""
        return b"".join(self._pieces), self._labelled and not self._is_whole

    def _judged(self, begun: bytes) -> bool | None:
        is_events = begins_events(begun)
        if is_events is False and not begins_json(begun) and self._labelled:
            return True if begun.lstrip(BLANK) else None
        return is_events
