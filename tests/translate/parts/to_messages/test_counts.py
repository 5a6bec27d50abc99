from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.parts.to_messages.counts import Counts
from tests.translate.messages_upstreams import PING, USAGE, events_of, message, text


def counted(*events: Json) -> Counts:
    counts = Counts()
    for event in events:
        counts.take(event)
    return counts


def test_the_end_of_a_stream_completes_its_beginning() -> None:
    counts = counted(*events_of(message(text("a"))))
    numbers = {name: each for name, each in USAGE.items() if name != "service_tier"}
    assert counts == Counts(numbers, "default")


@pytest.mark.parametrize(
    "poorer", [None, {}, {"input_tokens": 0, "output_tokens": 0}, {"output_tokens": None}, "odd"]
)
def test_a_poorer_usage_takes_nothing_away(poorer: Any) -> None:
    known = {"input_tokens": 10, "output_tokens": 5, "service_tier": "priority"}
    counts = counted({"message": {"usage": known}}, PING, {"usage": poorer})
    assert isinstance(counts.usage, dict)
    assert (counts.usage["input_tokens"], counts.usage["output_tokens"]) == (10, 5)
    assert counts.tier == "priority"


@pytest.mark.parametrize("event", [PING, {"message": "odd"}, {"message": {"usage": None}}])
def test_an_unknown_usage_stays_unknown(event: Json) -> None:
    assert counted(event) == Counts()
