"""Content of messages and of tool outputs."""

from dataclasses import replace

import pytest

from gateway.shapes import Shape
from gateway.translate.plan import plan
from gateway.translate.responses_via_chat import translate
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    context,
    refused,
)
from tests.translate.responses_via_chat.input.items import (
    CHAT_USER,
    USER,
    called,
    gave,
    messages,
    said,
    tool_message,
)


def test_one_text_part_is_a_string_and_more_stay_parts() -> None:
    part = {"type": "input_text", "text": "hi"}
    assert messages(OPENAI, [said("user", [part])]) == [CHAT_USER]
    text = {"type": "text", "text": "hi"}
    assert messages(OPENAI, [said("user", [part, part])])[0]["content"] == [text, text]
    marked = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    assert messages(OPENAI, [said("user", [part | marked])])[0]["content"] == [text | marked]


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.COMPLETIONS])
def test_no_parts_are_an_empty_text(shape: Shape) -> None:
    items = [said("system", []), said("user", []), said("user", "hi")]
    if shape is Shape.CHAT:
        items += [called("c"), gave("c", [])]
    (sent,) = plan(Shape.RESPONSES, shape, {"model": "m", "input": items}, context(OPENAI)).calls
    if shape is Shape.CHAT:
        system, empty, hi, _, result = sent["messages"]
        assert [each["content"] for each in (system, empty, hi, result)] == ["", "", "hi", ""]
    else:
        assert "hi" in sent["prompt"]


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


def test_a_system_message_is_text() -> None:
    image = {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"}
    error = refused(input=[said("system", [{"type": "input_text", "text": "a"}, image])])
    assert error.param == "input[0].content[1]"


def test_output_parts_are_texts() -> None:
    text = {"type": "input_text", "text": "a"}
    assert messages(OPENAI, [called("a"), gave("a", [text])])[1] == tool_message("a", "a")
    two = messages(OPENAI, [called("a"), gave("a", [text, text])])[1]["content"]
    assert two == [{"type": "text", "text": "a"}] * 2


IMAGE = {"type": "input_image", "image_url": "https://a.example/i.png", "detail": "low"}
CHAT_IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/i.png", "detail": "low"}}


def test_an_image_in_an_output_follows_in_a_user_message() -> None:
    file = {"type": "input_file", "file_id": "file-1"}
    items = [
        called("a"),
        called("b"),
        gave("a", [IMAGE, file]),
        gave("b"),
        USER,
    ]
    assert messages(OPENAI, items)[1:] == [
        tool_message(
            "a",
            [
                {"type": "text", "text": "[image: see next message]"},
                {"type": "text", "text": "[file: see next message]"},
            ],
        ),
        tool_message("b"),
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
    assert call["messages"][1] == tool_message("a", [CHAT_IMAGE])
