import copy

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import ItemNames, Json
from tests.translate.messages_upstreams import context
from tests.translate.responses_via_messages.cases import (
    CUSTOM,
    FUNCTION,
    HELLO,
    TOOLS,
    called,
    output,
    translated,
)

BODY: Json = {
    "instructions": "s",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        called(),
        output(),
    ],
    "tools": [FUNCTION, CUSTOM],
    "tool_choice": "auto",
    "stop": "END",
    "user": "u",
    "reasoning": {"effort": "low"},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "string"}}},
    "temperature": 1,
}


@pytest.mark.parametrize(
    ("param", "path"),
    [
        (None, None),
        ("", None),
        ("?", None),
        ("system", "instructions"),
        ("messages[0].content", "input[0].content[0]"),
        ("messages[1].content[0].tool_use.input", "input[1].arguments"),
        ("messages[1].content[0].id", "input[1].call_id"),
        ("messages[2].content[0].content", "input[2].output"),
        ("messages[9]", "input"),
        ("tools", "tools"),
        ("tools[9]", "tools"),
        ("tools[1]", "tools[1]"),
        ("tools[0].custom.input_schema.properties", "tools[0].parameters"),
        ("tools[0].name", "tools[0].name"),
        ("tool_choice", "tool_choice"),
        ("max_tokens", "max_output_tokens"),
        ("stop_sequences[0]", "stop"),
        ("metadata.user_id", "user"),
        ("output_config.effort", "reasoning.effort"),
        ("output_config.format.schema", "text.format"),
        ("thinking.budget_tokens", "reasoning.effort"),
        ("temperature", "temperature"),
        ("top_p", None),
        ("zzz", None),
    ],
)
def test_upstream_parameters_are_the_clients(param: str | None, path: str | None) -> None:
    assert translated(BODY).client_param(0, param) == path


@pytest.mark.parametrize(
    ("body", "param", "path"),
    [
        ({}, "output_config.format", None),
        ({}, "thinking", "reasoning.effort"),
        ({}, "metadata", None),
        ({"safety_identifier": "s"}, "metadata", "safety_identifier"),
        ({"thinking": {"type": "adaptive"}}, "thinking", "thinking"),
        ({"tools": TOOLS, "parallel_tool_calls": False}, "tool_choice", "parallel_tool_calls"),
        ({"input": "hi"}, "messages[0].content", "input"),
        ({"input": [*HELLO, called(), output()]}, "tools[0]", "input"),
    ],
)
def test_names_depend_on_the_request(body: Json, param: str, path: str | None) -> None:
    assert translated(body).client_param(0, param) == path


def test_items_have_the_names_that_the_client_knows() -> None:
    of = context()
    of.items = ItemNames(["previous_response_id", 0])
    body = {"input": [*HELLO, {"role": "user", "content": "b", "zzz": 1}]}
    translation = translated(body, of)
    assert translation.client_param(0, "messages[0].content") == "previous_response_id"
    assert translation.client_param(0, "messages[1].content") == "input[0].content"
    assert translation.client_param(0, "max_tokens") == "max_output_tokens"
    assert translation.report.dropped == ["input[0].zzz"]
    with pytest.raises(InvalidRequest) as refused:
        translated({"input": [*HELLO, called()]}, of)
    assert refused.value.param == "input[0]"
    with pytest.raises(InvalidRequest) as refused:
        translated({"input": HELLO, "tool_choice": "required"}, of)
    assert refused.value.param == "tool_choice"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "odd", "content": "a"}]}, "input[0].role"),
        ({"input": [{"type": "compaction_trigger"}, *HELLO]}, "input[0]"),
    ],
)
def test_there_must_be_an_input(body: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        translated(body)
    assert refused.value.param == param


def test_the_clients_request_is_not_changed() -> None:
    before = copy.deepcopy(BODY)
    translated(BODY).calls[0]["messages"].clear()
    assert before == BODY


def test_the_report_names_both_shapes() -> None:
    header = translated({"max_output_tokens": 99, "seed": 7}).report.header()
    assert header == "from=responses; to=messages; dropped=seed"
