from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.as_chat.responses_body import for_responses

BODY: Json = {"model": "m", "input": [{"role": "user", "content": "Hi"}]}
PATCH: Json = {
    "type": "custom",
    "name": "ApplyPatch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}


def read(**more: Any) -> Any:
    return for_responses({**BODY, **more})


def test_a_body_is_sent_as_it_is_but_not_stored() -> None:
    text: Json = {"verbosity": "low", "format": {"type": "text"}}
    body = {**BODY, "instructions": "Be brief.", "reasoning": {"effort": "medium"}, "text": text}
    before = dict(body)
    assert for_responses(body).sent == {**body, "store": False}
    assert body == before


@pytest.mark.parametrize("store", [True, False])
def test_what_the_client_says_of_storage_counts(store: bool) -> None:
    assert read(store=store).sent["store"] is store
    assert read(store=None).sent["store"] is False


@pytest.mark.parametrize("messages", [None, []])
def test_an_empty_list_of_messages_is_not_sent(messages: object) -> None:
    assert "messages" not in read(messages=messages).sent


@pytest.mark.parametrize(
    ("stream", "options", "wanted", "sent"),
    [
        (True, {"include_usage": True}, True, None),
        (True, {"include_usage": False}, False, None),
        (False, {"include_usage": True}, False, None),
        (None, {"include_usage": True}, False, None),
        (
            True,
            {"include_usage": True, "include_obfuscation": False},
            True,
            {"include_obfuscation": False},
        ),
        (True, {"include_obfuscation": True}, False, {"include_obfuscation": True}),
        (True, {}, False, {}),
        (True, "yes", False, "yes"),
    ],
)
def test_the_usage_is_for_the_reader_of_the_reply(
    stream: bool | None, options: object, wanted: bool, sent: object
) -> None:
    found = read(stream=stream, stream_options=options)
    assert found.include_usage is wanted
    assert found.sent.get("stream_options") == sent


@pytest.mark.parametrize(
    ("include", "wanted", "sent"),
    [
        (["reasoning.encrypted_content"], True, None),
        (
            ["message.output_text.logprobs", "reasoning.encrypted_content"],
            True,
            ["message.output_text.logprobs"],
        ),
        (["message.output_text.logprobs"], False, ["message.output_text.logprobs"]),
        ("reasoning.encrypted_content", False, "reasoning.encrypted_content"),
        (None, False, None),
    ],
)
def test_encrypted_reasoning_is_not_asked_for(include: object, wanted: bool, sent: object) -> None:
    found = read(include=include)
    assert found.wants_encrypted is wanted
    assert found.sent.get("include") == sent


CALL: Json = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "ApplyPatch",
    "arguments": "*** Begin Patch",
}
OUTPUT: Json = {"type": "function_call_output", "id": "x", "call_id": "call_1", "output": "Done"}
OTHERS: list[Json] = [
    {"type": "function_call", "call_id": "call_2", "name": "Read", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_2", "output": "text"},
    {"type": "function_call_output", "call_id": None, "output": "of nobody"},
    {"type": "function_call_output", "call_id": ["call_1"], "output": "of nobody"},
]


def test_calls_of_custom_tools_that_came_as_functions_are_restored() -> None:
    found = read(tools=[PATCH], input=[CALL, OUTPUT, *OTHERS])
    custom = {"type": "custom_tool_call", "call_id": "call_1", "name": "ApplyPatch"}
    assert found.sent["input"] == [
        {**custom, "input": "*** Begin Patch"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "Done"},
        *OTHERS,
    ]
    assert found.client_path("input[0].input") == "input[0].arguments"
    assert found.client_path("input[2].input") == "input[2].input"
    assert found.client_path("input[0].call_id") == "input[0].call_id"
    assert found.client_path("input") == "input"


def test_an_output_of_a_call_without_an_id_is_left() -> None:
    nameless = {name: value for name, value in CALL.items() if name != "call_id"}
    found = read(tools=[PATCH], input=[nameless, OTHERS[2]])
    assert found.sent["input"][1] == OTHERS[2]


@pytest.mark.parametrize(
    "tools",
    [
        None,
        "none",
        [],
        ["ApplyPatch", {"type": "custom", "name": 1}],
        [{"type": "function", "name": "ApplyPatch"}],
    ],
)
def test_without_such_a_tool_calls_stay_what_they_are(tools: object) -> None:
    assert read(tools=tools, input=[CALL, OUTPUT]).sent["input"] == [CALL, OUTPUT]


@pytest.mark.parametrize("name", [None, 7, True, [], ["ApplyPatch"], {}, {"name": "ApplyPatch"}])
def test_a_call_whose_name_is_no_text_is_left_for_the_check(name: object) -> None:
    items: list[Json] = [{**CALL, "name": name}, OUTPUT]
    assert read(tools=[PATCH], input=items).sent["input"] == items


@pytest.mark.parametrize("given", ["Hi", None, 7, ["Hi"], [{"role": "user", "content": "Hi"}]])
def test_other_inputs_stay_as_they_are(given: object) -> None:
    found = read(tools=[PATCH], input=given)
    assert found.sent["input"] == given
    assert found.restored == frozenset()


def test_ids_of_calls_that_are_too_long_are_the_same_hash_in_both_items() -> None:
    long = f"call_{'a' * 40}\nfc_{'b' * 40}"
    items = [{**CALL, "call_id": long}, {**OUTPUT, "call_id": long}, *OTHERS]
    first, second, *others = read(input=items).sent["input"]
    assert first["call_id"] == second["call_id"] != long
    assert len(first["call_id"]) <= 64
    assert others == OTHERS
