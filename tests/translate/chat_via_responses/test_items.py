"""The messages of a chat request as input items."""

import json
import re
from typing import Any

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.servers import Profile
from gateway.shapes import Json, Shape
from gateway.translate.limits.server_capabilities import preset
from tests import kinds
from tests.translate.chat_via_responses.cases import (
    OPENAI,
    VLLM,
    call_of,
    context,
    items_of,
    translated,
)
from tests.translate.openai_schema import check_schema

USER = {"role": "user", "content": "hi"}


def tool_call(call_id: str = "call_a", name: str = "f", arguments: object = "{}") -> Json:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def custom_call(call_id: str = "call_c") -> Json:
    return {"id": call_id, "type": "custom", "custom": {"name": "patch", "input": "raw"}}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_system_and_developer_messages_stay_in_place(role: str) -> None:
    items = items_of([USER, {"role": role, "content": "be kind"}])
    assert items[1] == {
        "type": "message",
        "role": role,
        "content": [{"type": "input_text", "text": "be kind"}],
    }


def test_a_developer_becomes_system_where_the_server_knows_no_developer() -> None:
    translation = translated({"messages": [{"role": "developer", "content": "x"}]}, context(VLLM))
    assert translation.calls[0]["input"][0]["role"] == "system"
    assert translation.report.changed == ["messages[0].role:developer->system"]


def test_system_parts_become_input_text() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    (item,) = items_of([{"role": "system", "content": content}])
    assert item["content"] == [
        {"type": "input_text", "text": "a"},
        {"type": "input_text", "text": "b"},
    ]


def test_a_user_message_keeps_its_string() -> None:
    assert items_of([USER]) == [{"type": "message", "role": "user", "content": "hi"}]


def test_user_parts_are_translated_one_by_one() -> None:
    content = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    (item,) = items_of([{"role": "user", "content": content}])
    assert item["content"] == [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "https://x/y.png", "detail": "auto"},
        {"type": "input_file", "file_id": "file-1"},
    ]


def test_audio_of_a_user_is_refused() -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
    content = [{"type": "text", "text": "listen"}, audio]
    with pytest.raises(UnsupportedParameter) as caught:
        items_of([USER, {"role": "user", "content": content}], context(on_unsupported="drop"))
    assert caught.value.param == "messages[1].content[1]"


def test_text_of_an_assistant_is_a_string() -> None:
    (_, item) = items_of([USER, {"role": "assistant", "content": "yes"}])
    assert item == {"type": "message", "role": "assistant", "content": "yes"}


@pytest.mark.parametrize("content", ["yes", [{"type": "text", "text": "yes"}] * 2])
def test_the_phase_that_a_reply_had_goes_back(content: Any) -> None:
    said = {"role": "assistant", "content": content, "phase": "commentary"}
    assert items_of([USER, said])[1]["phase"] == "commentary"
    assert translated({"messages": [USER, said]}).report.dropped == []
    for odd in (None, 5, ["x"]):
        assert "phase" not in items_of([USER, {**said, "phase": odd}])[1]


def test_one_text_part_of_an_assistant_is_a_string() -> None:
    (item,) = items_of([{"role": "assistant", "content": [{"type": "text", "text": "yes"}]}])
    assert item == {"type": "message", "role": "assistant", "content": "yes"}


def test_parts_of_an_assistant_are_output_text_never_input_text() -> None:
    content = [{"type": "text", "text": "yes"}, {"type": "refusal", "refusal": "no"}]
    (item,) = items_of([{"role": "assistant", "content": content}])
    assert item["content"] == [
        {"type": "output_text", "text": "yes", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "no"},
    ]
    assert_is_output_message(item)


def test_messages_with_parts_have_ids_that_are_the_same_in_every_turn() -> None:
    twice = [{"type": "text", "text": "so"}, {"type": "text", "text": "so"}]
    said: list[Json] = [
        {"role": "assistant", "content": twice},
        USER,
        {"role": "assistant", "content": twice},
        {"role": "assistant", "refusal": "é \ud83d"},
    ]
    first, _, second, refused = items = items_of(said)
    assert len({first["id"], second["id"], refused["id"]}) == 3
    for item in (first, second, refused):
        assert_is_output_message(item)
    assert items_of([*said, USER])[:4] == items
    assert first["id"] == "msg_5abc377ae99a125418c7a59659c28084"


def assert_is_output_message(item: Json) -> None:
    """Check it against the strictest schema that there is for an assistant's message."""
    assert re.fullmatch("msg_[0-9a-f]{32}", item["id"])
    check_schema("OutputMessage", item)


def test_a_refusal_of_an_assistant_is_a_part() -> None:
    refusal = {"type": "refusal", "refusal": "no"}
    (alone,) = items_of([{"role": "assistant", "content": None, "refusal": "no"}])
    assert alone["content"] == [refusal]
    (after_text,) = items_of([{"role": "assistant", "content": "well", "refusal": "no"}])
    assert after_text["content"] == [
        {"type": "output_text", "text": "well", "annotations": [], "logprobs": []},
        refusal,
    ]
    parts = [{"type": "text", "text": "well"}]
    (after_parts,) = items_of([{"role": "assistant", "content": parts, "refusal": "no"}])
    assert after_parts == after_text


def test_tool_calls_follow_the_text_without_id_and_status() -> None:
    message = {"role": "assistant", "content": "wait", "tool_calls": [tool_call(), custom_call()]}
    assert items_of([message]) == [
        {"type": "message", "role": "assistant", "content": "wait"},
        {"type": "function_call", "call_id": "call_a", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "call_c", "name": "patch", "input": "raw"},
    ]


@pytest.mark.parametrize("content", [None, ""])
def test_an_assistant_that_only_calls_says_nothing(content: str | None) -> None:
    items = items_of([{"role": "assistant", "content": content, "tool_calls": [tool_call()]}])
    assert [item["type"] for item in items] == ["function_call"]


def test_an_assistant_that_said_nothing_at_all_stays_a_turn() -> None:
    assert items_of([{"role": "assistant", "content": ""}])[0]["content"] == ""


def test_an_unknown_type_of_call_is_refused() -> None:
    call = {"id": "x", "type": "magic", "function": {"name": "f", "arguments": ""}}
    with pytest.raises(InvalidRequest) as caught:
        items_of([{"role": "assistant", "tool_calls": [call]}])
    assert caught.value.param == "messages[0].tool_calls[0].type"


def test_a_custom_call_is_wrapped_where_the_server_has_no_custom_tools() -> None:
    messages: list[Json] = [
        {"role": "assistant", "tool_calls": [custom_call()]},
        {"role": "tool", "tool_call_id": "call_c", "content": "done"},
    ]
    call, output = items_of(messages, context(VLLM))
    assert call["type"] == "function_call"
    assert json.loads(call["arguments"]) == {"input": "raw"}
    assert output["type"] == "function_call_output"


def test_a_tool_message_is_the_output_of_its_call() -> None:
    messages: list[Json] = [
        {"role": "assistant", "tool_calls": [tool_call(), custom_call()]},
        {"role": "tool", "tool_call_id": "call_a", "content": "1"},
        {"role": "tool", "tool_call_id": "call_c", "content": [{"type": "text", "text": "2"}]},
    ]
    assert items_of(messages)[2:] == [
        {"type": "function_call_output", "call_id": "call_a", "output": "1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_c",
            "output": [{"type": "input_text", "text": "2"}],
        },
    ]


def test_images_and_files_of_a_tool_are_carried() -> None:
    url = "data:image/png;base64,aGk="
    shot = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}
    content = [{"type": "text", "text": "shot"}, shot, {"type": "file", "file": {"file_id": "f"}}]
    messages: list[Json] = [
        {"role": "assistant", "tool_calls": [tool_call()]},
        {"role": "tool", "tool_call_id": "call_a", "content": content},
    ]
    assert items_of(messages)[1]["output"] == [
        {"type": "input_text", "text": "shot"},
        {"type": "input_image", "image_url": url, "detail": "low"},
        {"type": "input_file", "file_id": "f"},
    ]
    check_schema("CreateResponse", call_of({"messages": messages}))


def test_audio_of_a_tool_is_refused() -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
    messages: list[Json] = [
        {"role": "assistant", "tool_calls": [tool_call()]},
        {"role": "tool", "tool_call_id": "call_a", "content": [audio]},
    ]
    with pytest.raises(InvalidRequest) as caught:
        items_of(messages)
    assert caught.value.param == "messages[1].content[0].type"


def test_long_call_ids_are_replaced_in_the_call_and_its_output() -> None:
    long = "call_" + "x" * 100
    call, output = items_of(
        [
            {"role": "assistant", "tool_calls": [tool_call(long)]},
            {"role": "tool", "tool_call_id": long, "content": ""},
        ]
    )
    assert call["call_id"] == output["call_id"]
    assert len(call["call_id"]) <= 64
    assert call["call_id"].startswith("call_")


def test_missing_call_ids_are_minted_and_matched_in_order() -> None:
    nameless = [{**tool_call(name=name), "id": ""} for name in "fg"]
    del nameless[1]["id"]
    call_f, call_g, output_f, output_g = items_of(
        [
            {"role": "assistant", "tool_calls": nameless},
            {"role": "tool", "tool_call_id": "", "content": "f"},
            {"role": "tool", "tool_call_id": "", "content": "g"},
        ]
    )
    assert call_f["call_id"] == output_f["call_id"] != call_g["call_id"] == output_g["call_id"]


def test_an_output_without_id_and_without_call_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        items_of([USER, {"role": "tool", "tool_call_id": "", "content": ""}])
    assert caught.value.param == "messages[1].tool_call_id"


def test_a_function_call_and_its_function_message_share_a_minted_id() -> None:
    call, output = items_of(
        [
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
            {"role": "function", "name": "f", "content": None},
        ]
    )
    minted = "call_fn_0"
    assert call == {"type": "function_call", "call_id": minted, "name": "f", "arguments": ""}
    assert output == {"type": "function_call_output", "call_id": minted, "output": ""}


def test_a_function_message_without_a_call_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        items_of([USER, {"role": "function", "name": "f", "content": "1"}])
    assert caught.value.param == "messages[1]"


def test_earlier_audio_of_an_assistant_is_refused() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        items_of([{"role": "assistant", "audio": {"id": "audio_1"}}])
    assert caught.value.param == "messages[0].audio"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_earlier_reasoning_is_dropped(name: str) -> None:
    translation = translated({"messages": [{"role": "assistant", "content": "a", name: "hm"}]})
    assert translation.calls[0]["input"] == [
        {"type": "message", "role": "assistant", "content": "a"}
    ]
    assert translation.report.dropped == [f"messages[0].{name}"]


@pytest.mark.parametrize("kind", [kinds.VLLM, kinds.SGLANG, kinds.LLAMACPP])
def test_earlier_reasoning_is_an_item_where_servers_take_its_text(kind: Profile) -> None:
    able = preset(kind, Shape.RESPONSES)
    said = {"role": "assistant", "content": "a", "reasoning_content": "hm", "reasoning": "hm"}
    asked = {"messages": [USER, said, {**said, "reasoning": "so"}]}
    translation = translated(asked, context(able))
    items = translation.calls[0]["input"]
    assert [item["type"] for item in items] == [
        *("message", "reasoning", "message", "reasoning", "message")
    ]
    thought = items[1]
    assert thought["content"] == [{"type": "reasoning_text", "text": "hm"}]
    check_schema("ReasoningItem", thought)
    # The same history is the same bytes.
    assert items[3] == thought
    assert translation.report.dropped == ["messages[2].reasoning"]
    param = translation.client_param(0, "input[1].content[0].text")
    assert param == "messages[1].reasoning_content"


@pytest.mark.parametrize(
    ("given", "source", "dropped"),
    [
        ({"reasoning_content": "TEXT", "reasoning_summary": "SUM"}, "content", ["summary"]),
        ({"reasoning_content": "SUM", "reasoning_text": "TEXT"}, "text", ["content"]),
        ({"reasoning_summary": "SUM"}, None, ["summary"]),
    ],
)
def test_of_text_and_summary_the_text_goes_back(
    given: Json, source: str | None, dropped: list[str]
) -> None:
    """vLLM takes an item's summary for its reasoning, where it has one."""
    asked = {"messages": [USER, {"role": "assistant", "content": "a", **given}]}
    translation = translated(asked, context(preset(kinds.VLLM, Shape.RESPONSES)))
    items = translation.calls[0]["input"]
    assert "reasoning_text" not in items[-1]
    assert translation.report.dropped == [f"messages[1].reasoning_{each}" for each in dropped]
    assert len(items) == (2 if source is None else 3)
    if source is not None:
        assert (items[1]["summary"], items[1]["content"][0]["text"]) == ([], "TEXT")
        param = translation.client_param(0, "input[1].content[0].text")
        assert param == f"messages[1].reasoning_{source}"
    elsewhere = translated(asked).report.dropped
    assert elsewhere == [f"messages[1].{name}" for name in _IN_ORDER if name in given]


_IN_ORDER = ("reasoning_text", "reasoning_content", "reasoning_summary")


def test_what_nobody_knows_of_a_message_is_not_passed_to_its_reasoning() -> None:
    said = {"role": "assistant", "content": "a", "reasoning": "hm", "zzz": 1}
    translation = translated({"messages": [said]}, context(preset(kinds.VLLM, Shape.RESPONSES)))
    thought, message = translation.calls[0]["input"]
    assert (thought["type"], "zzz" in thought) == ("reasoning", False)
    assert message == {"type": "message", "role": "assistant", "content": "a", "zzz": 1}
    assert translation.report.dropped == []


@pytest.mark.parametrize("kind", [kinds.OPENAI, kinds.OTHER])
def test_details_of_reasoning_are_another_servers(kind: Profile) -> None:
    said = {"role": "assistant", "content": "a", "reasoning_details": [{"type": "x"}]}
    translation = translated({"messages": [said]}, context(preset(kind, Shape.RESPONSES)))
    assert len(translation.calls[0]["input"]) == 1
    assert translation.report.dropped == ["messages[0].reasoning_details"]


def test_names_of_participants_are_dropped() -> None:
    messages = [
        {**USER, "name": "ann"},
        {"role": "assistant", "function_call": {"name": "f", "arguments": ""}},
        {"role": "function", "name": "f", "content": ""},
    ]
    translation = translated({"messages": messages})
    assert translation.report.dropped == ["messages[0].name"]


def test_a_whole_conversation_is_valid_input() -> None:
    messages = [
        {"role": "system", "content": "s"},
        USER,
        {"role": "assistant", "content": "text", "tool_calls": [tool_call(), custom_call()]},
        {"role": "tool", "tool_call_id": "call_a", "content": "1"},
        {"role": "tool", "tool_call_id": "call_c", "content": "2"},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": [{"type": "text", "text": "more"}]},
    ]
    check_schema("CreateResponse", call_of({"messages": messages}, context(OPENAI)))
