"""A key of the gateway that is refused within a reply: no client reads it, or blames its own."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, ModelRule, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, UpstreamError, UpstreamReplied
from gateway.exchange.errors.own_key import as_refused_key, in_own_words, refused_by_event
from gateway.shapes import Json, Shape
from tests import kinds
from tests.exchange.scene import OPENAI, Scene
from tests.fakes import EVENT_STREAM, FakeReply, json_reply

COMPLETIONS, CHAT, RESPONSES, MESSAGES = Shape
KEYED = UpstreamSettings(
    "keyed", "http://up.example/v1", kinds.OTHER, CredentialPolicy.KEY, api_key=Secret("sk-own")
)
PASSING = replace(KEYED, credential=OPENAI.credential, api_key=None)
QUOTED = "Incorrect API key provided: sk-o***n."
ASKED: dict[Shape, Json] = {
    COMPLETIONS: {"prompt": "Hi"},
    CHAT: {"messages": [{"role": "user", "content": "Hi"}]},
    RESPONSES: {"input": "Hi"},
    MESSAGES: {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 99},
}
NO: Json = {"message": QUOTED, "type": "invalid_request_error", "code": "invalid_api_key"}
ANTHROPICS: Json = {"type": "error", "error": {"type": "authentication_error", "message": QUOTED}}
FAILED: Json = {"id": "r", "status": "failed", "output": [], "error": NO}
MESSAGE: Json = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
ITEM: Json = {"id": "i", "type": "message", "role": "assistant", "content": []}
STREAMS: dict[Shape, list[Json]] = {
    COMPLETIONS: [{"id": "c", "choices": [{"index": 0, "text": "a"}]}, {"error": NO}],
    CHAT: [{"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}}]}, {"error": NO}],
    RESPONSES: [
        {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": ITEM},
        {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "delta": "a"},
        {"type": "response.failed", "response": FAILED},
    ],
    MESSAGES: [
        {"type": "message_start", "message": MESSAGE},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}},
        ANTHROPICS,
    ],
}
WHOLE: dict[Shape, list[Json]] = {
    COMPLETIONS: [{"error": NO}, {"message": QUOTED, "code": 401}],
    CHAT: [
        {"error": NO},
        {"choices": [{"index": 0, "error": NO}]},
        {"message": QUOTED, "code": 401},
    ],
    RESPONSES: [{"error": NO}, FAILED],
    MESSAGES: [ANTHROPICS, {"type": "authentication_error", "message": QUOTED}],
}


def streamed(events: Sequence[Json]) -> FakeReply:
    data = (b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    return FakeReply(200, EVENT_STREAM, tuple(data))


def told(
    client: Shape, home: Shape, answer: FakeReply, *, stream: bool, of: Any = KEYED, name: str = "m"
) -> str:
    """Return all that a client is told of an answer."""
    rules = (ModelRule("m", endpoints=(home,)), ModelRule("alias", model="m", endpoints=(home,)))
    scene = Scene(lambda _: replace(answer, closed=False), of, rules=rules)
    asked = {"model": name, **ASKED[client], "stream": stream}
    try:
        return scene.generate(client, asked).body.decode()
    except GatewayError as error:
        return f"{error.status} {error.envelope()}"


PAIRS = list(permutations(Shape, 2))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_a_refused_key_is_the_gateways_in_every_delivery(
    client: Shape, home: Shape, *, stream: bool
) -> None:
    events = STREAMS[home]
    answers = [streamed(events[:at] + events[-1:]) for at in range(len(events))]
    for answer in (*answers, *map(json_reply, WHOLE[home])):
        seen = told(client, home, answer, stream=stream)
        assert "sk-o" not in seen
        assert "refused the key that the gateway is configured with" in seen


@pytest.mark.parametrize("shape", Shape)
def test_so_it_is_where_only_the_name_is_changed(shape: Shape) -> None:
    seen = told(shape, shape, streamed(STREAMS[shape]), stream=True, name="alias")
    assert "sk-o" not in seen
    assert "refused the key that the gateway is configured with" in seen


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("client", "home"), PAIRS)
def test_the_clients_own_key_is_its_own(client: Shape, home: Shape, *, stream: bool) -> None:
    for answer in (streamed(STREAMS[home]), json_reply(WHOLE[home][-1])):
        seen = told(client, home, answer, stream=stream, of=PASSING)
        assert QUOTED in seen
        assert "configured with" not in seen


def test_other_errors_stay_as_they_are() -> None:
    for error in (
        UpstreamReplied("Slow down.", status=429, code="rate_limit_exceeded"),
        UpstreamError("The upstream's reply is odd."),
        InvalidRequest("No.", code="invalid_api_key"),
    ):
        assert in_own_words(KEYED, error) is error
        if isinstance(error, UpstreamReplied):
            assert as_refused_key(error, ()) is None
    refused = UpstreamReplied(QUOTED, status=401)
    assert in_own_words(OPENAI, refused) is refused
    known = as_refused_key(refused, ())
    assert known is not None
    assert known.status == 401


@pytest.mark.parametrize("upstream", [KEYED, PASSING], ids=["own", "caller's"])
@pytest.mark.parametrize(
    ("status", "event", "refuses"),
    [
        (401, {"type": "error"}, True),
        (403, {"type": "error"}, True),
        (0, {"type": "error", "error": NO}, True),
        (0, {"type": "response.failed", "response": FAILED}, True),
        (400, {"type": "error", "error": {"code": "model_not_found", "message": "No."}}, False),
    ],
)
def test_an_event_that_refuses_a_key_is_the_gateways_fault_if_the_key_is_its_own(
    upstream: UpstreamSettings, status: int, event: Json, *, refuses: bool
) -> None:
    error = refused_by_event(upstream, status, msgspec.json.encode(event))
    assert (error is not None) is (refuses and upstream is KEYED)
    if error is not None:
        assert (error.status, error.code) == (502, "upstream_auth_error")
        assert QUOTED not in error.message
