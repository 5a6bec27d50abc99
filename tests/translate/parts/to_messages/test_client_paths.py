"""What an error of messages names, as clients of chat and responses have it."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.chat_via_messages.conversation import turns_of
from gateway.translate.contract import Report
from gateway.translate.parts.client_values import chat_tool_kind
from gateway.translate.parts.to_messages.client_paths import OwnNames, client_path
from gateway.translate.parts.to_messages.conversation import Written, written
from tests.translate.messages_upstreams import context

OWN = OwnNames(
    limit="max_completion_tokens",
    effort="reasoning_effort",
    tools="tools",
    tool_paths=("tools[1].function",),
    tool_kind=chat_tool_kind,
    others={"stop_sequences": ("stop",), "tool_choice": ("function_call", "tool_choice")},
)
CLIENT: Json = {
    "tool_choice": "auto",
    "top_k": 3,
    "tools": [{}, {"type": "function", "function": {"name": "f", "parameters": {}}}],
}


def conversation() -> Written:
    of, report = context(), Report(Shape.CHAT, Shape.MESSAGES)
    turns = turns_of([{"role": "user", "content": "Hi"}], of, report)
    return written(turns, "messages", of, report)


@pytest.mark.parametrize(
    ("param", "path"),
    [
        ("messages[0].content[0].text", "messages[0].content"),
        ("max_tokens", "max_completion_tokens"),
        ("thinking.budget_tokens", "reasoning_effort"),
        ("output_config.effort", "reasoning_effort"),
        ("output_config.format.schema", None),
        ("tool_choice.name", "tool_choice"),
        ("stop_sequences[0]", None),
        ("top_k", "top_k"),
        ("zzz", None),
        ("?", None),
        ("tools", "tools"),
        ("tools[7].name", "tools"),
        ("tools[0]", "tools[1].function"),
        ("tools[0].input_schema.type", "tools[1].function.parameters"),
        ("tools[0].custom.name", "tools[1].function.name"),
    ],
)
def test_a_parameter_has_the_clients_name(param: str, path: str | None) -> None:
    assert client_path(param, CLIENT, conversation(), OWN) == path


def test_thinking_that_the_client_has_sent_is_its_own() -> None:
    client = {**CLIENT, "thinking": {"type": "enabled"}}
    assert client_path("thinking.type", client, conversation(), OWN) == "thinking"


@pytest.mark.parametrize("kind", ["", ".auto", ".any", ".tool"])
def test_one_call_at_a_time_is_asked_for_beside_the_choice(kind: str) -> None:
    param = f"tool_choice{kind}.disable_parallel_tool_use"
    one = {**CLIENT, "parallel_tool_calls": False}
    assert client_path(param, one, conversation(), OWN) == "parallel_tool_calls"
    assert client_path(param, CLIENT, conversation(), OWN) == "tool_choice"
