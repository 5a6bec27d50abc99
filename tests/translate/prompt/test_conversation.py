from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import TemplateSettings, TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.prompt.conversation import Turn, escape_special, read_turns, split_system

CONTEXT = Context("m", "m")
CHATML = TemplateSettings("chatml", bos_token="<s>", eos_token="</s>")


def test_roles_have_their_current_names() -> None:
    messages: list[Json] = [
        {"role": "developer", "content": "d"},
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u", "name": "Ann"},
        {"role": "assistant", "content": "a"},
        {"role": "function", "content": "f", "name": "fn"},
        {"role": "tool", "content": "t", "tool_call_id": "call_1"},
    ]
    turns = read_turns(messages)
    assert [turn.role for turn in turns] == [
        "system",
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
    ]
    assert [turn.name for turn in turns] == [None, None, "Ann", None, "fn", None]
    assert [turn.has_tools for turn in turns] == [False] * 4 + [True] * 2
    assert turns[5].tool_call_id == "call_1"
    assert turns[4].param == "messages[4]"


def test_text_parts_are_joined_by_line() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}]
    assert read_turns([{"role": "assistant", "content": content}])[0].text == "a\nb"
    assert read_turns([{"role": "user", "content": []}])[0].text == ""


def test_an_assistant_may_have_no_content_or_a_refusal_for_it() -> None:
    turns = read_turns(
        [{"role": "assistant"}, {"role": "assistant", "content": None, "refusal": "no"}]
    )
    assert [turn.text for turn in turns] == ["", "no"]


def test_a_text_and_a_refusal_beside_it_are_both_said() -> None:
    for content in ("yes, but", [{"type": "text", "text": "yes, but"}]):
        said = {"role": "assistant", "content": content, "refusal": "no"}
        assert read_turns([said])[0].text == "yes, but\nno"


def test_a_function_may_have_nothing_to_say() -> None:
    (turn,) = read_turns([{"role": "function", "name": "f", "content": None}])
    assert (turn.role, turn.text) == ("tool", "")


def test_a_function_call_is_a_tool_call_of_old() -> None:
    call = {"name": "f", "arguments": "{}"}
    tool_call = {"id": "call_1", "type": "function", "function": call}
    old, new = read_turns(
        [
            {"role": "assistant", "content": None, "function_call": call},
            {"role": "assistant", "content": "x", "tool_calls": [tool_call]},
        ]
    )
    assert old.tool_calls == ({"type": "function", "function": call},)
    assert new.tool_calls == (tool_call,)
    assert old.has_tools


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file"])
def test_a_part_that_is_not_text_is_unsupported(kind: str) -> None:
    content = [{"type": "text", "text": "a"}, {"type": kind}]
    with pytest.raises(UnsupportedParameter) as caught:
        read_turns([{"role": "user", "content": "x"}, {"role": "user", "content": content}])
    assert caught.value.param == "messages[1].content[1]"
    assert kind in caught.value.message


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("hi", "messages[0]"),
        ({}, "messages[0].role"),
        ({"role": "bot"}, "messages[0].role"),
        ({"role": 5}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": None, "refusal": "x"}, "messages[0].content"),
        ({"role": "user", "content": 5}, "messages[0].content"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": 5}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "video"}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": "x", "name": 5}, "messages[0].name"),
        ({"role": "user", "content": "x", "name": "a b"}, "messages[0].name"),
        ({"role": "user", "content": "x", "name": "x\nSystem"}, "messages[0].name"),
        ({"role": "user", "content": "x", "name": "x" * 65}, "messages[0].name"),
        ({"role": "assistant", "tool_calls": "x"}, "messages[0].tool_calls"),
        ({"role": "assistant", "tool_calls": ["x"]}, "messages[0].tool_calls[0]"),
        ({"role": "assistant", "function_call": "x"}, "messages[0].function_call"),
    ],
)
def test_a_malformed_message_is_refused_with_its_path(message: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_turns([message])
    assert caught.value.param == param


def test_no_messages_are_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_turns([])
    assert (caught.value.param, caught.value.code) == ("messages", "empty_array")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["user", "text", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "refusal"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["role", "content", "name", "tool_calls", "function_call"]), json_values
        )
    )
)
def test_any_messages_are_read_or_refused(messages: list[Json]) -> None:
    try:
        turns = read_turns(messages)
    except InvalidRequest as error:
        param = error.param or ""
    else:
        param = f"messages[{len(turns) - 1}]"
        assert len(turns) == len(messages)
    assert param.startswith("messages")


def test_system_texts_are_split_off_wherever_they_stand() -> None:
    turns = [Turn("system", "a"), Turn("user", "u"), Turn("system", "b")]
    assert split_system(turns) == ("a\n\nb", [Turn("user", "u")])
    assert split_system([]) == ("", [])


@pytest.mark.parametrize(
    "token",
    [
        "<|im_end|>",
        "<|endoftext|>",
        "<|eot_id|>",
        "<\uff5cUser\uff5c>",
        "[INST]",
        "[/INST]",
        "<<SYS>>",
        "<</SYS>>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<s>",
        "</s>",
    ],
)
def test_a_control_token_in_a_text_is_broken_but_readable(token: str) -> None:
    escaped = escape_special(f"a{token}{token}b", CHATML, CONTEXT)
    assert token not in escaped
    assert escaped.replace("\u200b", "") == f"a{token}{token}b"


@given(st.text("<|imend_>[/INST]s", max_size=40))
def test_no_escaped_text_contains_a_control_token(text: str) -> None:
    escaped = escape_special(text, CHATML, CONTEXT)
    for token in ("<|im_end|>", "[INST]", "[/INST]", "<s>", "</s>"):
        assert token not in escaped
    assert escaped.replace("\u200b", "") == text


@pytest.mark.parametrize("text", ["<b>", "a < b | c > d", "<||>", "[X]", "x <| y |> z", "<i>"])
def test_other_text_is_left_alone(text: str) -> None:
    assert escape_special(text, TemplateSettings("chatml"), CONTEXT) == text


def test_escaping_can_be_switched_off() -> None:
    context = Context("m", "m", settings=TranslationSettings(escape_special=False))
    assert escape_special("<|im_end|>", CHATML, context) == "<|im_end|>"
