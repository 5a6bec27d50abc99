"""Which bytes at the beginning of a successful reply are an error: whole, bytewise and cut off."""

import json
from typing import Any

import msgspec
import pytest

from gateway.exchange.reply.wrapped_errors import (
    MAX_EVENT_BYTES,
    SMALL_REPLY_BYTES,
    FirstEvent,
    begins_as_an_answer,
    error_of,
    json_error,
    only_looks_like_success,
)
from gateway.translate.stream.sse import DONE, ServerSentEvent

NO: dict[str, Any] = {"message": "no", "type": "t", "param": None, "code": None}
FAILED = {"base_resp": {"status_code": 2013, "status_msg": "no"}}
CHUNK = b'{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{}}]}'


def sse(data: Any, name: str = "") -> bytes:
    encoded = data if isinstance(data, bytes) else msgspec.json.encode(data)
    line = f"event: {name}\n".encode() if name else b""
    return line + b"data: " + encoded + b"\n\n"


ERRORS: dict[str, tuple[bytes, Any]] = {
    "OpenAI": (sse({"error": NO}), {"error": NO}),
    "a text": (sse({"error": "no"}), {"error": "no"}),
    "xAI": (sse({"code": "c", "error": "no"}), {"code": "c", "error": "no"}),
    "an id beside it": (sse({"id": "o", "error": NO}), {"error": NO}),
    "LiteLLM": (sse({"error": {**NO, "code": "400"}}), {"error": {**NO, "code": "400"}}),
    "Gemini": (sse([{"error": NO}]), {"error": NO}),
    "vLLM, flat": (sse({"object": "error", **NO}), {"object": "error", **NO}),
    "Anthropic": (sse({"type": "error", "error": NO}, "error"), {"type": "error", "error": NO}),
    "MiniMax": (sse({"id": "x", "choices": [], **FAILED}), FAILED),
    "MiniMax, null": (sse({"choices": None, "output": "", **FAILED}), FAILED),
    "responses, flat": (
        sse({"type": "error", "sequence_number": 0, "message": "no", "code": "c"}, "error"),
        {"error": {"message": "no", "code": "c"}},
    ),
    "responses, failed": (
        sse({"type": "response.failed", "response": {"output": [], "error": NO}}),
        {"error": NO},
    ),
    "named, flat": (sse({"message": "no"}, "error"), {"error": {"message": "no"}}),
    "named, a text": (sse(b"no", "error"), {"error": "no"}),
    "named, a JSON text": (sse(b'"no"', "error"), {"error": "no"}),
    "llama.cpp, before 2025": (
        b'error: {"code":500,"message":"no"}\n\n',
        {"error": {"code": 500, "message": "no"}},
    ),
    "a text that begins so": (sse(b"error: no"), {"error": "no"}),
    "a text that is marked so": (sse(b"[ERROR] no"), {"error": "no"}),
    "a text that says no more": (sse(b"Error"), {"error": "Error"}),
}
ANSWERS: dict[str, bytes] = {
    "a chunk": sse(CHUNK),
    "a chunk that quotes one": sse(CHUNK.replace(b"{}", b'{"content":"{\\"error\\":1}"}')),
    "OpenRouter's in mid-stream": sse({"error": NO, "choices": []}),
    "a response": sse({"type": "response.created", "response": {"error": None}}),
    "a response, named": sse({"response": {"error": None}}, "response.created"),
    "failed without a reason": sse({"type": "response.failed", "response": {"error": None}}),
    "failed without a response": sse({"type": "response.failed"}),
    "MiniMax'": sse(json.loads(CHUNK) | FAILED),
    "MiniMax', without an error": sse({"choices": [], "base_resp": {"status_code": 0}}),
    "no error": sse({"error": None, "text": "a"}),
    "the end": sse(DONE),
    "the end, named": sse(DONE, "error"),
    "a text about errors": sse(b"some error"),
    "a number": sse(b"0", "error"),
}
BEFORE = (
    b"",
    b": comment\n\n",
    b"\xef\xbb\xbf",
    b"retry: 5\nid: 1\n",
    b"data:\n\n\n",
    sse(b"null"),
    sse(b"[]"),
    sse(b"12:30", "keepalive"),
)


def found_in(stream: bytes, *, ended: bool = False) -> bytes | None:
    return FirstEvent().error(stream, ended=ended)


def bytewise(stream: bytes) -> tuple[bytes | None, int]:
    """Return what is said first, and of how many bytes."""
    first = FirstEvent()
    for length in range(len(stream) + 1):
        found = first.error(stream[:length], ended=False)
        if found is not None:
            return found, length
    return None, len(stream)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_found_with_its_last_byte(kind: str, before: bytes) -> None:
    event, expected = ERRORS[kind]
    for sent in (event, event.replace(b"\n", b"\r\n"), event.replace(b"\n", b"\r")):
        stream = before + sent
        found = found_in(stream + sse(CHUNK) + sse(DONE))
        assert found is not None
        assert msgspec.json.decode(found) == expected
        assert begins_as_an_answer(stream + sse(CHUNK)) is False
        assert bytewise(stream)[0] == found
        for cut in range(len(stream) - 4):
            assert found_in(stream[:cut]) is None
        assert found_in(stream.rstrip(b"\r\n"), ended=True) == found


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("kind", ANSWERS)
def test_what_is_not_an_error_is_an_answer(kind: str, before: bytes) -> None:
    for event in (ANSWERS[kind], ANSWERS[kind].replace(b"\n", b"\r\n")):
        stream = before + event
        assert found_in(stream + ERRORS["OpenAI"][0]) == b""
        assert bytewise(stream)[0] == b""
        for cut in range(0 if b"event: error" in event else len(stream)):
            assert found_in(stream[:cut], ended=True) == b""


def test_a_chunk_is_known_before_it_has_come_whole() -> None:
    found, length = bytewise(sse(CHUNK))
    assert found == b""
    assert length == len(b"data: ") + CHUNK.index(b"[") + 2


def test_what_is_too_long_to_be_a_refusal_is_an_answer() -> None:
    assert found_in(b"data: " + b"x" * SMALL_REPLY_BYTES) == b""
    assert found_in(b": x\n" * SMALL_REPLY_BYTES) == b""
    assert found_in(b'data: {"error": "' + b"x" * SMALL_REPLY_BYTES) is None
    assert found_in(b'data: {"error": "' + b"x" * MAX_EVENT_BYTES) == b""
    long = {"error": "x" * SMALL_REPLY_BYTES}
    assert found_in(sse(long)) == msgspec.json.encode(long)


def test_an_error_by_name_only_is_one_whatever_its_data() -> None:
    assert error_of(ServerSentEvent(b"{}", "error")) == b'{"error":{}}'
    assert error_of(ServerSentEvent(b"{}", "message")) is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": NO},
        {"object": "error", "message": "no"},
        [{"error": NO}],
        {"error": {**NO, "param": "output"}},
        {"detail": {"error": "choices"}},
        {"id": "x", "choices": None, **FAILED},
        {"id": "x", "choices": [], "output": None, **FAILED},
    ],
)
def test_a_json_error_is_known_at_its_end(body: Any) -> None:
    encoded = b"\n " + msgspec.json.encode(body)
    for cut in range(len(encoded) + 1):
        assert json_error(encoded[:cut], ended=False) is None
    assert json_error(encoded, ended=True) == encoded


def test_a_json_answer_is_known_by_its_result() -> None:
    body = b'{"id": "x", "error": null, "choices" : [{"text": "..."}]}'
    known = body.index(b"[") + 2
    for cut in range(len(body) + 1):
        assert json_error(body[:cut], ended=False) == (b"" if cut >= known else None)
        named = body.index(b":", body.index(b"choices")) + 1
        ended = body[:cut] if b'"error"' in body[:cut] and cut < named else b""
        assert json_error(body[:cut], ended=True) == ended


@pytest.mark.parametrize("body", [b"<html>", b"data: {}", b"  plain", b"{" + b" " * 2048])
def test_what_cannot_be_a_small_json_error_is_none_at_once(body: bytes) -> None:
    assert json_error(body, ended=False) == b""


def test_a_small_whole_body_without_an_error_is_an_answer() -> None:
    assert json_error(b'{"ok":1}', ended=True) == b""


NAMES = {"choices": b'"\\u0063hoices"', "output": b'"outpu\\u0074"', "content": b'"con\\u0074ent"'}


@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_one_however_its_name_is_written(name: str) -> None:
    body = b'{"\\u0069d":"x",%b:[],"error":null}' % NAMES[name]
    assert not only_looks_like_success(body)
    assert json_error(body, ended=True) == b""
    assert only_looks_like_success(body[:-1] + b",")  # not JSON


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("null", [b"null", b" null", b"\n  null"])
def test_a_result_of_null_beside_an_error_is_none(name: str, null: bytes) -> None:
    body = b'{"id":null,"%b":%b,"error":{"message":"no"}}' % (name.encode(), null)
    assert only_looks_like_success(body)
    assert json_error(body, ended=True) == body
    error = error_of(ServerSentEvent(body))
    assert error is not None
    assert msgspec.json.decode(error) == {"error": {"message": "no"}}
    assert not only_looks_like_success(body.replace(null, b'["nullify"]'))


def test_an_error_with_escaped_letters_is_found() -> None:
    for body in (b'{"\\u0065rror":{"message":"no"}}', b'{"error":{"message":"\\u006eo"}}'):
        assert only_looks_like_success(body)
        assert json_error(body, ended=True) == body
