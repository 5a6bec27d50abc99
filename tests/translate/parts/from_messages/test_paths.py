"""The messages client's names of parameters."""

import pytest

from gateway.shapes import Json
from gateway.translate.parts.from_messages.paths import format_path, parameter_path

ASKED: Json = {
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {}}},
    "stop_sequences": ["a"],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "temperature": 1,
}


_BUDGET = "thinking.budget_tokens"


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("reasoning", "output_config.effort"),
        ("reasoning_effort", "output_config.effort"),
        ("stop", "stop_sequences"),
        ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
        ("temperature", "temperature"),
    ],
)
def test_a_parameter_has_the_clients_name_if_the_client_has_sent_it(root: str, path: str) -> None:
    assert parameter_path(root, ASKED) == path
    assert parameter_path(root, {}) is None


@pytest.mark.parametrize(
    ("rest", "client", "path"),
    [
        # What asks for the summary is not what asks for the effort.
        ("summary", {**ASKED, "thinking": {"type": "adaptive"}}, "thinking.display"),
        ("summary", {"thinking": {"type": "adaptive"}}, "thinking.display"),
        ("summary", ASKED, None),
        ("effort", {**ASKED, "thinking": {"type": "adaptive"}}, "output_config.effort"),
        ("", {"thinking": {"type": "adaptive"}}, "thinking"),
        ("effort", {"thinking": {"type": "adaptive"}}, None),
        ("effort", {"thinking": {"type": "enabled", "budget_tokens": 5000}}, _BUDGET),
    ],
)
def test_what_is_asked_of_reasoning_has_its_own_name(
    rest: str, client: Json, path: str | None
) -> None:
    assert parameter_path("reasoning", client, rest) == path


def test_a_format_has_the_path_where_the_client_has_put_it() -> None:
    assert format_path(ASKED, "schema.properties") == "output_config.format.schema.properties"
    assert format_path(ASKED, "name") == "output_config.format"
    assert format_path({"output_format": {"schema": {}}}, "schema") == "output_format.schema"
    assert format_path({}, "schema") is None
