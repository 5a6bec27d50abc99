"""Which items become one chat message, and the client's path of each field of it."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.responses_via_chat import translate
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    context,
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
    tool_message,
)
from tests.translate.sealing import OpenSeal

THOUGHT: Json = {
    "type": "reasoning",
    "summary": [],
    "content": [{"type": "reasoning_text", "text": "hm"}],
}


SAID: Json = {"type": "message", "role": "assistant", "phase": "commentary", "content": "wait"}
MORE: Json = {
    "type": "message",
    "role": "assistant",
    "content": [
        {"type": "output_text", "text": ", ", "annotations": []},
        {"type": "refusal", "refusal": "no"},
    ],
}


SHELL: Json = {
    "type": "local_shell_call",
    "call_id": "s",
    "action": {"type": "exec", "command": ["ls"], "env": {}},
}


PATCH: Json = {"type": "custom_tool_call", "call_id": "p", "name": "patch", "input": "x"}


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("messages[0]", "input[0]"),
        ("messages[0].role", "input[1].role"),
        ("messages[0].content", "input[1].content"),
        ("messages[0].content[0].text", "input[1].content"),
        ("messages[0].refusal", "input[1].content"),
        ("messages[0].reasoning_content", "input[0]"),
        ("messages[0].tool_calls", "input[3]"),
        ("messages[0].tool_calls[0]", "input[3]"),
        ("messages[0].tool_calls[0].function.arguments", "input[3]"),
        ("messages[0].tool_calls[1].function.arguments", "input[4].input"),
        ("messages[0].tool_calls[1].function.name", "input[4].name"),
        ("messages[0].tool_calls[1].function", "input[4]"),
        ("messages[0].tool_calls[1].type", "input[4].type"),
        ("messages[0][1]", "input[0]"),
        ("messages[1]", "input[5]"),
        ("messages[1].role", "input[5]"),
        ("messages[1].content", "input[5].output"),
        ("messages[2].zzz", "input[6].zzz"),
        ("messages[3].content[1].file.filename", "input[6].output[1].filename"),
        ("messages[3].content[1].file", "input[6].output[1]"),
        ("messages[3].role", "input[6].output[0]"),
    ],
)
def test_each_part_of_a_message_has_the_name_of_the_item_that_it_came_from(
    upstream: str, client: str
) -> None:
    image = {"type": "input_image", "image_url": "https://a.example/i.png"}
    file = {"type": "input_file", "file_data": "data:", "filename": "a.pdf"}
    shown = [{**image, "detail": "low"}, file]
    given = [
        *(THOUGHT, SAID, MORE, SHELL, PATCH),
        {"type": "local_shell_call_output", "call_id": "s", "id": "s", "output": "a"},
        {"type": "custom_tool_call_output", "call_id": "p", "output": shown},
    ]
    able = replace(SELF_HOSTED, reasoning_field="reasoning_content")
    translation = translate({"input": given}, context(able))
    assert translation.client_param(0, upstream) == client


def test_fields_without_an_item_are_named_after_the_item_of_the_message() -> None:
    called = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "c", "output": ""}
    compacted = OpenSeal().close({"kind": "compaction", "text": "all"})
    given = [{"type": "compaction", "encrypted_content": compacted}, called, output]
    translation = asking(replace(context(), seal=OpenSeal()), input=given)
    assert translation.client_param(0, "messages[0].content") == "input[0]"
    assert translation.client_param(0, "messages[1].content") == "input[1]"
    assert translation.client_param(0, "messages[1].reasoning_content") == "input[1]"
    assert translation.client_param(0, "messages[1].tool_calls[3].id") == "input[1]"
    alone = asking(input=[SAID])
    assert alone.client_param(0, "messages[0].tool_calls") == "input[0]"


def test_reasoning_in_a_content_part_has_the_path_of_its_item() -> None:
    turn = {"kind": "turn", "upstream": "", "message": {"thinking": "hm"}, "calls": {}}
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": OpenSeal().close(turn)}
    translation = translate({"input": [sealed, SAID]}, replace(context(), seal=OpenSeal()))
    assert translation.calls[0]["messages"][0]["content"][1]["text"] == "wait"
    assert translation.client_param(0, "messages[0].content[0].thinking") == "input[0]"
    assert translation.client_param(0, "messages[0].content[1].text") == "input[1].content"


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
    items = [
        USER,
        said("assistant", '{"a":1}'),
        said("assistant", ""),
        said("assistant", "b"),
    ]
    items += [
        said("assistant", PARTS[1:2]),
        said("assistant", PARTS[4:]),
        called("c"),
        gave("c"),
    ]
    assert messages(SELF_HOSTED, items)[1] == {
        "role": "assistant",
        "content": '{"a":1}\n\nb',
        "refusal": "no\n\nnever",
        "tool_calls": [chat_call("c")],
    }


def test_an_empty_message_is_left_out() -> None:
    items = [
        USER,
        said("assistant", ""),
        said("assistant", "a"),
        said("assistant", ""),
    ]
    for able in (OPENAI, SELF_HOSTED):
        assert messages(able, items) == [CHAT_USER, {"role": "assistant", "content": "a"}]
    parts = [USER, said("assistant", PARTS), said("assistant", [])]
    assert messages(OPENAI, parts) == messages(OPENAI, parts[:2])


def test_text_after_calls_begins_another_message() -> None:
    items = [
        USER,
        called("a"),
        said("assistant", "so"),
        called("b"),
        gave("b", "2"),
        gave("a"),
    ]
    assert messages(OPENAI, items)[1:] == [
        {"role": "assistant", "content": None, "tool_calls": [chat_call("a")]},
        tool_message("a"),
        {"role": "assistant", "content": "so", "tool_calls": [chat_call("b")]},
        tool_message("b", "2"),
    ]


TWO = [PARTS[0], PARTS[2]]
PARTED = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
BETWEEN: dict[str, tuple[list[Json], Any]] = {
    "nothing before": ([called("a"), called("b"), said("assistant", "so")], "so"),
    "a text before": (
        [said("assistant", "now"), called("a"), called("b"), said("assistant", "so")],
        "now\n\nso",
    ),
    "two texts": (
        [called("a"), called("b"), said("assistant", "so"), said("assistant", "it is")],
        "so\n\nit is",
    ),
    "parts": ([called("a"), called("b"), said("assistant", TWO)], PARTED),
    "a text and parts": (
        [said("assistant", "now"), called("a"), called("b"), said("assistant", TWO)],
        [{"type": "text", "text": "now"}, *PARTED],
    ),
}


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize(("items", "content"), BETWEEN.values(), ids=BETWEEN)
def test_text_between_calls_and_their_outputs_moves_before_the_calls(
    items: list[Json], content: Any, order: str
) -> None:
    translation = asking(context(OPENAI), input=[USER, *items, *map(gave, order)])
    calls = [chat_call("a"), chat_call("b")]
    assert translation.calls[0]["messages"][1:] == [
        {"role": "assistant", "content": content, "tool_calls": calls},
        tool_message("a"),
        tool_message("b"),
    ]
    texts = [i for i, item in enumerate(items) if item["type"] == "message" and i > 1]
    changed = [f"input[{i + 1}]:behind a call->before it" for i in texts]
    assert translation.report.changed == changed


def test_so_does_a_refusal_and_an_empty_text_is_left_out_between_them() -> None:
    items = [USER, called("a"), said("assistant", ""), gave("a")]
    translation = asking(context(OPENAI), input=items)
    assert translation.calls[0]["messages"][1]["content"] is None
    assert translation.report.changed == []
    no, never = said("assistant", PARTS[1:2]), said("assistant", PARTS[4:])
    assert messages(OPENAI, [USER, called("a"), no, gave("a")])[1]["refusal"] == "no"
    both = messages(OPENAI, [USER, no, called("a"), never, gave("a")])[1]
    assert both["refusal"] == "no\n\nnever"


def test_text_behind_an_output_or_with_reasoning_stays_behind() -> None:
    items = [USER, called("a"), gave("a"), said("assistant", "so"), USER]
    assert [m["role"] for m in messages(OPENAI, items)] == [
        *("user", "assistant", "tool", "assistant", "user")
    ]
    thought = [USER, called("a"), reasoned("b"), said("assistant", "so"), gave("a")]
    assert [m["role"] for m in messages(REASONING_BACKEND, thought)] == [
        *("user", "assistant", "tool", "assistant")
    ]


def test_reasoning_after_text_or_calls_begins_another_message() -> None:
    items = [
        said("assistant", "a"),
        reasoned("b"),
        called("c"),
        gave("c"),
    ]
    first, second, _ = messages(REASONING_BACKEND, items)
    assert first == {"role": "assistant", "content": "a"}
    assert second["reasoning_content"] == "b"


def test_where_roles_must_alternate_reasoning_is_in_the_one_message() -> None:
    able = replace(SELF_HOSTED, reasoning_field="reasoning_content")
    items = [
        reasoned("a"),
        said("assistant", "x"),
        reasoned("b"),
        said("assistant", "y"),
        USER,
    ]
    assert messages(able, items)[0] == {
        "role": "assistant",
        "content": "x\n\ny",
        "reasoning_content": "a\n\nb",
    }
