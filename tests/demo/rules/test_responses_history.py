from typing import Any

import pytest

from tests.demo.client import post
from tests.demo.endpoints.test_responses import APP, respond
from tests.demo.rules.test_responses import CALL, OUTPUT

USER = {"role": "user", "content": "hello"}
TEXT = {"role": "assistant", "content": "x"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}
CUSTOM = {"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": "x"}
CUSTOM_OUTPUT = {"type": "custom_tool_call_output", "call_id": "call_2", "output": "done"}
LEADS_NOWHERE = "Item 'rs_1' of type 'reasoning' was provided without its required following item."


@pytest.mark.parametrize(
    "items",
    [
        [USER, CALL, OUTPUT],
        [USER, CALL, CUSTOM, USER, CUSTOM_OUTPUT, OUTPUT],
        [USER, THOUGHT, TEXT],
        [USER, THOUGHT, {**THOUGHT, "id": "rs_2"}, CALL, OUTPUT],
        # An item without an id is one of which the server knows nothing.
        [USER, {"type": "reasoning", "summary": []}, USER],
    ],
)
def test_a_whole_history_is_taken(items: list[dict[str, Any]]) -> None:
    assert respond(items).status == 200


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([USER, CALL], "No tool output found for function call call_1."),
        ([USER, CALL, CUSTOM, OUTPUT], "No tool output found for custom tool call call_2."),
        (
            [USER, CUSTOM_OUTPUT],
            "No tool call found for custom tool call output with call_id call_2.",
        ),
        ([USER, THOUGHT], LEADS_NOWHERE),
        ([USER, THOUGHT, USER], LEADS_NOWHERE),
        ([CALL, THOUGHT, OUTPUT], LEADS_NOWHERE),
        (
            [USER, THOUGHT, TEXT, THOUGHT, TEXT],
            (
                "Duplicate item found with id rs_1. Remove duplicate items from your input and try"
                " again."
            ),
        ),
    ],
)
def test_half_a_history_is_refused(items: list[dict[str, Any]], message: str) -> None:
    assert respond(items).error() == (400, message, "input", None)


def test_a_continued_response_and_its_outputs_are_one_history() -> None:
    body = {"model": "gpt-5-codex", "tools": [{"type": "function", "name": "clock"}]}
    first = post(APP, "/v1/responses", **body, input="hello", tool_choice="required").json()
    calls = [item for item in first["output"] if item["type"] == "function_call"]
    outputs = [{**OUTPUT, "call_id": call["call_id"]} for call in calls]
    body["previous_response_id"] = first["id"]
    assert post(APP, "/v1/responses", **body, input=outputs).status == 200
    status, message, *_ = post(APP, "/v1/responses", **body, input="go on").error()
    assert (status, message) == (
        400,
        f"No tool output found for function call {calls[0]['call_id']}.",
    )
