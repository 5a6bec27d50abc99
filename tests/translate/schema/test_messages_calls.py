"""The check that calls and results of messages requests belong together."""

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.schema.messages_calls import check_calls
from tests.translate.messages_requests import assistant, result, system, use, user

A, B = use("a"), use("b")


@pytest.mark.parametrize(
    "messages",
    [
        [user("x"), assistant("y"), user("z")],
        [user("x"), assistant(A, B), user(result("b"), result("a"), "z")],
        [assistant(A), user(result("a")), assistant(A), user(result("a"))],
        [assistant(A), user(result("a")), user("x"), assistant("y")],
        # Messages of one role in a row are one turn.
        [assistant(A), assistant(B), user(result("a")), user(result("b"))],
        [assistant(A), system("now"), user(result("a"))],
        [assistant(A), user("first", result("a"))],
    ],
)
def test_every_call_has_its_result(messages: list[Json]) -> None:
    check_calls(messages)


@pytest.mark.parametrize(
    ("messages", "param", "says"),
    [
        ([user("x"), assistant(A)], "messages[1].content[0]", "found without `tool_result`"),
        (
            [assistant(A, B), user(result("a")), assistant("x"), user(result("b"))],
            "messages[0].content[1]",
            "without `tool_result` blocks immediately after: b",
        ),
        ([user(result("a"))], "messages[0].content[0]", "unexpected `tool_use_id`"),
        (
            [assistant(A), user(result("a")), user(result("a"))],
            "messages[2].content[0]",
            "must have a single result",
        ),
        ([assistant(A, A)], "messages[0].content[1].id", "ids must be unique"),
    ],
)
def test_a_call_or_result_alone_is_refused_in_the_apis_words(
    messages: list[Json], param: str, says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says) as caught:
        check_calls(messages)
    assert caught.value.param == param
