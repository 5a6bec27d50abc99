"""A turn of the assistant as input items."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import pack
from tests import kinds
from tests.translate.messages_prepared import Prepared, prepared
from tests.translate.messages_prepared import context as context_of
from tests.translate.messages_requests import asked, assistant, pdf, result, text, use, user

R = Shape.RESPONSES
OPENAI, VLLM = context_of(R), context_of(R, kinds.VLLM)
SECOND = "messages[1].content"
ITEM: Json = {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA"}


def written(*blocks: Json | str, of: Context = OPENAI) -> tuple[list[Json], Prepared]:
    """Return the items that are made of a turn."""
    results = [
        result(each["id"])
        for each in blocks
        if isinstance(each, dict) and each["type"] == "tool_use"
    ]
    sent = prepared(asked(user("x"), assistant(*blocks), user(*results, "y")), of, R)
    return sent.call["input"][1 : -1 - len(results)], sent


def thinking(words: str, signature: str = "EqoB") -> Json:
    return {"type": "thinking", "thinking": words, "signature": signature}


def packed(words: str, item: Json, of: Context = OPENAI) -> Json:
    return thinking(words, pack({"item": item}, words, of))


def said(content: str) -> Json:
    return {"type": "message", "role": "assistant", "content": content}


def called(call_id: str, arguments: str = "{}") -> Json:
    return {"type": "function_call", "call_id": call_id, "name": "f", "arguments": arguments}


def test_the_order_of_texts_and_calls_survives() -> None:
    items, sent = written("a", use("1", x=1.5), "b", use("2"))
    assert items == [said("a"), called("1", '{"x":1.5}'), said("b"), called("2")]
    assert sent.report.changed == []


def test_texts_in_a_row_are_messages_or_lines() -> None:
    assert written("a", "b", use("1"))[0] == [said("a"), said("b"), called("1")]
    assert written("a", "b", use("1"), of=VLLM)[0] == [said("a\nb"), called("1")]


def test_reasoning_goes_back_to_the_server_that_has_encrypted_it() -> None:
    items, sent = written(packed("Hm.", ITEM), "a", packed("", ITEM), use("1"))
    shown = [{"type": "summary_text", "text": "Hm."}]
    assert items == [
        {**ITEM, "summary": shown},
        said("a"),
        {**ITEM, "summary": []},
        called("1"),
    ]
    assert sent.report.size == 0


def test_its_own_summary_counts() -> None:
    own = {**ITEM, "summary": [{"type": "summary_text", "text": "a"}]}
    assert written(packed("Hm.", own), "b")[0][0] == own
    redacted = {"type": "redacted_thinking", "data": pack({"item": ITEM}, "", OPENAI)}
    assert written(redacted, "b")[0][0] == {**ITEM, "summary": []}


@pytest.mark.parametrize(
    "of",
    [
        context_of(R, upstream="other"),
        context_of(R, model_sent="gpt-5"),
        context_of(R, seal=None),
    ],
)
def test_it_goes_nowhere_else(of: Context) -> None:
    items, sent = written(packed("Hm.", ITEM), "a", of=of)
    assert items == [said("a")]
    assert sent.report.dropped == [f"{SECOND}[0]"]


def test_what_was_tampered_with_is_dropped() -> None:
    block = packed("Hm.", ITEM)
    for wrong in ({**block, "thinking": "So."}, {**block, "signature": "gw1.x"}):
        assert written(wrong, "a")[0] == [said("a")]


def test_where_only_its_text_goes_back_the_signature_is_reported() -> None:
    block = packed("Hm.", ITEM, VLLM)
    for wrong in ({**block, "thinking": "So."}, {**block, "signature": "gw1.x"}):
        items, sent = written(wrong, "a", of=VLLM)
        assert items[0]["content"] == [{"type": "reasoning_text", "text": wrong["thinking"]}]
        assert sent.report.dropped == [f"{SECOND}[0].signature"]


def test_thinking_never_becomes_visible_text() -> None:
    assert written(thinking("Secret."), "a")[0] == [said("a")]
    (reasoning, _), sent = written(thinking("Hm."), "a", of=VLLM)
    assert reasoning["type"] == "reasoning"
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert reasoning["id"].startswith("rs_")
    assert sent.report.size == 0


def test_reasoning_that_nothing_follows_is_left_out() -> None:
    items, sent = written("a", packed("Hm.", ITEM), packed("", ITEM))
    assert items == [said("a")]
    assert sent.report.dropped == [f"{SECOND}[2]", f"{SECOND}[1]"]


def test_what_has_no_place_is_reported() -> None:
    call = {**use("1"), "caller": {"type": "x"}, "zzz": 1}
    _, sent = written(text("a", citations=[{}]), {**thinking("Hm."), "zzz": 1}, call, pdf())
    assert sent.report.dropped == [
        f"{SECOND}[0].citations",
        f"{SECOND}[1].zzz",
        f"{SECOND}[1]",
        f"{SECOND}[2].zzz",
        f"{SECOND}[2].caller",
        f"{SECOND}[3]",
    ]


def test_the_work_of_anthropics_tools_is_left_as_its_text() -> None:
    drops: Any = {"hosted_tools": "drop"}
    found = {"type": "mcp_tool_result", "content": [text("T")]}
    record = {"type": "mcp_tool_use", "id": "s", "name": "n", "input": {}}
    items, sent = written(record, found, "a", of=context_of(R, settings=drops))
    assert items == [said("T"), said("a")]
    assert sent.report.dropped == [f"{SECOND}[0]", f"{SECOND}[1]"]


def test_a_compaction_between_calls_is_its_text() -> None:
    items, sent = written(use("1"), {"type": "compaction", "content": "Before that …"})
    assert items[1:] == [said("Before that …")]
    assert sent.report.emulated == [f"{SECOND}[1]"]


def test_a_conversation_goes_on_in_which_another_model_had_taken_over() -> None:
    mark = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
    items, sent = written("a", mark, use("1"))
    assert [item["type"] for item in items] == ["message", "function_call"]
    assert len(sent.report.dropped) == 1
