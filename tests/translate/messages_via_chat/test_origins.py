"""The messages client's paths of what a chat endpoint names."""

import pytest

from gateway.shapes import Json
from tests.translate.messages_prepared import context, prepared
from tests.translate.messages_requests import (
    asked,
    assistant,
    image,
    pdf,
    result,
    system,
    text,
    tool,
    use,
    user,
)

ASKED: Json = asked(
    user("a", image(), pdf(title="t")),
    system("b"),
    assistant("c", use("1"), use("2")),
    user(result("1", [text("d")]), result("2", [text("e"), image()])),
    assistant("f"),
    user("g"),
    system=[text("h"), text("i")],
    tools=[tool("f")],
    tool_choice={"type": "any", "disable_parallel_tool_use": True},
    output_config={"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    temperature=1,
    stream=True,
)


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("messages", "messages"),
        ("messages[0]", "system"),
        ("messages[0].role", "system"),
        ("messages[0].content[1].text", "system[1].text"),
        ("messages[1]", "messages[0]"),
        ("messages[1].role", "messages[0].role"),
        ("messages[1].content", "messages[0]"),
        ("messages[1].content[0].text", "messages[0].content[0].text"),
        ("messages[1].content[1].image_url.url", "messages[0].content[1].source"),
        ("messages[1].content[1].type", "messages[0].content[1]"),
        ("messages[1].content[2].file.file_data", "messages[0].content[2].source"),
        ("messages[1].content[2].file.filename", "messages[0].content[2].title"),
        ("messages[1].content[9]", "messages[0]"),
        ("messages[2].content", "messages[1].content"),
        ("messages[3].content", "messages[2].content[0]"),
        ("messages[3].tool_calls", "messages[2].content[1]"),
        ("messages[3].tool_calls[1]", "messages[2].content[2]"),
        ("messages[3].tool_calls[1].id", "messages[2].content[2].id"),
        ("messages[3].tool_calls[1].function.name", "messages[2].content[2].name"),
        ("messages[3].tool_calls[1].function.arguments", "messages[2].content[2].input"),
        ("messages[3].tool_calls[9].id", "messages[2].content[1]"),
        ("messages[4].tool_call_id", "messages[3].content[0].tool_use_id"),
        ("messages[4].content", "messages[3].content[0]"),
        ("messages[5].content[1]", "messages[3].content[1].content[1]"),
        ("messages[6].content", "messages[3].content[1].content[1]"),
        ("messages[7].content", "messages[4].content"),
        ("messages[8].content[0].text", "messages[5].content"),
        ("messages[99]", "messages"),
        ("tools[0].function.parameters", "tools[0].input_schema"),
        ("max_completion_tokens", "max_tokens"),
        ("max_tokens", "max_tokens"),
        ("reasoning_effort", "output_config.effort"),
        ("response_format", "output_config.format"),
        ("response_format.json_schema.name", "output_config.format"),
        ("response_format.json_schema.schema.x", "output_config.format.schema.x"),
        ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
        ("tool_choice", "tool_choice"),
        ("temperature", "temperature"),
        ("stream_options", None),
        ("prompt_cache_key", None),
        ("stop", None),
        ("", None),
    ],
)
def test_a_chat_parameter_has_the_name_that_the_client_gave_it(
    upstream: str, client: str | None
) -> None:
    assert prepared(ASKED).named(upstream) == client


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("messages[0].reasoning_content", "messages[0].content[0]"),
        ("messages[0].reasoning", "messages[0].content[0]"),
        ("messages[0].reasoning_details[0].text", "messages[0].content[0]"),
        ("messages[0].content", "messages[0].content[2]"),
        ("messages[1].reasoning_content", "messages[1]"),
    ],
)
def test_reasoning_is_named_as_the_clients_thinking(upstream: str, client: str) -> None:
    thoughts = ({"type": "thinking", "thinking": words, "signature": ""} for words in "ab")
    body = asked(assistant(*thoughts, "c"), user("d"))
    reading = context(able={"reasoning_field": "reasoning_content"})
    assert prepared(body, reading).named(upstream) == client


def test_a_block_without_text_is_named_where_it_was_made_text() -> None:
    cited = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "a"},
    }
    body = asked(user({**cited, "title": "t"}, image(), text("b")))
    names = {prepared(body).named(f"messages[0].content[{index}].text") for index in range(4)}
    assert "messages[0].content[2].text" in names
    assert names <= {
        "messages[0]",
        "messages[0].content[0]",
        "messages[0].content[1]",
        "messages[0].content[2].text",
    }
