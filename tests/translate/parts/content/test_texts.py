"""Content in parts, in all the forms that servers give it."""

from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.content.images import images_of, unknown_parts
from gateway.translate.parts.content.texts import (
    other_parts,
    refusal_in,
    refusal_of,
    text_of,
    thinking_of,
)
from gateway.translate.plan import plan

WEIRD = {"type": "reference", "reference_ids": [1]}
PICTURE = {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}
NO_PICTURE = {"type": "image_url", "image_url": {"detail": "low"}}
PARTS: list[Any] = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}, 5]},
    "A",
    None,
    {"type": "text", "text": "B"},
    {"type": "output_text", "text": "C"},
    {"type": "input_text", "text": None},
    {"type": "refusal", "refusal": "No."},
    {"type": "thinking", "thinking": "so"},
    WEIRD,
    PICTURE,
    NO_PICTURE,
    {"no": "type"},
]


def test_every_part_is_one_thing_or_another() -> None:
    assert (text_of(PARTS), thinking_of(PARTS), refusal_of(PARTS)) == ("ABC", "hmso", "No.")
    assert other_parts(PARTS) == [WEIRD, PICTURE, NO_PICTURE, {"no": "type"}]
    message = {"content": PARTS}
    assert len(images_of(message)) == 1
    assert unknown_parts(message) == [WEIRD, NO_PICTURE, {"no": "type"}]
    assert unknown_parts({"content": "text"}) == []


def test_a_refusal_may_be_a_part() -> None:
    assert refusal_in({"content": PARTS}) == "No."
    assert refusal_in({"content": PARTS, "refusal": "Never."}) == "Never."
    assert refusal_in({"content": "A"}) is None


@pytest.mark.parametrize("part", [5, [], True, {"type": "text", "text": 5}])
def test_what_is_not_a_part_is_an_error(part: Any) -> None:
    with pytest.raises(UpstreamError):
        text_of([part])


def test_a_refusal_that_is_not_text_is_an_error() -> None:
    with pytest.raises(UpstreamError):
        refusal_of([{"type": "refusal", "refusal": 5}])


TEXT: list[Any] = [
    "A",
    {"type": "text", "text": "B"},
    {"type": "output_text", "text": "C"},
    {"type": "input_text", "text": "D"},
    {"text": "E"},
]
OTHERS: list[Any] = [{"type": "image_url", "image_url": {"url": "u"}}, {"type": ["odd"]}]


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
        shown = [reply]
    else:
        fold = translation.stream()
        deltas = [{"index": 0, "delta": {"content": [part]}} for part in TEXT]
        events = [{"choices": [each]} for each in (*deltas, {**choice, "delta": {}})]
        shown = [made for event in events for made in fold.feed(0, event)] + fold.end(0)
    if client is Shape.COMPLETIONS:
        assert "".join(each["choices"][0]["text"] for each in shown) == "ABCDE"
    else:
        last = shown[-1].get("response", shown[-1])
        assert last["output"][0]["content"][0]["text"] == "ABCDE"
