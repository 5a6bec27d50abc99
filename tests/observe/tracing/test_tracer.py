"""Spans of real requests, at a real collector: through sockets from end to end."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.client import connect as open_socket

from gateway.config.operator_settings import AdminSettings, TracingSettings
from gateway.config.secret import Secret
from gateway.config.settings import Settings, UpstreamSettings
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome
from gateway.observe.tracing.attributes import FIRST_BYTE
from gateway.observe.tracing.export import Exporting
from gateway.observe.tracing.otlp import OTLPCollector
from gateway.observe.tracing.tracer import Tracer
from gateway.replies import BufferedReply
from gateway.shapes import UpstreamCall
from tests import kinds
from tests.clients.raw import RawReply, chunk
from tests.clients.running import running_gateway
from tests.door.doors import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, Door, chat, connect, prompt
from tests.door.upstream import (
    STREAM_END,
    STREAM_HEAD,
    Line,
    Seen,
    chat_reply,
    event,
    falls_silent_after,
    recording_upstream,
    replies,
    text_event,
    whole,
)
from tests.observe.ended import finished_now
from tests.observe.tracing.collector import Collector, collector

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


@contextmanager
def traced(**settings: Any) -> Iterator[tuple[Door, Collector]]:
    """Run a traced gateway between an upstream and a collector."""
    with collector() as taking, recording_upstream() as upstream:
        to = UpstreamSettings("up", upstream.base_url, kinds.OPENAI)
        tracing = TracingSettings(taking.endpoint, **settings)
        built = Settings((to,), admin=AdminSettings(), tracing=tracing)
        with running_gateway(built) as gateway:
            yield Door(gateway, upstream), taking


def ask(door: Door, path: str, body: bytes, **headers: str) -> RawReply:
    with connect(door.base_url) as client:
        client.request("POST", path, body, **headers)
        return client.reply()


def test_calls_beside_requests_have_no_span() -> None:
    async def scenario() -> None:
        settings = Settings((UpstreamSettings("up", "http://up.test/v1"),))
        tracer = Tracer(settings, Exporting(OTLPCollector(TracingSettings("http://127.0.0.1:1"))))
        call = UpstreamCall("up", "GET", "/models")

        async def send(sent: UpstreamCall) -> BufferedReply:
            assert sent.trace == ()
            return BufferedReply(200, (), b"{}")

        assert isinstance(await tracer.sending(send)(call), BufferedReply)
        tracer.finished(finished_now(Decision(), "other", Ending(Outcome.SUCCESS), 200, 0.1))
        await tracer.aclose()

    asyncio.run(scenario())


def test_a_whole_reply() -> None:
    with traced() as (door, taking):
        door.upstream.then(replies(whole(chat_reply("Hi", model="gpt-4o-mini-2024", usage=USAGE))))
        assert ask(door, CHAT, chat()).status == 200
        server, (call,) = taking.trace(1)
    assert server.name == "POST /v1/chat/completions"
    assert server.parent_id == ""
    assert not server.failed
    assert (
        server.attributes.items()
        >= {
            "http.request.method": "POST",
            "http.route": CHAT,
            "url.path": CHAT,
            "http.response.status_code": 200,
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o-mini",
            "gateway.outcome": "success",
            "gateway.upstream": "up",
            "gateway.upstream_shape": "chat",
            "gateway.attempts": 1,
        }.items()
    )
    assert call.name == "chat gpt-4o-mini"
    assert (
        call.attributes.items()
        >= {
            "http.request.method": "POST",
            "server.address": "127.0.0.1",
            "server.port": int(door.upstream.base_url.split(":")[2].removesuffix("/v1")),
            "http.response.status_code": 200,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": "gpt-4o-mini-2024",
            "gateway.upstream": "up",
        }.items()
    )
    for span in (server, call):
        assert span.attributes["gen_ai.usage.input_tokens"] == 9
        assert span.attributes["gen_ai.usage.output_tokens"] == 5
    assert server.attributes["gateway.request_id"]
    assert server.started <= call.started <= call.events[FIRST_BYTE] <= call.ended <= server.ended
    assert server.resource["service.name"] == "endpoint-gateway"
    assert server.resource["service.instance.id"]


def test_a_stream() -> None:
    with traced() as (door, taking):
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
        first = event({**head, "choices": [{"index": 0, "delta": {"content": "a"}}]})
        door.upstream.then(replies(STREAM_HEAD + first + text_event("b") + STREAM_END))
        assert ask(door, CHAT, chat(stream=True)).complete
        server, (call,) = taking.trace(1)
    assert call.attributes["gen_ai.request.stream"] is True
    assert call.attributes["gen_ai.response.model"] == "m-1"
    assert server.started < server.events[FIRST_BYTE] < server.ended
    seconds = call.attributes["gen_ai.response.time_to_first_chunk"]
    assert seconds == pytest.approx((call.events[FIRST_BYTE] - call.started) / 1e9)
    assert (server.failed, call.failed) == (False, False)


def test_a_translated_stream() -> None:
    with traced() as (door, taking):
        door.upstream.then(replies(STREAM_HEAD + text_event("a") + STREAM_END))
        assert ask(door, COMPLETIONS, prompt(stream=True)).complete
        server, (call,) = taking.trace(1)
    assert server.attributes["gen_ai.operation.name"] == "text_completion"
    assert "gateway.translation" in server.attributes
    assert call.name == "chat gpt-4o-mini"
    assert call.attributes["gen_ai.response.model"] == "m"


def test_a_retried_request_has_a_span_per_attempt() -> None:
    refusal = {
        "error": {
            "message": "This model is only supported in v1/responses and not in "
            "v1/chat/completions.",
            "type": "invalid_request_error",
            "param": "model",
            "code": None,
        }
    }
    text = {"type": "output_text", "text": "Hi", "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "content": [text]}
    answer = {"id": "resp_1", "object": "response", "created_at": 1, "model": "x"}
    bodies = {
        f"POST {CHAT}": whole(json.dumps(refusal).encode(), "404 Not Found"),
        f"POST {RESPONSES}": whole(
            json.dumps({**answer, "status": "completed", "output": [message]}).encode()
        ),
    }

    def script(line: Line, seen: Seen) -> None:
        if line.read_body(seen):
            line.send(bodies.get(seen.line, whole(b'{"object":"list","data":[]}')))

    with traced() as (door, taking):
        door.upstream.then(*[script] * 9)
        body = json.dumps({"model": "acme-v7", "messages": [{"role": "user", "content": "Hi"}]})
        assert ask(door, CHAT, body.encode()).status == 200
        server, (first, second) = taking.trace(2)
    assert server.attributes["gateway.attempts"] == 2
    assert not server.failed
    assert (first.name, first.failed) == ("chat acme-v7", True)
    assert first.attributes["error.type"] == "404"
    assert (second.name, second.failed) == ("chat acme-v7", False)
    assert server.attributes["gateway.upstream_shape"] == "responses"


def test_a_fan_out_has_a_span_per_call() -> None:
    body = json.dumps({"model": "gpt-4o-mini", "prompt": ["a", "b", "c"]}).encode()
    with traced() as (door, taking):
        assert ask(door, COMPLETIONS, body).status == 200
        server, calls = taking.trace(3)
        sent = {(seen.header("traceparent") or "").split("-")[2] for seen in door.upstream.requests}
    assert len(calls) == 3
    assert {call.span_id for call in calls} == sent
    assert not any("gen_ai.usage.input_tokens" in call.attributes for call in calls)
    assert server.attributes["gateway.attempts"] == 1


def test_a_client_that_leaves() -> None:
    with traced() as (door, taking):
        door.upstream.then(falls_silent_after(STREAM_HEAD + text_event("a")))
        with connect(door.base_url) as client:
            client.request("POST", CHAT, chat(stream=True))
            client.reply_head()
            next(client.pieces())
        server, (call,) = taking.trace(1)
    assert server.attributes["gateway.outcome"] == "client_closed"
    assert call.attributes["gateway.outcome"] == "client_closed"
    assert (server.failed, call.failed) == (False, False)


def test_an_upstream_that_is_down() -> None:
    with collector() as taking:
        to = UpstreamSettings("up", "http://127.0.0.1:1/v1", kinds.VLLM)
        built = Settings((to,), admin=AdminSettings(), tracing=TracingSettings(taking.endpoint))
        with running_gateway(built) as gateway, connect(gateway.base_url) as client:
            client.request("POST", CHAT, chat())
            assert client.reply().status == 502
            server, (call,) = taking.trace(1)
    for span in (server, call):
        assert span.failed
        assert span.attributes["error.type"] == "refused"
    assert server.attributes["http.response.status_code"] == 502
    assert "http.response.status_code" not in call.attributes
    assert call.attributes["gen_ai.provider.name"] == "vllm"


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
def test_a_stream_that_breaks_off(path: str) -> None:
    body = chat(stream=True) if path == CHAT else prompt(stream=True)
    with traced() as (door, taking):
        door.upstream.then(replies(STREAM_HEAD + text_event("a") + chunk(b"")))
        ask(door, path, body)
        server, (call,) = taking.trace(1)
    assert (server.failed, call.failed) == (True, True)
    assert server.attributes["error.type"] == call.attributes["error.type"] == "truncated"
    assert server.attributes["gateway.outcome"] == "stream_broken"


def breaks_off(line: Line, seen: Seen) -> None:
    if line.read_body(seen):
        line.send(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
        line.end()


def test_a_connection_that_breaks_off() -> None:
    with traced() as (door, taking):
        door.upstream.then(breaks_off)
        ask(door, CHAT, chat())
        server, (call,) = taking.trace(1)
    assert (server.failed, call.failed) == (True, True)
    assert call.attributes["error.type"] == "truncated"


def test_other_requests() -> None:
    with traced() as (door, taking):
        body = json.dumps({"model": "text-embedding-3-small", "input": "Hi"}).encode()
        assert ask(door, EMBEDDINGS, body).status == 200
        server, (call,) = taking.trace(1)
        assert server.name == "POST"
        assert server.attributes["url.path"] == EMBEDDINGS
        assert call.attributes["gen_ai.operation.name"] == "embeddings"
        with connect(door.base_url) as client:
            client.request("GET", "/v1/files")
            client.reply()
            client.request("GET", "/healthz")
            client.reply()
            client.request("GET", "/nowhere", traceparent=PARENT)
            assert client.reply().status == 404
        spans = taking.wait_for(5)
    assert [span.name for span in spans[2:]] == ["GET", "GET", "GET"]
    refused = spans[4]
    assert refused.parent_id == SPAN_ID
    assert refused.attributes["gateway.outcome"] == "client_error"
    assert not refused.failed


def test_a_websocket_has_a_span_of_its_handshake_and_one_of_each_turn() -> None:
    with traced() as (door, taking):
        response = {"id": "resp_1", "object": "response", "status": "completed", "output": []}
        no_socket = whole(b"{}", "404 Not Found")
        door.upstream.then(replies(no_socket), replies(whole(json.dumps(response).encode())))
        address = door.base_url.replace("http://", "ws://") + RESPONSES
        fields = {"Authorization": "Bearer sk-test", "traceparent": PARENT}
        with open_socket(address, additional_headers=fields) as socket:
            (handshake,) = taking.wait_for(1)
            create = {"type": "response.create", "model": "gpt-4o-mini", "input": "Hi"}
            socket.send(json.dumps(create))
            while json.loads(socket.recv())["type"] not in ("response.completed", "error"):
                pass
            socket.send(json.dumps({**create, "generate": 3}))
            assert json.loads(socket.recv())["status"] == 400
            spans = taking.wait_for(4)[1:]
    assert (handshake.name, handshake.parent_id) == (f"GET {RESPONSES}", SPAN_ID)
    assert not handshake.failed
    assert handshake.attributes["http.response.status_code"] == 101
    assert handshake.attributes["gateway.outcome"] == "success"
    assert handshake.attributes["gateway.request_id"]
    assert "gen_ai.operation.name" not in handshake.attributes
    turns = [span for span in spans if span.is_server]
    assert [turn.name for turn in turns] == [f"POST {RESPONSES}"] * 2
    assert [turn.attributes["gateway.outcome"] for turn in turns] == ["success", "client_error"]


def test_a_refused_handshake_has_one_span() -> None:
    with traced() as (door, taking):
        with connect(door.base_url) as client:
            client.request("GET", RESPONSES, Connection="Upgrade", Upgrade="websocket")
            assert client.reply().status == 426
        server, _ = taking.trace(0)
    assert server.name == f"GET {RESPONSES}"
    assert server.attributes["http.response.status_code"] == 426


def test_the_callers_context_is_the_parent() -> None:
    with traced(sample_ratio=0.0) as (door, taking):
        ask(door, CHAT, chat(), traceparent=PARENT, tracestate="a=1, b=2")
        server, (call,) = taking.trace(1)
        (seen,) = door.upstream.requests
    assert (server.trace_id, server.parent_id) == (TRACE_ID, SPAN_ID)
    assert (server.state, call.state) == ("a=1,b=2", "a=1,b=2")
    assert seen.header("traceparent") == f"00-{TRACE_ID}-{call.span_id}-01"
    assert seen.header("tracestate") == "a=1,b=2"


def test_an_invalid_context_begins_a_new_trace() -> None:
    with traced() as (door, taking):
        ask(door, CHAT, chat(), traceparent=PARENT.replace("00-", "ff-"), tracestate="a=1")
        server, (call,) = taking.trace(1)
        (seen,) = door.upstream.requests
    assert server.parent_id == ""
    assert server.trace_id != TRACE_ID
    assert seen.header("traceparent") == f"00-{server.trace_id}-{call.span_id}-01"
    assert seen.header("tracestate") is None


def test_a_context_that_is_not_sampled_passes_on() -> None:
    with traced() as (door, taking):
        ask(door, CHAT, chat(), traceparent=PARENT.removesuffix("01") + "00")
        ask(door, CHAT, chat(), traceparent=PARENT)
        server, _ = taking.trace(1)
        first, _ = door.upstream.requests
    assert server.parent_id == SPAN_ID
    version, trace_id, span_id, flags = (first.header("traceparent") or "").split("-")
    assert (version, trace_id, flags) == ("00", TRACE_ID, "00")
    assert span_id != SPAN_ID


def test_without_tracing_the_context_passes_through() -> None:
    with recording_upstream() as upstream:
        to = UpstreamSettings("up", upstream.base_url, kinds.OPENAI)
        with running_gateway(Settings((to,), admin=AdminSettings())) as gateway:
            ask(Door(gateway, upstream), CHAT, chat(), traceparent="anything", tracestate="a=1")
            assert gateway.application.kept.exporting is None
    (seen,) = upstream.requests
    assert (seen.header("traceparent"), seen.header("tracestate")) == ("anything", "a=1")


def test_a_body_that_never_comes() -> None:
    with traced() as (door, taking):
        with connect(door.base_url) as client:
            client.send(client.head("POST", CHAT, 100, traceparent=PARENT) + b"{")
        (server,) = taking.wait_for(1)
    assert server.attributes["gateway.outcome"] == "client_closed"
    assert server.parent_id == SPAN_ID


def test_an_upstreams_own_context_wins() -> None:
    with collector() as taking, recording_upstream() as upstream:
        fixed = (("traceparent", Secret("fixed")),)
        to = UpstreamSettings("up", upstream.base_url, kinds.OPENAI, headers=fixed)
        built = Settings((to,), admin=AdminSettings(), tracing=TracingSettings(taking.endpoint))
        with running_gateway(built) as gateway:
            ask(Door(gateway, upstream), CHAT, chat())
    assert upstream.requests[0].header("traceparent") == "fixed"


def test_a_slow_collector_slows_no_request() -> None:
    with traced() as (door, taking):
        taking.held.clear()
        ask(door, CHAT, chat())
        taking.wait_for_requests(1)
        for _ in range(3):
            assert ask(door, CHAT, chat()).status == 200
        taking.held.set()
        assert len(taking.wait_for(8)) == 8


def test_no_span_has_a_key_or_a_text() -> None:
    with traced() as (door, taking):
        door.upstream.then(replies(whole(chat_reply("REPLY-TEXT", usage=USAGE))))
        ask(door, f"{CHAT}?q=QUERY-TEXT", chat("REQUEST-TEXT"), cookie="COOKIE-TEXT")
        spans = taking.wait_for(2)
    for text in ("sk-test", "REPLY-TEXT", "REQUEST-TEXT", "QUERY-TEXT", "COOKIE-TEXT"):
        assert text not in repr(spans)
