"""A messages request as one responses request."""

import copy

from gateway.shapes import Shape
from gateway.translate.schema.responses import check_responses
from tests import kinds
from tests.translate.messages_prepared import context as context_of
from tests.translate.messages_prepared import prepared
from tests.translate.messages_requests import CLAUDE_CODE, TOOL_TURN

R = Shape.RESPONSES
BODY = {**CLAUDE_CODE, "messages": [*CLAUDE_CODE["messages"], *TOOL_TURN]}


def test_what_is_sent_is_a_valid_responses_request() -> None:
    for kind in (kinds.OPENAI, kinds.VLLM, kinds.OLLAMA):
        call = prepared(BODY, context_of(R, kind), R).call
        assert check_responses(call) == call


def test_the_clients_request_is_not_changed() -> None:
    before = copy.deepcopy(BODY)
    for kind in (kinds.OPENAI, kinds.VLLM):
        prepared(BODY, context_of(R, kind), R)
    assert before == BODY


def test_there_is_one_call_with_the_name_as_sent() -> None:
    request = prepared(BODY, target=R).request
    assert [call["model"] for call in request.calls] == ["sent"]
    assert request.client_param(0, None) is None
