import json
import re
from typing import Any

import pytest

from gateway.demo.endpoints.messages import THOUGHT
from tests.demo.messages_client import ADAPTIVE, BUDGETED, CLOCK, events, message, say
from tests.messages_grammar import read_message

ADAPTS = {"model": ADAPTIVE, "thinking": {"type": "adaptive"}}
DICE: Any = {
    "name": "dice",
    "input_schema": {"type": "object", "properties": {"sides": {"type": "integer"}}},
}


def unnumbered(made: Any) -> Any:
    return json.loads(re.sub(r"demo\d+", "", json.dumps(made)))


def kinds(sent: list[Any]) -> list[str]:
    return [event["type"] for event in sent]


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("hi 😀", {}),
        ("hi", ADAPTS),
        ("hi", {**ADAPTS, "thinking": {"type": "adaptive", "display": "omitted"}}),
        ("!redact hi", ADAPTS),
        ("call dice, then call clock", {"tools": [CLOCK, DICE]}),
        ("one two", {"stop_sequences": [" two"]}),
        ("!count 9", {"max_tokens": 3}),
        ("!refuse", {}),
        ("!content-filter hi", {}),
        ("hi", {"max_tokens": 0}),
    ],
)
def test_the_events_amount_to_the_whole_reply(words: str, more: Any) -> None:
    more = {"model": BUDGETED, **more}
    made = read_message(events(words, **more))
    assert unnumbered(made) == unnumbered(message(words, **more))


def test_a_thought_comes_first_and_its_signature_last() -> None:
    sent = events("hi", **ADAPTS)
    deltas = [event["delta"] for event in sent if event.get("index") == 0 and "delta" in event]
    assert "".join(delta.get("thinking", "") for delta in deltas) == THOUGHT
    assert [delta["type"] for delta in deltas[-2:]] == ["thinking_delta", "signature_delta"]


def test_a_call_without_arguments_has_no_piece_of_them() -> None:
    sent = events("call clock", tools=[CLOCK])
    assert kinds(sent)[2:4] == ["content_block_start", "content_block_stop"]
    assert sent[2]["content_block"]["caller"] == {"type": "direct"}


def test_a_cut_call_ends_in_the_middle_of_its_arguments() -> None:
    sent = events("call dice", tools=[DICE], max_tokens=2)
    pieces = [
        event["delta"]["partial_json"]
        for event in sent
        if event["type"].endswith("_delta") and "partial_json" in event["delta"]
    ]
    assert "".join(pieces) == '{"'
    assert sent[-2]["delta"]["stop_reason"] == "max_tokens"


def test_every_event_is_named() -> None:
    lines = say("hi", stream=True).body.split(b"\n")
    names = [line.removeprefix(b"event: ") for line in lines if line.startswith(b"event: ")]
    assert [name.decode() for name in names] == kinds(events("hi"))


def test_a_stream_fails_with_an_error_event() -> None:
    sent = events("!fail-midstream a b")
    assert sent[-1] == {
        "type": "error",
        "error": {"type": "api_error", "message": "Internal server error"},
    }
    assert kinds(sent).count("content_block_delta") == 2


def test_a_stream_breaks_off() -> None:
    cut = say("!truncate a b", stream=True)
    assert not cut.complete
    early = say("!unfinished a b", stream=True)
    assert early.complete
    assert kinds(early.events())[-1] == "content_block_delta"
