"""`input` and `instructions` as chat messages."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.capabilities import Capabilities
from gateway.translate.responses_via_chat import translate
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    call_of,
    context,
    refused,
)

REASONING_BACKEND = replace(OPENAI, reasoning_field="reasoning_content")


def messages(capabilities: Capabilities, items: Any, /, **more: Any) -> list[Json]:
    sent: list[Json] = call_of(context(capabilities), input=items, **more)["messages"]
    return sent


def said(role: str, text: Any, **more: Any) -> Json:
    return {"type": "message", "role": role, "content": text, **more}


def called(call_id: str, name: str = "f", arguments: str = "{}", **more: Any) -> Json:
    call = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
    return {**call, **more}


def gave(call_id: str, output: Any = "ok") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def chat_call(call_id: str, name: str = "f", arguments: str = "{}") -> Json:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def told(call_id: str, content: Any = "ok") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


USER = said("user", "hi")
CHAT_USER = {"role": "user", "content": "hi"}


def test_instructions_come_first() -> None:
    assert messages(OPENAI, "hi", instructions="be kind") == [
        {"role": "system", "content": "be kind"},
        CHAT_USER,
    ]
    reasoning = replace(OPENAI, reasoning=True)
    assert messages(reasoning, "hi", instructions="be kind")[0]["role"] == "developer"
    mute = replace(reasoning, developer_role=False)
    assert messages(mute, "hi", instructions="be kind")[0]["role"] == "system"


def test_messages_need_no_type() -> None:
    assert messages(OPENAI, [{"role": "user", "content": "hi"}]) == [CHAT_USER]


def test_one_text_part_is_a_string_and_more_stay_parts() -> None:
    part = {"type": "input_text", "text": "hi"}
    assert messages(OPENAI, [said("user", [part])]) == [CHAT_USER]
    text = {"type": "text", "text": "hi"}
    assert messages(OPENAI, [said("user", [part, part])])[0]["content"] == [text, text]
    marked = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    assert messages(OPENAI, [said("user", [part | marked])])[0]["content"] == [text | marked]


def test_images_and_files_become_chats_parts() -> None:
    parts = [
        {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"},
        {"type": "input_file", "file_id": "file-1"},
    ]
    assert messages(OPENAI, [said("user", parts)])[0]["content"] == [
        {"type": "image_url", "image_url": {"url": "https://a.example/i.png", "detail": "low"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    error = refused(input=[USER, said("user", [parts[1] | {"file_url": "https://a.example"}])])
    assert error.param == "input[1].content[0]"


def test_system_and_developer_messages_stay_in_place_where_the_backend_knows_them() -> None:
    items = [said("system", "a"), said("developer", "b"), USER, said("developer", "c")]
    assert [m["role"] for m in messages(OPENAI, items)] == [
        "system",
        "developer",
        "user",
        "developer",
    ]


def test_system_messages_before_the_first_user_are_merged_for_simple_templates() -> None:
    items = [
        said("developer", [{"type": "input_text", "text": "b"}, {"type": "text", "text": "c"}]),
        said("assistant", "Welcome"),
        said("system", "d"),
        USER,
        said("developer", "late"),
    ]
    assert messages(SELF_HOSTED, items, instructions="a") == [
        {"role": "system", "content": "a\n\nb\nc\n\nd"},
        {"role": "assistant", "content": "Welcome"},
        CHAT_USER,
        {"role": "system", "content": "late"},
    ]
    assert messages(SELF_HOSTED, [said("system", "a"), USER])[0]["content"] == "a"
    assert messages(SELF_HOSTED, [said("assistant", "x"), said("system", "a")]) == [
        {"role": "system", "content": "a"},
        {"role": "assistant", "content": "x"},
    ]


def test_a_system_message_is_text() -> None:
    image = {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"}
    error = refused(input=[said("system", [{"type": "input_text", "text": "a"}, image])])
    assert error.param == "input[0].content[1]"


PARTS = [
    {"type": "output_text", "text": "a", "annotations": []},
    {"type": "refusal", "refusal": "no"},
    {"type": "output_text", "text": "b", "annotations": []},
    {"type": "output_text", "text": "", "annotations": []},
    {"type": "refusal", "refusal": "never"},
]


def test_an_assistants_parts_stay_apart() -> None:
    items = [USER, said("assistant", PARTS, id="msg_1", status="completed")]
    refusal = {"refusal": "no\nnever"}
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert messages(OPENAI, items)[1] == {"role": "assistant", "content": texts, **refusal}
    assert messages(SELF_HOSTED, items)[1] == {"role": "assistant", "content": "a\nb", **refusal}
    for able in (OPENAI, SELF_HOSTED):
        assert messages(able, [USER, said("assistant", PARTS[1:2])])[1] == {
            "role": "assistant",
            "content": None,
            "refusal": "no",
        }
        assert messages(able, [USER, said("assistant", PARTS[:1])])[1]["content"] == "a"
        assert messages(able, [USER, said("assistant", [])])[1]["content"] == ""


IN_A_ROW = {
    "documents": ('{"a":1}', '{"b":2}'),
    "sentences": ("Checking.", "Done."),
    "a text and parts": ("one", PARTS[:1]),
    "refusals": (PARTS[1:2], PARTS[4:]),
    "a text and a refusal": ("one", PARTS[1:2]),
}


@pytest.mark.parametrize("contents", IN_A_ROW.values(), ids=IN_A_ROW)
def test_consecutive_assistant_messages_stay_two_where_they_may(contents: Any) -> None:
    items = [USER, *(said("assistant", content) for content in contents), USER]
    sent = messages(OPENAI, items)
    assert [m["role"] for m in sent] == ["user", "assistant", "assistant", "user"]
    alone = [messages(OPENAI, [USER, item])[1] for item in items[1:3]]
    assert sent[1:3] == alone


def test_consecutive_assistant_messages_are_paragraphs_where_roles_must_alternate() -> None:
    items = [USER, said("assistant", '{"a":1}'), said("assistant", ""), said("assistant", "b")]
    items += [said("assistant", PARTS[1:2]), said("assistant", PARTS[4:]), called("c"), gave("c")]
    assert messages(SELF_HOSTED, items)[1] == {
        "role": "assistant",
        "content": '{"a":1}\n\nb',
        "refusal": "no\n\nnever",
        "tool_calls": [chat_call("c")],
    }


def test_an_empty_message_is_none_of_its_own() -> None:
    items = [USER, said("assistant", ""), said("assistant", "a"), said("assistant", "")]
    for able in (OPENAI, SELF_HOSTED):
        assert messages(able, items) == [CHAT_USER, {"role": "assistant", "content": "a"}]
    parts = [USER, said("assistant", PARTS), said("assistant", [])]
    assert messages(OPENAI, parts) == messages(OPENAI, parts[:2])


def test_a_phase_is_dropped_and_reported() -> None:
    translation = asking(input=[USER, said("assistant", "a", phase="commentary")])
    assert translation.report.dropped == ["input[1].phase"]


def test_parallel_calls_become_one_assistant_message() -> None:
    items = [USER, said("assistant", "wait"), called("a"), called("b"), gave("b", "2"), gave("a")]
    assert messages(OPENAI, items) == [
        CHAT_USER,
        {
            "role": "assistant",
            "content": "wait",
            "tool_calls": [chat_call("a"), chat_call("b")],
        },
        told("a"),
        told("b", "2"),
    ]


def test_calls_one_after_another_stay_apart() -> None:
    items = [USER, called("a"), gave("a"), called("b"), gave("b"), said("assistant", "done")]
    assert [m["role"] for m in messages(OPENAI, items)] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]


def test_text_after_calls_begins_another_message() -> None:
    items = [USER, called("a"), said("assistant", "so"), called("b"), gave("b", "2"), gave("a")]
    assert messages(OPENAI, items)[1:] == [
        {"role": "assistant", "content": None, "tool_calls": [chat_call("a")]},
        told("a"),
        {"role": "assistant", "content": "so", "tool_calls": [chat_call("b")]},
        told("b", "2"),
    ]


def test_outputs_directly_follow_their_calls() -> None:
    items = [USER, called("a"), called("b"), said("user", "well?"), gave("a"), USER, gave("b")]
    assert [m["role"] for m in messages(OPENAI, items)] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "user",
    ]


def test_the_same_call_id_may_come_again() -> None:
    items = [USER, called("a"), gave("a", "1"), called("a"), gave("a", "2")]
    outputs = [m["content"] for m in messages(OPENAI, items) if m["role"] == "tool"]
    assert outputs == ["1", "2"]


def test_an_item_id_is_not_sent() -> None:
    items = [USER, called("call_a", id="fc_1", status="completed"), gave("call_a")]
    assert messages(OPENAI, items)[1]["tool_calls"] == [chat_call("call_a")]


def test_a_long_or_empty_call_id_is_replaced_in_the_call_and_its_output() -> None:
    for call_id in ("x" * 65, ""):
        sent = messages(OPENAI, [USER, called(call_id), gave(call_id)])
        (call,) = sent[1]["tool_calls"]
        assert call["id"] == sent[2]["tool_call_id"]
        assert call["id"].startswith("call_")
        assert len(call["id"]) == 37
        # Nor is it a random one, or the next turn would not begin as this one.
        assert call["id"] != f"call_{context().new_id()}"


def test_an_output_without_its_call_is_refused() -> None:
    for items in ([USER, gave("a")], [gave("a"), called("a")], [called("a"), gave("a"), gave("a")]):
        error = refused(input=items)
        assert "No tool call found for function call output with call_id a" in error.message
        assert error.param == f"input[{items.index(gave('a')) if len(items) < 3 else 2}]"


def test_a_call_without_an_output_is_refused() -> None:
    error = refused(input=[USER, called("a"), said("user", "next")])
    assert "No tool output found for function call a" in error.message
    assert error.param == "input[1]"


def test_output_parts_are_texts() -> None:
    text = {"type": "input_text", "text": "a"}
    assert messages(OPENAI, [called("a"), gave("a", [text])])[1] == told("a", "a")
    two = messages(OPENAI, [called("a"), gave("a", [text, text])])[1]["content"]
    assert two == [{"type": "text", "text": "a"}] * 2


IMAGE = {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"}
CHAT_IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/i.png", "detail": "low"}}


def test_an_image_in_an_output_follows_in_a_user_message() -> None:
    file = {"type": "input_file", "file_id": "file-1"}
    items = [called("a"), called("b"), gave("a", [IMAGE, file]), gave("b"), USER]
    assert messages(OPENAI, items)[1:] == [
        told(
            "a",
            [
                {"type": "text", "text": "[image: see next message]"},
                {"type": "text", "text": "[file: see next message]"},
            ],
        ),
        told("b"),
        {
            "role": "user",
            "content": [CHAT_IMAGE, {"type": "file", "file": {"file_id": "file-1"}}],
        },
        CHAT_USER,
    ]


def test_an_image_in_an_output_stays_where_the_backend_takes_it() -> None:
    able = replace(SELF_HOSTED, tool_image_parts=True)
    translation_input = [called("a"), gave("a", [IMAGE])]
    # OpenAI's own description has no images there: so no `call_of`, which checks against it.
    (call,) = translate({"input": translation_input}, context(able)).calls
    assert call["messages"][1] == told("a", [CHAT_IMAGE])


def test_custom_calls_are_kept_where_the_backend_knows_them() -> None:
    call = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": "x"}
    output = {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}
    assert messages(OPENAI, [call, output]) == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "x"}}
            ],
        },
        told("a"),
    ]


def test_custom_calls_become_functions_where_the_backend_has_none() -> None:
    call = {"type": "custom_tool_call", "call_id": "a", "name": "patch", "input": 'x"y'}
    output = {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}
    (sent, _) = messages(SELF_HOSTED, [call, output])
    assert sent["tool_calls"] == [chat_call("a", "patch", '{"input": "x\\"y"}')]


def test_an_output_needs_no_name_and_says_so() -> None:
    output = {**gave("a"), "name": "f", "namespace": "n"}
    translation = asking(input=[USER, called("a"), output])
    assert sorted(translation.report.dropped) == ["input[2].name", "input[2].namespace"]


def test_a_call_in_a_namespace_has_the_flat_name() -> None:
    sent = messages(OPENAI, [called("a", namespace="crm"), gave("a")])
    assert sent[0]["tool_calls"] == [chat_call("a", "crm__f")]


def reasoned(content: str = "", summary: str = "", **more: Any) -> Json:
    return {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": summary}] if summary else [],
        "content": [{"type": "reasoning_text", "text": content}] if content else [],
        **more,
    }


def test_reasoning_is_given_back_in_the_backends_field() -> None:
    items = [USER, reasoned("why"), said("assistant", "a"), called("b"), gave("b")]
    assert messages(REASONING_BACKEND, items)[1] == {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "why",
        "tool_calls": [chat_call("b")],
    }
    both = [USER, reasoned("", "short"), reasoned("long", "ignored"), said("assistant", "a")]
    assert messages(REASONING_BACKEND, both)[1]["reasoning_content"] == "short\n\nlong"


def test_reasoning_after_text_or_calls_begins_another_message() -> None:
    items = [said("assistant", "a"), reasoned("b"), called("c"), gave("c")]
    first, second, _ = messages(REASONING_BACKEND, items)
    assert first == {"role": "assistant", "content": "a"}
    assert second["reasoning_content"] == "b"


def test_reasoning_that_nothing_follows_is_no_message() -> None:
    able = context(REASONING_BACKEND)
    for thoughts in ([reasoned("b")], [reasoned("b"), reasoned("c"), reasoned("", "d")]):
        translation = asking(able, input=[*thoughts, USER])
        assert translation.calls[0]["messages"] == [CHAT_USER]
        assert translation.report.dropped == [f"input[{n}]" for n in range(len(thoughts))]


def test_where_roles_must_alternate_reasoning_is_in_the_one_message() -> None:
    able = replace(SELF_HOSTED, reasoning_field="reasoning_content")
    items = [reasoned("a"), said("assistant", "x"), reasoned("b"), said("assistant", "y"), USER]
    assert messages(able, items)[0] == {
        "role": "assistant",
        "content": "x\n\ny",
        "reasoning_content": "a\n\nb",
    }


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
    items = [USER, said("assistant", "a"), reasoned("b"), called("c"), gave("c")]
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


def test_an_item_reference_needs_a_store() -> None:
    for item in ({"id": "msg_1"}, {"type": "item_reference", "id": "msg_1"}):
        error = refused(context(on_unsupported="drop"), input=[USER, item])
        assert error.param == "input[1]"
        assert "responses.store" in error.message


def test_records_of_hosted_tools_follow_hosted_tools() -> None:
    for record in ({"type": "web_search_call", "id": "ws_1"}, {"type": "tool_search_output"}):
        strict = context(on_unsupported="drop", hosted_tools="refuse")
        error = refused(strict, input=[record, USER])
        assert isinstance(error, UnsupportedParameter)
        assert (error.param, "hosted_tools=drop" in error.message) == ("input[0]", True)
        for setting in ("auto", "drop"):
            translation = asking(context(hosted_tools=setting), input=[record, USER])
            assert translation.report.dropped == ["input[0]"]
            assert translation.calls[0]["messages"] == [CHAT_USER]


def test_an_approval_demands_a_call_that_nobody_can_make() -> None:
    items = [USER, {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}]
    error = refused(context(on_unsupported="drop"), input=items)
    assert (error.param, "mcp_approval_response" in error.message) == ("input[1]", True)
    translation = asking(context(hosted_tools="drop"), input=items)
    assert translation.report.dropped == ["input[1]"]


@pytest.mark.parametrize("kind", ["computer_call_output", "program", "compaction"])
def test_items_of_the_responses_api_alone_are_refused_or_dropped(kind: str) -> None:
    items = [{"type": kind}, USER]
    assert refused(context(hosted_tools="drop"), input=items).param == "input[0]"
    translation = asking(context(on_unsupported="drop"), input=items)
    assert translation.report.dropped == ["input[0]"]


def test_a_compaction_that_is_asked_for_is_never_dropped() -> None:
    lenient = context(on_unsupported="drop", hosted_tools="drop", extra_params="drop")
    error = refused(lenient, input=[USER, {"type": "compaction_trigger"}])
    assert error.param == "input[1]"
    assert "'compaction_trigger'" in error.message
    assert "on_unsupported" not in error.message


def test_an_input_without_any_message_is_refused() -> None:
    error = refused(input=[])
    assert (error.param, error.code) == ("input", "empty_array")
    assert refused(context(hosted_tools="drop"), input=[{"type": "mcp_call"}]).param == "input"
    assert messages(OPENAI, [], instructions="a") == [{"role": "system", "content": "a"}]
