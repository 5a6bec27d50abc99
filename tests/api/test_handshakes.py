"""Handshakes from the head to a session: who gets a 101, who an error, and what is recorded."""

import asyncio
import errno
import hashlib
import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.api.admission import Handler, Tracing
from gateway.api.handshakes import head_of_turns, run_session
from gateway.config.settings import ClientSettings, ServerSettings
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied, ShuttingDown
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Outcome
from gateway.observe.record import FinishedRequest
from gateway.request import GenerationRequest, Head, Request
from gateway.server.connection.head import MALFORMED
from gateway.server.connection.state import State
from gateway.server.connection.writer import WireWriter
from gateway.shapes import ClientHeaders, RawHeaders
from gateway.sockets import Socket
from tests.api.client import Client
from tests.server.connection.test_http1 import CHAT, answer
from tests.server.websocket.peer import Echo, Peer, close_in, closing, frame, handshake, run, turns
from tests.server.wire import Wire, request

DIGEST = hashlib.sha256(b"gw-1").hexdigest()
ONE = ClientSettings("one", (DIGEST,), max_concurrency=1)


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def error_of(reply: bytes) -> dict[str, Any]:
    error: dict[str, Any] = msgspec.json.decode(reply.partition(b"\r\n\r\n")[2])["error"]
    return error


@pytest.mark.parametrize(
    ("path", "kind", "below", "model"),
    [
        ("/v1/responses", "responses", "/responses", None),
        ("/responses", "responses", "/responses", None),
        ("/v1/responses/", "responses", "/responses", None),
        ("/openai/v1/responses", "responses", "/responses", None),
        ("/openai/responses?api-version=2026-01-01", "responses", "/responses", None),
        ("/openai/deployments/my%2Fgpt/responses", "responses", "/responses", "my/gpt"),
        ("/v1/realtime?model=gpt-realtime", "realtime", "/realtime", None),
        ("/openai/realtime?api-version=1&deployment=d", "realtime", "/realtime", None),
        ("/openai/deployments/d/realtime", "realtime", "/realtime", "d"),
        ("/v1/realtime/translations", "realtime", "/realtime/translations", None),
        ("/v1/live/sessions", "realtime", "/live/sessions", None),
        ("/live/sess_1/attach", "realtime", "/live/sess_1/attach", None),
    ],
)
def test_paths_with_sockets(path: str, kind: str, below: str, model: str | None) -> None:
    async def scenario() -> None:
        peer = Peer()
        assert status_of(await peer.send(handshake(path))) == 101
        asked = peer.session.request
        assert (peer.session.kind, asked.path, asked.model) == (kind, below, model)
        assert asked.query.decode() == path.partition("?")[2]
        assert peer.counts[0] == {kind: 1}
        peer.wire.leave()
        await peer.wire.settle()
        assert peer.counts[0] == {kind: 0}

    run(scenario)


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/chat/completions", "/v1/responses/resp_1", "/v1/responses/compact", "/v1/files"),
        *("/v1/live", "/v1/realtimes", "/v1/messages", "/nowhere", "/"),
    ],
)
def test_other_paths_have_none(path: str) -> None:
    async def scenario() -> None:
        peer = Peer()
        reply = await peer.send(handshake(path))
        assert status_of(reply) == 426
        assert b"\r\nconnection: close\r\n" in reply
        assert peer.sessions.opened == []
        (seen,) = peer.client.observer.seen
        assert (seen.outcome, seen.status) == (Outcome.CLIENT_ERROR, 426)

    run(scenario)


def test_a_gateway_without_sessions_has_none() -> None:
    async def scenario() -> None:
        wire = Wire(Client(answer).gateway)
        assert status_of(await wire.send(handshake())) == 426

    run(scenario)


REFUSED = {
    "no version": (handshake(drop="Sec-WebSocket-Version"), 426, "websocket_not_supported"),
    "no key": (handshake(drop="Sec-WebSocket-Key"), 400, "invalid_handshake"),
    "no Connection": (handshake(drop="Connection"), 426, "websocket_not_supported"),
    "HTTP/1.0": (handshake().replace(b"HTTP/1.1", b"HTTP/1.0"), 426, "websocket_not_supported"),
    "another origin": (
        handshake("/v1/responses", "Origin: https://a"),
        403,
        "origin_not_allowed",
    ),
    "no host": (handshake(drop="Host"), 400, None),
    "credentials only": (
        handshake("/v1/responses", "Sec-WebSocket-Protocol: openai-insecure-api-key.sk-1"),
        400,
        "invalid_handshake",
    ),
    "no subprotocol": (
        handshake("/v1/responses", "Sec-WebSocket-Protocol:"),
        400,
        "invalid_handshake",
    ),
    "an attack": (handshake("/v1/responses", "x_api_key: a"), 400, "invalid_header"),
    "a loop": (
        handshake("/v1/responses", "x-gateway-hops: " + ", ".join(["a" * 16] * 16)),
        508,
        "loop_detected",
    ),
    "a body": (handshake("/v1/responses", "Content-Length: 2") + b"{}", 400, "invalid_handshake"),
}


@pytest.mark.parametrize(("sent", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_handshake_is_an_http_error(sent: bytes, status: int, code: str | None) -> None:
    async def scenario() -> None:
        peer = Peer()
        reply = await peer.send(sent)
        error = error_of(reply)
        assert (status_of(reply), error["code"]) == (status, code)
        assert "larger than 0 bytes" not in error["message"]
        assert peer.sessions.opened == []
        assert [each.status for each in peer.client.observer.seen] == [status]
        assert peer.counts == ({}, {})

    run(scenario)


def test_a_chunked_body_must_be_empty() -> None:
    async def scenario() -> None:
        chunked = handshake("/v1/responses", "Transfer-Encoding: chunked")
        peer = Peer()
        assert status_of(await peer.send(chunked + b"2\r\n{}\r\n0\r\n\r\n")) == 400
        peer = Peer()
        assert await peer.send(chunked) == b""
        reply = await peer.send(b"0\r\n\r\n" + frame("behind"))
        assert status_of(reply) == 101
        await turns()
        assert peer.session.messages == [b"behind"]
        peer.wire.leave()

    run(scenario)


def test_pages_of_allowed_origins_may_open_sockets() -> None:
    async def scenario() -> None:
        server = ServerSettings(cors_origins=("https://app.example", "https://*.example.org"))
        for origin, status in (
            ("https://app.example", 101),
            ("https://a.example.org", 101),
            ("https://evil.example", 403),
        ):
            peer = Peer(server=server)
            reply = await peer.send(handshake("/v1/responses", f"Origin: {origin}"))
            assert status_of(reply) == status
            peer.wire.leave()

    run(scenario)


def test_the_client_is_checked_before_the_101() -> None:
    async def scenario() -> None:
        for key, status in (("gw-1", 101), ("sk-test", 401)):
            peer = Peer(clients=(ONE,))
            sent = handshake(drop="Authorization", path="/v1/responses")
            sent = sent.replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
            assert status_of(await peer.send(sent)) == status
            if status == 101:
                assert peer.session.request.client == ONE
            peer.wire.leave()
            await peer.wire.settle()

    run(scenario)


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/realtime?model=m"])
@pytest.mark.parametrize("name", ["realtime", "an-app.v1"])
def test_the_reply_names_a_subprotocol_that_was_offered(path: str, name: str) -> None:
    async def scenario() -> None:
        peer = Peer()
        offered = f"Sec-WebSocket-Protocol: openai-insecure-api-key.sk-1, {name}"
        reply = await peer.send(handshake(path, offered))
        assert f"\r\nsec-websocket-protocol: {name}\r\n".encode() in reply
        peer.wire.leave()

    run(scenario)


def test_the_key_of_a_page_is_a_key_and_appears_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        offered = "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.gw-1"
        peer = Peer(clients=(ONE,))
        reply = await peer.send(handshake("/v1/realtime?model=m", offered, drop="Authorization"))
        assert status_of(reply) == 101
        fields = dict(peer.session.request.headers)
        assert fields[b"authorization"] == b"Bearer gw-1"
        assert fields[b"sec-websocket-protocol"] == b"realtime"
        assert b"gw-1" not in reply
        await peer.send(closing())
        wrong = Peer(clients=(ONE,))
        reply = await wrong.send(handshake("/v1/realtime", offered + "0", drop="Authorization"))
        assert status_of(reply) == 401
        assert b"gw-1" not in reply

    run(scenario)
    assert "gw-1" not in caplog.text


def test_open_sockets_take_none_of_their_clients_slots() -> None:
    async def scenario() -> None:
        peer = Peer(clients=(ONE,))
        own = handshake(drop="Authorization").replace(
            b"\r\n\r\n", b"\r\nAuthorization: Bearer gw-1\r\n\r\n"
        )
        assert status_of(await peer.send(own)) == 101
        second = Wire(peer.client.gateway)
        sent = request(CHAT).replace(b"sk-test", b"gw-1")
        assert status_of(await second.send(sent)) == 200
        peer.wire.leave()
        second.leave()

    run(scenario)


def test_a_session_can_refuse_with_an_error_or_a_reply_of_its_own() -> None:
    def refuse(request: Request) -> Echo:
        raise PermissionDenied("This model is not yours.", code="model_not_allowed")

    async def scenario() -> None:
        peer = Peer(refuse)
        reply = await peer.open()
        assert (status_of(reply), error_of(reply)["code"]) == (403, "model_not_allowed")
        assert peer.wire.state is State.IDLE
        assert peer.client.observer.seen[-1].status == 403
        upstreams = Peer(lambda _: json_reply(b"{}", 404))
        assert status_of(await upstreams.open()) == 404
        assert upstreams.client.observer.seen[-1].outcome is Outcome.CLIENT_ERROR
        assert status_of(await upstreams.wire.send(request(CHAT))) == 200

    run(scenario)


def test_a_bug_before_the_101_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: Request) -> Echo:
        raise ZeroDivisionError

    async def scenario() -> None:
        peer = Peer(fail)
        reply = await peer.open()
        assert (status_of(reply), error_of(reply)["type"]) == (500, "server_error")
        assert peer.client.observer.seen[-1].outcome is Outcome.INTERNAL_ERROR

    run(scenario)
    assert "ZeroDivisionError" in caplog.text


def test_a_session_that_nothing_is_left_to_load_can_be_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = [OSError(errno.EMFILE, "Too many open files", "/srv/gateway/session.pyc")]

    def load(request: Request) -> Echo:
        if failures:
            raise failures.pop()
        return Echo(request)

    async def scenario() -> None:
        peer = Peer(load)
        reply = await peer.open()
        assert (status_of(reply), error_of(reply)["code"]) == (503, "exhausted")
        assert b"\r\nretry-after: 1\r\nconnection: close\r\n" in reply
        assert status_of(await Peer(load).open()) == 101

    run(scenario)
    assert "Traceback" not in caplog.text


def test_a_reply_that_cannot_be_written_frees_its_session() -> None:
    def bad(request: Request) -> Echo:
        session = Echo(request)
        session.headers = ((b"x-a", b"\r\n"),)
        return session

    async def scenario() -> None:
        peer = Peer(bad)
        assert status_of(await peer.open()) == 500
        assert peer.session.freed == 1
        assert peer.wire.state is State.IDLE

    run(scenario)


@pytest.mark.parametrize("leaves", [True, False], ids=["the client leaves", "the gateway ends"])
def test_a_handshake_that_waits_for_its_session_can_be_cancelled(*, leaves: bool) -> None:
    async def scenario() -> None:
        cancelled = asyncio.Event()

        async def dial(request: Request) -> Echo:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            raise AssertionError

        peer = Peer(dial)
        assert await peer.open(frame("early")) == b""
        if leaves:
            peer.wire.leave()
        else:
            peer.client.gateway.drain()
            await peer.wire.door.drain(0)
        await peer.wire.settle()
        assert cancelled.is_set()
        (seen,) = peer.client.observer.seen
        assert seen.outcome is (Outcome.CLIENT_CLOSED if leaves else Outcome.SHUTTING_DOWN)
        assert seen.status == (0 if leaves else 503)
        if not leaves:
            assert status_of(peer.wire.take()) == 503

    run(scenario)


def test_no_socket_is_opened_while_the_gateway_drains() -> None:
    async def scenario() -> None:
        peer = Peer()
        peer.client.gateway.drain()
        reply = await peer.open()
        assert (status_of(reply), error_of(reply)["code"]) == (503, "shutting_down")
        assert b"\r\nretry-after: 1\r\n" in reply
        assert peer.sessions.opened == []

    run(scenario)


def test_a_bug_of_a_session_closes_its_socket(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Echo):
        async def run(self, socket: Socket) -> None:
            socket.attach(self)
            raise ZeroDivisionError

    async def scenario() -> None:
        peer = Peer(Broken)
        assert close_in((await peer.open()).partition(b"\r\n\r\n")[2]) == (1011, "")
        assert peer.session.freed == 1
        assert peer.counts[1] == {("responses", "1011"): 1}
        peer.wire.leave()

    run(scenario)
    assert "a socket failed inside the gateway" in caplog.text


def test_a_session_that_cannot_be_freed_writes_nothing_into_its_socket(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stuck(Echo):
        async def aclose(self) -> None:
            raise ZeroDivisionError

    async def scenario() -> None:
        peer = Peer(Stuck)
        await peer.open()
        received = await peer.send(closing())
        await peer.wire.settle()
        assert b"HTTP/1.1" not in received
        assert peer.client.observer.seen == []
        assert peer.counts == ({"responses": 0}, {("responses", "1000"): 1})

    run(scenario)
    assert "ZeroDivisionError" in caplog.text


def test_a_session_ends_in_order_and_its_socket_is_closed() -> None:
    async def scenario() -> None:
        closed: list[int] = []

        class Open(Echo):
            async def run(self, socket: Socket) -> None:
                del socket

        class Noted:
            def close(self, code: int = 1000, reason: str = "") -> None:
                closed.append(code)

        await run_session(Open(Request("GET", "/")), Noted())  # type: ignore[arg-type]
        assert closed == [1000]

    run(scenario)


def test_the_head_of_turns_is_the_clients_without_what_is_the_handshakes() -> None:
    fields = (
        (b"host", b"gateway.test"),
        (b"authorization", b"Bearer sk-test"),
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-key", b"key"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-protocol", b"realtime"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"x-request-id", b"req_1"),
        (b"openai-beta", b"responses_websockets=2026-02-06"),
        (b"openai-beta", b"responses_websockets=2026-02-06, assistants=v2"),
        (b"session-id", b"s"),
    )
    asked = Request("GET", "/responses", b"api-version=1", ClientHeaders(fields))
    assert head_of_turns(asked) == Head(
        "POST",
        b"/v1/responses",
        b"api-version=1",
        ClientHeaders(
            (
                *fields[:2],
                (b"openai-beta", b"assistants=v2"),
                (b"session-id", b"s"),
                (b"content-type", b"application/json"),
            )
        ),
    )
    asked.model = "my/gpt"
    assert head_of_turns(asked).raw_path == b"/openai/deployments/my%2Fgpt/responses"


BODY = b'{"model": "gpt-4o", "input": "Hi"}'


def test_turns_are_requests_of_the_same_client() -> None:
    async def scenario() -> None:
        peer = Peer(clients=(ONE,))
        own = handshake(drop="Authorization").replace(
            b"\r\n\r\n", b"\r\nAuthorization: Bearer gw-1\r\n\r\n"
        )
        await peer.send(own)
        turn = peer.sessions.turns[0](peer.session.request).serve
        other = Wire(peer.client.gateway)
        writer = WireWriter(other.protocol, other.door, MALFORMED)

        def adapted(usual: Handler) -> Handler:
            async def handler(request: GenerationRequest, decision: Decision) -> ClientReply:
                return await usual(request.with_body(BODY), decision)

            return handler

        await turn(adapted, writer)
        assert (writer.status, writer.decision is not None) == (200, True)
        (seen,) = peer.client.observer.seen
        assert (seen.decision.client, seen.status) == ("one", 200)
        peer.wire.leave()
        other.leave()

    run(scenario)


def test_turns_of_a_handshake_that_no_request_may_follow_are_refused() -> None:
    async def scenario() -> None:
        client = Client(answer, clients=(ONE,))
        turn = client.gateway.turns(Request("GET", "/responses")).serve
        wire = Wire(client.gateway)
        writer = WireWriter(wire.protocol, wire.door, MALFORMED)
        await turn(lambda usual: usual, writer)
        assert writer.status == 400
        wire.leave()

    run(scenario)


@pytest.mark.parametrize(
    ("error", "outcome", "status"),
    [
        (GatewayError("Wait.", status=429, code="rate_limit_exceeded"), "client_limited", 429),
        (ShuttingDown("Later."), "shutting_down", 503),
        (InvalidRequest("No."), "client_error", 400),
    ],
)
def test_a_turn_that_is_refused_before_it_is_served_is_recorded(
    error: GatewayError, outcome: str, status: int
) -> None:
    async def scenario() -> None:
        client = Client(answer, clients=(ONE,))
        key = ClientHeaders([(b"host", b"gateway.test"), (b"authorization", b"Bearer gw-1")])
        turns = client.gateway.turns(Request("GET", "/responses", b"", key))
        for _ in range(2):
            turns.refused(error)
        seen = [
            (seen.decision.client, seen.client, seen.outcome, seen.status)
            for seen in client.observer.seen
        ]
        assert seen == [("one", "responses", outcome, status)] * 2
        first, second = (seen.decision.request_id for seen in client.observer.seen)
        assert first
        assert first != second
        assert not any(client.observer.in_flight.values())

    run(scenario)


class Traced(Tracing):
    """Notes the spans of requests: begun, and what has ended them."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str, str]] = []
        self.ended: list[FinishedRequest] = []

    def without_context(self, headers: ClientHeaders) -> ClientHeaders:
        return headers

    def beginning(
        self, method: str, path: str, shape: str, headers: RawHeaders
    ) -> Callable[[], None]:
        return lambda: self.begun.append((method, path, shape))

    def finished(self, request: FinishedRequest) -> None:
        self.ended.append(request)


def test_the_span_of_a_handshake_ends_when_it_is_accepted() -> None:
    async def scenario() -> None:
        tracing = Traced()
        peer = Peer(tracing=tracing)
        await peer.send(handshake("/v1/responses"))
        (ended,) = tracing.ended
        assert tracing.begun == [("GET", "/v1/responses", "responses")]
        assert (ended.shape, ended.status, ended.ending.outcome) == ("responses", 101, "success")
        assert ended.seconds >= 0
        assert peer.session.socket is not None
        assert peer.client.observer.seen == []
        peer.wire.leave()
        await turns()
        assert len(tracing.ended) == 1

    run(scenario)


def test_one_that_is_refused_ends_with_its_record_only() -> None:
    async def scenario() -> None:
        tracing = Traced()

        def refuse(_: Request) -> Echo:
            raise PermissionDenied("Not you.")

        peer = Peer(refuse, tracing=tracing)
        await peer.send(handshake("/v1/responses"))
        assert (len(tracing.begun), tracing.ended) == (1, [])
        assert [seen.status for seen in peer.client.observer.seen] == [403]
        peer.wire.leave()

    run(scenario)
