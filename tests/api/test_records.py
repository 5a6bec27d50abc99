"""What the record of a request has: names, tokens, times."""

from copy import deepcopy
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, ModelRule, ServerSettings
from gateway.exchange.decision import Decision
from gateway.shapes import Json, Shape, UpstreamCall
from tests.api.client import Client
from tests.exchange.scene import Scene, chat_chunk, chat_completion
from tests.fakes import EVENT_STREAM, FakeReply, json_reply, stream_reply

MESSAGES = [{"role": "user", "content": "Hi"}]
CHAT = ("/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES})
COMPLETION = ("/v1/completions", {"model": "gpt-4o", "prompt": "Hi"})
RESPONSE = ("/v1/responses", {"model": "gpt-4o", "input": "Hi"})
TRANSLATED = ("/v1/chat/completions", {"model": "o1-pro", "messages": MESSAGES})
EMBEDDING = ("/v1/embeddings", {"model": "e", "input": "Hi"})

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
CHAT_REPLY = json_reply(chat_completion(usage=USAGE))
CHAT_STREAM = stream_reply(
    *(chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(finish="stop")),
    {**chat_chunk(), "choices": [], "usage": USAGE},
)
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
WHOLE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "o1-pro",
    "output": [MESSAGE],
    "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
}
RESPONSE_REPLY = json_reply(WHOLE)
RESPONSE_STREAM = stream_reply(
    {"type": "response.created", "sequence_number": 0, "response": {**WHOLE, "output": []}},
    {"type": "response.completed", "sequence_number": 1, "response": WHOLE},
    done=False,
)
Asked = tuple[str, dict[str, Any]]


def decided(answer: FakeReply, asked: Asked, **more: Any) -> Decision:
    client = Client(lambda _: deepcopy(answer))
    path, body = asked
    assert client.post(path, {**body, **more}).complete
    (seen,) = client.observer.seen
    return seen.decision


@pytest.mark.parametrize(
    ("asked", "answer", "streamed"),
    [
        (CHAT, CHAT_REPLY, False),
        (CHAT, CHAT_STREAM, True),
        (COMPLETION, CHAT_REPLY, False),
        (COMPLETION, CHAT_STREAM, True),
        (RESPONSE, RESPONSE_REPLY, False),
        (RESPONSE, RESPONSE_STREAM, True),
        (TRANSLATED, RESPONSE_REPLY, False),
        (TRANSLATED, RESPONSE_STREAM, True),
    ],
)
def test_tokens_are_those_that_the_upstream_counted(
    asked: Asked, answer: FakeReply, *, streamed: bool
) -> None:
    decision = decided(answer, asked, stream=streamed)
    assert decision.tokens == (5, 2)
    model = asked[1]["model"]
    assert (decision.model_asked, decision.model_sent) == (model, model)
    assert decision.first_byte is not None
    assert decision.evidence


def test_a_large_reply_that_is_relayed_as_it_arrives_is_counted_too() -> None:
    big = chat_completion("x" * 300_000, usage=USAGE)
    assert decided(json_reply(big), CHAT).tokens == (5, 2)


def test_embeddings_count_their_input() -> None:
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    assert decided(json_reply({"data": [], "usage": usage}), EMBEDDING).tokens == (5, None)


def test_requests_are_in_flight_until_they_end() -> None:
    seen: list[dict[str, int]] = []

    def answer(_: UpstreamCall) -> FakeReply:
        seen.append(dict(client.observer.in_flight))
        return json_reply(chat_completion())

    client = Client(answer)
    client.post(*CHAT)
    client.post("/v1/moderations", {"input": "Hi"})
    assert seen == [{"chat": 1}, {"chat": 0, "other": 1}]
    assert client.observer.in_flight == {"chat": 0, "other": 0}


def test_other_replies_are_not_searched() -> None:
    reply = json_reply({"usage": USAGE})
    assert decided(reply, ("/v1/moderations", {"input": "Hi"})).tokens is None


BUSY: Json = {"error": {"message": "The model `upstreams` is busy", "type": "server_error"}}
EVENT = b"event: error\ndata: " + msgspec.json.encode(BUSY) + b"\n\n"
IMAGE = ("/v1/images/generations", {"model": "upstreams", "prompt": "Hi"})
MESSAGE_REQUEST = {"model": "claude-x", "max_tokens": 1, "messages": MESSAGES}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        CHAT,
        ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi"}),
        RESPONSE,
        ("/v1/messages", MESSAGE_REQUEST),
        IMAGE,
        EMBEDDING,
    ],
)
@pytest.mark.parametrize("has_length", [False, True])
@pytest.mark.parametrize("events", [False, True])
def test_an_error_under_a_success_is_a_failure_of_the_upstream(
    path: str, body: dict[str, Any], *, events: bool, has_length: bool
) -> None:
    came = EVENT if events else msgspec.json.encode(BUSY)
    kind = EVENT_STREAM if events else ((b"content-type", b"application/json"),)
    length = ((b"content-length", b"%d" % len(came)),) if has_length else ()
    home = ModelRule(body["model"], endpoints=tuple(s for s in Shape if path.endswith(s.path)))
    scene = Scene(lambda _: FakeReply(200, (*kind, *length), (came,)), rules=(home,))
    client = Client(scene.network.answer, scene=scene)
    reply = client.post(path, {**body, "stream": events})
    (seen,) = client.observer.seen
    assert (reply.status, reply.body) == (200, came)
    assert (seen.outcome, seen.status) == ("upstream_error", 200)
    assert [failure.reason for failure in seen.decision.failures] == ["error_reply"]


@pytest.mark.parametrize(
    ("path", "body"), [CHAT, RESPONSE, ("/v1/messages", MESSAGE_REQUEST), IMAGE]
)
@pytest.mark.parametrize("events", [False, True])
def test_so_is_one_that_comes_after_the_grace(
    path: str, body: dict[str, Any], *, events: bool
) -> None:
    came = EVENT if events else msgspec.json.encode(BUSY)
    kind = EVENT_STREAM if events else ((b"content-type", b"application/json"),)
    home = ModelRule(body["model"], endpoints=tuple(s for s in Shape if path.endswith(s.path)))
    server = ServerSettings(first_byte_grace=0)
    late = FakeReply(200, kind, (came[:20], came[20:]))
    scene = Scene(lambda _: late, server=server, rules=(home,))
    client = Client(scene.network.answer, server, scene=scene)
    reply = client.post(path, {**body, "stream": events})
    (seen,) = client.observer.seen
    assert (reply.status, reply.body) == (200, came)
    assert (seen.outcome, seen.status) == ("stream_broken", 200)
    assert not seen.decision.failures


@pytest.mark.parametrize(("path", "body"), [IMAGE, EMBEDDING])
@pytest.mark.parametrize("pieces", [1, 3])
def test_an_aliass_error_at_the_beginning_of_a_stream_names_it(
    path: str, body: dict[str, Any], pieces: int
) -> None:
    size = len(EVENT) // pieces + 1
    came = [EVENT[at : at + size] for at in range(0, len(EVENT), size)]
    alias = ModelRule("mine", model="upstreams")
    scene = Scene(
        lambda _: FakeReply(200, EVENT_STREAM, (*came, b"data: [DONE]\n\n")), rules=(alias,)
    )
    client = Client(scene.network.answer, scene=scene)
    reply = client.post(path, {**body, "model": "mine", "stream": True})
    (seen,) = client.observer.seen
    assert (reply.status, seen.outcome) == (200, "upstream_error")
    assert reply.body == EVENT.replace(b"`upstreams`", b"`mine`") + b"data: [DONE]\n\n"


@pytest.mark.parametrize("first", [b": waiting\n\n", b'data: {"choices":[]}\n\n'])
def test_a_comment_is_not_yet_the_first_byte(first: bytes) -> None:
    answer = FakeReply(200, EVENT_STREAM, [first])
    decision = decided(answer, CHAT, stream=True)
    assert decision.first_byte is not None


def test_the_clients_id_is_that_of_the_record() -> None:
    client = Client(lambda _: json_reply(chat_completion()))
    path, body = CHAT
    reply = client.post(path, body, headers=[(b"x-request-id", b"mine")])
    (seen,) = client.observer.seen
    assert (seen.decision.request_id, seen.decision.is_clients_id) == ("mine", True)
    assert reply.headers["x-request-id"] == "mine"


KEY = "team-key"
TEAM = ClientSettings("team", (sha256(KEY.encode()).hexdigest(),), models=("gpt-4o*",))
REALTIME = {"session": {"type": "realtime", "model": "gpt-realtime"}}


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("/v1/chat/completions", {"model": "o3", "messages": MESSAGES}, "o3"),
        ("/v1/completions", {"model": "o3", "prompt": "Hi"}, "o3"),
        ("/v1/responses", {"model": "o3", "input": "Hi"}, "o3"),
        ("/v1/messages", MESSAGE_REQUEST, "claude-x"),
        ("/v1/messages/count_tokens", MESSAGE_REQUEST, "claude-x"),
        ("/v1/responses/compact", {"model": "o3", "input": "Hi"}, "o3"),
        ("/v1/responses/input_tokens", {"model": "o3", "input": "Hi"}, "o3"),
        ("/v1/engines/o3/completions", {"prompt": "Hi"}, "o3"),
        (*EMBEDDING, "e"),
        ("/v1/realtime/client_secrets", REALTIME, "gpt-realtime"),
    ],
)
def test_a_refusal_names_the_model_that_a_client_may_not_use(
    path: str, body: dict[str, Any], model: str
) -> None:
    client = Client(lambda _: json_reply({}), clients=(TEAM,))
    bearer = [(b"authorization", b"Bearer " + KEY.encode())]
    assert client.post(path, body, headers=bearer).status == 403
    assert client.observer.seen[0].decision.model_asked == model


def test_a_card_that_is_not_shown_has_the_model_in_its_record() -> None:
    client = Client(lambda _: json_reply({}), clients=(TEAM,))
    bearer = [(b"authorization", b"Bearer " + KEY.encode())]
    assert client.get("/v1/models/o3", headers=bearer).status == 404
    assert client.observer.seen[0].decision.model_asked == "o3"


def test_what_is_passed_on_by_its_model_has_it_in_its_record() -> None:
    def answer(_: UpstreamCall) -> FakeReply:
        return json_reply({}, 404)

    client = Client(answer, scene=Scene(answer, rules=(ModelRule("e", model="e-2"),)))
    assert client.post(*EMBEDDING).status == 404
    assert client.observer.seen[0].decision.model_asked == "e"
