import json
from itertools import pairwise
from typing import Any

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.parts.messages.signatures import close
from gateway.translate.responses_via_chat.compaction import INTRODUCTION, REQUEST
from tests.translate.messages_upstreams import (
    EPHEMERAL,
    OLDER,
    context,
    sealing,
    text,
    thinking,
    tool_use,
)
from tests.translate.responses_via_messages.cases import (
    HELLO,
    SHELL,
    TOOLS,
    call_of,
    called,
    conversation_of,
    output,
    translated,
)


def said(words: str) -> Json:
    part = {"type": "output_text", "text": words, "annotations": [], "logprobs": []}
    return {"type": "message", "role": "assistant", "id": "msg_1", "content": [part]}


def reasoning(block: Json | None, **more: Any) -> Json:
    item: Json = {"type": "reasoning", "id": "rs_1", "summary": [], **more}
    if block is not None:
        item["encrypted_content"] = close(block, "", sealing())
    return item


def test_instructions_and_messages() -> None:
    sent = conversation_of(
        {"role": "developer", "content": [{"type": "input_text", "text": "two"}]},
        *HELLO,
        said("hi"),
        {"role": "user", "content": [{"type": "input_text", "text": "bye"}]},
        {"role": "system", "content": "late"},
        instructions="one",
    )
    assert sent == {
        "system": [text("one"), text("two")],
        "messages": [
            *HELLO,
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": "bye"},
            {"role": "system", "content": "late"},
        ],
    }


def test_a_text_is_a_message() -> None:
    assert call_of({"input": "hi"})["messages"] == [{"role": "user", "content": "hi"}]


def test_items_of_the_assistant_keep_their_order_in_one_message() -> None:
    sent = conversation_of(
        *HELLO,
        said("one"),
        called("a"),
        said("two"),
        called("b", arguments=""),
        output("b", "2"),
        output("a", "1"),
        {"role": "user", "content": "Well?"},
    )
    assert sent["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                text("one"),
                tool_use("f", {"a": 1}, "a"),
                text("two"),
                tool_use("f", {}, "b"),
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1"},
                {"type": "tool_result", "tool_use_id": "b", "content": "2"},
                text("Well?"),
            ],
        },
    ]


def test_pictures_and_files_stay_in_results() -> None:
    content = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "https://a.org/b.png"},
        {"type": "input_file", "file_url": "https://a.org/c.pdf"},
    ]
    sent = conversation_of(*HELLO, called(), output("a", content))
    (result,) = sent["messages"][2]["content"]
    assert result["content"] == [
        text("look"),
        {"type": "image", "source": {"type": "url", "url": "https://a.org/b.png"}},
        {"type": "document", "source": {"type": "url", "url": "https://a.org/c.pdf"}},
    ]


def test_thinking_comes_back_as_it_was() -> None:
    redacted = {"type": "redacted_thinking", "data": "xx"}
    sent = conversation_of(
        *HELLO,
        reasoning(thinking("hm", "s1"), summary=[{"type": "summary_text", "text": "hm"}]),
        reasoning(redacted),
        said("a"),
        called(),
        output(),
        reasoning(thinking("more", "s2")),
        called("b"),
        output("b"),
        of=sealing(),
    )
    assert [message["content"][:2] for message in sent["messages"][1::2]] == [
        [thinking("hm", "s1"), redacted],
        [thinking("more", "s2"), tool_use("f", {"a": 1}, "b")],
    ]


@pytest.mark.parametrize(
    "item",
    [
        reasoning(None, summary=[{"type": "summary_text", "text": "hm"}]),
        reasoning(None, encrypted_content="gAAAAA"),
        reasoning(None, encrypted_content='ours:{"kind":"turn","message":{}}'),
        reasoning({"type": "text", "text": "odd"}),
    ],
)
def test_other_reasoning_is_dropped(item: Json) -> None:
    translation = translated({"input": [*HELLO, item, said("a")]}, sealing())
    assert translation.report.dropped == ["input[1]"]
    assert translation.calls[0]["messages"][1] == {"role": "assistant", "content": "a"}


def test_thinking_goes_to_its_model_only() -> None:
    items = [*HELLO, reasoning(thinking("hm")), said("a")]
    of = sealing()
    of.model_sent = "claude-sonnet-9"
    assert translated({"input": items}, of).report.dropped == ["input[1]"]
    assert translated({"input": items}, context()).report.dropped == ["input[1]"]


def test_thinking_alone_is_not_a_message() -> None:
    items = [*HELLO, reasoning(thinking("hm")), *HELLO]
    translation = translated({"input": items}, sealing())
    assert translation.report.dropped == ["input[1]"]
    assert [message["role"] for message in translation.calls[0]["messages"]] == ["user", "user"]


def test_custom_calls_have_their_input_as_an_object() -> None:
    call = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "*** ä"}
    answer = {"type": "custom_tool_call_output", "call_id": "a", "output": "done"}
    sent = conversation_of(*HELLO, call, answer)
    assert sent["messages"][1]["content"] == [tool_use("patch", {"input": "*** ä"}, "a")]
    sent = conversation_of(*HELLO, {**call, "native_arguments": '{"input":"x","y":1}'}, answer)
    assert sent["messages"][1]["content"] == [tool_use("patch", {"input": "x", "y": 1}, "a")]


def test_tools_that_the_client_runs() -> None:
    call = {
        "type": "local_shell_call",
        "call_id": "a",
        "action": {"type": "exec", "command": ["ls"]},
        "status": "completed",
    }
    answer = {"type": "local_shell_call_output", "call_id": "a", "output": "b c"}
    sent = conversation_of(*HELLO, call, answer, tools=[SHELL])
    use, result = (message["content"][0] for message in sent["messages"][1:])
    assert use == tool_use("local_shell", {"command": ["ls"]}, "a")
    assert result["content"] == "b c"


def test_namespaces_are_flat() -> None:
    tools = [{"type": "namespace", "name": "mcp__x", "tools": [{"type": "function", "name": "f"}]}]
    sent = conversation_of(*HELLO, called(namespace="mcp__x"), output(), tools=tools)
    name = sent["messages"][1]["content"][0]["name"]
    assert name == call_of({"tools": tools})["tools"][0]["name"]


def test_calls_without_ids_find_their_outputs() -> None:
    search: Json = {"type": "tool_search_call", "execution": "client", "arguments": {"query": "x"}}
    found: Json = {"type": "tool_search_output", "execution": "client", "tools": []}
    sent = conversation_of(*HELLO, search, found, tools=[{**search, "type": "tool_search"}])
    use, result = (message["content"][0] for message in sent["messages"][1:])
    assert use["id"] == result["tool_use_id"]


def test_a_compaction_is_text_for_its_own_caller_only() -> None:
    of = sealing()
    assert of.seal is not None
    sealed = of.seal.close({"kind": "compaction", "text": "It was long."})
    item = {"type": "compaction", "encrypted_content": sealed}
    sent = conversation_of(item, *HELLO, of=of)
    assert sent["messages"][0] == {"role": "user", "content": f"{INTRODUCTION}It was long."}
    with pytest.raises(UnsupportedParameter) as refused:
        conversation_of({**item, "encrypted_content": "gAAAA"}, *HELLO, of=of)
    assert refused.value.param == "input[0]"


def test_a_compaction_is_asked_for() -> None:
    translation = translated(
        {
            "input": [*HELLO, {"type": "compaction_trigger"}],
            "tools": TOOLS,
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "string"}}},
            "reasoning": {"effort": "low"},
        },
        sealing(),
    )
    (call,) = translation.calls
    assert call["messages"][-1] == {"role": "user", "content": REQUEST}
    assert call["tool_choice"] == {"type": "none"}
    assert call["output_config"] == {"effort": "low"}
    assert "input[1]" in translation.report.emulated
    plain = translated({"input": [*HELLO, {"type": "compaction_trigger"}]}, sealing())
    assert "tool_choice" not in plain.calls[0]
    with pytest.raises(UnsupportedParameter) as refused:
        translated({"input": [*HELLO, {"type": "compaction_trigger"}]})
    assert refused.value.param == "input[1]"


def test_declarations_are_tools() -> None:
    more = {"type": "additional_tools", "role": "developer", "tools": [{**TOOLS[0], "name": "g"}]}
    call = call_of({"input": [*HELLO, more], "tools": TOOLS})
    assert [tool["name"] for tool in call["tools"]] == ["f", "patch", "g"]


def test_marks_for_the_cache_are_passed_on() -> None:
    mark: Json = {"cache_control": EPHEMERAL}
    sent = conversation_of(
        {"role": "user", "content": [{"type": "input_text", "text": "a", **mark}]},
        {"role": "assistant", "content": "b", **mark},
        called(**mark),
        output(**mark),
    )
    for message in sent["messages"]:
        for block in message["content"]:
            assert block["cache_control"] == EPHEMERAL


def test_what_has_no_place_is_reported() -> None:
    translation = translated(
        {
            "input": [
                {"role": "user", "content": "a", "zzz": 1},
                {**said("b"), "phase": "final_answer"},
                called(yyy=1),
                output("a", "c", name="f", xxx=1),
            ],
            "tools": [*TOOLS, {"type": "web_search"}],
        }
    )
    assert translation.report.dropped == [
        *("input[0].zzz", "input[1].phase", "input[2].yyy"),
        *("input[3].name", "input[3].xxx", "tools[2]"),
    ]
    shell = {
        "type": "shell_call",
        "call_id": "a",
        "action": {"commands": ["ls"]},
        "environment": {"type": "local", "zzz": 1},
    }
    answer = {"type": "shell_call_output", "call_id": "a", "output": [], "max_output_length": 9}
    translation = translated({"input": [*HELLO, shell, answer]})
    assert translation.report.dropped == ["input[1].environment", "input[2].max_output_length"]
    record = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    assert translated({"input": [*HELLO, record]}).report.dropped == ["input[1]"]


def test_a_call_that_was_cut_off_stays_in_the_conversation() -> None:
    made = translated({"input": [*HELLO, called(arguments='{"a":'), output()]})
    (use,) = made.calls[0]["messages"][1]["content"]
    assert use["input"] == {"INVALID_JSON": '{"a":'}
    assert "input[1].arguments:text->object" in made.report.changed


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([called()], "input[1]"),
        ([called(), output(), called()], "input[3]"),
        ([output()], "input[1]"),
        ([called(), output("b")], "input[2]"),
        ([{"type": "item_reference", "id": "x"}], "input[1]"),
        ([{"type": "computer_call", "id": "x"}], "input[1]"),
        (
            [{"role": "system", "content": [{"type": "input_image", "image_url": "https://a"}]}],
            "input[1].content[0]",
        ),
        (
            [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}],
            "input[1].content[0]",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(items: list[Json], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        conversation_of(*HELLO, *items)
    assert refused.value.param == param


def test_each_turn_begins_with_the_bytes_of_the_turn_before() -> None:
    history = [
        *HELLO,
        reasoning(thinking("hm")),
        called("a|b"),
        output("a|b"),
        said("d"),
        {"role": "user", "content": "e"},
        {"role": "system", "content": "late"},
        said("f"),
        {"role": "user", "content": "g"},
    ]
    for of in (sealing(), sealing(OLDER)):
        turns = [
            json.dumps(call_of({"input": history[:n]}, of)["messages"])[:-1]
            for n in (1, 4, 5, 7, len(history))
        ]
        for earlier, later in pairwise(turns):
            assert later.startswith(earlier)
