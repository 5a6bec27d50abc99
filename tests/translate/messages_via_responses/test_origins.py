"""The messages client's paths of what a responses endpoint names."""

import pytest

from gateway.shapes import Json, Shape
from tests.translate.messages_prepared import prepared
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
    assistant("c", use("1")),
    user(result("1", [text("d"), image()]), "e"),
    assistant("f"),
    user("g"),
    system="h",
    tools=[tool("f")],
    tool_choice={"type": "any", "disable_parallel_tool_use": True},
    output_config={"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    temperature=1,
    stream=True,
)


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        ("input", "messages"),
        ("instructions", "system"),
        ("input[0]", "messages[0]"),
        ("input[0].role", "messages[0].role"),
        ("input[0].content", "messages[0]"),
        ("input[0].content[0].text", "messages[0].content[0].text"),
        ("input[0].content[1].image_url", "messages[0].content[1].source"),
        ("input[0].content[1].type", "messages[0].content[1]"),
        ("input[0].content[2].file_data", "messages[0].content[2].source"),
        ("input[0].content[2].filename", "messages[0].content[2].title"),
        ("input[0].content[9]", "messages[0]"),
        ("input[1].content[0].text", "messages[1].content"),
        ("input[2].content", "messages[2].content[0]"),
        ("input[3].name", "messages[2].content[1].name"),
        ("input[3].arguments", "messages[2].content[1].input"),
        ("input[3].call_id", "messages[2].content[1].id"),
        ("input[3].id", "messages[2].content[1]"),
        ("input[4].call_id", "messages[3].content[0].tool_use_id"),
        ("input[4].output", "messages[3].content[0]"),
        ("input[4].output[1].image_url", "messages[3].content[0].content[1].source"),
        ("input[5].content", "messages[3].content[1]"),
        ("input[6].content", "messages[4].content"),
        ("input[99]", "messages"),
        ("tools[0].parameters.x", "tools[0].input_schema.x"),
        ("max_output_tokens", "max_tokens"),
        ("reasoning.effort", "output_config.effort"),
        ("reasoning", "output_config.effort"),
        ("text.format.schema", "output_config.format.schema"),
        ("text.format", "output_config.format"),
        ("text", "output_config.format"),
        ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
        ("temperature", "temperature"),
        ("include", None),
        ("store", None),
        ("", None),
    ],
)
def test_a_responses_parameter_has_the_name_that_the_client_gave_it(
    upstream: str, client: str | None
) -> None:
    assert prepared(ASKED, target=Shape.RESPONSES).named(upstream) == client


def test_instructions_that_were_messages_are_messages() -> None:
    sent = prepared(asked(system("a"), user("b")), target=Shape.RESPONSES)
    assert sent.named("instructions") == "messages"
