"""The main port: routes, errors, health, draining, clients that leave."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.api.endings import ClientGone
from gateway.api.writing import ReplyWriter
from gateway.asgi.application import ASGIGateway
from gateway.config.settings import ClientSettings, ServerSettings
from gateway.errors import TruncatedStream
from gateway.request import Head
from gateway.shapes import ClientHeaders, RawHeaders, UpstreamCall
from tests.api.client import Client, Reply
from tests.exchange.scene import chat_chunk, chat_completion
from tests.fakes import EVENT_STREAM, Answer, FakeReply, error_reply, json_reply, stream_reply

CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def ok(_: UpstreamCall) -> Answer:
    return json_reply(chat_completion())


def test_a_reply_carries_the_decision_in_its_headers() -> None:
    reply = Client(ok).post("/v1/completions", {"model": "gpt-4o", "prompt": "Hi"})
    assert reply.status == 200
    assert reply.json["object"] == "text_completion"
    assert {k: v for k, v in reply.headers.items() if k.startswith("x-gateway")} == {
        "x-gateway-upstream": "openai",
        "x-gateway-endpoint": CHAT,
        "x-gateway-resolved-by": "catalogue",
        "x-gateway-attempts": "1",
        "x-gateway-translation": "from=completions; to=chat",
        "x-gateway-warning": reply.headers["x-gateway-warning"],
    }


def test_an_error_carries_what_was_decided_too() -> None:
    reply = Client(ok).post("/v1/completions", {"model": "gpt-4o", "prompt": 5})
    assert (reply.status, reply.error["param"]) == (400, "prompt")
    assert set(reply.error) == {"message", "type", "param", "code"}
    assert reply.headers["x-gateway-upstream"] == "openai"


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"a":' + b"[" * 100_000])
def test_a_body_that_is_not_a_json_object_is_a_400(body: bytes) -> None:
    reply = Client(ok).post(CHAT, body)
    assert (reply.status, reply.error["type"]) == (400, "invalid_request_error")


def test_the_path_decides_and_a_path_outside_v1_is_told_so() -> None:
    client = Client(ok)
    assert client.get("/").status == 404
    assert "base URL" in client.get("/chats").error["message"]
    assert client.post("/v2/x").error["code"] == "unknown_url"
    for base in ("/v1", "/v1/"):
        assert "call a path below it, such as /v1/models" in client.get(base).error["message"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/chat/completions", "/chat/completions"),
        ("/v1/chat/completions/", "/chat/completions"),
        ("/openai/v1/chat/completions", "/chat/completions"),
        ("/openai/deployments/gpt-4o/chat/completions", "/chat/completions"),
        ("/openai/deployments/gpt-4o/embeddings", "/embeddings"),
        ("/embeddings", "/embeddings"),
        ("//v1/chat/completions", "/chat/completions"),
        ("/v1//chat//completions/", "/chat/completions"),
        ("/v1/v1/engines/gpt-4o/chat/completions", "/chat/completions"),
        ("/v1//v1/embeddings", "/embeddings"),
        ("/v1/chat/completions/chat/completions", "/chat/completions"),
        ("/v1/openai/deployments/gpt-4o/embeddings", "/embeddings"),
    ],
)
def test_old_and_other_spellings_of_a_path_are_served(path: str, sent: str) -> None:
    client = Client(ok)
    assert client.post(path, BODY, query=b"api-version=2024-06-01").status == 200
    (call,) = client.scene.network.calls
    assert (call.path, msgspec.json.decode(bytes_of(call))["model"]) == (sent, "gpt-4o")


def test_a_generation_path_takes_posts_and_passes_gets_on() -> None:
    client = Client(ok)
    reply = asyncio.run(client.request("DELETE", CHAT))
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert client.get(CHAT, query=b"limit=1").status == 200
    assert client.scene.network.calls[0].query == b"limit=1"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_any_other_path_below_v1_passes_through_with_any_method(method: str) -> None:
    client = Client(ok)
    reply = asyncio.run(client.request(method, "/v1/vector_stores/vs_1", b"x", query=b"a=b"))
    call = client.scene.network.calls[0]
    assert reply.status == 200
    assert (call.method, call.path, call.query, call.body) == (
        method,
        "/vector_stores/vs_1",
        b"a=b",
        b"x",
    )


def test_an_upload_is_passed_on_while_it_comes_in() -> None:
    received: list[bytes] = []

    async def scenario() -> Reply:
        client = Client(ok)
        network = client.scene.network

        async def send(call: UpstreamCall) -> FakeReply:
            assert not isinstance(call.body, bytes)
            received.extend([piece async for piece in call.body])
            return json_reply({"id": "file-1"})

        network.send = send  # type: ignore[method-assign]
        client.gateway._handlers.forwarder._send = send
        return await client.request("POST", "/v1/files", pieces=[b"a", b"", b"b", b"c"])

    assert asyncio.run(scenario()).json == {"id": "file-1"}
    assert received == [b"a", b"b", b"c"]


def test_the_model_list_and_a_models_card_are_served() -> None:
    client = Client(lambda _: json_reply({"object": "list", "data": []}))
    assert client.get("/v1/models").json == {"object": "list", "data": []}
    assert client.get("/v1/models/gpt-4o").status == 200
    assert [call.path for call in client.scene.network.calls] == ["/models", "/models/gpt-4o"]


def test_a_body_beyond_the_limit_is_a_413_declared_or_not() -> None:
    client = Client(ok, ServerSettings(max_body_bytes=10, max_upload_bytes=10))
    declared = [(b"content-length", b"11")]
    for path in (CHAT, "/v1/files"):
        assert client.post(path, b"", headers=declared).status == 413
    assert client.post(CHAT, pieces=[b"x" * 6, b"x" * 5]).status == 413
    assert client.post(CHAT, b"x" * 11).status == 413
    assert client.post(CHAT, b"", pieces=[b"x" * 11, b"x", b""]).status == 413
    assert client.scene.network.calls == []


def test_a_compressed_body_is_refused() -> None:
    reply = Client(ok).post(CHAT, BODY, headers=[(b"content-encoding", b"gzip")])
    assert reply.status == 415


def test_a_body_that_stops_coming_is_a_408() -> None:
    client = Client(ok, ServerSettings(body_idle_timeout=0.01))
    assert client.post(CHAT, BODY, silent=True).status == 408


def test_a_draining_gateway_takes_no_requests() -> None:
    client = Client(ok)
    client.gateway.drain()
    reply = client.post(CHAT, BODY)
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")


def test_a_bug_is_a_500_without_a_word_about_it(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: UpstreamCall) -> Answer:
        raise ZeroDivisionError("secret detail")

    for path, body in ((CHAT, BODY), ("/v1/messages", {**BODY, "max_tokens": 9})):
        reply = Client(broken).post(path, body)
        assert reply.status == 500
        assert reply.error["message"].startswith("The gateway itself failed. Retry the request; ")
        assert reply.headers["x-request-id"] in reply.error["message"]
        assert f"request: {reply.headers['x-request-id']})" in caplog.text
        assert (reply.json.get("type") == "error") is (path == "/v1/messages")


def test_outcomes_are_observed() -> None:
    def answer(call: UpstreamCall) -> Answer:
        return error_reply(500, "broken") if b"gpt-4o" in bytes_of(call) else ok(call)

    client = Client(answer)
    client.post(CHAT, {**BODY, "model": "gpt-4.1"})
    client.post(CHAT, {})
    client.post(CHAT, BODY)
    client.get("/v1/files")
    assert [(seen.client, seen.outcome) for seen in client.observer.seen] == [
        ("chat", "success"),
        ("chat", "client_error"),
        ("chat", "upstream_error"),
        ("other", "success"),
    ]


def bytes_of(call: UpstreamCall) -> bytes:
    assert isinstance(call.body, bytes)
    return call.body


class Endless(FakeReply):
    """A stream that goes on until it is closed."""

    async def _read(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.delivered += 1
                yield b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
                await asyncio.sleep(0)
        finally:
            self.closed = True


@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
def test_a_client_that_leaves_mid_stream_ends_the_upstream_call(path: str) -> None:
    endless = Endless(200, EVENT_STREAM)
    client = Client(lambda _: endless)

    def leave_after_three(message: Any, leave: asyncio.Event) -> None:
        if endless.delivered >= 3:
            leave.set()

    body = {**BODY, "prompt": "Hi", "stream": True}
    if path == CHAT:
        del body["prompt"]
    else:
        del body["messages"]
    reply = client.post(path, body, on_message=leave_after_three)
    assert endless.closed
    assert not reply.complete
    assert client.observer.seen[0].outcome == "client_closed"


def test_a_client_that_leaves_before_the_first_byte_cancels_the_call() -> None:
    cancelled = asyncio.Event()

    async def scenario() -> None:
        client = Client(ok)
        sending = asyncio.Event()

        async def send(_: UpstreamCall) -> FakeReply:
            sending.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            raise AssertionError

        client.scene.exchange.runner.send = send
        leaving: list[asyncio.Event] = []

        async def request() -> Reply:
            incoming = [b'{"model":"gpt-4o"}']
            gone = asyncio.Event()
            leaving.append(gone)

            async def receive() -> dict[str, Any]:
                if incoming:
                    return {"type": "http.request", "body": incoming.pop()}
                await gone.wait()
                return {"type": "http.disconnect"}

            async def send_reply(message: Any) -> None:
                raise AssertionError(message)

            headers: RawHeaders = ((b"host", b"h"),)
            scope = {
                "type": "http",
                "method": "POST",
                "path": CHAT,
                "query_string": b"",
                "headers": list(headers),
            }
            await ASGIGateway(client.gateway)(scope, receive, send_reply)
            return Reply()

        task = asyncio.create_task(request())
        await sending.wait()
        leaving[0].set()
        await task
        assert cancelled.is_set()
        assert client.observer.seen[0].outcome == "client_closed"
        current = asyncio.current_task()
        assert asyncio.all_tasks() == {current}

    asyncio.run(scenario())


@pytest.mark.parametrize("path", [CHAT, "/v1/files"])
def test_a_client_that_leaves_before_its_body_is_here_reaches_nobody(path: str) -> None:
    client = Client(ok)
    reply = client.post(path, BODY, leave_at_once=True)
    assert reply.status == 0
    assert client.scene.network.calls == []
    assert client.observer.seen[0].outcome == "client_closed"


def test_a_reply_that_breaks_off_is_left_open_ended() -> None:
    binary = FakeReply(200, ((b"content-type", b"audio/mpeg"),), (b"abc",), TruncatedStream("gone"))
    client = Client(lambda _: binary)
    reply = client.post("/v1/audio/speech", b"{}")
    assert (reply.body, reply.complete) == (b"abc", False)
    assert client.observer.seen[0].outcome == "stream_broken"


def test_a_silent_translated_stream_is_kept_alive_with_comments() -> None:
    class Slow(FakeReply):
        async def _read(self) -> AsyncIterator[bytes]:
            for piece in self.pieces:
                await release.wait()
                yield piece

    reply = stream_reply(chat_chunk("a"), chat_chunk(finish="stop"))
    slow = Slow(200, EVENT_STREAM, reply.pieces)
    release = asyncio.Event()
    comments = 0

    def release_after_two(message: Any, leave: asyncio.Event) -> None:
        nonlocal comments
        if message.get("body") == b": keepalive\n":
            comments += 1
        if comments == 2:
            release.set()

    server = ServerSettings(first_byte_grace=0.001, keepalive_interval=0.001)
    received = Client(lambda _: slow, server).post(
        "/v1/completions",
        {"model": "gpt-4o", "prompt": "Hi", "stream": True},
        on_message=release_after_two,
    )
    assert received.body.startswith(b": keepalive\n: keepalive\n")
    assert received.body.endswith(b"data: [DONE]\n\n")
    assert received.complete


def test_other_scopes_are_ignored() -> None:
    async def scenario() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            raise AssertionError

        async def send(message: Any) -> None:
            sent.append(message)

        gateway = Client(ok).gateway
        await ASGIGateway(gateway)({"type": "lifespan"}, receive, send)
        return sent

    assert asyncio.run(scenario()) == []


def test_a_shutdown_that_cancels_a_request_is_not_taken_for_a_client_that_left() -> None:
    async def scenario() -> None:
        client = Client(ok)

        async def never(_: UpstreamCall) -> FakeReply:
            await asyncio.Event().wait()
            raise AssertionError

        client.scene.exchange.runner.send = never
        task = asyncio.create_task(client.request("POST", CHAT, BODY))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


UPGRADE = [
    (b"connection", b"Upgrade"),
    (b"upgrade", b"WebSocket"),
    (b"sec-websocket-version", b"13"),
]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/realtime", "/responses", CHAT])
def test_a_websocket_is_a_426_with_which_clients_fall_back(path: str) -> None:
    client = Client(ok)
    reply = client.get(path, headers=UPGRADE)
    assert (reply.status, reply.error["code"]) == (426, "websocket_not_supported")
    assert "call this path over HTTP" in reply.error["message"]
    assert reply.headers["upgrade"] == "HTTP/1.1"
    assert reply.headers["connection"] == "close"
    assert client.scene.network.calls == []


@pytest.mark.parametrize(
    ("method", "upgrade"),
    [("POST", b"websocket"), ("POST", b"h2c"), ("GET", b"h2c"), ("GET", b"TLS/1.0")],
)
def test_other_upgrades_are_ignored(method: str, upgrade: bytes) -> None:
    client = Client(ok)
    headers = [(b"connection", b"upgrade"), (b"upgrade", upgrade)]
    body = msgspec.json.encode(BODY)
    assert asyncio.run(client.request(method, CHAT, body, headers)).status == 200
    assert len(client.scene.network.calls) == 1


GZIP = (b"content-encoding", b"gzip")


@pytest.mark.parametrize(
    ("path", "status"),
    [(CHAT, 415), ("/v1/edits", 415), ("/v1/engines/ada/embeddings", 415), ("/v1/files", 200)],
)
def test_compressed_bodies_are_refused_where_they_would_be_read(path: str, status: int) -> None:
    client = Client(ok)
    reply = client.post(path, b"\x1f\x8b", headers=[GZIP])
    assert reply.status == status
    if status == 415:
        assert reply.error["code"] == "unsupported_content_encoding"
        assert client.scene.network.calls == []
    else:
        assert GZIP in client.scene.network.calls[0].client_headers


CLIENTS = (ClientSettings("team-a", (hashlib.sha256(b"gw-1").hexdigest(),)),)
KEY = (b"authorization", b"Bearer gw-1")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("BREW", "/nowhere", [(b"host", b"two")], 405),
        ("POST", "/v1/../x", [(b"host", b"two")], 400),
        ("POST", "/nowhere", [(b"host", b"two")], 400),
        ("POST", "/nowhere", [], 401),
        ("GET", "/nowhere", UPGRADE, 401),
        ("GET", "/nowhere", [KEY, *UPGRADE], 426),
        ("GET", CHAT, [*UPGRADE, GZIP], 401),
        ("GET", CHAT, [KEY, *UPGRADE, GZIP], 426),
        ("POST", CHAT, [GZIP], 401),
        ("POST", CHAT, [KEY, GZIP], 415),
        ("DELETE", CHAT, [], 401),
        ("DELETE", CHAT, [KEY, GZIP], 405),
        ("POST", CHAT, [KEY], 200),
    ],
)
def test_the_guard_judges_before_access_and_access_before_the_route(
    method: str, path: str, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    client = Client(ok, clients=CLIENTS)
    reply = asyncio.run(client.request(method, path, BODY, headers))
    assert reply.status == status
    assert len(client.scene.network.calls) == (status == 200)


def test_the_same_head_gives_the_same_admission_while_serving_and_while_draining() -> None:
    gateway = Client(ok, clients=CLIENTS).gateway
    headers = ClientHeaders([(b"host", b"h"), KEY])
    head = Head("POST", CHAT.encode(), b"", headers)
    before = gateway.admit(head)
    gateway.drain()
    after = gateway.admit(head)
    assert (before.request, before.limit, before.whole) == (
        after.request,
        after.limit,
        after.whole,
    )
    assert before.error is after.error is None
    assert before.request.client == CLIENTS[0]


def test_what_is_wrong_with_a_request_is_told_while_draining_too() -> None:
    client = Client(ok, clients=CLIENTS)
    client.gateway.drain()
    assert client.post(CHAT, BODY).status == 401
    assert client.post("/nowhere", BODY, headers=[KEY]).status == 404
    assert client.post(CHAT, BODY, headers=[KEY]).status == 503
    assert client.post("/v1/files", BODY, headers=[KEY]).status == 503
    assert [seen.outcome for seen in client.observer.seen] == [
        *("client_error", "client_error", "shutting_down", "shutting_down")
    ]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_health_needs_no_host_and_no_key(path: str, method: str) -> None:
    client = Client(ok, clients=CLIENTS)
    assert asyncio.run(client.request(method, path, host=None)).status == 200


class _Broken(ReplyWriter):
    """A writer with a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = False

    async def _write_whole(self, *_: object) -> None:
        raise ZeroDivisionError

    async def _start(self, *_: object) -> None:
        raise ZeroDivisionError

    async def _write_body(self, *_: object) -> None:
        raise ZeroDivisionError

    async def _end(self) -> None:
        raise ZeroDivisionError


def test_a_bug_in_writing_a_reply_counts_as_the_gateways_and_is_not_hidden() -> None:
    async def scenario() -> None:
        client = Client(ok)
        admission = client.gateway.admit(
            Head("POST", CHAT.encode(), b"", ClientHeaders([(b"host", b"h")]))
        )
        with pytest.raises(ZeroDivisionError):
            await client.gateway.serve(admission, msgspec.json.encode(BODY), _Broken())
        assert [seen.outcome for seen in client.observer.seen] == ["internal_error"]

    asyncio.run(scenario())


def test_a_client_that_leaves_while_its_body_is_passed_on_is_not_a_failure() -> None:
    async def scenario() -> None:
        client = Client(ok)

        async def leaving() -> AsyncIterator[bytes]:
            yield b"a"
            raise ClientGone

        async def reading(call: UpstreamCall) -> FakeReply:
            assert not isinstance(call.body, bytes)
            async for _ in call.body:
                continue
            raise AssertionError

        client.gateway._handlers.forwarder._send = reading
        headers = ClientHeaders([(b"host", b"h")])
        admission = client.gateway.admit(Head("POST", b"/v1/files", b"", headers))
        await client.gateway.serve(admission, leaving(), _Broken())
        assert [seen.outcome for seen in client.observer.seen] == ["client_closed"]

    asyncio.run(scenario())


def test_identity_is_not_a_compression() -> None:
    client = Client(ok)
    assert client.post(CHAT, BODY, headers=[(b"content-encoding", b"Identity")]).status == 200


MESSAGES = "/v1/messages"
VERSION = (b"anthropic-version", b"2023-06-01")


def envelope_of(reply: Reply) -> tuple[int, str]:
    """Return the status of an error and its type in Anthropic's envelope, or in OpenAI's."""
    said = reply.json
    assert ("request_id" in said) is ("request-id" in reply.headers) is ("type" in said)
    return reply.status, ("" if "type" in said else "openai:") + said["error"]["type"]


def test_clients_of_messages_get_their_envelope_whatever_is_refused() -> None:
    client = Client(ok, ServerSettings(max_body_bytes=50))
    for path in (
        MESSAGES,
        "/messages",
        "/anthropic/v1/messages",
        "/v1/%6Dessages",
        "/v1/v1/messages",
    ):
        assert envelope_of(client.post(path, b"{")) == (400, "invalid_request_error")
    assert envelope_of(client.post(MESSAGES, b"x" * 51)) == (413, "request_too_large")
    assert envelope_of(client.options(f"{MESSAGES}/..")) == (400, "invalid_request_error")
    assert envelope_of(asyncio.run(client.request("PUT", MESSAGES))) == (
        405,
        "invalid_request_error",
    )
    refused = client.post(MESSAGES, b"{}", headers=[(b"content-encoding", b"gzip")])
    assert envelope_of(refused) == (415, "invalid_request_error")
    assert envelope_of(client.post(CHAT, b"{"))[1].startswith("openai:")
    client.gateway.drain()
    assert envelope_of(client.post(MESSAGES, b"{}")) == (503, "overloaded_error")


def test_clients_of_messages_get_it_for_paths_that_there_are_not() -> None:
    client = Client(ok)
    unknown = (404, "not_found_error")
    assert envelope_of(client.post("/anthropic/messages", b"{}")) == unknown
    assert envelope_of(client.post("/nope", b"{}", headers=[VERSION])) == unknown
    assert envelope_of(client.post("/nope", b"{}"))[1].startswith("openai:")


def test_clients_of_messages_get_it_for_the_rest_of_their_api() -> None:
    team = ClientSettings("team", (hashlib.sha256(b"gw-1").hexdigest(),), ("gpt-*",))
    client = Client(ok, clients=(team,))
    key = (b"x-api-key", b"gw-1")
    for path in ("/v1/agents", "/v1/nope"):
        said = client.post(path, b"{}", headers=[key, VERSION])
        assert envelope_of(said) == (403, "permission_error")
        assert envelope_of(client.post(path, b"{}", headers=[key]))[1].startswith("openai:")
    # What is generated has the form of its endpoint.
    assert envelope_of(client.post(CHAT, b"{", headers=[key, VERSION]))[1].startswith("openai:")


@pytest.mark.parametrize("body", [{"error": {"message": "Busy.", "type": "conflict"}}, {}])
def test_an_upstreams_conflict_is_one_for_clients_of_messages(body: Any) -> None:
    client = Client(lambda _: json_reply(body, 409))
    asked = {"model": "gpt-4o", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    assert envelope_of(client.post(MESSAGES, asked)) == (409, "conflict_error")


def test_unknown_keys_get_their_clients_envelope() -> None:
    team = ClientSettings("team", (hashlib.sha256(b"gw-1").hexdigest(),), ("gpt-*",))
    client = Client(ok, clients=(team,))
    for header in ((b"x-api-key", b"gw-2"), (b"authorization", b"Bearer gw-2")):
        assert envelope_of(client.post(MESSAGES, b"{}", headers=[header])) == (
            401,
            "authentication_error",
        )
    shared = client.get("/v1/models", headers=[VERSION])
    assert envelope_of(shared) == (401, "authentication_error")
    assert envelope_of(client.get("/v1/models"))[1].startswith("openai:")
    own = [(b"x-api-key", b"gw-1")]
    asked = {"model": "o1", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    for path in (MESSAGES, f"{MESSAGES}/count_tokens"):
        status, kind = envelope_of(client.post(path, asked, headers=own))
        assert (status, kind) in {(404, "not_found_error"), (403, "permission_error")}
    batch = client.post(f"{MESSAGES}/batches", {"requests": []}, headers=own)
    assert envelope_of(batch) == (403, "permission_error")


def test_a_full_client_of_messages_gets_its_envelope() -> None:
    team = ClientSettings("team", (hashlib.sha256(b"gw-1").hexdigest(),), max_concurrency=0)
    client = Client(ok, clients=(team,))
    refused = client.post(MESSAGES, b"{}", headers=[(b"x-api-key", b"gw-1")])
    assert envelope_of(refused) == (429, "rate_limit_error")
