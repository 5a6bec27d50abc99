"""Recognises errors under a status of success by the beginning of the reply's body. No I/O.

vLLM up to 0.8, LM Studio, one-api and others answer a refused request with status 200 and an error
in the body, or as the first event of a stream. `gateway.resolve.refusals.classify` says what such
an error means.
"""

import re
from collections.abc import Iterable
from typing import Final

from gateway.envelopes import numbered_errors
from gateway.envelopes.upstream_json import BLANK, NOT_JSON, decode, valid_json
from gateway.exchange.reply.reading import MAX_ERROR_BYTES
from gateway.shapes import Json
from gateway.translate.parts.upstream_errors import RESULTS
from gateway.translate.stream.event_reader import is_empty_data
from gateway.translate.stream.sse import ServerSentEvent, SSEDecoder, encode_json, is_done

SMALL_REPLY_BYTES: Final = 2048
"""Up to this size a success is looked into; nearly every known refusal is shorter."""

_OPENING_BYTES: Final = 64
"""A JSON body that begins with an error shows it within so many bytes."""

MAX_EVENT_BYTES: Final = 64 * 1024
"""Up to this size the first event of a stream is waited for, if it may be an error."""

_OPENS_WITH_ERROR = re.compile(
    rb"""[ \t\r\n\xef\xbb\xbf]*(?:\[\s*)?\{\s*"""
    rb""""(?:error"\s*:\s*[{"]|(?:object|type)"\s*:\s*"error")"""
)
_RESULT = re.compile(rb'"(?:choices|output|content)"\s*:(?!\s*null\b)')
"""A result; a null is none, since relays in Go write empty lists so, beside an error."""
_SOME_RESULT = re.compile(rb'"(?:choices|output|content)"\s*:\s*(?:\[\s*[^\]\s]|[^\s\[n])')
"""A result in the beginning of a body: behind a null, or an empty list, an error may follow."""
_CHOICES = re.compile(rb"\s*\[\s*[^\]\s]")
_ESCAPED = b"\\u00"
"""The beginning of an escaped letter, which may be in the name of a field."""

_ERROR_TEXT = re.compile(r"\A\s*(?:\[error\]|error\b)[\s:-]*", re.IGNORECASE)
_CREATED = "response.created"
_ORDINARY = (
    b"event: response.created\n",
    b'data: {"type":"response.created"',
    b"event: message_start\n",
)
"""The beginnings of nearly all streams of responses and messages."""

_OWN: Final = ("error", "message", "content_block_", "response.", "chat.", "text_completion")
"""The beginnings of the names of events in the four shapes."""

_OF_A_RESULT = frozenset({"data", "id", *RESULTS})
_ABOUT_THE_EVENT = frozenset({"type", "sequence_number"})


def begins_with_error(data: bytes) -> bool:
    """Whether a JSON body begins with an error, as no result of any endpoint does."""
    return _OPENS_WITH_ERROR.match(data) is not None


def opening_error(data: bytes, *, ended: bool) -> bytes | None:
    """Return a body's beginning if it is that of an error, and nothing if it is not.

    None: that is not clear yet.
    """
    if begins_with_error(data):
        return data
    return b"" if ended or len(data) >= _OPENING_BYTES else None


def only_looks_like_success(body: bytes) -> bool:
    """Whether a whole JSON body has an error and no result; a long body has to begin with it."""
    if len(body) > SMALL_REPLY_BYTES:
        return _is_short(body) and begins_with_error(body) and not _has_result(body)
    if numbered_errors.is_one(body):
        return True
    if (  # nearly all; much of a body need not be read
        b'"choices":[' in body
        or b'"choices": [' in body
        or b'"output":[' in body
        or b'"output": [' in body
    ):
        return False
    if _ESCAPED in body and _RESULT.search(body) is None:
        body = _unescaped(body)
    if _RESULT.search(body) is None:
        return b'"error"' in body
    # The result's name may be in the request, which a validator quotes in its error.
    return begins_with_error(body) and not _has_result(body)


def _is_short(body: bytes) -> bool:
    return len(body) <= MAX_ERROR_BYTES


def _has_result(body: bytes) -> bool:
    try:
        decoded = decode(body)
    except NOT_JSON:
        return _RESULT.search(body) is not None
    reply = decoded[0] if isinstance(decoded, list) else decoded
    return isinstance(reply, dict) and _has_any(reply)


def _has_any(reply: Json) -> bool:
    return any(reply.get(name) is not None for name in RESULTS)


def _unescaped(body: bytes) -> bytes:
    """Return the same JSON with letters in place of their escapes; other bodies as they are."""
    try:
        return valid_json(body)
    except NOT_JSON:
        return body


def begins_json(data: bytes) -> bool:
    """Whether the beginning of a body is that of a JSON object or list, whatever its label says."""
    return data.lstrip(BLANK).startswith((b"{", b"["))


def json_error(data: bytes, *, ended: bool) -> bytes | None:
    """Return `data`, the part of a JSON body that has arrived, if that is an error; else nothing.

    None: that is not clear yet.
    """
    if ended:
        return data if only_looks_like_success(data) else b""
    if len(data) > SMALL_REPLY_BYTES:
        return None if _is_short(data) and begins_with_error(data) else b""
    if data.lstrip(BLANK) and not begins_json(data):
        return b""
    return b"" if _SOME_RESULT.search(data) and not begins_with_error(data) else None


def begins_as_an_answer(data: bytes) -> bool:
    """Whether it is clear without decoding that an event stream begins with no error.

    It is clear for nearly all streams: they begin with a chunk that has choices, or with a created
    response or message.
    """
    before, found, behind = data[:SMALL_REPLY_BYTES].partition(b'"choices":')
    if not found:
        return data.startswith(_ORDINARY)
    if not before.startswith(b"data:") or b'"error"' in before or not _CHOICES.match(behind):
        return False
    return len(before.splitlines()) == 1


class FirstEvent:
    """Finds out whether an event stream begins with an error, in linear time for any pieces.

    Comments and empty events are skipped. An event without a sign of an error within
    `SMALL_REPLY_BYTES`, or without an end within `MAX_EVENT_BYTES`, counts as none.
    """

    __slots__ = ("_decoder", "_seen")

    def __init__(self) -> None:
        self._decoder: SSEDecoder | None = None
        self._seen = 0

    def error(self, data: bytes, *, ended: bool) -> bytes | None:
        """Return the error, as JSON, that a stream begins with; empty if it begins with none.

        `data` is all of the stream that has arrived. None: that is not clear yet.
        """
        if begins_as_an_answer(data):
            return b""
        if self._decoder is None:
            if not data:
                return b"" if ended else None
            if begins_json(data):
                return json_error(data, ended=ended)
            self._decoder = SSEDecoder()
        event = self._next(self._decoder, data[:SMALL_REPLY_BYTES])
        if event is None and len(data) > SMALL_REPLY_BYTES:
            if not has_a_sign(data[:SMALL_REPLY_BYTES]):
                return b""
            event = self._next(self._decoder, data[:MAX_EVENT_BYTES])
        if event is None and ended:
            event = _first(self._decoder.finish())
        if event is not None:
            return error_of(event) or b""
        return b"" if ended or len(data) >= MAX_EVENT_BYTES else None

    def _next(self, decoder: SSEDecoder, data: bytes) -> ServerSentEvent | None:
        seen, self._seen = self._seen, max(self._seen, len(data))
        return _first(decoder.feed(data[seen:]))


def _first(events: Iterable[ServerSentEvent]) -> ServerSentEvent | None:
    """Return the first event with content: some servers begin with `data: null`."""
    not_empty = (event for event in events if not is_empty_data(event.data))
    return next((event for event in not_empty if not is_foreign(event)), None)


def is_foreign(event: ServerSentEvent) -> bool:
    """Whether an event is one that some gateway has added to a stream, and is to be passed over.

    Its name is of no shape, and its data is neither an object, a list nor an error. Clients ignore
    names that they do not know.
    """
    if not event.event or event.event.startswith(_OWN) or begins_json(event.data):
        return False
    return error_of(event) is None


def error_of(event: ServerSentEvent) -> bytes | None:
    """Return the error that an event of any shape is, as the JSON body of an error reply, or None.

    Known forms: `{"error": …}` in a chunk's place, also in a list (Gemini), `{"object": "error"}`
    of vLLM and SGLang, MiniMax' `base_resp`, the events `error` (nested or flat) and
    `response.failed` of responses, any data below `event: error`, and texts that begin like
    `[ERROR] …` or `error: …`.
    """
    data = event.data
    if event.event == _CREATED or not (event.event == "error" or has_a_sign(data)):
        return None
    named = event.event == "error"
    try:
        decoded = decode(data)
    except NOT_JSON:
        decoded = data.decode("utf-8", "replace")
        beginning = _ERROR_TEXT.match(decoded)
        if beginning is not None:
            named, decoded = True, decoded[beginning.end() :] or decoded
    if isinstance(decoded, list):
        decoded = decoded[0] if decoded else None
    if isinstance(decoded, dict):
        error = _carried(decoded, named=named)
    else:
        error = {"error": decoded} if named and decoded and not is_done(data) else None
    return None if error is None else encode_json(error)


def _carried(event: Json, *, named: bool) -> Json | None:
    """Return the body of an HTTP error with the error in an event; None if it has none."""
    has_failed = numbered_errors.has_failed(event)
    if _has_any(event) and not has_failed:
        return None
    if event.get("error") or has_failed:
        # With the fields of a result, `classify` would take the event for one.
        return {name: value for name, value in event.items() if name not in _OF_A_RESULT}
    if event.get("type") == "response.failed":
        response = event.get("response")
        error = response.get("error") if isinstance(response, dict) else None
        return {"error": error} if error else None
    if event.get("object") == "error":
        return event
    if named or event.get("type") == "error":
        return {"error": {k: v for k, v in event.items() if k not in _ABOUT_THE_EVENT}}
    return None


def has_a_sign(data: bytes) -> bool:
    """Whether bytes of events may have an error; if False, none of the events is one."""
    return (
        b"rror" in data
        or b"ERROR" in data
        or b"response.failed" in data
        or numbered_errors.SIGN in data
    )
