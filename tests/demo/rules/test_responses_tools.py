from typing import Any

import pytest

from tests.demo.endpoints.test_responses import CLOCK, respond, response, streamed

CUSTOM = {"type": "custom", "name": "exec", "format": {"type": "text"}}
NAMESPACE = {"type": "namespace", "name": "crm", "description": "d", "tools": [CLOCK, CUSTOM]}
HOSTED = (
    {"type": "web_search", "external_web_access": False, "search_content_types": ["text"]},
    {"type": "image_generation", "output_format": "png"},
    {"type": "tool_search", "execution": "client", "description": "d", "parameters": {}},
)


def test_the_tools_of_real_clients_are_taken_and_said_back() -> None:
    deferred = {**CLOCK, "defer_loading": True, "strict": None}
    found = response(tools=[deferred, CUSTOM, NAMESPACE, *HOSTED], tool_choice="auto")
    assert found["tools"] == [deferred, CUSTOM, NAMESPACE, *HOSTED]
    assert response(tools=[{"type": "function", "name": "f"}])["tools"] == [
        {"type": "function", "name": "f", "parameters": None, "strict": True}
    ]


def test_a_function_of_a_namespace_is_called_by_both_names() -> None:
    (call,) = response("call clock", tools=[NAMESPACE])["output"]
    assert (call["namespace"], call["name"]) == ("crm", "clock")
    done = streamed("call clock", tools=[NAMESPACE])[-2]
    assert done["item"]["namespace"] == "crm"
    (call,) = response("call clock", tools=[CLOCK])["output"]
    assert "namespace" not in call


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "custom", "name": "exec"},
        {"type": "image_generation"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "custom", "name": "exec"}]},
    ],
)
def test_choices_other_than_functions_are_taken(choice: dict[str, Any]) -> None:
    found = response(tools=[CUSTOM, *HOSTED], tool_choice=choice)
    assert found["tool_choice"] == choice


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({"type": "teleport"}, "tools[0].type"),
        ({**NAMESPACE, "tools": []}, "tools[0].tools"),
        ({**NAMESPACE, "tools": [{"type": "web_search"}]}, "tools[0].tools[0].type"),
        ({"type": "namespace", "name": "x", "tools": [CLOCK]}, "tools[0].description"),
    ],
)
def test_what_is_wrong_with_a_tool_is_named(tool: dict[str, Any], param: str) -> None:
    status, _, named, _ = respond(tools=[tool]).error()
    assert (status, named) == (400, param)


def test_objects_under_way_have_the_fields_of_finished_ones() -> None:
    events = streamed(tools=[CLOCK])
    for event in (events[0], events[1], events[-1]):
        response_object = event["response"]
        assert response_object["tools"][0]["strict"] is True
        assert (response_object["presence_penalty"], response_object["frequency_penalty"]) == (0, 0)
    assert events[0]["response"]["completed_at"] is None
    assert events[-1]["response"]["completed_at"] is not None
    cut = streamed(max_output_tokens=16, input="!count 100")[-1]
    assert (cut["type"], cut["response"]["completed_at"]) == ("response.incomplete", None)
