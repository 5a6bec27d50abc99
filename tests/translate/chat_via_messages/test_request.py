import copy

import pytest

from gateway.shapes import Json
from tests.translate.chat_via_messages.cases import CUSTOM, TOOLS, answer, calls, translated
from tests.translate.messages_upstreams import HELLO

BODY: Json = {
    "messages": [{"role": "system", "content": "s"}, *HELLO],
    "tools": [*TOOLS, CUSTOM],
    "tool_choice": "auto",
    "max_tokens": 99,
    "stop": "END",
    "user": "u",
    "reasoning_effort": "low",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "string"}},
    },
    "temperature": 1,
}


@pytest.mark.parametrize(
    ("param", "path"),
    [
        (None, None),
        ("", None),
        ("?", None),
        ("messages[0].content", "messages[1]"),
        ("system", "messages[0]"),
        ("tools", "tools"),
        ("tools[9]", "tools"),
        ("tools[1]", "tools[1].function"),
        ("tools[1].custom.input_schema.properties", "tools[1].function.parameters"),
        ("tools[1].input_schema", "tools[1].function.parameters"),
        ("tools[2].name", "tools[2].custom.name"),
        ("tool_choice", "tool_choice"),
        ("max_tokens", "max_tokens"),
        ("stop_sequences[0]", "stop"),
        ("metadata.user_id", "user"),
        ("output_config.effort", "reasoning_effort"),
        ("output_config.format.schema", "response_format"),
        ("thinking.budget_tokens", "reasoning_effort"),
        ("temperature", "temperature"),
        ("model", "model"),
        ("top_p", None),
        ("zzz", None),
    ],
)
def test_upstream_parameters_are_the_clients(param: str | None, path: str | None) -> None:
    translation = translated({"model": "asked", **BODY})
    assert translation.client_param(0, param) == path


@pytest.mark.parametrize(
    ("body", "param", "path"),
    [
        ({}, "max_tokens", "max_completion_tokens"),
        ({}, "output_config", "reasoning_effort"),
        ({}, "output_config.format", None),
        ({}, "thinking", "reasoning_effort"),
        ({}, "tool_choice", None),
        ({}, "metadata", None),
        ({"safety_identifier": "s"}, "metadata", "safety_identifier"),
        ({"thinking": {"type": "adaptive"}}, "thinking", "thinking"),
        (
            {"tools": TOOLS, "parallel_tool_calls": False},
            *("tool_choice.disable_parallel_tool_use", "parallel_tool_calls"),
        ),
        ({"functions": [{"name": "f"}], "function_call": "auto"}, "tool_choice", "function_call"),
    ],
)
def test_names_depend_on_the_request(body: Json, param: str, path: str | None) -> None:
    assert translated(body).client_param(0, param) == path


def test_the_clients_request_is_not_changed() -> None:
    body = {**BODY, "messages": [*BODY["messages"], {**calls("a"), "cache_control": {}}]}
    body["messages"].append(answer("a", [{"type": "text", "text": "x"}]))
    before = copy.deepcopy(body)
    translation = translated(body)
    translation.calls[0]["messages"].clear()
    assert body == before


def test_the_report_names_both_shapes() -> None:
    header = translated({"max_tokens": 9, "seed": 7}).report.header()
    assert header == "from=chat; to=messages; dropped=seed"
