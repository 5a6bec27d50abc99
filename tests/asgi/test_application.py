"""The gateway under any ASGI server: bodies in messages, clients that leave, mounts, lifespans."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.api.admission import Admission, refusal
from gateway.api.endings import ClientGone
from gateway.asgi.application import ASGIGateway, EnvironmentGateway, _Client, _head, _length
from gateway.asgi.writing import ASGIWriter
from gateway.config.checks.problems import ConfigError
from gateway.config.settings import ClientSettings, ServerSettings
from gateway.errors import InvalidRequest, PayloadTooLarge
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import Body, Request
from gateway.shapes import UpstreamCall
from tests.api.client import Client
from tests.exchange.scene import chat_chunk, chat_completion
from tests.fakes import EVENT_STREAM, Answer, FakeReply, json_reply
from tests.server.websocket.peer import Sessions
from tests.waiting import PATIENCE

CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def ok(_: UpstreamCall) -> Answer:
    return json_reply(chat_completion())


async def handler(request: Request, decision: Decision) -> ClientReply:
    raise AssertionError


def admission(limit: int, *, whole: bool = True) -> Admission:
    return Admission(Request("POST", "/x"), handler, limit, whole)


class Sender:
    """An ASGI `receive` that gives messages one by one, and then waits for the client to leave."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.left = asyncio.Event()
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def client(self, idle_timeout: float = 5) -> _Client:
        self.writer = ASGIWriter(self.send)
        return _Client(self.receive, self.writer, idle_timeout)


def piece(data: bytes | None, *, more: bool = True) -> dict[str, Any]:
    body = {} if data is None else {"body": data}
    return {"type": "http.request", **body, "more_body": more}


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def in_a_task() -> None:
        await asyncio.wait_for(scenario(), PATIENCE)

    asyncio.run(in_a_task())


async def pieces_of(body: Body) -> list[bytes]:
    assert not isinstance(body, bytes)
    return [part async for part in body]


# --- bodies -----------------------------------------------------------------------------------


def test_a_body_of_pieces_is_put_together_empty_and_missing_ones_too() -> None:
    async def scenario() -> None:
        sender = Sender(piece(None), piece(b"ab"), piece(b""), piece(b"c", more=False))
        client = sender.client()
        assert await client.body(admission(3), None) == (b"abc", None)
        client.close()

    run(scenario)


def test_a_stream_leaves_empty_pieces_out() -> None:
    async def scenario() -> None:
        sender = Sender(piece(None), piece(b"ab"), piece(b""), piece(b"c"), piece(b"", more=False))
        client = sender.client()
        body, error = await client.body(admission(10, whole=False), None)
        assert error is None
        assert await pieces_of(body) == [b"ab", b"c"]
        client.close()

    run(scenario)


def test_a_stream_of_one_piece_is_a_whole_body() -> None:
    async def scenario() -> None:
        client = Sender(piece(b"ab", more=False)).client()
        assert await client.body(admission(10, whole=False), None) == (b"ab", None)
        client.close()

    run(scenario)


def test_a_stream_stops_at_its_limit() -> None:
    async def scenario() -> None:
        client = Sender(piece(b"abc"), piece(b"de"), piece(b"f")).client()
        body, _ = await client.body(admission(4, whole=False), None)
        assert not isinstance(body, bytes)
        assert await anext(body) == b"abc"
        with pytest.raises(PayloadTooLarge):
            await anext(body)
        client.close()

    run(scenario)


@pytest.mark.parametrize(
    ("messages", "length"),
    [((piece(b"abc"), piece(b"de")), None), ((), 5), ((piece(b"abcde"),), None)],
    ids=["in two pieces", "declared", "in one"],
)
def test_a_body_beyond_the_limit_is_told_with_the_body(
    messages: tuple[dict[str, Any], ...], length: int | None
) -> None:
    async def scenario() -> None:
        client = Sender(*messages).client()
        body, error = await client.body(admission(4), length)
        assert body == b""
        assert isinstance(error, PayloadTooLarge)
        assert error.__traceback__ is None
        client.close()

    run(scenario)


def test_the_body_of_a_refused_request_is_not_read() -> None:
    async def scenario() -> None:
        sender = Sender(piece(b"ab"))
        refused = refusal(InvalidRequest("no"))
        assert await sender.client().body(refused, 10**9) == (b"", None)
        assert len(sender.messages) == 1

    run(scenario)


def test_a_body_that_arrives_counts_for_its_client_and_gives_its_slot_back() -> None:
    async def scenario() -> None:
        limited = ClientSettings("one", (sha256(b"k").hexdigest(),), max_concurrency=1)
        app = ASGIGateway(Client(ok, clients=(limited,)).gateway)
        asked = scope(CHAT)
        asked["method"] = "POST"
        asked["headers"] = [(b"host", b"h"), (b"authorization", b"Bearer k")]
        for _ in range(2):
            unfinished = Sender(piece(b"{"))
            first = asyncio.create_task(app(asked, unfinished.receive, unfinished.send))
            for _ in range(5):
                await asyncio.sleep(0)
            assert unfinished.messages == []
            second = Sender(piece(b"{"))
            await app(asked, second.receive, second.send)
            assert second.sent[0]["status"] == 429
            assert second.messages  # it was not read
            unfinished.left.set()
            await first
            assert unfinished.sent == []

    run(scenario)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("pieces", [(b"",), (None,), (b"", b"")])
def test_a_body_that_the_server_has_dropped_is_told(
    pieces: tuple[bytes | None, ...], *, whole: bool
) -> None:
    """By uvicorn, for instance, if the client offers another protocol beside it."""

    async def scenario() -> None:
        last = len(pieces) - 1
        sender = Sender(*(piece(data, more=at < last) for at, data in enumerate(pieces)))
        body, error = await sender.client().body(admission(100, whole=whole), 42)
        if isinstance(body, bytes):
            assert isinstance(error, InvalidRequest)
        else:
            with pytest.raises(InvalidRequest) as raised:
                await pieces_of(body)
            error = raised.value
        assert (error.status, error.code) == (400, "body_dropped")
        assert "body of 42 bytes" in error.message
        assert "--http h11" in error.message

    run(scenario)


@pytest.mark.parametrize("length", [None, 0])
def test_a_body_that_was_never_sent_is_empty(length: int | None) -> None:
    async def scenario() -> None:
        sender = Sender(piece(b"", more=False))
        assert await sender.client().body(admission(100), length) == (b"", None)

    run(scenario)


def test_a_body_that_stops_coming_is_a_408() -> None:
    async def scenario() -> None:
        client = Sender(piece(b"ab")).client(0.01)
        _, error = await client.body(admission(10), None)
        assert error is not None
        assert (error.status, error.code) == (408, "request_timeout")

    run(scenario)


def test_a_request_that_is_cancelled_in_its_body_is_not_too_slow() -> None:
    async def scenario() -> None:
        client = Sender(piece(b"ab")).client()
        reading = asyncio.create_task(client.body(admission(10), None))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        client.close()

    run(scenario)


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (b"12", 12),
        (b"12 \t", 12),
        (b"0", 0),
        (b"", None),
        (b"-1", None),
        (b"1e3", None),
        (b"9" * 19, None),
    ],
)
def test_a_declared_length_is_a_plain_number(value: bytes, length: int | None) -> None:
    assert _length({"headers": [(b"host", b"h"), (b"content-length", value)]}) == length


def test_no_length_may_be_declared_at_all() -> None:
    assert _length({"headers": []}) is None


# --- clients that leave -----------------------------------------------------------------------


@pytest.mark.parametrize("whole", [False, True])
def test_a_client_that_leaves_in_its_body_is_gone(*, whole: bool) -> None:
    async def scenario() -> None:
        sender = Sender(piece(b"ab"))
        sender.left.set()
        client = sender.client()
        if whole:
            with pytest.raises(ClientGone):
                await client.body(admission(10), None)
        else:
            body, _ = await client.body(admission(10, whole=False), None)
            with pytest.raises(ClientGone):
                await pieces_of(body)
        assert sender.writer.gone
        client.close()

    run(scenario)


def test_a_client_that_leaves_after_its_body_cancels_the_request() -> None:
    async def request(sender: Sender, read: asyncio.Event) -> None:
        assert await sender.client().body(admission(10), 2) == (b"{}", None)
        read.set()
        await asyncio.Event().wait()

    async def scenario() -> None:
        # What comes after a body and is not a disconnect (a pipelined request's beginning) is
        # ignored.
        sender, read = Sender(piece(b"{}", more=False), piece(b"", more=False)), asyncio.Event()
        task = asyncio.create_task(request(sender, read))
        await read.wait()
        sender.left.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sender.writer.gone

    run(scenario)


def test_outside_of_a_task_a_departure_is_only_noted() -> None:
    async def scenario() -> None:
        sender = Sender(piece(b"{}", more=False))
        made: asyncio.Future[_Client] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: made.set_result(sender.client()))
        client = await made
        await client.body(admission(10), None)
        sender.left.set()
        assert client._watch is not None
        await client._watch
        assert sender.writer.gone

    run(scenario)


def test_the_end_of_a_reply_is_not_a_departure_though_the_server_calls_it_one() -> None:
    """uvicorn's `receive` gives a disconnect once the reply is complete."""

    class SlowToClose(FakeReply):
        async def aclose(self) -> None:
            for _ in range(10):
                await asyncio.sleep(0)
            self.closed = True

    async def scenario() -> None:
        upstream = SlowToClose(200, EVENT_STREAM, [b"data: [DONE]\n\n"])
        client = Client(lambda _: upstream)

        def leave_at_the_end(message: Any, leave: asyncio.Event) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                leave.set()

        body = {**BODY, "stream": True}
        reply = await client.request("POST", CHAT, body, on_message=leave_at_the_end)
        assert reply.complete
        assert upstream.closed
        assert [seen.outcome for seen in client.observer.seen] == ["success"]

    run(scenario)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_server_may_say_by_an_error_that_the_client_has_left(*, streamed: bool) -> None:
    """ASGI 2.4: `send` raises a subclass of OSError then."""

    async def scenario() -> None:
        chunks = [b"data: %b\n\n" % msgspec.json.encode(chat_chunk("a"))] * 3
        upstream = FakeReply(200, EVENT_STREAM, chunks)
        client = Client(lambda _: upstream if streamed else ok(_))
        sender = Sender(piece(msgspec.json.encode({**BODY, "stream": streamed}), more=False))

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                raise ConnectionResetError
            sender.sent.append(message)

        await ASGIGateway(client.gateway)(scope(CHAT), sender.receive, send)
        assert len(sender.sent) == 1
        assert upstream.closed is streamed
        assert [seen.outcome for seen in client.observer.seen] == ["client_closed"]

    run(scenario)


@pytest.mark.parametrize(("status", "kept"), [(200, True), (304, False), (204, False)])
def test_a_reply_without_a_body_promises_none(status: int, *, kept: bool) -> None:
    async def scenario() -> None:
        sender = Sender()
        fields = [(b"content-length", b"5"), (b"etag", b"x")]
        body = b"hello" if kept else b""
        await ASGIWriter(sender.send).write(ClientReply(status, fields, body), Decision())
        assert ((b"content-length", b"5") in sender.sent[0]["headers"]) is kept
        assert (b"etag", b"x") in sender.sent[0]["headers"]

    run(scenario)


# --- heads, and where the application is mounted ------------------------------------------------


def scope(path: str, root: str = "", raw_path: bytes | None = None, **more: Any) -> dict[str, Any]:
    made = {
        "type": "http",
        "method": "POST",
        "path": path,
        "root_path": root,
        "query_string": b"a=b",
        "headers": [
            *((b"host", b"h"), (b"content-length", b"2"), (b"transfer-encoding", b"chunked")),
            (b"x-a", b"1"),
        ],
        **more,
    }
    return made if raw_path is None else {**made, "raw_path": raw_path}


def test_a_head_has_all_fields_but_the_framing() -> None:
    head = _head(scope(CHAT, raw_path=b"/v1/%63hat"))
    assert (head.method, head.raw_path, head.query) == ("POST", b"/v1/%63hat", b"a=b")
    assert list(head.headers) == [(b"host", b"h"), (b"x-a", b"1")]


def test_blanks_after_a_value_are_no_part_of_it() -> None:
    fields = [(b"host", b"h \t"), (b"x-a", b"\t a b "), (b"x-b", b"")]
    head = _head({**scope(CHAT, raw_path=b"/v1/chat"), "headers": fields})
    assert list(head.headers) == [(b"host", b"h"), (b"x-a", b"\t a b"), (b"x-b", b"")]


@pytest.mark.parametrize(
    ("root", "raw_path", "below"),
    [
        ("", b"/v1/models", b"/v1/models"),
        ("/", b"/v1/models", b"/v1/models"),
        ("/llm", b"/llm/v1/models/a%2Fb", b"/v1/models/a%2Fb"),
        ("/llm/", b"/llm/v1/models", b"/v1/models"),
        ("/llm", b"/v1/models", b"/v1/models"),
        ("/llm", b"/llmv1/models", b"/llmv1/models"),
        ("/llm", b"/llm", b"/"),
        ("/l m", b"/l%20m/v1/models", b"/v1/models"),
        ("/\u00e4", b"/%C3%A4/v1", b"/v1"),
        ("/v1", b"/v1/models", b"/models"),
    ],
)
def test_a_path_is_told_below_the_root_where_it_is_mounted(
    root: str, raw_path: bytes, below: bytes
) -> None:
    assert _head(scope("/ignored", root, raw_path)).raw_path == below


def test_a_server_without_raw_paths_gives_the_decoded_one() -> None:
    assert _head(scope("/llm/v1/a b", "/llm")).raw_path == b"/v1/a%20b"
    assert _head(scope("/v1/a b", raw_path=b"")).raw_path == b"/v1/a%20b"
    without_root = scope("/v1/x")
    del without_root["root_path"]
    assert _head(without_root).raw_path == b"/v1/x"


def test_a_mounted_gateway_serves_below_its_root() -> None:
    async def scenario() -> None:
        client = Client(ok)
        sender = Sender(piece(msgspec.json.encode(BODY), more=False))
        mounted = scope(f"/llm{CHAT}", "/llm", f"/llm{CHAT}".encode())
        await ASGIGateway(client.gateway)(mounted, sender.receive, sender.send)
        assert sender.sent[0]["status"] == 200
        assert client.scene.network.calls[0].path == "/chat/completions"

    run(scenario)


# --- WebSockets -------------------------------------------------------------------------------


async def opened(
    *messages: dict[str, Any], sessions: Sessions | None = None, **more: Any
) -> list[Any]:
    """Return what is sent to a client that opens a socket and sends these messages."""
    sender = Sender({"type": "websocket.connect"}, *messages)
    made = {
        "type": "websocket",
        "path": "/v1/responses",
        "query_string": b"",
        "headers": [(b"host", b"gateway.test"), (b"authorization", b"Bearer sk-test")],
        **more,
    }
    client = Client(ok, sessions=sessions.made if sessions is not None else None)
    await ASGIGateway(client.gateway)(made, sender.receive, sender.send)
    assert sender.messages == []
    return sender.sent


@pytest.mark.parametrize("extensions", [None, {}, {"other": {}}])
def test_a_websocket_is_closed_where_there_are_none(extensions: dict[str, Any] | None) -> None:
    sent = asyncio.run(opened(extensions=extensions))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_why_there_is_none_is_said_where_the_server_can() -> None:
    start, body = asyncio.run(opened(extensions={"websocket.http.response": {}}))
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 426)
    assert (b"upgrade", b"HTTP/1.1") in start["headers"]
    assert body["type"] == "websocket.http.response.body"
    assert msgspec.json.decode(body["body"])["error"]["code"] == "websocket_not_supported"


HTTP_1: list[tuple[bytes, bytes]] = [
    (b"host", b"gateway.test"),
    (b"connection", b"Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    (b"sec-websocket-protocol", b"realtime, openai-insecure-api-key.sk-page"),
    (b"x-request-id", b"req_1"),
]
HTTP_2 = [field for field in HTTP_1 if field[0] in (b"host", b"x-request-id")]


@pytest.mark.parametrize("fields", [HTTP_1, HTTP_2], ids=["HTTP/1.1", "HTTP/2"])
def test_a_socket_is_served_whatever_the_server_passes_on(
    fields: list[tuple[bytes, bytes]],
) -> None:
    sessions = Sessions()
    accepted, answer = asyncio.run(
        opened(
            {"type": "websocket.receive", "text": "Hi"},
            {"type": "websocket.disconnect", "code": 1000, "reason": ""},
            sessions=sessions,
            headers=fields,
            subprotocols=["realtime", "openai-insecure-api-key.sk-page"],
        )
    )
    assert accepted["type"] == "websocket.accept"
    assert (b"x-request-id", b"req_1") in accepted["headers"]
    assert answer == {"type": "websocket.send", "text": "Hi"}
    (session,) = sessions.opened
    headers = dict(session.request.headers)
    assert headers[b"authorization"] == b"Bearer sk-page"
    assert headers[b"sec-websocket-protocol"] == b"realtime"
    assert (session.ends, session.freed) == ([(1000, "")], 1)


def test_a_page_of_another_origin_gets_a_403() -> None:
    fields = [(b"host", b"gateway.test"), (b"origin", b"https://evil.example")]
    denials: dict[str, Any] = {"websocket.http.response": {}}
    start, _ = asyncio.run(opened(sessions=Sessions(), headers=fields, extensions=denials))
    assert start["status"] == 403


def test_a_handshake_that_a_server_takes_for_a_request_is_refused() -> None:
    client = Client(ok, sessions=Sessions().made)
    reply = client.get("/v1/responses", headers=HTTP_1[1:])
    assert (reply.status, reply.error["code"]) == (426, "websocket_not_supported")


@pytest.mark.parametrize("sessions", [None, Sessions(lambda _: ClientReply(404, [], b"{}"))])
def test_a_client_that_is_gone_before_its_refusal_is_not_a_failure(
    sessions: Sessions | None, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone(Sender):
        async def send(self, message: Any) -> None:
            raise OSError

    async def scenario() -> None:
        client = Client(ok, sessions=sessions.made if sessions is not None else None)
        sender = Gone({"type": "websocket.connect"})
        made = {**scope("/v1/responses"), "type": "websocket"}
        await ASGIGateway(client.gateway)(made, sender.receive, sender.send)
        (seen,) = client.observer.seen
        assert seen.outcome == "client_closed"

    run(scenario)
    assert caplog.text == ""


# --- the environment's gateway -----------------------------------------------------------------

CONFIG = "upstreams:\n  local:\n    base_url: http://127.0.0.1:1/v1\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG)
    monkeypatch.setenv("GATEWAY_CONFIG", str(path))
    return path


async def lived(app: EnvironmentGateway) -> list[Any]:
    sender = Sender({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    await app({"type": "lifespan"}, sender.receive, sender.send)
    return sender.sent


@pytest.mark.usefixtures("config")
def test_a_lifespan_builds_drains_and_closes() -> None:
    async def scenario() -> None:
        app = EnvironmentGateway()
        sent = await lived(app)
        assert [message["type"] for message in sent] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]
        assert app._built is not None
        assert app._built.gateway.draining

    run(scenario)


@pytest.mark.parametrize("content", ["upstreams: nonsense", "\t{", None])
def test_a_bad_configuration_is_told_at_the_start(config: Path, content: str | None) -> None:
    if content is None:
        config.unlink()
    else:
        config.write_text(content)

    async def scenario() -> None:
        (message,) = await lived(EnvironmentGateway())
        assert message["type"] == "lifespan.startup.failed"
        assert str(config) in message["message"]

    run(scenario)


@pytest.mark.usefixtures("config")
def test_without_a_lifespan_the_first_request_builds() -> None:
    async def scenario() -> None:
        app = EnvironmentGateway()
        for _ in range(2):
            sender = Sender(piece(b"", more=False))
            await app(scope("/healthz", method="GET"), sender.receive, sender.send)
            assert sender.sent[0]["status"] == 200
        assert app._built is not None
        await app._built.aclose()

    run(scenario)


def test_without_a_lifespan_a_bad_configuration_is_the_servers_to_log(config: Path) -> None:
    config.write_text("nonsense: 1")

    async def scenario() -> None:
        sender = Sender()
        with pytest.raises(ConfigError, match="nonsense"):
            await EnvironmentGateway()(scope("/healthz"), sender.receive, sender.send)

    run(scenario)


def test_without_a_file_the_environment_alone_configures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")

    async def scenario() -> None:
        assert len(await lived(EnvironmentGateway())) == 2

    run(scenario)


def test_limits_hold_for_bodies_that_are_declared_or_not() -> None:
    client = Client(ok, ServerSettings(max_body_bytes=10))
    assert client.post(CHAT, pieces=[b"x" * 6, b"x" * 5]).status == 413
    assert client.post(CHAT, b"", headers=[(b"content-length", b"11")]).status == 413
