"""Reasoning goes back to its server, in the next turn, under the name that the server gave it."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    chunk,
    completion,
    context,
    fragment,
    tool_call,
)
from tests.translate.responses_via_chat.input.items import (
    CHAT_USER,
    REASONING_BACKEND,
    USER,
    called,
    chat_call,
    gave,
    messages,
    reasoned,
    said,
)
from tests.translate.responses_via_chat.next_turn import (
    ASKED,
    READER,
    SAID,
    SIGNED,
    brought_back,
    in_a_stream,
    sealing,
    whole,
)
from tests.translate.sealing import OpenSeal


@pytest.mark.parametrize("able", [READER, replace(READER, reasoning_field="reasoning"), OPENAI])
@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
@pytest.mark.parametrize("calls", [True, False])
def test_what_was_said_is_said_again(able: Capabilities, said: Json, *, calls: bool) -> None:
    called = {"tool_calls": [tool_call("f", "{}")]} if calls else {}
    reply = completion(None if calls else "a", "tool_calls" if calls else "stop", **said, **called)
    message, report = brought_back(whole(reply, sealing(able), **ASKED), sealing(able))
    content = {"content": None if calls else "a"}
    assert message == {"role": "assistant", **content, **said, **called}
    assert report.dropped == []


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_a_stream_says_the_same(said: Json) -> None:
    events = [
        chunk(**said),
        chunk(tool_calls=[fragment(0, "{", name="f", call_id="call_a")]),
        chunk(tool_calls=[fragment(0, "}")]),
        chunk(finish="tool_calls"),
    ]
    output = in_a_stream(events, sealing, **ASKED)
    assert [item["type"] for item in output] == ["reasoning", "function_call"]
    message, _ = brought_back(output, sealing())
    called = {"tool_calls": [tool_call("f", "{}")]}
    assert message == {"role": "assistant", "content": None, **said, **called}


def test_without_a_seal_the_text_alone_goes_back() -> None:
    (thought, said) = whole(completion("a", **SAID["details"]), context(READER), **ASKED)
    assert "encrypted_content" not in thought
    message, _ = brought_back([thought, said], context(READER))
    assert message == {"role": "assistant", "content": "a", "reasoning_content": "hm"}
    asked = asking(context(READER), **ASKED)
    assert asked.report.dropped == ["include[reasoning.encrypted_content]"]
    assert asking(sealing(), **ASKED).report.dropped == []


def test_clients_may_bring_back_the_sealed_content_alone() -> None:
    output = whole(completion("a", reasoning_content="hm"), sealing(), **ASKED)
    bare = {key: output[0][key] for key in ("type", "summary", "encrypted_content")}
    message, report = brought_back([bare, output[1]], sealing())
    assert message["reasoning_content"] == "hm"
    assert report.dropped == []


def test_what_another_has_sealed_is_dropped_and_reported() -> None:
    sealed = OpenSeal("theirs").close(
        {"kind": "turn", "upstream": "up", "message": {}, "calls": {}}
    )
    text = [{"type": "reasoning_text", "text": "hm"}]
    for foreign in (sealed, "gAAAAB", ""):
        item = {"type": "reasoning", "summary": [], "encrypted_content": foreign}
        said = {"role": "assistant", "content": "a"}
        message, report = brought_back([item, said], sealing())
        assert (message, report.dropped) == ({"role": "assistant", "content": "a"}, ["input[1]"])
        message, report = brought_back([{**item, "content": text}, said], sealing())
        assert message["reasoning_content"] == "hm"
        assert report.dropped == (["input[1].encrypted_content"] if foreign else [])


def test_a_summary_that_was_sealed_is_not_reasoning() -> None:
    sealed = OpenSeal().close({"kind": "compaction", "text": "all"})
    item = {"type": "reasoning", "summary": [], "encrypted_content": sealed}
    message, report = brought_back([item, {"role": "assistant", "content": "a"}], sealing())
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1]"]


def test_another_server_gets_the_text_and_nothing_else() -> None:
    output = whole(completion("a", **SAID["details"]), sealing(), **ASKED)
    bare = {key: output[0][key] for key in ("type", "summary", "encrypted_content")}
    for thought in (output[0], bare):
        message, report = brought_back([thought, output[1]], sealing(upstream="other"))
        assert message == {"role": "assistant", "content": "a", "reasoning_content": "hm"}
        assert report.dropped == ["input[1].encrypted_content"]
    message, report = brought_back(output, sealing(OPENAI, "other"))
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1]"]


def test_another_server_gets_the_text_of_any_form() -> None:
    for name in ("Copilot", "a field of thinking", "reasoning in parts", "reasoning as an object"):
        output = whole(completion("a", **SAID[name]), sealing(), **ASKED)
        bare = {key: output[0][key] for key in ("type", "summary", "encrypted_content")}
        message, _ = brought_back([bare, output[1]], sealing(upstream="other"))
        assert message == {"role": "assistant", "content": "a", "reasoning_content": "hm"}


@pytest.mark.alone
@pytest.mark.parametrize("able", [READER, replace(READER, roles_in_a_row=True)])
@pytest.mark.parametrize("asked", [ASKED, {}], ids=["asked", "unasked"])
def test_what_a_server_mixes_is_one_message_again(able: Capabilities, asked: Json) -> None:
    """A stream whose items are many came of one message."""

    def of() -> Context:
        return sealing(able)

    pieces: list[Json] = [
        {"reasoning_content": "A"},
        {"content": "One, "},
        {"reasoning_content": "B"},
        {"content": "two"},
        {"reasoning_content": "C"},
        {"tool_calls": [fragment(0, "{}", name="f", call_id="call_a")]},
        {"reasoning_content": "D"},
    ]
    for end in range(2, len(pieces) + 1):
        message: Json = {"role": "assistant", "content": None}
        for name in ("content", "reasoning_content"):
            said = "".join(piece.get(name, "") for piece in pieces[:end])
            message |= {name: said} if said else {}
        if end > 5:
            message["tool_calls"] = [tool_call("f", "{}")]
        events = [*(chunk(**piece) for piece in pieces[:end]), chunk(finish="stop")]
        returned, report = brought_back(in_a_stream(events, of, **asked), of())
        assert (returned, report.dropped) == (message, [])


def test_a_text_in_parts_goes_on_in_its_last_part() -> None:
    pieces: list[Json] = [{"content": "a"}, {"refusal": "no"}, {"content": "b"}]
    pieces += [{"reasoning_content": "hm"}, {"content": "c"}]
    events = [*(chunk(**piece) for piece in pieces), chunk(finish="stop")]
    message, _ = brought_back(in_a_stream(events, lambda: sealing(OPENAI)), sealing(OPENAI))
    assert message == {
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "bc"}],
        "refusal": "no",
        "reasoning_content": "hm",
    }


def test_text_of_another_reply_does_not_go_on() -> None:
    events = [chunk("a"), chunk(reasoning_content="hm"), chunk(finish="stop")]
    output = in_a_stream(events, sealing)
    next_one: Json = {"role": "assistant", "content": "b"}
    for able, content in ((READER, "a\n\nb\n\nb"), (OPENAI, "a")):
        message, _ = brought_back(
            [*output, {"role": "assistant", "content": ""}, next_one, next_one], sealing(able)
        )
        assert message["content"] == content


def test_reasoning_that_nothing_follows_is_reported() -> None:
    thought = whole(completion("a", reasoning_content="hm"), sealing())[0]
    translation = plan(Shape.RESPONSES, Shape.CHAT, {"input": [thought, USER]}, sealing())
    assert translation.report.dropped == ["input[0]"]


def test_mistrals_thinking_goes_back_as_a_part() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    text = {"type": "text", "text": "a"}
    output = whole(completion([thinking, text]), sealing(OPENAI))
    message, _ = brought_back(output, sealing(OPENAI))
    assert message == {"role": "assistant", "content": [thinking, text]}
    called = completion([thinking], "tool_calls", tool_calls=[tool_call("f", "{}")])
    message, _ = brought_back(whole(called, sealing(OPENAI)), sealing(OPENAI))
    assert message["content"] == [thinking]


@pytest.mark.parametrize("both", ["reasoning", "reasoning_content"])
def test_of_two_names_the_one_that_is_read_goes_back(both: Any) -> None:
    able = replace(READER, reasoning_field=both)
    reply = completion("a", reasoning="hm", reasoning_content="hm")
    message, _ = brought_back(whole(reply, sealing(able), **ASKED), sealing(able))
    assert message == {"role": "assistant", "content": "a", both: "hm"}


def test_where_it_is_demanded_an_absent_reasoning_is_blank() -> None:
    strict = sealing(replace(READER, reasoning_required=True))
    unsigned, report = brought_back([{"role": "assistant", "content": "a"}], strict)
    assert unsigned == {"role": "assistant", "content": "a"}
    assert report.changed == []
    for fields in ({}, {"reasoning": "hm"}):
        reply = completion(None, "tool_calls", tool_calls=[tool_call("f", "{}")], **fields)
        message, report = brought_back(whole(reply, strict, **ASKED), strict)
        assert message.get("reasoning_content") == (None if fields else " ")
        assert report.changed == ([] if fields else ["reasoning_content:none->blank"])


def test_a_prompt_has_no_place_for_any_of_it() -> None:
    able = replace(SELF_HOSTED, tools=False)
    output = whole(completion("a", **SAID["details"]), sealing(), **ASKED)
    body = {"input": [USER, *output, USER]}
    translation = plan(Shape.RESPONSES, Shape.COMPLETIONS, body, sealing(able))
    assert "hm" not in translation.calls[0]["prompt"]
    assert "input[1]" in translation.report.dropped


def test_the_next_turn_begins_with_the_bytes_of_this_one() -> None:
    turns: list[Json] = [USER]
    before: list[Json] = []
    for number in range(3):
        call = {**tool_call("f", "{}", f"call_{number}"), **SIGNED}
        reply = completion("so", "tool_calls", tool_calls=[call], **SAID["details"])
        turns += whole(reply, sealing(), **ASKED)
        turns.append({"type": "function_call_output", "call_id": f"call_{number}", "output": "sun"})
        sent = plan(Shape.RESPONSES, Shape.CHAT, {"input": turns}, sealing()).calls[0]["messages"]
        assert sent[: len(before)] == before
        assert [list(message) for message in sent[: len(before)]] == [list(m) for m in before]
        before = sent


def test_reasoning_is_given_back_in_the_backends_field() -> None:
    items = [
        USER,
        reasoned("why"),
        said("assistant", "a"),
        called("b"),
        gave("b"),
    ]
    assert messages(REASONING_BACKEND, items)[1] == {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "why",
        "tool_calls": [chat_call("b")],
    }
    both = [
        USER,
        reasoned("", "short"),
        reasoned("long", "ignored"),
        said("assistant", "a"),
    ]
    assert messages(REASONING_BACKEND, both)[1]["reasoning_content"] == "short\n\nlong"


def test_reasoning_that_nothing_follows_is_not_a_message() -> None:
    able = context(REASONING_BACKEND)
    for items in ([reasoned("b")], [reasoned("b"), reasoned("c"), reasoned("", "d")]):
        translation = asking(able, input=[*items, USER])
        assert translation.calls[0]["messages"] == [CHAT_USER]
        assert translation.report.dropped == [f"input[{n}]" for n in range(len(items))]


def test_what_is_not_sent_of_reasoning_is_reported() -> None:
    item = reasoned("long", "short")
    item["summary"][0]["zzz"] = item["content"][0]["yyy"] = 1
    translation = asking(context(REASONING_BACKEND), input=[USER, item, said("assistant", "a")])
    assert translation.report.dropped == [
        "input[1].summary[0].zzz",
        "input[1].content[0].yyy",
        "input[1].summary",
    ]
    alone = asking(context(REASONING_BACKEND), input=[reasoned("", "s"), said("assistant", "a")])
    assert alone.report.dropped == []


def test_reasoning_that_the_backend_cannot_read_is_dropped_and_parts_nothing() -> None:
    items = [
        USER,
        said("assistant", "a"),
        reasoned("b"),
        called("c"),
        gave("c"),
    ]
    translation = asking(input=items)
    assert translation.report.dropped == ["input[2]"]
    assert translation.calls[0]["messages"][1] == {
        "role": "assistant",
        "content": "a",
        "tool_calls": [chat_call("c")],
    }
    encrypted = reasoned(encrypted_content="gAAA")
    assert asking(context(REASONING_BACKEND), input=[encrypted, USER]).report.dropped == [
        "input[0]"
    ]
