"""Messages of the user in a row are one where roles must alternate."""

from dataclasses import replace

import pytest

from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import OPENAI, asking, context
from tests.translate.responses_via_chat.input.items import (
    CHAT_USER,
    USER,
    called,
    gave,
    messages,
    said,
)

STRICT = replace(OPENAI, roles_in_a_row=False)
IMAGE: Json = {"type": "input_image", "image_url": "https://a.example/b.png"}
CHAT_IMAGE: Json = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}


def text(of: str) -> Json:
    return {"type": "text", "text": of}


def test_texts_become_paragraphs() -> None:
    items = [said("user", "# AGENTS.md"), said("user", [{"type": "input_text", "text": "é"}]), USER]
    assert messages(STRICT, items) == [{"role": "user", "content": "# AGENTS.md\n\né\n\nhi"}]
    assert messages(STRICT, [USER, said("user", ""), USER])[0]["content"] == "hi\n\nhi"
    assert messages(STRICT, [said("user", ""), said("user", "")])[0]["content"] == ""


def test_with_an_image_all_are_parts() -> None:
    items = [USER, said("user", ""), said("user", [IMAGE, {"type": "input_text", "text": "b"}])]
    (message,) = messages(STRICT, items)
    assert message["content"] == [text("hi"), CHAT_IMAGE, text("b")]


def test_images_of_an_output_go_on_with_what_the_user_says() -> None:
    items = [USER, called("c"), gave("c", [IMAGE]), USER]
    sent = messages(STRICT, items)
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "user"]
    assert sent[-1]["content"] == [CHAT_IMAGE, text("hi")]


def test_whoever_speaks_between_keeps_them_apart() -> None:
    assistant = {"role": "assistant", "content": "a"}
    for between in (said("assistant", "a"), said("system", "a")):
        sent = messages(STRICT, [USER, USER, between, USER])
        assert [message["role"] for message in sent] == ["user", between["role"], "user"]
        assert (sent[0]["content"], sent[2]) == ("hi\n\nhi", CHAT_USER)
    in_a_row = [USER, said("assistant", "a"), said("assistant", "a"), USER]
    assert messages(STRICT, in_a_row)[1] == {**assistant, "content": "a\n\na"}


def test_system_messages_between_them_lead_only_before_the_first() -> None:
    strict = replace(STRICT, multi_system=False)
    items = [said("developer", "a"), USER, said("developer", "b"), USER, USER]
    assert messages(strict, items, instructions="c") == [
        {"role": "system", "content": "c\n\na"},
        CHAT_USER,
        {"role": "developer", "content": "b"},
        {"role": "user", "content": "hi\n\nhi"},
    ]


def test_they_stay_apart_where_roles_need_not_alternate() -> None:
    assert messages(OPENAI, [USER, USER]) == [CHAT_USER, CHAT_USER]


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("messages[0].content", "input[0].content"),
        ("messages[2].content[0]", "input[2].content"),
        ("messages[2].content[0].type", "input[2].content"),
        ("messages[2].content[0].text", "input[2].content"),
        ("messages[2].content[1].type", "input[3].content[0].type"),
        ("messages[2].content[1].image_url.url", "input[3].content[0].image_url"),
        ("messages[2].content[2]", "input[3].content[1]"),
        ("messages[2].role", "input[2].content"),
    ],
)
def test_parameters_have_the_clients_names(upstream: str, client: str) -> None:
    seen = said("user", [IMAGE, {"type": "input_text", "text": "b"}])
    translation = asking(context(STRICT), input=[USER, said("assistant", "a"), USER, seen])
    assert translation.client_param(0, upstream) == client


def test_a_part_of_a_joined_text_is_the_text_of_its_message() -> None:
    translation = asking(context(STRICT), input=[USER, USER])
    assert translation.client_param(0, "messages[0].content[1].type") == "input[1].content"
