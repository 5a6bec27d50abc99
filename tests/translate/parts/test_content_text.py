"""Content in parts, whatever a server calls them."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.content_text import other_parts, text_of
from gateway.translate.plan import plan

TEXT: list[Any] = [
    "A",
    {"type": "text", "text": "B"},
    {"type": "output_text", "text": "C"},
    {"type": "input_text", "text": "D"},
    {"text": "E"},
]
OTHERS: list[Any] = [{"type": "image_url", "image_url": {"url": "u"}}, {"type": ["odd"]}, 5, None]


def test_text_is_text_under_any_name() -> None:
    assert text_of(TEXT + OTHERS) == "ABCDE"
    assert other_parts(TEXT + OTHERS) == OTHERS


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("client", [Shape.COMPLETIONS, Shape.RESPONSES])
def test_every_client_reads_all_of_it(client: Shape, *, streamed: bool) -> None:
    asked: Json = {"prompt": "x"} if client is Shape.COMPLETIONS else {"input": "x"}
    translation = plan(client, Shape.CHAT, {**asked, "stream": streamed}, Context("m", "m"))
    choice: Json = {"index": 0, "finish_reason": "stop"}
    if not streamed:
        reply = translation.reply([{"choices": [{**choice, "message": {"content": TEXT}}]}])
        told = [reply]
    else:
        fold = translation.stream()
        deltas = [{"index": 0, "delta": {"content": [part]}} for part in TEXT]
        events = [{"choices": [each]} for each in (*deltas, {**choice, "delta": {}})]
        told = [made for event in events for made in fold.feed(0, event)] + fold.end(0)
    if client is Shape.COMPLETIONS:
        assert "".join(each["choices"][0]["text"] for each in told) == "ABCDE"
    else:
        last = told[-1].get("response", told[-1])
        assert last["output"][0]["content"][0]["text"] == "ABCDE"
