"""Prewarming: answered without a model, and remembered."""

from typing import Any

import msgspec
import pytest
from openai.types.responses import Response

from gateway.config.settings import ClientSettings
from gateway.errors import GatewayError
from gateway.exchange.decision import Decision
from gateway.exchange.remembered.items import segment_of
from gateway.exchange.remembered.memory import ConnectionMemory, Remembered
from gateway.exchange.remembered.prewarm import prewarmed
from gateway.exchange.remembered.turns import Turn
from gateway.request import GenerationRequest
from gateway.shapes import Json, Shape

TOOL = {"type": "function", "name": "f", "parameters": {}, "strict": False}


def warm(memory: ConnectionMemory | None = None, **body: Any) -> tuple[Turn, list[Any]]:
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
    turn = Turn(fields, body.get("previous_response_id"), memory or ConnectionMemory(1000, 10))
    reply = prewarmed(turn, request(), Decision(), 1000.7)
    assert isinstance(reply.body, bytes)
    lines = [line for line in reply.body.split(b"\n") if line.startswith(b"data: ")]
    return turn, [msgspec.json.decode(line[6:]) for line in lines]


def request(client: ClientSettings | None = None, model: str | None = None) -> GenerationRequest:
    asked = GenerationRequest.at(Shape.RESPONSES, b"", client=client)
    asked.model = model
    return asked


def refused(client: ClientSettings | None = None, **body: Any) -> GatewayError:
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
    turn = Turn(fields, body.get("previous_response_id"), ConnectionMemory(1, 1))
    with pytest.raises(GatewayError) as caught:
        prewarmed(turn, request(client), Decision(), 0)
    return caught.value


def test_a_prewarm_is_an_empty_response_with_the_parameters_of_its_request() -> None:
    body: Json = {
        "model": "m",
        "input": [],
        "instructions": "Be brief.",
        "tools": [TOOL],
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "store": True,
        "user": None,
    }
    _, (begun, done) = warm(**body)
    assert (begun["type"], done["type"]) == ("response.created", "response.completed")
    assert (begun["sequence_number"], done["sequence_number"]) == (0, 1)
    response = done["response"]
    Response.model_validate(response, strict=False)
    for name in ("model", "instructions", "tools", "reasoning", "text"):
        assert response[name] == body[name]
    assert (response["output"], response["store"], response["created_at"]) == ([], False, 1000)
    assert response["usage"]["total_tokens"] == 0
    assert begun["response"]["usage"] is None
    assert begun["response"]["id"] == response["id"]
    assert response["id"].startswith("resp_")


def test_a_prewarm_can_continue_a_response() -> None:
    memory = ConnectionMemory(1000, 10)
    earlier = Remembered((segment_of([b'{"id":"a"}']),), model="m")
    memory.remember("resp_1", earlier)
    turn, (_, done) = warm(memory, model="m", input="Hi", previous_response_id="resp_1")
    assert done["response"]["previous_response_id"] == "resp_1"
    turn.finish("resp_2", [], Decision(), stored=False)
    found = memory.recall("resp_2")
    assert found is not None
    assert found.segments[0] is earlier.segments[0]


def test_it_may_be_stored_elsewhere() -> None:
    memory = ConnectionMemory(1000, 10)
    turn, _ = warm(memory, model="m", input="Hi", previous_response_id="resp_stored")
    turn.finish("resp_2", [], Decision(), stored=False)
    found = memory.recall("resp_2")
    assert found is not None
    assert found.base == "resp_stored"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "Hi"}, "model"),
        ({"model": "", "input": "Hi"}, "model"),
        ({"model": "m", "input": 5}, "input"),
        ({"model": "m", "input": {}}, "input"),
        ({"model": "m", "previous_response_id": 5}, "previous_response_id"),
    ],
)
def test_what_no_model_would_get_is_refused(body: Json, param: str) -> None:
    error = refused(**body)
    assert (error.status, error.param) == (400, param)


def test_a_restricted_client_warms_its_own_models() -> None:
    client = ClientSettings("alice", (), models=("mine",))
    assert refused(client, model="other", input="Hi").status == 403
    decision = Decision()
    fields = {"model": msgspec.Raw(b'"mine"')}
    turn = Turn(fields, None, ConnectionMemory(1, 1))
    assert prewarmed(turn, request(client), decision, 0).status == 200
    assert decision.model_asked == "mine"


def test_the_model_in_the_path_counts() -> None:
    decision = Decision()
    turn = Turn({}, None, ConnectionMemory(1, 1))
    prewarmed(turn, request(model="deployed"), decision, 0)
    assert decision.model_asked == "deployed"
