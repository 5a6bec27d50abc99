"""The templates of events and of their results."""

import pytest
from msgspec.json import encode

from gateway.fast.deltas.template_pairs import Exchanged, kind_of, shorter, templates_of
from gateway.shapes import Json, Shape

CHAT, RESPONSES = Shape.CHAT, Shape.RESPONSES


def exchanged(received: Json, sent: Json) -> Exchanged:
    wires = [b"data: %b\n\n" % encode(each) for each in (received, sent)]
    return Exchanged(wires[0], received, wires[1], sent)


def call_delta(text: str) -> Json:
    call: Json = {"index": 0, "function": {"arguments": text}}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def item_delta(text: str, number: int = 4) -> Json:
    kind = "response.function_call_arguments.delta"
    return {"type": kind, "sequence_number": number, "item_id": "fc_1", "delta": text}


def test_templates_are_of_one_kind() -> None:
    one = exchanged(item_delta("a"), call_delta("a"))
    assert kind_of(("text", "arguments"), RESPONSES, CHAT, one) == "arguments"
    assert kind_of(("text",), RESPONSES, CHAT, one) is None
    found = templates_of("arguments", RESPONSES, CHAT, one)
    assert found is not None
    assert found.fits(exchanged(item_delta("bc", 7), call_delta("bc")))
    assert not found.fits(exchanged(item_delta("bc", 7), call_delta("b")))
    assert exchanged(call_delta("a"), item_delta("a")).number == 4


@pytest.mark.parametrize("sent", [call_delta("b"), {"x" * 5000: 1, **call_delta("a")}])
def test_no_templates_of_results_that_differ(sent: Json) -> None:
    assert templates_of("arguments", RESPONSES, CHAT, exchanged(item_delta("a"), sent)) is None


def test_one_piece_stays_as_it_is() -> None:
    assert shorter(["a"], 2) == ["a"]


def test_pieces_are_joined_shorter_than_what_came_before() -> None:
    pieces = ["ab"] * 50
    known = 3
    for joined in shorter(pieces, known):
        assert len(joined) < known
        known += len(joined)
    assert known == 103
    assert len(shorter(pieces, 3)) < 10
