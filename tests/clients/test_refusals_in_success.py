"""Errors under status 200, over real sockets and both senders: what is a refusal leads on.

In JSON of unknown length and as the first event of a stream, for every flow, plain and streamed.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest

from gateway.errors import GatewayError, TruncatedStream, UpstreamReplied
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.request import GenerationRequest
from gateway.shapes import Json
from gateway.upstream.credentials import Credentials
from gateway.upstream.origin import parse_base_url
from gateway.upstream.proxied.http_client import HttpClient
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
    ANSWERS,
    JSON,
    KEEP,
    SSE,
    Visit,
    chunk,
    end_of_stream,
    event,
    faulty_upstream,
    head,
    whole,
)
from tests.waiting import PATIENCE

REFUSALS: dict[str, Json] = {
    COMPLETIONS.path: {
        "message": "This is a chat model and not supported in the v1/completions endpoint. "
        "Did you mean to use v1/chat/completions?"
    },
    CHAT.path: {
        "message": "This model is only supported in v1/responses and not in v1/chat/completions."
    },
    RESPONSES.path: {
        "message": "model m does not support Responses API.",
        "code": "unsupported_api_for_model",
    },
    MESSAGES.path: {
        "message": "As of transformers v4.44, default chat template is no longer allowed, so you "
        "must provide a chat template if the tokenizer does not define one.",
    },
}
"""By the path that says so; each leads to another."""
OVERLOADED: Json = {"message": "That model is currently overloaded.", "type": "server_error"}
ALL = (*UNTOUCHED, *RENAMED, *TRANSLATED, *FANNED_OUT)
FEW = (UNTOUCHED[1], RENAMED[1], TRANSLATED[0], FANNED_OUT[0])
SENDERS = ("pool", "httpcore2")

Write = Callable[[Visit, bytes], object]


def in_one(visit: Visit, body: bytes) -> object:
    visit.send(chunk(body) + chunk(b""))
    return KEEP


def bytewise(visit: Visit, body: bytes) -> object:
    for position in range(len(body)):
        visit.send(chunk(body[position : position + 1]))
    visit.send(chunk(b""))
    return KEEP


def stalled(visit: Visit, body: bytes) -> None:
    visit.send(chunk(body))
    visit.wait()


WRITERS: dict[str, Write] = {"in one": in_one, "bytewise": bytewise}


@dataclass
class Upstream:
    """Says `first` in reply to a request at `home` or, without one, at every path.

    It answers well elsewhere, to streamed requests in a stream.
    """

    home: str | None
    first: Callable[[Visit], object]
    paths: list[str] = field(default_factory=list)

    def __call__(self, visit: Visit) -> object:
        if visit.path not in ANSWERS:
            visit.send(whole(b'{"error": {"message": "no such thing"}}', b"404 Not Found"))
            return KEEP
        self.paths.append(visit.path)
        # Else what is sent in pieces waits for acknowledgements.
        visit.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.home in (visit.path, None):
            return self.first(visit)
        if visit.streamed:
            return in_one(visit, begun(visit, event(visit.path) + end_of_stream(visit.path)))
        visit.send(whole(msgspec.json.encode(ANSWERS[visit.path])))
        return KEEP


def begun(visit: Visit, body: bytes) -> bytes:
    visit.send(head(SSE))
    return body


@asynccontextmanager
async def served(
    upstream: Upstream, sender: str = "pool", grace: float = 60.0
) -> AsyncIterator[Behind]:
    with faulty_upstream(upstream) as listening:
        async with behind(listening.base_url, None, grace) as built, asyncio.timeout(PATIENCE):
            if sender == "pool":
                yield built
                return
            settings = built.exchange.settings.upstream("up")
            origin = parse_base_url(settings.base_url)
            client = HttpClient(settings, origin, Credentials(settings))
            built.exchange.runner.send = client.send
            yield built
            assert client.stats().in_flight == 0
            await client.aclose()


async def tell(built: Behind, flow: Flow, *, streamed: bool) -> tuple[ClientReply, bytes, Decision]:
    """Send a request; return the reply, all of its body, and the decision."""
    decision = Decision()
    request = GenerationRequest.at(flow.client, flow.body(streamed=streamed))
    reply = await built.exchange.run(request, decision)
    if isinstance(reply.body, bytes):
        return reply, reply.body, decision
    return reply, await read_out(reply.body), decision


def a_stream(*events: bytes, write: Write = in_one) -> Callable[[Visit], object]:
    return lambda visit: write(visit, begun(visit, b"".join(events)))


def error_event(error: Json, name: bytes = b"") -> bytes:
    return name + b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"


def forms(path: str) -> dict[str, bytes]:
    """Return how servers say a refusal as the first event of a stream."""
    said = REFUSALS[path]
    flat = {"type": "error", "sequence_number": 0, "param": None, "code": None, **said}
    simple = error_event(said)
    return {
        "plain": simple,
        "done": simple + b"data: [DONE]\n\n",
        "comment": b": PROCESSING\n\n" + simple,
        "crlf": b"\xef\xbb\xbf" + simple.replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n",
        "named": error_event(said, b"event: error\n"),
        "flat": b"event: error\ndata: " + msgspec.json.encode(flat) + b"\n\n",
        "object": b"data: " + msgspec.json.encode({"object": "error", **said}) + b"\n\n",
        "failed": b"event: response.failed\ndata: "
        + msgspec.json.encode({"type": "response.failed", "response": {"error": said}})
        + b"\n\n",
        "unterminated": simple.rstrip(b"\n"),
    }


async def lead_on(
    first: Callable[[Visit], object], flows: Sequence[Flow], sender: str = "pool", *, streamed: bool
) -> None:
    """Check that every flow is answered at the endpoint that a refusal names."""
    upstream = Upstream(None, first)
    async with served(upstream, sender) as built:
        for flow in flows:
            upstream.home = flow.home.path
            upstream.paths.clear()
            _, body, decision = await tell(built, flow, streamed=streamed)
            assert b"Hi" in body
            assert b'"error":{' not in body
            assert decision.attempts == 2
            assert decision.endpoint != flow.home.endpoint
            assert decision.endpoint.removeprefix("/v1") in upstream.paths


@pytest.mark.parametrize("form", forms(CHAT.path))
def test_a_stream_that_begins_with_a_refusal_leads_on(form: str) -> None:
    def first(visit: Visit) -> object:
        return in_one(visit, begun(visit, forms(visit.path)[form]))

    asyncio.run(lead_on(first, ALL, streamed=True))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("sender", SENDERS)
def test_however_it_arrives_and_whoever_receives_it(sender: str, write: str) -> None:
    def first(visit: Visit) -> object:
        refusal = forms(visit.path)["comment"] + b"data: [DONE]\n\n"
        return WRITERS[write](visit, begun(visit, refusal))

    asyncio.run(lead_on(first, FEW, sender, streamed=True))


@pytest.mark.parametrize("sender", SENDERS)
def test_a_refusal_whose_stream_does_not_end_is_given_up(sender: str) -> None:
    def first(visit: Visit) -> None:
        stalled(visit, begun(visit, forms(visit.path)["plain"]))

    asyncio.run(lead_on(first, FEW, sender, streamed=True))


# --- JSON -------------------------------------------------------------------------------------

HEADS: dict[str, bytes] = {
    "chunked": head(JSON),
    "parameters": head(b"Application/JSON; charset=utf-8"),
    "problem": head(b"application/problem+json"),
    "text": head(b"text/plain; charset=utf-8"),
    "events": head(SSE),
    "events of a charset": head(b"Text/Event-Stream; charset=utf-8"),
    "none": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
}


def json_of(path: str) -> bytes:
    return msgspec.json.encode({"error": REFUSALS[path]})


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", HEADS)
def test_a_refusal_in_chunked_json_leads_on(kind: str, *, streamed: bool) -> None:
    def first(visit: Visit) -> object:
        visit.send(HEADS[kind])
        return in_one(visit, json_of(visit.path))

    asyncio.run(lead_on(first, ALL, streamed=streamed))


def json_forms(path: str) -> dict[str, bytes]:
    """Return how servers say a refusal in a body, instead of an answer or of a stream."""
    said = REFUSALS[path]
    values: dict[str, object] = {
        "text": {"error": said["message"]},
        "object": {"object": "error", **said},
        "typed": {"type": "error", "error": said},
        "flat": {"type": "error", "sequence_number": 0, **said},
        "failed": {"type": "response.failed", "response": {"error": said}},
    }
    simple = json_of(path)
    return {
        **{name: msgspec.json.encode(value) for name, value in values.items()},
        "pretty": b"\r\n" + msgspec.json.format(simple, indent=2) + b"\n\n",
        "byte order mark": b"\xef\xbb\xbf" + simple,
    }


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", [JSON, SSE])
@pytest.mark.parametrize("form", json_forms(CHAT.path))
def test_a_refusal_in_json_leads_on_whatever_its_label(
    form: str, kind: bytes, *, streamed: bool
) -> None:
    def first(visit: Visit) -> object:
        visit.send(whole(json_forms(visit.path)[form], kind=kind))
        return KEEP

    asyncio.run(lead_on(first, ALL, streamed=streamed))


@dataclass(frozen=True)
class Several(Flow):
    """A flow whose one call asks for two choices."""

    def body(self, size: int = 2, *, streamed: bool = False) -> bytes:
        asked = msgspec.json.decode(super().body(size, streamed=streamed))
        return msgspec.json.encode({**asked, "n": 2})


SEVERAL = (
    Several(CHAT, CHAT, alias=True),
    Several(COMPLETIONS, COMPLETIONS, alias=True),
    Several(COMPLETIONS, CHAT),
    Several(CHAT, COMPLETIONS),
)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", [JSON, SSE, b"text/plain"])
@pytest.mark.parametrize("length", [False, True])
def test_a_refusal_of_several_choices_leads_on(
    kind: bytes, *, length: bool, streamed: bool
) -> None:
    def first(visit: Visit) -> object:
        body = json_of(visit.path)
        visit.send(whole(body, kind=kind) if length else head(kind) + chunk(body) + chunk(b""))
        return KEEP

    async def scenario() -> None:
        for flow in SEVERAL:
            async with served(Upstream(flow.home.path, first)) as built:
                _, body, decision = await tell(built, flow, streamed=streamed)
                assert b"Hi" in body
                assert decision.endpoint != flow.home.endpoint

    asyncio.run(scenario())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("write", ["in one", "bytewise", "until close"])
@pytest.mark.parametrize("sender", SENDERS)
def test_json_however_it_arrives(sender: str, write: str, *, streamed: bool) -> None:
    def first(visit: Visit) -> object:
        if write != "until close":
            visit.send(HEADS["chunked"])
            return WRITERS[write](visit, json_of(visit.path))
        visit.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        visit.send(json_of(visit.path))
        return None

    asyncio.run(lead_on(first, FEW, sender, streamed=streamed))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize(
    "answer",
    [
        b'{"choices": [{"text": "%b"}]}' % (b"x" * 100_000),
        b'{"text": "%b", "choices": []}' % (b"x" * 3_000),
        b'{"id": "small", "error": null, "choices": []}',
        b"x" * 5_000,
        b"\n" * 3_000 + b"{}",
        b"",
    ],
    ids=["long", "late", "small", "other", "blank", "empty"],
)
def test_an_answer_of_unknown_length_comes_as_it_is(answer: bytes, sender: str, write: str) -> None:
    if write == "bytewise":
        answer = answer[:4_000]
    flow = UNTOUCHED[1]

    def first(visit: Visit) -> object:
        visit.send(HEADS["chunked"])
        return WRITERS[write](visit, answer)

    async def scenario() -> None:
        async with served(Upstream(flow.home.path, first), sender) as built:
            reply, body, decision = await tell(built, flow, streamed=False)
            assert (reply.status, body, decision.attempts) == (200, answer, 1)

    asyncio.run(scenario())


@pytest.mark.parametrize("sender", SENDERS)
def test_an_answer_is_not_held_once_it_is_known_for_one(sender: str) -> None:
    flow, begins = UNTOUCHED[1], b'{"id": "x", "choices": [{'

    def first(visit: Visit) -> None:
        visit.send(HEADS["chunked"])
        stalled(visit, begins)

    async def scenario() -> None:
        async with served(Upstream(flow.home.path, first), sender) as built:
            reply = await built.begin(flow, flow.body())
            assert not isinstance(reply.body, bytes)
            assert await anext(aiter(reply.body)) == begins
            await reply.body.aclose()

    asyncio.run(scenario())


# --- what is no refusal -----------------------------------------------------------------------

OTHERS: dict[str, bytes] = {
    "overloaded": error_event(OVERLOADED) + b"data: [DONE]\n\n",
    "commented": b": wait\r\n\r\n" + error_event(OVERLOADED, b"event: error\r\n"),
    "flat": b'event: error\ndata: {"type":"error","message":"no","code":"server_error"}\n\n',
    "text": b"event: error\ndata: it is broken\n\n",
}


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("flow", UNTOUCHED, ids=str)
def test_another_error_comes_as_it_was_sent(flow: Flow, kind: str, sender: str, write: str) -> None:
    upstream = Upstream(flow.home.path, a_stream(OTHERS[kind], write=WRITERS[write]))

    async def scenario() -> None:
        async with served(upstream, sender) as built:
            reply, body, decision = await tell(built, flow, streamed=True)
            assert (reply.status, body, decision.attempts) == (200, OTHERS[kind], 1)
            assert (b"content-type", SSE) in reply.headers

    asyncio.run(scenario())


@pytest.mark.parametrize("sender", SENDERS)
def test_another_error_is_told_while_its_stream_goes_on(sender: str) -> None:
    flow = UNTOUCHED[1]
    upstream = Upstream(flow.home.path, a_stream(OTHERS["overloaded"], write=stalled))

    async def scenario() -> None:
        async with served(upstream, sender) as built:
            reply = await built.begin(flow, flow.body(streamed=True))
            assert not isinstance(reply.body, bytes)
            assert await anext(aiter(reply.body)) == OTHERS["overloaded"]
            await reply.body.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("flow", [*TRANSLATED, *FANNED_OUT], ids=str)
def test_another_error_is_raised_where_streams_are_translated(flow: Flow) -> None:
    upstream = Upstream(flow.home.path, a_stream(OTHERS["overloaded"]))

    async def scenario() -> None:
        async with served(upstream) as built:
            with pytest.raises(UpstreamReplied, match="currently overloaded") as raised:
                await tell(built, flow, streamed=True)
            assert (raised.value.status, raised.value.type) == (502, "server_error")

    asyncio.run(scenario())


@pytest.mark.parametrize("flow", RENAMED[:2], ids=str)
def test_another_error_is_an_event_where_names_are_changed_only(flow: Flow) -> None:
    upstream = Upstream(flow.home.path, a_stream(OTHERS["overloaded"]))

    async def scenario() -> None:
        async with served(upstream) as built:
            reply = await built.begin(flow, flow.body(streamed=True))
            assert not isinstance(reply.body, bytes)
            assert b"".join([piece async for piece in reply.body]) == OTHERS["overloaded"]
            assert reply.body.failure is not None
            await reply.body.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("flow", UNTOUCHED, ids=str)
def test_a_refusal_after_the_first_event_is_passed_on(flow: Flow) -> None:
    path = flow.home.path
    stream = event(path) + forms(path)["done"]
    upstream = Upstream(path, a_stream(stream))

    async def scenario() -> None:
        async with served(upstream) as built:
            _, body, decision = await tell(built, flow, streamed=True)
            assert (body, decision.attempts) == (stream, 1)

    asyncio.run(scenario())


# --- refusals that lead nowhere ---------------------------------------------------------------


def refusing_everywhere(visit: Visit) -> object:
    return in_one(visit, begun(visit, forms(visit.path)["comment"] + b"data: [DONE]\n\n"))


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("flow", UNTOUCHED, ids=str)
def test_the_first_refusal_comes_as_it_was_sent(flow: Flow, sender: str) -> None:
    async def scenario() -> None:
        async with served(Upstream(None, refusing_everywhere), sender) as built:
            reply, body, decision = await tell(built, flow, streamed=True)
            assert reply.status == 200
            assert decision.attempts > 1
            assert body == forms(flow.home.path)["comment"] + b"data: [DONE]\n\n"
            assert decision.failures[-1].final

    asyncio.run(scenario())


@pytest.mark.parametrize("flow", RENAMED[:2], ids=str)
def test_a_refusal_of_a_renamed_model_is_an_event(flow: Flow) -> None:
    async def scenario() -> None:
        async with served(Upstream(None, refusing_everywhere)) as built:
            reply, body, _ = await tell(built, flow, streamed=True)
            assert reply.status == 200
            assert body == forms(flow.home.path)["done"]

    asyncio.run(scenario())


@pytest.mark.parametrize("flow", [RENAMED[2], *TRANSLATED, *FANNED_OUT], ids=str)
def test_a_refusal_of_a_translated_stream_is_raised(flow: Flow) -> None:
    async def scenario() -> None:
        async with served(Upstream(None, refusing_everywhere)) as built:
            with pytest.raises(UpstreamReplied) as raised:
                await tell(built, flow, streamed=True)
            words = REFUSALS[flow.home.path]["message"]
            if flow in RENAMED:  # the client has asked for the alias
                words = words.replace("model m ", f"model alias-{flow.home} ")
            assert raised.value.message.startswith(words)
            assert raised.value.status == 502

    asyncio.run(scenario())


ENDS: dict[str, tuple[Callable[[Visit], object], Callable[[bytes], bool]]] = {
    "stalled": (Visit.wait, lambda rest: rest == b""),
    # It has said already that it failed.
    "broken": (Visit.reset, lambda rest: rest == b""),
    "endless": (
        lambda visit: visit.send(chunk(b": no\n" * 200_000)),
        lambda rest: 60_000 < len(rest) < 500_000,
    ),
}


@pytest.mark.parametrize("kind", ENDS)
def test_a_refusal_is_read_no_longer_than_is_useful(kind: str) -> None:
    act, is_right = ENDS[kind]
    flow = UNTOUCHED[1]

    def first(visit: Visit) -> object:
        visit.send(head(SSE) + chunk(forms(visit.path)["plain"]))
        return act(visit)

    async def scenario() -> None:
        async with served(Upstream(None, first)) as built:
            _, body, _ = await tell(built, flow, streamed=True)
            refusal = forms(flow.home.path)["plain"]
            assert body.startswith(refusal)
            assert is_right(body.removeprefix(refusal))

    asyncio.run(scenario())


def test_a_stream_with_a_length_that_is_read_in_part_has_none() -> None:
    refusal = forms(CHAT.path)["plain"]

    def first(visit: Visit) -> None:
        visit.send(head(SSE, 1000) + forms(visit.path)["plain"])
        visit.wait()

    async def scenario() -> None:
        async with served(Upstream(None, first)) as built:
            reply, body, _ = await tell(built, UNTOUCHED[1], streamed=True)
            assert body == refusal
            assert b"content-length" not in dict(reply.headers)

    asyncio.run(scenario())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("flow", [*UNTOUCHED, *TRANSLATED], ids=str)
def test_a_missing_model_is_a_404_whatever_the_status_said(flow: Flow, *, streamed: bool) -> None:
    missing = {"message": "The model `m` does not exist", "code": "model_not_found"}

    def first(visit: Visit) -> object:
        if visit.streamed:
            return in_one(visit, begun(visit, error_event(missing)))
        visit.send(head(JSON))
        return in_one(visit, msgspec.json.encode({"error": missing}))

    async def scenario() -> None:
        async with served(Upstream(None, first)) as built:
            with pytest.raises(GatewayError, match="does not exist") as raised:
                await tell(built, flow, streamed=streamed)
            assert (raised.value.status, raised.value.code) == (404, "model_not_found")

    asyncio.run(scenario())


# --- waiting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("begins", [b"", b": PROCESSING\n\n", b"data: {"], ids=str)
def test_a_silent_stream_begins_after_the_grace(begins: bytes, sender: str) -> None:
    flow, go = UNTOUCHED[1], threading.Event()
    rest = event(CHAT.path) + end_of_stream(CHAT.path)

    def first(visit: Visit) -> object:
        visit.send(head(SSE) + (chunk(begins) if begins else b""))
        go.wait(PATIENCE)
        return in_one(visit, rest)

    async def scenario() -> None:
        async with served(Upstream(CHAT.path, first), sender, grace=0.05) as built:
            reply = await built.begin(flow, flow.body(streamed=True))
            assert not isinstance(reply.body, bytes)
            pieces = aiter(reply.body)
            # Half an event is held back until all of it is there.
            held = await anext(pieces) if begins.endswith(b"\n\n") else b""
            go.set()
            assert held + b"".join([piece async for piece in pieces]) == begins + rest
            await reply.body.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("sender", SENDERS)
def test_who_leaves_while_a_first_event_is_waited_for_leaves_nothing(sender: str) -> None:
    flow, waiting = UNTOUCHED[1], threading.Event()

    def first(visit: Visit) -> None:
        visit.send(head(SSE))
        waiting.set()
        visit.wait()

    async def scenario() -> None:
        async with served(Upstream(CHAT.path, first), sender) as built:
            asking = asyncio.create_task(built.begin(flow, flow.body(streamed=True)))
            await asyncio.to_thread(waiting.wait, 10)
            asking.cancel()
            await asyncio.wait({asking})
            assert asking.cancelled()

    asyncio.run(scenario())


@pytest.mark.parametrize("sender", SENDERS)
def test_a_stream_that_breaks_off_in_its_first_event_is_told_so(sender: str) -> None:
    flow, whole_event = UNTOUCHED[1], event(CHAT.path)
    sent = b""

    def first(visit: Visit) -> None:
        visit.send(head(SSE) + (chunk(sent) if sent else b""))
        visit.reset()

    async def scenario() -> None:
        nonlocal sent
        async with served(Upstream(CHAT.path, first), sender) as built:
            for length in range(len(whole_event) + 1):
                sent = whole_event[:length]
                try:
                    _, body, _ = await tell(built, flow, streamed=True)
                except TruncatedStream:
                    continue  # nothing has arrived: a reset may take what has not been read with it
                assert b"upstream_stream_truncated" in body
                assert body.startswith((sent, b'data: {"error'))

    asyncio.run(scenario())
