import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.parts.tools.argument_objects import checked_chat, with_text_arguments


def called(arguments: object) -> Json:
    return {"id": "a", "function": {"name": "f", "arguments": arguments}}


def test_objects_become_their_text() -> None:
    message = {
        "role": "assistant",
        "tool_calls": [called({"a": "ä"}), called('{"a": 1}'), called(7), "odd", {"id": "b"}],
        "function_call": {"name": "f", "arguments": {"b": [1]}},
    }
    body = {"messages": ["odd", {"role": "user", "content": "a"}, message]}
    changed = with_text_arguments(body)
    assert changed["messages"][:2] == body["messages"][:2]
    assert changed["messages"][2] == {
        "role": "assistant",
        "tool_calls": [called('{"a": "ä"}'), called('{"a": 1}'), called(7), "odd", {"id": "b"}],
        "function_call": {"name": "f", "arguments": '{"b": [1]}'},
    }
    assert message["function_call"] == {"name": "f", "arguments": {"b": [1]}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": "odd"},
        {"messages": [{"role": "assistant", "tool_calls": "odd"}]},
        {"messages": [{"role": "assistant", "function_call": "odd"}]},
    ],
)
def test_other_bodies_are_left_to_the_check(body: Json) -> None:
    assert with_text_arguments(body) == body


def test_requests_are_checked_with_their_arguments_as_text() -> None:
    user = {"role": "user", "content": "a"}
    for arguments, text in (({"a": 1}, '{"a": 1}'), ("{}", "{}")):
        body = {"messages": [user, {"role": "assistant", "tool_calls": [called(arguments)]}]}
        assert checked_chat(body)["messages"][1]["tool_calls"] == [called(text)]


def test_other_arguments_are_refused() -> None:
    body = {"messages": [{"role": "assistant", "tool_calls": [called(7)]}]}
    with pytest.raises(InvalidRequest) as refused:
        checked_chat(body)
    assert refused.value.param == "messages[0].tool_calls[0].function.arguments"
