"""Streams that fail after their reply has begun, over real sockets: what the client is told.

Every pair of shapes, one call or two, untouched and renamed.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from openai import APIError, OpenAI

from gateway.config.settings import (
    CredentialPolicy,
    ModelRule,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from gateway.errors import GatewayError, UpstreamError
from gateway.exchange.reply import reading
from gateway.shapes import Shape
from gateway.translate.stream.sse import KEEPALIVE, SSEDecoder
from tests import kinds
from tests.bodies import read_out
from tests.clients.behind_the_door import (
    CHAT,
    COMPLETIONS,
    FANNED_OUT,
    MESSAGES,
    RENAMED,
    RESPONSES,
    TRANSLATED,
    UNTOUCHED,
    Behind,
    Flow,
    behind,
)
from tests.clients.faulty_upstream import (
    JSON,
    KEEP,
    SSE,
    Fault,
    Visit,
    chunk,
    end_of_stream,
    event,
    faulty_upstream,
    head,
    opening,
    whole,
)
from tests.clients.running import running_gateway
from tests.waiting import PATIENCE

DECODED = (*RENAMED, *TRANSLATED, *FANNED_OUT)
"""The flows whose streams the gateway reads."""

WITH_DONE = (COMPLETIONS, CHAT)
"""The shapes whose streams end with `[DONE]`."""

SAID = b'{"error":{"message":"the quota is spent","type":"tokens","param":null,"code":"quota"}}'
DONE = b"[DONE]"


def against(
    fault: Fault,
    scenario: Callable[[Behind], Awaitable[None]],
    *,
    grace: float = 60.0,
    idle: float = 30.0,
    concurrency: int = 8,
) -> int:
    """Run a scenario before an upstream with a fault; return how many connections it took."""

    async def run() -> None:
        timeouts = TimeoutSettings(first_byte=30.0, stream_idle=idle)
        async with behind(upstream.base_url, timeouts, grace, concurrency) as behind_the_door:
            async with asyncio.timeout(PATIENCE):
                await scenario(behind_the_door)

    with faulty_upstream(fault) as upstream:
        asyncio.run(run())
    return upstream.connections


def events_of(stream: bytes) -> list[Any]:
    """Return the events of a stream, decoded, `[DONE]` as it is; each must have its type's line."""
    decoder = SSEDecoder()
    events: list[Any] = []
    for each in (*decoder.feed(stream), *decoder.finish()):
        events.append(each.data if each.data == DONE else msgspec.json.decode(each.data))
        assert not each.event or events[-1]["type"] == each.event
    return events


def check_reported(flow: Flow, stream: bytes, message: str, *, terminated: bool = False) -> None:
    """Check that a stream ends with an error that clients of the flow's shape read."""
    events = events_of(stream)
    terminated = terminated and flow.client in WITH_DONE
    assert (events[-1] == DONE) is terminated
    if terminated:
        events.pop()
    if flow.client is MESSAGES:
        assert b"event: error\n" in stream
        assert events[-1]["type"] == "error"
        assert message in events[-1]["error"]["message"]
        assert set(events[-1]["error"]) == {"type", "message"}
        return
    if flow.client is RESPONSES and events[-1]["type"] == "response.failed":
        failed = events.pop()["response"]
        assert failed["status"] == "failed"
        assert message in failed["error"]["message"]
    if flow.client is RESPONSES:
        assert b"event: error\n" in stream
        assert {"type", "code", "message", "param", "sequence_number"} < set(events[-1])
        assert message in events[-1]["message"]
    assert message in events[-1]["error"]["message"]
    assert set(events[-1]["error"]) == {"message", "type", "param", "code"}


BREAKS: dict[str, tuple[Callable[[Visit], object], str]] = {
    "told": (lambda visit: visit.send(chunk(b"data: " + SAID + b"\n\n")), "the quota is spent"),
    "not JSON": (lambda visit: visit.send(chunk(b"data: {oops\n\n")), "not JSON"),
    "reset": (Visit.reset, "closed the connection"),
    "closed": (lambda _: None, "closed the connection"),
    "silent": (Visit.wait, "sent nothing for 0.3 s"),
    "ended": (lambda visit: visit.send(chunk(b"")), "ended before"),
}


@pytest.mark.parametrize("kind", BREAKS)
@pytest.mark.parametrize("flow", DECODED, ids=str)
def test_an_error_after_a_keep_alive_is_told(flow: Flow, kind: str) -> None:
    act, message = BREAKS[kind]
    begun = threading.Event()

    def fault(visit: Visit) -> None:
        visit.stream()
        begun.wait(PATIENCE)
        act(visit)

    async def scenario(behind_the_door: Behind) -> None:
        reply = await behind_the_door.begin(flow, flow.body(streamed=True))
        assert not isinstance(reply.body, bytes)
        pieces = aiter(reply.body)
        assert await anext(pieces) == KEEPALIVE
        begun.set()
        stream = KEEPALIVE + b"".join([piece async for piece in pieces])
        await reply.body.aclose()
        of_upstream = kind == "told" and flow not in RENAMED
        check_reported(flow, stream, message, terminated=of_upstream)
        assert message in (reply.body.failure or UpstreamError("")).message

    against(fault, scenario, grace=0, idle=0.3 if kind == "silent" else 30.0)


@pytest.mark.parametrize("flow", DECODED, ids=str)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("large", [False, True])
def test_json_that_is_not_a_reply_to_a_stream_request_is_an_error(
    flow: Flow, *, late: bool, large: bool
) -> None:
    begun = threading.Event()
    body = msgspec.json.encode({"detail": "Not Found", "more": "x" * (9000 if large else 0)})

    def fault(visit: Visit) -> None:
        if late:
            visit.send(head(JSON))
            begun.wait(PATIENCE)
            visit.send(chunk(body) + chunk(b""))
        else:
            visit.send(whole(body))

    async def scenario(behind_the_door: Behind) -> None:
        request = flow.body(streamed=True)
        if not late:
            with pytest.raises(UpstreamError, match=r"^Not Found$") as raised:
                await behind_the_door.begin(flow, request)
            assert raised.value.status == 502
            return
        reply = await behind_the_door.begin(flow, request)
        assert not isinstance(reply.body, bytes)
        begun.set()
        stream = b"".join([piece async for piece in reply.body])
        await reply.body.aclose()
        check_reported(flow, stream, "Not Found", terminated=True)
        assert reply.body.failure is not None

    against(fault, scenario, grace=0 if late else 60)


def more(visit: Visit) -> None:
    while True:
        visit.send(chunk(b": more\n\n"))


AFTER_THE_END: dict[str, Callable[[Visit], object]] = {
    "silent": Visit.wait,
    "reset": Visit.reset,
    "closed": lambda _: None,
    "an error": lambda visit: visit.send(chunk(b"data: " + SAID + b"\n\n")),
    "no HTTP": lambda visit: visit.send(b"no chunk\r\n"),
    "more, for ever": more,
}


@pytest.mark.parametrize("kind", AFTER_THE_END)
@pytest.mark.parametrize("flow", DECODED, ids=str)
def test_what_comes_after_the_terminal_event_is_not_told(flow: Flow, kind: str) -> None:
    def fault(visit: Visit) -> None:
        visit.stream(event(visit.path), end_of_stream(visit.path))
        AFTER_THE_END[kind](visit)

    async def scenario(behind_the_door: Behind) -> None:
        stream, body = await behind_the_door.read(flow, flow.body(streamed=True))
        assert body is not None
        assert body.failure is None
        events = events_of(stream)
        if flow.client is RESPONSES:
            assert events[-1]["type"] == "response.completed"
        elif flow.client is MESSAGES:
            assert events[-1]["type"] == "message_stop"
        else:
            assert events.count(DONE) == 1
            assert events[-1] == DONE

    against(fault, scenario)


@pytest.mark.parametrize("flow", DECODED, ids=str)
def test_a_connection_is_used_again_whose_body_ends_right_after_its_stream(flow: Flow) -> None:
    def fault(visit: Visit) -> object:
        visit.stream(event(visit.path), end_of_stream(visit.path))
        time.sleep(0.005)  # a packet of its own, as most servers send it
        visit.send(chunk(b""))
        return KEEP

    async def scenario(behind_the_door: Behind) -> None:
        for _ in range(3):
            _, body = await behind_the_door.read(flow, flow.body(streamed=True))
            assert body is not None
            assert body.failure is None

    with pytest.MonkeyPatch.context() as patch:
        # A busy machine lets the end come later than a gateway waits for it.
        patch.setattr("gateway.exchange.calls.pump.REST_SECONDS", PATIENCE)
        assert against(fault, scenario) == (2 if flow.several else 1)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("flow", DECODED, ids=str)
def test_a_whole_reply_has_a_limit(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, *, streamed: bool
) -> None:
    # Each of two replies alone would do.
    monkeypatch.setattr(reading, "MAX_WHOLE_BYTES", 60_000)
    body = b'{"choices":[],"output":[]}' + b" " * (
        40_000 if flow.several and not streamed else 70_000
    )

    def fault(visit: Visit) -> None:
        visit.send(head(JSON) + chunk(body))
        if flow.several and not streamed:
            visit.send(chunk(b""))
        else:
            visit.wait()  # one that is here as a whole has cost no more than that already

    async def scenario(behind_the_door: Behind) -> None:
        with pytest.raises(UpstreamError, match="larger than 60000 bytes"):
            await behind_the_door.begin(flow, flow.body(streamed=streamed))

    against(fault, scenario)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("flow", [*TRANSLATED, *FANNED_OUT], ids=str)
def test_of_a_long_error_the_beginning_is_read(
    flow: Flow, *, streamed: bool, chunked: bool
) -> None:
    body = b"it is broken" + b"!" * 10**6

    def fault(visit: Visit) -> None:
        begun = head(b"text/plain", None if chunked else len(body), b"429 Too Many Requests")
        visit.send(begun + (chunk(body) if chunked else body))

    async def scenario(behind_the_door: Behind) -> None:
        with pytest.raises(GatewayError, match="status 429: it is broken") as raised:
            await behind_the_door.begin(flow, flow.body(streamed=streamed))
        assert raised.value.status == 429

    against(fault, scenario)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("flow", [*UNTOUCHED, *RENAMED, *TRANSLATED, *FANNED_OUT], ids=str)
def test_an_error_that_is_cut_off_is_told_cleanly(flow: Flow, *, streamed: bool) -> None:
    def fault(visit: Visit) -> None:
        visit.send(head(JSON, 500, b"429 Too Many Requests") + b'{"error":{"message":"slow')

    async def scenario(behind_the_door: Behind) -> None:
        with pytest.raises(GatewayError, match="status 429") as raised:
            await behind_the_door.begin(flow, flow.body(streamed=streamed))
        untouched = flow in UNTOUCHED or flow in RENAMED
        assert raised.value.status == (502 if untouched else 429)

    against(fault, scenario)


@pytest.mark.parametrize("flow", FANNED_OUT, ids=str)
def test_a_late_refusal_of_one_call_is_told_in_the_upstreams_words(flow: Flow) -> None:
    def fault(visit: Visit) -> object:
        if visit.number:
            visit.send(whole(SAID, b"429 Too Many Requests"))
        else:
            visit.stream(event(visit.path), end_of_stream(visit.path), b"")
        return KEEP

    async def scenario(behind_the_door: Behind) -> None:
        stream, body = await behind_the_door.read(flow, flow.body(streamed=True))
        check_reported(flow, stream, "the quota is spent", terminated=True)
        assert body is not None
        assert body.failure is not None
        assert body.failure.code == "quota"

    against(fault, scenario, concurrency=1)


# --- untouched streams --------------------------------------------------------------------------


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("kind", ["reset", "closed", "silent"])
@pytest.mark.parametrize("cut", ["between", "within"])
@pytest.mark.parametrize("flow", UNTOUCHED, ids=str)
def test_an_untouched_stream_that_breaks_off_ends_with_an_error(
    flow: Flow, cut: str, kind: str, *, piped: bool
) -> None:
    act, message = BREAKS[kind]
    path = flow.home.path
    sent = {"between": event(path), "within": event(path)[:-9]}

    def fault(visit: Visit) -> None:
        visit.stream(sent[cut])
        act(visit)

    async def scenario(behind_the_door: Behind) -> None:
        try:
            reply = await behind_the_door.begin(flow, flow.body(streamed=True))
        except UpstreamError:
            if kind != "reset":
                raise
            return  # it has overtaken all that was sent
        assert not isinstance(reply.body, bytes)
        if piped:
            stream = await read_out(reply.body)
        else:
            stream = b"".join([piece async for piece in reply.body])
            await reply.body.aclose()
        # A reset may overtake what was sent before it.
        begun = opening(path) + sent[cut] if cut == "between" else b""
        assert stream.startswith(begun) or kind == "reset"
        assert reply.body.failure is not None
        assert message in reply.body.failure.message
        check_reported(flow, stream, message)
        if cut == "between" and flow.client is RESPONSES and stream.startswith(sent[cut]):
            assert events_of(stream)[-1]["sequence_number"] == 8
            assert b"\n\n\n" not in stream

    against(fault, scenario, idle=0.3 if kind == "silent" else 30.0)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("begun", [b"", b": hello\n\n"])
@pytest.mark.parametrize("kind", ["reset", "closed", "silent"])
@pytest.mark.parametrize("flow", UNTOUCHED, ids=str)
def test_an_untouched_reply_that_says_nothing_is_an_error_with_its_status(
    flow: Flow, kind: str, begun: bytes, *, streamed: bool
) -> None:
    act, message = BREAKS[kind]

    def fault(visit: Visit) -> None:
        visit.send(head(SSE if streamed else JSON) + (chunk(begun) if begun else b""))
        act(visit)

    async def scenario(behind_the_door: Behind) -> None:
        with pytest.raises(UpstreamError, match=message) as raised:
            await behind_the_door.begin(flow, flow.body(streamed=streamed))
        assert raised.value.status == (504 if kind == "silent" else 502)

    against(fault, scenario, idle=0.3 if kind == "silent" else 30.0)


def test_a_body_with_a_length_or_a_coding_is_not_added_to() -> None:
    (chat,) = (flow for flow in UNTOUCHED if flow.home is Shape.CHAT)
    heads = [
        head(SSE, 500),
        head(SSE).replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"),
        head(JSON),
    ]

    def fault(visit: Visit) -> None:
        visit.send(heads[visit.number] + chunk(event(visit.path)))

    async def scenario(behind_the_door: Behind) -> None:
        for _ in heads:
            with pytest.raises(UpstreamError, match="closed the connection"):
                await behind_the_door.read(chat, chat.body(streamed=True))

    against(fault, scenario)


def test_the_official_client_reads_how_its_stream_broke_off() -> None:
    def fault(visit: Visit) -> None:
        visit.stream(event(visit.path))

    with faulty_upstream(fault) as upstream:
        settings = Settings(
            (UpstreamSettings("up", upstream.base_url, kinds.OTHER, CredentialPolicy.NONE),),
            models=tuple(ModelRule(f"at-{shape}", endpoints=(shape,)) for shape in Shape),
        )
        with running_gateway(settings) as gateway:
            client = OpenAI(base_url=gateway.base_url, api_key="k", max_retries=0)
            streams: list[Callable[[], Any]] = [
                lambda: client.completions.create(model="at-completions", prompt="x", stream=True),
                lambda: client.chat.completions.create(
                    model="at-chat", messages=[{"role": "user", "content": "x"}], stream=True
                ),
                lambda: client.responses.create(model="at-responses", input="x", stream=True),
            ]
            for stream in streams:
                received: list[object] = []
                with pytest.raises(APIError, match="before the end of its reply") as raised:
                    received += stream()
                assert raised.value.code == "upstream_stream_truncated"
