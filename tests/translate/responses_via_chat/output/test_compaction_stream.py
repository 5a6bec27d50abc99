"""A summary is hidden: the client only gets the sealed item."""

from dataclasses import replace

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import Context
from tests.translate.responses_via_chat.chat_backend import (
    asking,
    chunk,
    completion,
    context,
    fragment,
    replied,
)
from tests.translate.responses_via_chat.client_stream import read_any
from tests.translate.sealing import OpenSeal

INPUT: list[Json] = [{"role": "user", "content": "Hi"}, {"type": "compaction_trigger"}]


def sealing() -> Context:
    return replace(context(), seal=OpenSeal())


def test_the_output_is_one_sealed_item() -> None:
    (item,) = replied(completion("They met."), sealing(), input=INPUT)["output"]
    assert item["type"] == "compaction"
    assert OpenSeal().open(item["encrypted_content"]) == {"kind": "compaction", "text": "They met."}


def test_no_event_shows_the_text_or_anything_else_of_the_model() -> None:
    pieces = [
        chunk(reasoning="hm"),
        chunk("They "),
        chunk("met."),
        chunk(tool_calls=[fragment(0, "{}", name="f", call_id="c")]),
        chunk(finish="stop"),
    ]
    fold = asking(sealing(), input=INPUT, stream=True).stream()
    assert not fold.passes_text
    for piece in pieces:
        assert {event["type"] for event in fold.feed(0, piece)} <= {
            "response.created",
            "response.in_progress",
        }
    added, done, last = fold.end(0)
    assert added["item"] == done["item"] == last["response"]["output"][0]
    assert OpenSeal().open(done["item"]["encrypted_content"]) == {
        "kind": "compaction",
        "text": "They met.",
    }


@pytest.mark.parametrize(("text", "finish"), [(None, "stop"), (" ", "stop"), ("They", "length")])
def test_a_summary_that_is_missing_or_cut_off_is_an_error(text: str | None, finish: str) -> None:
    with pytest.raises(UpstreamError, match="missing or was cut off"):
        asking(sealing(), input=INPUT).reply([completion(text, finish)])
    fold = asking(sealing(), input=INPUT, stream=True).stream()
    events = fold.feed(0, chunk(text)) + fold.feed(0, chunk(finish=finish))
    with pytest.raises(UpstreamError) as caught:
        fold.end(0)
    assert read_any(events + fold.fail(caught.value))["output"] == []
