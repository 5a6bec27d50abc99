"""HTTP itself, byte by byte: uploads, limits, bad bodies, connections, clients that leave."""

import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.config.settings import ModelRule, ServerSettings
from gateway.demo import emulator
from gateway.demo.accounts import Accounts
from tests.clients.raw import RawConnection, chunk, connect
from tests.clients.running import Stage, stage
from tests.rows import module_fixture
from tests.waiting import PATIENCE

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
RESPONSES = "/v1/responses"
MULTIPART = "multipart/form-data; boundary=BOUNDARY"
MEGABYTE = 1024 * 1024
HELLO = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
PROMPT = {"model": "gpt-4o-mini", "prompt": "Hello"}


class WatchedEmulator(emulator.Emulator):
    """An emulator that tells how many body bytes have reached it, while they still come."""

    def __init__(self) -> None:
        super().__init__(Accounts(), 0.0, 1000)
        self._arrived = 0
        self._changed = threading.Condition()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def counted() -> Any:
            message = await receive()
            with self._changed:
                self._arrived += len(message.get("body", b""))
                self._changed.notify_all()
            return message

        await super().__call__(scope, counted, send)

    def wait_for_bytes(self, number: int) -> bool:
        """Wait until so many bytes of bodies are here; tell whether they came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._arrived >= number, PATIENCE)


@module_fixture
def running() -> Iterator[Stage]:
    with stage() as both:
        yield both


@pytest.fixture
def connection(running: Stage) -> Iterator[RawConnection]:
    with connect(running.base_url) as made:
        yield made


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


# --- uploads and downloads --------------------------------------------------------------------


def form(content: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what stands before a file in a form, the file, and what stands after it."""
    before = (
        b'--BOUNDARY\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        b'--BOUNDARY\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n'
        b"content-type: application/octet-stream\r\n\r\n"
    )
    return before, content, b"\r\n--BOUNDARY--\r\n"


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
@pytest.mark.parametrize("rules", [(), (ModelRule("bot", "gpt-4o-mini"),)], ids=["plain", "routed"])
def test_an_upload_streams_through_byte_for_byte(
    rules: tuple[ModelRule, ...], *, chunked: bool
) -> None:
    content = bytes(range(256)) * (8 * MEGABYTE // 256)
    before, _, behind = form(content)
    upstream = WatchedEmulator()
    with stage(*rules, upstream=upstream) as running, connect(running.base_url) as client:
        length = None if chunked else len(before) + len(content) + len(behind)
        framed = chunk if chunked else bytes
        more = {"transfer_encoding": "chunked"} if chunked else {}
        client.send(client.head("POST", "/v1/files", length, content_type=MULTIPART, **more))
        client.send(framed(before))
        half = len(content) // 2
        client.send(framed(content[:half]))
        # The client has not sent the rest: what the upstream has by now was not held back.
        assert upstream.wait_for_bytes(half // 2)
        client.send(framed(content[half:]) + framed(behind) + (chunk(b"") if chunked else b""))
        reply = client.reply()
    assert reply.status == 200, reply.body
    assert reply.json["bytes"] == len(content)
    assert reply.json["sha256"] == hashlib.sha256(content).hexdigest()
    assert "multipart/form-data" in running.upstream.journal[-1].headers["content-type"]


def test_a_download_comes_through_byte_for_byte(connection: RawConnection) -> None:
    size = 20 * MEGABYTE + 7
    connection.request("GET", f"/v1/files/file-{size}bytes/content")
    reply = connection.reply()
    assert reply.complete
    assert reply.headers["content-length"] == str(size)
    expected = (bytes(range(256)) * (size // 256 + 1))[:size]
    assert hashlib.sha256(reply.body).digest() == hashlib.sha256(expected).digest()


def test_speech_of_unknown_length_comes_through_as_it_is(
    running: Stage, connection: RawConnection
) -> None:
    asked = encoded({"model": "tts-1", "input": "Hello", "voice": "alloy"})
    with connect(running.upstream.base_url) as direct:
        direct.request("POST", "/v1/audio/speech", asked)
        expected = direct.reply()
    connection.request("POST", "/v1/audio/speech", asked)
    reply = connection.reply()
    assert (reply.status, reply.complete) == (200, True)
    assert reply.headers["content-type"] == "audio/mpeg"
    assert reply.body == expected.body


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_any_method_reaches_the_upstream_with_path_and_query(
    running: Stage, connection: RawConnection, method: str
) -> None:
    body = b"" if method in ("GET", "HEAD", "OPTIONS") else b'{"a": 1}'
    connection.request(method, "/v1/no/such%20thing?b=2&a=%31&a=", body)
    reply = connection.reply(to=method)
    record = running.upstream.journal[-1]
    assert (record.method, record.path) == (method, "/v1/no/such thing")
    assert record.query == "b=2&a=%31&a="
    assert reply.status == record.status == 404
    if method != "HEAD":
        assert "Invalid URL" in reply.error["message"]


def test_a_query_is_kept_at_a_generation_endpoint_too(
    running: Stage, connection: RawConnection
) -> None:
    for body, path in ((HELLO, CHAT), (PROMPT, COMPLETIONS)):
        connection.request("POST", f"{path}?trace=on", encoded(body))
        assert connection.reply().status == 200
        assert running.upstream.journal[-1].query == "trace=on"


# --- limits -----------------------------------------------------------------------------------


def test_a_body_that_is_declared_too_large_is_refused_before_it_comes(
    running: Stage, connection: RawConnection
) -> None:
    before = len(running.upstream.journal)
    connection.send(connection.head("POST", CHAT, 100 * 1000 * 1000))
    reply = connection.reply()
    assert (reply.status, reply.error["code"]) == (413, "request_too_large")
    assert connection.ended()
    assert len(running.upstream.journal) == before


def test_a_body_that_asks_before_it_comes_is_refused_without_being_invited(
    connection: RawConnection,
) -> None:
    connection.send(connection.head("POST", CHAT, 100 * 1000 * 1000, expect="100-continue"))
    assert connection.reply().status == 413


def test_a_body_that_asks_before_it_comes_is_invited(connection: RawConnection) -> None:
    body = encoded(HELLO)
    connection.send(connection.head("POST", CHAT, len(body), expect="100-continue"))
    assert connection.reply_head()[0] == 100
    connection.send(body)
    assert connection.reply().status == 200


@pytest.mark.parametrize("path", [CHAT, "/v1/files"])
def test_a_body_without_a_length_is_refused_once_it_is_too_large(path: str) -> None:
    server = ServerSettings(max_body_bytes=MEGABYTE, max_upload_bytes=MEGABYTE)
    with stage(server=server) as running, connect(running.base_url) as client:
        client.send(client.head("POST", path, transfer_encoding="chunked", content_type=MULTIPART))
        client.send(chunk(form(b"")[0]))
        for _ in range(16):
            client.send(chunk(b"x" * (MEGABYTE // 16)))
        reply = client.reply()
        assert (reply.status, reply.error["code"]) == (413, "request_too_large")
        assert reply.headers["connection"] == "close"
        assert client.ended()


# --- bodies that are none ---------------------------------------------------------------------

DEEP = 100_000
BAD_TEXTS: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"model=gpt-4o-mini",
    "cut off": b'{"model": "gpt-4o-mini", "mess',
    "an array": b"[]",
    "a number": b"1",
    "invalid UTF-8": b'{"model": "gpt-4o-mini", "user": "\xff\xfe"}',
    "overlong UTF-8": b'{"model": "\xc0\xaf"}',
    "UTF-16": '{"model": "gpt-4o-mini"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"model": "gpt-4o-mini"}',
    "NUL": b'{"model": "gpt-4o-mini\x00"}',
    "arrays without end": b"[" * DEEP,
    "deep arrays": b'{"model": "gpt-4o-mini", "x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"model": "gpt-4o-mini", "x": ' + b'{"a":' * DEEP + b"1" + b"}" * (DEEP + 1),
    "a lone surrogate as the model": rb'{"model": "\ud800"}',
    "a number as the model": b'{"model": 1e400}',
    "a long model": b'{"model": "' + b"m" * 100_000 + b'"}',
    "garbage behind": b'{"model": "gpt-4o-mini"} {}',
}


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS, RESPONSES])
@pytest.mark.parametrize("body", BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_a_body_that_is_not_a_request_is_a_400_in_the_envelope(
    connection: RawConnection, path: str, body: bytes
) -> None:
    connection.request("POST", path, body)
    reply = connection.reply()
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error"), reply.body
    connection.request("POST", CHAT, encoded(HELLO))
    assert connection.reply().status == 200


CHAT_BODY = b'{"model": "%b", "messages": %b}'
MESSAGES = b'[{"role": "user", "content": "Hi"}]'
ODD_MESSAGES: dict[str, bytes] = {
    "deep": b"[" * DEEP + b"]" * DEEP,
    "200 levels": b"[" * 200 + b"]" * 200,
    "deep in a part": b'[{"role":"user","content":' + b"[" * 900 + b"]" * 900 + b"}]",
    "a lone surrogate": rb'[{"role": "user", "content": "\udc00 \ud800"}]',
    "a number": b"1e400",
    "NaN": b"NaN",
    "nulls": b"[null, null]",
    "numbers as text": b'[{"role": "user", "content": 12345678901234567890123456789}]',
    "null": b"null",
    "truth": b"true",
}
ODD_VALUES = [
    *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"9" * 400, b"1" * 5000),
    *(b"-0", b"-1", b"0.5", b"true", b"false", b'"1"', b"[]", b"{}", b"[[[]]]", rb'"\ud800"'),
    b"340282366920938463463374607431768211456",
]
NAMES = [
    *("max_tokens", "n", "temperature", "top_p", "stop", "stream", "logprobs", "logit_bias"),
    *("seed", "presence_penalty", "user", "stream_options", "top_logprobs", "tools", "tool_choice"),
    *("response_format", "best_of", "echo", "suffix", "metadata", "reasoning_effort", "functions"),
    *("max_output_tokens", "text", "reasoning", "include", "truncation", "instructions", "store"),
]
"""Parameters of any endpoint: one that it does not have must not do harm either."""
GIVEN = {
    CHAT: b'"messages": ' + MESSAGES,
    COMPLETIONS: b'"prompt": "Hi"',
    RESPONSES: b'"input": "Hi"',
}


@pytest.mark.parametrize("model", [b"gpt-4o-mini", b"davinci-002", b"my-bot"])
@pytest.mark.parametrize("messages", ODD_MESSAGES.values(), ids=ODD_MESSAGES.keys())
def test_odd_messages_are_never_the_gateways_failure(
    aliased: RawConnection, model: bytes, messages: bytes
) -> None:
    aliased.request("POST", CHAT, CHAT_BODY % (model, messages))
    reply = aliased.reply()
    assert reply.status == 400, reply.body
    assert reply.error["message"]


@module_fixture
def aliasing() -> Iterator[Stage]:
    with stage(ModelRule("my-bot", "gpt-4o-mini")) as both:
        yield both


@pytest.fixture
def aliased(aliasing: Stage) -> Iterator[RawConnection]:
    with connect(aliasing.base_url) as made:
        yield made


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("model", [b"gpt-4o-mini", b"davinci-002", b"my-bot"])
def test_odd_values_are_never_the_gateways_failure(
    aliased: RawConnection, model: bytes, name: str
) -> None:
    for path, given in GIVEN.items():
        for value in ODD_VALUES:
            body = b'{"model": "%b", %b, "%b": %b}' % (model, given, name.encode(), value)
            aliased.request("POST", path, body)
            reply = aliased.reply(to="POST")
            assert reply.status in (200, 400), (body[:200], reply.body)
            if reply.status == 400:
                assert reply.error["message"]
            else:
                assert reply.complete


def test_of_a_key_that_is_given_twice_both_the_gateway_and_the_upstream_take_the_last(
    aliasing: Stage, aliased: RawConnection
) -> None:
    for first, last in (("gpt-4o-mini", "my-bot"), ("my-bot", "gpt-4o-mini")):
        body = f'{{"model": "{first}", "messages": [], "model": "{last}", "messages": %b}}'
        aliased.request("POST", CHAT, body.encode() % MESSAGES)
        reply = aliased.reply()
        assert (reply.status, reply.json["model"]) == (200, last)
        assert aliasing.upstream.journal[-1].path == CHAT


# --- connections ------------------------------------------------------------------------------


def test_a_connection_is_good_for_more_after_every_kind_of_error(
    connection: RawConnection,
) -> None:
    requests: list[tuple[str, str, bytes, int]] = [
        ("POST", CHAT, b"{", 400),
        ("POST", CHAT, encoded({**HELLO, "model": "no-such-model"}), 404),
        ("POST", COMPLETIONS, encoded({**PROMPT, "suffix": "end"}), 400),
        ("POST", COMPLETIONS, encoded({**PROMPT, "prompt": "!429"}), 429),
        ("POST", COMPLETIONS, encoded({**PROMPT, "prompt": "!500", "stream": True}), 502),
        ("PUT", CHAT, b"{}", 405),
        ("HEAD", CHAT, b"", 405),
        ("HEAD", "/v1/models", b"", 405),
        ("OPTIONS", CHAT, b"", 405),
        ("GET", "/nowhere", b"", 404),
        ("TRACE", CHAT, b"", 405),
        ("GET", "/v1/models", b"", 200),
        ("POST", COMPLETIONS, encoded({**PROMPT, "stream": True}), 200),
        ("POST", CHAT, encoded(HELLO), 200),
    ]
    for method, path, body, status in requests:
        connection.request(method, path, body)
        reply = connection.reply(to=method)
        assert (reply.status, reply.complete) == (status, True), (method, path, reply.body)
        if status >= 400 and method != "HEAD":
            assert reply.error["message"]


def test_pipelined_requests_are_answered_in_order(connection: RawConnection) -> None:
    words = ["one", "two", "three", "four"]
    together = b""
    for number, word in enumerate(words):
        path, body = (COMPLETIONS, {**PROMPT, "prompt": word, "stream": number == 2})
        raw = encoded(body)
        together += connection.head("POST", path, len(raw)) + raw
        together += connection.head("POST", CHAT, 1) + b"{"
    connection.send(together)
    for word in words:
        reply = connection.reply()
        assert (reply.status, reply.complete) == (200, True)
        if reply.headers["content-type"] == "application/json":
            assert word in reply.json["choices"][0]["text"]
        else:
            assert reply.body.endswith(b"data: [DONE]\n\n")
        assert connection.reply().status == 400


def test_a_request_that_is_not_http_is_refused_and_the_connection_closed(
    connection: RawConnection,
) -> None:
    connection.send(b"POST /v1/models HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n")
    assert connection.reply().status == 400
    assert connection.ended()


def test_a_length_and_chunks_at_once_are_refused(running: Stage, connection: RawConnection) -> None:
    before = len(running.upstream.journal)
    head = connection.head("POST", CHAT, 5, transfer_encoding="chunked")
    connection.send(head + b"0\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: h\r\n\r\n")
    assert connection.reply().status == 400
    assert len(running.upstream.journal) == before


# --- clients that leave -----------------------------------------------------------------------


@pytest.mark.parametrize(("path", "body"), [(CHAT, HELLO), (COMPLETIONS, PROMPT)])
@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_before_the_first_byte_is_missed_by_the_upstream(
    running: Stage, path: str, body: dict[str, Any], *, stream: bool
) -> None:
    slow = {"prompt": "!slow"} if "prompt" in body else {"messages": _says("!slow")}
    asked = {**body, **slow, "stream": stream}
    arrived = len(running.upstream.journal) + 1
    with connect(running.base_url) as client:
        client.request("POST", path, encoded(asked))
        assert running.upstream.journal.wait_for(arrived)
    assert running.upstream.journal[-1].disconnected.wait(PATIENCE)


def _says(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.mark.alone
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, {"model": "gpt-4o-mini", "messages": _says("!endless")}),
        (COMPLETIONS, {"model": "gpt-4o-mini", "prompt": "!endless"}),
        (CHAT, {"model": "davinci-002", "messages": _says("!endless")}),
        (COMPLETIONS, {"model": "gpt-4o-mini", "prompt": ["!endless", "!endless"]}),
    ],
    ids=["same shape", "completions by chat", "chat by completions", "fanned out"],
)
def test_a_client_that_leaves_in_a_stream_is_missed_by_the_upstream(
    running: Stage, path: str, body: dict[str, Any]
) -> None:
    before = len(running.upstream.journal)
    with connect(running.base_url) as client:
        client.request("POST", path, encoded({**body, "stream": True}))
        assert client.reply_head()[0] == 200
        assert b"data: " in next(client.pieces())
    records = list(running.upstream.journal)[before:]
    assert len(records) == (2 if isinstance(body.get("prompt"), list) else 1)
    for record in records:
        assert record.disconnected.wait(PATIENCE)


def test_a_client_that_leaves_in_a_download_is_missed_by_the_upstream(running: Stage) -> None:
    with connect(running.base_url) as client:
        client.request("GET", f"/v1/files/file-{1000 * MEGABYTE}bytes/content")
        assert client.reply_head()[0] == 200
    assert running.upstream.journal[-1].disconnected.wait(PATIENCE)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_leaves_in_an_upload_is_missed_by_the_upstream(*, chunked: bool) -> None:
    upstream = WatchedEmulator()
    before, _, _ = form(b"")
    with stage(upstream=upstream) as running:
        with connect(running.base_url) as client:
            length = None if chunked else 10 * MEGABYTE
            more = {"transfer_encoding": "chunked"} if chunked else {}
            client.send(client.head("POST", "/v1/files", length, content_type=MULTIPART, **more))
            client.send(chunk(before) if chunked else before)
            assert upstream.wait_for_bytes(len(before))
        record = running.upstream.journal[-1]
        assert record.disconnected.wait(PATIENCE)
        assert record.status is None
