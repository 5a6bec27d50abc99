"""Nothing invalid, nothing lost without a word: random exchanges over every pair of shapes.

Requests and replies come from OpenAI's own description (`requests.py`, `replies.py`), so that this
sees what nobody has thought of. Each request is played twice: for the whole reply, and for the
stream of the same.

ROUNDTRIPS in the environment is the number of requests per pair; `make test ROUNDTRIPS=2000`.
"""

import os
import re
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.shapes import Json, Shape
from tests.messages_requests import check_messages_request
from tests.translate.openai_schema import check_schema
from tests.translate.round_trips import requests as asked
from tests.translate.round_trips.clients import streamed_reply, whole_reply
from tests.translate.round_trips.exchanges import (
    MODEL,
    Exchange,
    Stage,
    as_before,
    streaming,
    whole,
)
from tests.translate.round_trips.fields import Field, lost, named_in, text_of
from tests.translate.round_trips.no_place import documented
from tests.translate.round_trips.replies import replies
from tests.translate.round_trips.requests import requests

ROUNDS = int(os.environ.get("ROUNDTRIPS", "") or 15)

SETTINGS = settings(
    max_examples=ROUNDS,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
"""A failure is told at once and as it is: to shrink an exchange takes minutes."""


PAIRS = [pair for pair in permutations(Shape, 2) if pair[0] in asked.CLIENTS]


@pytest.mark.alone
@pytest.mark.parametrize(("client", "home"), PAIRS)
@pytest.mark.timeout(ROUNDS * 10)
def test_between_two_shapes_nothing_is_invalid_and_nothing_lost(client: Shape, home: Shape) -> None:
    @SETTINGS
    @given(st.data(), requests(client, MODEL), st.booleans())
    def round_trip(data: st.DataObject, request: Json, drop: bool) -> None:
        check_schema(asked.SCHEMAS[client], request, closed=True)
        stage = Stage(client, home, drop)
        played = stage.play(whole(request), lambda call, body: data.draw(replies(home, body, call)))
        if played.refused is not None:
            check_refusal(played)
            return
        check_sent(played, home)
        reply = whole_reply(client, played.heard)
        assert request_fields_lost(stage, played) == []
        assert reply_fields_lost(stage, played, reply) == []
        if request.get("best_of"):
            return  # no stream has it
        stream = stage.play(streaming(client, request), as_before(played.answered))
        check_sent(stream, home)
        assert request_fields_lost(stage, stream) == []
        streamed = streamed_reply(client, stream.heard)
        if len(played.answered) > 1:
            # Whose it is depends on which call says it when: the documents promise none.
            for each in (streamed, reply):
                each.pop("service_tier", None)
        assert comparable(streamed) == comparable(reply)

    round_trip()


@pytest.mark.alone
@pytest.mark.parametrize("shape", asked.CLIENTS)
@pytest.mark.timeout(ROUNDS * 10)
def test_at_its_own_endpoint_everything_stays_as_it_is(shape: Shape) -> None:
    stage = Stage(shape, shape)

    @SETTINGS
    @given(st.data(), requests(shape, MODEL))
    def round_trip(data: st.DataObject, request: Json) -> None:
        for asking in (whole(request), streaming(shape, request)):
            exchange = stage.play(asking, lambda call, body: data.draw(replies(shape, body, call)))
            assert exchange.sent == [asking]
            assert exchange.heard.body == exchange.delivered
            assert exchange.report == []

    round_trip()


@pytest.mark.parametrize(("best_of", "kind"), [(3, "refusal"), (2, "output_text")])
def test_logprobs_that_nobody_replies_with_are_not_lost(best_of: int, kind: str) -> None:
    said = {"refusal": "No."} if kind == "refusal" else {"text": "Hi", "annotations": []}
    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    part = {"type": kind, **said, **({} if kind == "refusal" else {"logprobs": [entry]})}
    item = {"id": "a", "type": "message", "role": "assistant", "content": [part]}
    reply = {"id": "r", "object": "response", "status": "completed", "output": [item]}
    stage = Stage(Shape.COMPLETIONS, Shape.RESPONSES)
    request = {"model": MODEL, "prompt": "x", "best_of": best_of, "logprobs": 0}
    played = stage.play(request, lambda *_: reply)
    assert played.sent
    assert request_fields_lost(stage, played) == []


def check_refusal(exchange: Exchange) -> None:
    """Check that the gateway says what it cannot do, and that the client did ask for it."""
    refused = exchange.refused
    assert refused is not None
    assert (refused.status, refused.code) == (400, "unsupported_parameter"), refused
    assert not exchange.sent
    place: Any = exchange.request
    for key in re.findall(r"[^.\[\]]+", refused.param or "?"):
        place = place[int(key) if key.isdigit() else key]


def check_sent(exchange: Exchange, home: Shape) -> None:
    for body in exchange.sent:
        if home is Shape.MESSAGES:
            check_messages_request(body)
        else:
            check_schema(asked.SCHEMAS[home], body, closed=True)


def request_fields_lost(stage: Stage, exchange: Exchange) -> list[Field]:
    """Return what the client sent and nobody ever hears of."""
    if not exchange.sent:
        return []  # `max_tokens: 0`: nothing is asked of anybody.
    report, outcome = exchange.report, exchange.outcome

    def reported(field: Field) -> bool:
        return (
            field.keys == ("model",)
            or named_in(report, field)
            or _asked_for_anyway(exchange, field)
            or documented("requests", stage.client, stage.home, field)
        )

    def changes(other: Json) -> bool:
        return stage.play(other, as_before(exchange.answered)).outcome != outcome

    return lost(exchange.request, text_of(exchange.sent), changes, reported)


def reply_fields_lost(stage: Stage, exchange: Exchange, reply: Json) -> list[Field]:
    """Return what the upstream said and the client never hears of."""
    if exchange.request.get("best_of"):
        return []  # All candidates but the best are left out, that is what it means.
    missing: list[Field] = []
    for number, answer in enumerate(exchange.answered):

        def reported(field: Field) -> bool:
            kinds = ("replies", "one of several replies")[: len(exchange.answered)]
            return _unasked(exchange.request, field) or any(
                documented(kind, stage.client, stage.home, field) for kind in kinds
            )

        def changes(other: Json, number: int = number) -> bool:
            replies_then = [*exchange.answered]
            replies_then[number] = other
            then = stage.play(exchange.request, as_before(replies_then))
            return then.outcome != exchange.outcome

        missing += lost(answer, text_of(reply), changes, reported)
    return missing


def _asked_for_anyway(exchange: Exchange, field: Field) -> bool:
    """Whether it asks for logprobs beside `best_of`, which does so too, and none are replied.

    Refusals in responses have none.
    """
    by_best_of = field.keys == ("logprobs",) and bool(exchange.request.get("best_of"))
    return by_best_of and '"logprob":' not in text_of(exchange.answered)


def _unasked(request: Json, field: Field) -> bool:
    """Whether the upstream was asked for more than the client.

    That is: for one alternative of each token where none is not possible, and for the id of a call
    that is a `function_call` again.
    """
    if "top_logprobs" in field.keys:
        return request.get("logprobs") in (0, True, None) and not request.get("top_logprobs")
    is_id_of_use = field.keys[-1] == "id" and "tool_use" in field.kinds
    return "functions" in request and (field.keys[-1] == "call_id" or is_id_of_use)


def comparable(reply: Any) -> Any:
    """Return a reply without what is another each time, and what only whole replies can have."""
    if isinstance(reply, dict):
        return {
            key: comparable(value)
            for key, value in reply.items()
            if key not in ("object", "metadata") and value not in (None, "", [])
        }
    if isinstance(reply, list):
        return [comparable(value) for value in reply]
    return re.sub(r"[0-9a-f]{32}", "", reply) if isinstance(reply, str) else reply
