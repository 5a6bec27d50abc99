import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from tests.translate.messages_upstreams import context, error_event, message, text, tool_use
from tests.translate.responses_via_messages.cases import TOOLS, translated, whole


def test_a_message_becomes_a_response() -> None:
    response = whole({"instructions": "s", "metadata": {"a": "b"}}, message(text("Hi")))
    assert response["id"] == f"resp_{1:032x}"
    assert response["object"] == "response"
    assert response["created_at"] == 1_700_000_000
    assert response["model"] == "asked"
    assert response["instructions"] == "s"
    assert response["metadata"] == {"a": "b"}
    assert response["status"] == "completed"
    assert response["output"][0]["content"][0]["text"] == "Hi"


def test_the_upstreams_name_can_be_shown() -> None:
    response = whole({}, message(text("a")), context(echo_model="upstream"))
    assert response["model"] == "claude-opus-5-5"


def test_errors_in_a_messages_place_are_raised() -> None:
    with pytest.raises(UpstreamReplied) as raised:
        translated({}).reply([error_event("invalid_request_error", "messages.0.content: No.")])
    assert (raised.value.status, raised.value.param) == (400, "input[0].content")


@pytest.mark.parametrize("reply", [{}, {"content": "a"}, {"output": []}])
def test_other_replies_are_unusable(reply: Json) -> None:
    with pytest.raises(UpstreamError):
        translated({}).reply([reply])


def test_a_call_has_one_reply() -> None:
    with pytest.raises(UpstreamError, match="2 replies"):
        translated({}).reply([message(), message()])


@pytest.mark.parametrize("given", ['{"a":1}', ' {"a": "\\u00e4"}', "{}", ""])
def test_arguments_that_are_a_text_are_not_encoded_again(given: str) -> None:
    made = message({**tool_use("f"), "input": given}, reason="tool_use")
    (call,) = whole({"tools": TOOLS}, made)["output"]
    assert call["arguments"] == (given or "{}")
