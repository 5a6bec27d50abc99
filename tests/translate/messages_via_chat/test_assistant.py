"""A turn of the assistant as one chat message."""

from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import pack
from tests import kinds
from tests.translate.messages_prepared import Prepared, context, prepared
from tests.translate.messages_requests import asked, assistant, pdf, result, text, use, user

OPENAI, VLLM, DEEPSEEK = context(), context(kind=kinds.VLLM), context(kind=kinds.DEEPSEEK)
SECOND = "messages[1].content"


def written(*blocks: Json | str, of: Context = OPENAI) -> tuple[Json, Prepared]:
    """Return the message that is made of a turn."""
    results = [
        result(each["id"])
        for each in blocks
        if isinstance(each, dict) and each["type"] == "tool_use"
    ]
    sent = prepared(asked(user("x"), assistant(*blocks), user(*results, "y")), of)
    return sent.call["messages"][1], sent


def thinking(words: str, signature: str = "EqoB") -> Json:
    return {"type": "thinking", "thinking": words, "signature": signature}


def packed(words: str, of: Context, **content: Any) -> Json:
    return thinking(words, pack(content, words, of))


def test_text_and_calls_are_one_message() -> None:
    message, sent = written("a", use("1", "f", x=1), use("2", "g"))
    assert message["content"] == "a"
    assert [call["function"] for call in message["tool_calls"]] == [
        {"name": "f", "arguments": '{"x":1}'},
        {"name": "g", "arguments": "{}"},
    ]
    assert sent.report.changed == []


def test_a_message_of_calls_alone_has_no_content() -> None:
    message, _ = written(use("1"))
    assert message["content"] is None


def test_several_texts_are_parts_or_lines() -> None:
    assert written("a", "b")[0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    assert written("a", "b", of=VLLM)[0]["content"] == "a\nb"


def test_text_after_a_call_loses_its_place_and_that_is_reported() -> None:
    message, sent = written("a", use("1"), "b", of=VLLM)
    assert message["content"] == "a\nb"
    assert sent.report.changed == [f"{SECOND}[2]:behind tool_use->before it"]


def test_a_long_id_is_the_same_at_the_call_and_its_result() -> None:
    _, sent = written(use("toolu_" + "x" * 100))
    call, output = sent.call["messages"][1]["tool_calls"][0], sent.call["messages"][2]
    assert len(call["id"]) <= 64
    assert output["tool_call_id"] == call["id"]


def test_what_has_no_place_is_reported() -> None:
    call = {**use("1"), "caller": {"type": "x"}, "toolset_name": "t", "zzz": 1}
    _, sent = written(text("a", citations=[{}]), {**thinking("Hm."), "zzz": 1}, call, pdf())
    assert sent.report.dropped == [
        f"{SECOND}[0].citations",
        f"{SECOND}[1].zzz",
        f"{SECOND}[1]",
        *(f"{SECOND}[2].{name}" for name in ("zzz", "caller", "toolset_name")),
        f"{SECOND}[3]",
    ]


def test_the_work_of_anthropics_tools_is_left_as_its_text() -> None:
    found = {"type": "web_search_tool_result", "content": [{"title": "T"}]}
    record = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    message, sent = written(
        record, found, "a", of=context(kind=kinds.VLLM, settings={"hosted_tools": "drop"})
    )
    assert message["content"] == "T\na"
    assert sent.report.dropped == [f"{SECOND}[0]", f"{SECOND}[1]"]


def test_a_conversation_goes_on_in_which_another_model_had_taken_over() -> None:
    mark = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
    message, sent = written("a", mark, use("1"))
    assert message["content"] == "a"
    assert len(message["tool_calls"]) == 1
    assert sent.report.dropped == [f"{SECOND}[1]"]


def test_a_compaction_between_calls_is_its_text() -> None:
    summary = {"type": "compaction", "content": "Before that …"}
    message, sent = written(use("1"), summary, of=VLLM)
    assert message["content"] == "Before that …"
    assert sent.report.emulated == [f"{SECOND}[1]"]


def test_thinking_goes_back_as_the_servers_own_field() -> None:
    blocks = (thinking("Hm."), thinking("So."), "a", use("1"))
    message, sent = written(*blocks, of=VLLM)
    assert message["reasoning"] == "Hm.\n\nSo."
    assert sent.report.dropped == []
    message, _ = written(*blocks, of=DEEPSEEK)
    assert message["reasoning_content"] == "Hm.\n\nSo."
    message, sent = written(*blocks)
    assert message.keys() == {"role", "content", "tool_calls"}
    assert sent.report.dropped == [f"{SECOND}[0]", f"{SECOND}[1]"]


def test_a_server_that_wants_reasoning_with_every_call_gets_it() -> None:
    of = context(kind=kinds.DEEPSEEK, able={"reasoning_required": True})
    message, sent = written(use("1"), of=of)
    assert message["reasoning_content"] == " "
    assert sent.report.changed == ["reasoning_content:none->blank"]


def test_what_a_server_has_signed_goes_back_to_it() -> None:
    fields: Json = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}]}
    signed: Json = {"extra_content": {"google": {"thought_signature": "s"}}}
    block = packed("Hm.", OPENAI, message=fields, calls={"1": signed})
    message, sent = written(block, "a", use("1"), use("2"))
    assert message["reasoning_details"] == fields["reasoning_details"]
    assert message["tool_calls"][0]["extra_content"] == signed["extra_content"]
    assert "extra_content" not in message["tool_calls"][1]
    assert sent.report.dropped == []


def test_its_own_text_comes_before_the_one_that_was_shown() -> None:
    block = packed("", VLLM, message={"reasoning": "Hidden."})
    assert written(block, "a", of=VLLM)[0]["reasoning"] == "Hidden."
    redacted = {
        "type": "redacted_thinking",
        "data": pack({"message": {"reasoning": "Hidden."}}, "", VLLM),
    }
    assert written(redacted, "a", of=VLLM)[0]["reasoning"] == "Hidden."
    details = packed("Shown.", VLLM, message={"reasoning_details": []})
    assert written(details, "a", of=VLLM)[0]["reasoning"] == "Shown."


def test_fields_of_a_call_that_is_gone_make_no_call() -> None:
    block = packed("", OPENAI, calls={"1": {"signature": "s"}, "2": {"signature": "t"}})
    message, _ = written(block, use("1"))
    assert [call["id"] for call in message["tool_calls"]] == ["1"]


def test_fields_of_calls_alone_are_not_loss() -> None:
    block = packed("", OPENAI, calls={"1": {"signature": "s"}})
    message, sent = written(block, use("1"))
    assert message["tool_calls"][0]["signature"] == "s"
    assert sent.report.dropped == []


def test_text_that_reasoning_has_interrupted_goes_on() -> None:
    block = packed("", OPENAI, message={"reasoning_details": [1]}, calls={}, goes_on=True)
    assert written("on", block, "ward", "b")[0]["content"][0]["text"] == "onward"
    assert written(block, "a")[0]["content"] == "a"


@pytest.mark.parametrize(
    "of",
    [context(upstream="other"), context(model_sent="gpt-5"), context(seal=None)],
)
def test_nothing_that_was_packed_for_another_model_is_sent(of: Context) -> None:
    block = packed("Hm.", OPENAI, message={"reasoning_details": [1]})
    message, sent = written(block, "a", of=of)
    assert message == {"role": "assistant", "content": "a"}
    assert sent.report.dropped == [f"{SECOND}[0]"]


def test_a_server_that_takes_nothing_back_gets_nothing() -> None:
    block = packed("Hm.", OPENAI, message={"reasoning_details": [1]})
    message, sent = written(block, "a", of=context(able={"takes_back": False}))
    assert message.keys() == {"role", "content"}
    assert sent.report.dropped == [f"{SECOND}[0]"]


@pytest.mark.parametrize(
    ("of", "changed"),
    [
        (context(kind=kinds.VLLM, seal=None), {}),
        (context(kind=kinds.VLLM, upstream="other"), {}),
        (context(kind=kinds.VLLM, model_sent="gpt-5"), {}),
        (context(kind=kinds.VLLM, able={"takes_back": False}), {}),
        (VLLM, {"signature": "gw1.tampered"}),
        (VLLM, {"thinking": "Changed."}),
    ],
)
def test_where_only_its_text_goes_back_the_signature_is_reported(
    of: Context, changed: Json
) -> None:
    block = {**packed("Hm.", VLLM, message={"reasoning_details": [1]}), **changed}
    message, sent = written(block, "a", of=of)
    assert message == {"role": "assistant", "content": "a", "reasoning": block["thinking"]}
    assert sent.report.dropped == [f"{SECOND}[0].signature"]


@pytest.mark.parametrize("signature", ["gw1.", "EqoB"])
def test_a_signature_that_carries_nothing_for_it_is_not_a_loss(signature: str) -> None:
    assert written(thinking("Hm.", signature), "a", of=VLLM)[1].report.size == 0


@pytest.mark.parametrize("of", [OPENAI, VLLM, DEEPSEEK])
@pytest.mark.parametrize("behind", [[], [user("y")], [assistant("b"), user("y")]])
def test_reasoning_without_anything_else_is_left_out_and_reported(
    of: Context, behind: list[Json]
) -> None:
    alone = assistant(thinking("Hm."), packed("So.", of, message={"reasoning_details": [1]}))
    sent = prepared(asked(user("x"), alone, user("z"), *behind), of)
    assert all(each.get("content") for each in sent.call["messages"])
    assert sent.report.dropped == [f"{SECOND}[0]", f"{SECOND}[1]"]
    last = prepared(asked(user("x"), assistant(thinking("Hm."))), of)
    assert len(last.call["messages"]) == 1
    assert last.report.dropped == [f"{SECOND}[0]"]
