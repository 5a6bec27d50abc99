"""A messages request whose tokens are only counted."""

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.messages_via_responses.counting import COUNTED, count_tokens_request
from tests.translate.messages_prepared import context, prepared
from tests.translate.messages_requests import CLAUDE_CODE, TOOL_TURN, asked, assistant, use, user

R = Shape.RESPONSES
BODY = {**CLAUDE_CODE, "messages": [*CLAUDE_CODE["messages"], *TOOL_TURN]}


def counted(body: Json) -> Json:
    (call,) = count_tokens_request(body, context(R), Report(Shape.MESSAGES, R)).calls
    return call


def test_what_is_counted_is_what_would_be_sent() -> None:
    body = {name: BODY[name] for name in BODY if name not in ("max_tokens", "stream")}
    call, sent = counted(body), prepared(BODY, target=R).call
    assert call == {name: sent[name] for name in sent if name in COUNTED}
    assert {"input", "instructions", "model", "reasoning", "tools"} == call.keys()


def test_a_history_that_ends_with_a_call_can_be_counted() -> None:
    call = counted({**asked(user("x"), assistant(use("1"))), "max_tokens": None})
    assert call["input"][-1]["type"] == "function_call"


@pytest.mark.parametrize(
    ("given", "dropped"),
    [
        ({"context_management": {"edits": [{"type": "x"}]}}, ["context_management"]),
        ({"speed": "fast", "diagnostics": {}}, ["speed"]),
        ({"stop_sequences": ["a"], "cache_control": {"type": "ephemeral"}}, []),
        ({"stop_sequences": ["a"], "service_tier": "standard_only"}, []),
    ],
)
def test_the_report_is_about_what_is_counted(given: Json, dropped: list[str]) -> None:
    report = Report(Shape.MESSAGES, R)
    count_tokens_request(asked(**given), context(R), report)
    assert (report.dropped, report.changed, report.emulated) == (dropped, [], [])


def test_what_is_counted_has_the_clients_names() -> None:
    body = asked(user("x"), output_config={"effort": "high"})
    request = count_tokens_request(body, context(R), Report(Shape.MESSAGES, R))
    assert request.client_param(0, "input[0].content[0].text") == "messages[0].content"
    assert request.client_param(0, "reasoning.effort") == "output_config.effort"


def test_a_wrong_request_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        counted({"model": "m"})
    assert caught.value.param == "messages"
