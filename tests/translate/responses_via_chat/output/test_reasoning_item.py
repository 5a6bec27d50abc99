"""Reasoning items: how they are shown, and what they carry back."""

from typing import Any

from gateway.translate.contract import Context
from tests.translate.responses_via_chat.chat_backend import (
    chunk,
    completion,
    context,
    stream_of,
)
from tests.translate.responses_via_chat.client_stream import kinds, read, texts
from tests.translate.responses_via_chat.next_turn import (
    ASKED,
    SAID,
    SIGNED,
    brought_back,
    in_a_stream,
    sealing,
    whole,
)


def test_what_only_the_server_can_read_is_sealed_unasked() -> None:
    for said in ("reasoning_content", "reasoning_details"):
        reply = completion("a", **SAID["details" if said == "reasoning_details" else said])
        thought = whole(reply, sealing())[0]
        assert ("encrypted_content" in thought) is (said == "reasoning_details")
    # The name that a server of this kind does not read from, too.
    thought = whole(completion("a", reasoning="hm"), sealing())[0]
    message, _ = brought_back([thought, {"role": "assistant", "content": "a"}], sealing())
    assert message == {"role": "assistant", "content": "a", "reasoning": "hm"}


def test_hidden_reasoning_is_carried_where_it_is_asked_for_or_kept() -> None:
    def of(**more: Any) -> Context:
        return sealing(reasoning_item="drop", **more)

    reply = completion("a", reasoning_content="hm")
    assert [item["type"] for item in whole(reply, of())] == ["message"]
    assert [item["type"] for item in whole(reply, of(keeps=True), store=False)] == ["message"]
    remembered = whole(reply, of(remembers=True), store=False)
    for output in (whole(reply, of(), **ASKED), whole(reply, of(keeps=True)), remembered):
        assert output[0]["content"] == output[0]["summary"] == []
        message, _ = brought_back(output, of())
        assert message["reasoning_content"] == "hm"
    events = [chunk(reasoning_content="h"), chunk(reasoning_content="m"), chunk("a", "stop")]
    message, _ = brought_back(in_a_stream(events, of, **ASKED), of())
    assert message["reasoning_content"] == "hm"


def test_a_summary_carries_what_it_sums_up() -> None:
    shown = {**ASKED, "reasoning": {"summary": "auto"}}
    output = whole(completion("a", reasoning="hm"), sealing(), **shown)
    assert output[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    message, _ = brought_back(output, sealing())
    assert message["reasoning"] == "hm"


def test_what_comes_last_of_a_message_is_the_messages() -> None:
    events = [chunk("a"), chunk("", **SIGNED), chunk(finish="stop")]
    output = in_a_stream(events, sealing)
    assert [item["type"] for item in output] == ["message", "reasoning"]
    message, _ = brought_back(output, sealing())
    assert message == {"role": "assistant", "content": "a", **SIGNED}


def test_reasoning_is_a_summary_for_a_client_that_asks_for_one() -> None:
    events = stream_of([chunk(reasoning="hm"), chunk("a", "stop")], reasoning={"summary": "auto"})
    assert kinds(events)[:6] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    item = read(events)["output"][0]
    assert item["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert item["content"] == []


def test_reasoning_item_decides_the_form_of_reasoning() -> None:
    chat = [chunk(reasoning="hm"), chunk("a", "stop")]
    dropped = stream_of(chat, lambda: context(reasoning_item="drop"))
    assert texts(read(dropped)) == ["a"]
    summary = stream_of(chat, lambda: context(reasoning_item="summary"))
    assert read(summary)["output"][0]["summary"]
    text = stream_of(chat, lambda: context(reasoning_item="text"), reasoning={"summary": "auto"})
    assert read(text)["output"][0]["content"]


def test_reasoning_after_text_opens_a_new_item() -> None:
    events = stream_of(
        [chunk(reasoning="a"), chunk("b"), chunk(reasoning="c"), chunk("d"), chunk(finish="stop")]
    )
    assert texts(read(events)) == ["a", "b", "c", "d"]
