"""The check of the content blocks of messages requests."""

from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.messages_blocks import OF_SERVER_TOOLS, Message
from tests.translate.messages_requests import (
    PNG,
    added,
    assistant,
    image,
    pdf,
    removed,
    result,
    system,
    text,
    tool,
    use,
    user,
)

SEARCH = {"type": "search_result", "source": "s", "title": "t", "content": [text("a")]}


@pytest.mark.parametrize(
    "message",
    [
        user("a"),
        user("a", ""),
        user("a", text("b", cache_control={"type": "ephemeral"}, citations=[])),
        user(image(), image({"type": "url", "url": "https://a.example/i.png"})),
        user(image({"type": "file", "file_id": "file_1"})),
        user(pdf(title="t", context="c", citations={"enabled": True})),
        user(pdf(source={"type": "text", "media_type": "text/plain", "data": "d"})),
        user(pdf(source={"type": "content", "content": "c"})),
        user(pdf(source={"type": "content", "content": [text("c"), image()]})),
        user(pdf(source={"type": "url", "url": "https://a.example/d.pdf"})),
        user(pdf(source={"type": "file", "file_id": "file_1"})),
        user(SEARCH, {"type": "container_upload", "file_id": "file_1"}),
        user(result("a", None), result("b", ""), result("c", "x", is_error=True)),
        user(result("a", [text(""), image(), pdf(), SEARCH])),
        user(result("a", [{"type": "tool_reference", "tool_name": "f"}])),
        user(result("a", [{"type": "browser_state", "any": "thing"}], toolset_name="t")),
        assistant("a"),
        assistant({"type": "thinking", "thinking": "", "signature": "s"}),
        assistant({"type": "thinking", "thinking": "a"}),
        assistant({"type": "redacted_thinking", "data": "d"}, use("a", x=1)),
        assistant({**use("a"), "caller": {"type": "direct"}, "toolset_name": "t"}),
        assistant({"type": "compaction", "content": "c"}, pdf()),
        *(assistant({"type": kind, "any": "thing"}) for kind in OF_SERVER_TOOLS),
        assistant({"type": "compaction", "tool_changes": [added("f"), removed("g")]}),
        system("a"),
        system(text("a"), added("f"), removed("f"), added(definition=tool("f"))),
        system(removed(type="mcp_toolset_reference", server_name="m")),
        {**system("a"), "clear_at": "next_user_message", "output_config": {"effort": "low"}},
        {"role": "ctx", "content": [text("a"), image()]},
    ],
)
def test_a_valid_message_passes(message: Json) -> None:
    assert Message().accept(message, "messages[0]") == message


def test_a_system_message_may_only_set_an_effort() -> None:
    given = {"role": "system", "output_config": {"effort": "low"}}
    assert Message().accept(given, "messages[0]") == {**given, "content": []}


def test_null_fields_are_absent() -> None:
    given = user({**text("a"), "cache_control": None}, {**result("a"), "is_error": None})
    assert Message().accept(given, "messages[0]") == user(text("a"), result("a"))


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ({"content": "a"}, "role", "missing_required_parameter"),
        ({"role": "", "content": "a"}, "role", "missing_required_parameter"),
        ({"role": 1, "content": "a"}, "role", "invalid_type"),
        ({"role": "user"}, "content", "missing_required_parameter"),
        ({"role": "user", "content": 1}, "content", "invalid_type"),
        ({"role": "system"}, "content", "missing_required_parameter"),
        (
            {"role": "system", "output_config": {}},
            "content",
            "missing_required_parameter",
        ),
        (system(added()), "content[0].tool.name", "missing_required_parameter"),
        (
            system(added(definition={"name": "f"})),
            "content[0].tool.definition.input_schema",
            "missing_required_parameter",
        ),
        (assistant(added("f")), "content[0].type", "invalid_value"),
        (user({**SEARCH, "content": [text("")]}), "content[0].content[0].text", "invalid_value"),
        (
            user(pdf(source={"type": "content", "content": [text("")]})),
            "content[0].source.content[0].text",
            "invalid_value",
        ),
        ({"role": "user", "content": ["a"]}, "content[0]", "invalid_type"),
        (user({"text": "a"}), "content[0].type", "missing_required_parameter"),
        (user({"type": 1}), "content[0].type", "invalid_type"),
        (user({"type": "zzz"}), "content[0].type", "invalid_value"),
        (user(use("a")), "content[0].type", "invalid_value"),
        (user({"type": "thinking", "thinking": "a"}), "content[0].type", "invalid_value"),
        (assistant(result("a")), "content[0].type", "invalid_value"),
        (assistant(image()), "content[0].type", "invalid_value"),
        (system(image()), "content[0].type", "invalid_value"),
        (user({"type": "image"}), "content[0].source", "missing_required_parameter"),
        (
            user(image({**PNG, "media_type": "image/bmp"})),
            "content[0].source.media_type",
            "invalid_value",
        ),
        (
            user(image({"type": "base64", "data": "x"})),
            "content[0].source.media_type",
            "missing_required_parameter",
        ),
        (user(image({"type": "zzz"})), "content[0].source.type", "invalid_value"),
        (user(image({"type": "url"})), "content[0].source.url", "missing_required_parameter"),
        (user(pdf(source={"type": "zzz"})), "content[0].source.type", "invalid_value"),
        (
            user(pdf(source={"type": "content", "content": [pdf()]})),
            "content[0].source.content[0].type",
            "invalid_value",
        ),
        (
            user({**SEARCH, "content": [image()]}),
            "content[0].content[0].type",
            "invalid_value",
        ),
        (
            assistant({**use("a"), "input": "{}"}),
            "content[0].input",
            "invalid_type",
        ),
        (
            assistant({"type": "tool_use", "id": "a", "name": "f"}),
            "content[0].input",
            "missing_required_parameter",
        ),
        (user({"type": "tool_result"}), "content[0].tool_use_id", "missing_required_parameter"),
        (user(result("a", [use("b")])), "content[0].content[0].type", "invalid_value"),
        (user(result("a", is_error="no")), "content[0].is_error", "invalid_type"),
    ],
)
def test_a_fault_is_named_by_its_path(message: Any, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Message().accept(message, "messages[0]")
    assert (caught.value.param, caught.value.code) == (f"messages[0].{param}", code)
