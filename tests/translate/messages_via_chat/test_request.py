"""A messages request as one chat request."""

import copy

from gateway.translate.schema.chat import check_chat
from tests import kinds
from tests.translate.messages_prepared import context, prepared
from tests.translate.messages_requests import CLAUDE_CODE, TOOL_TURN

BODY = {**CLAUDE_CODE, "messages": [*CLAUDE_CODE["messages"], *TOOL_TURN]}


def test_what_is_sent_is_a_valid_chat_request() -> None:
    for kind in (kinds.OPENAI, kinds.VLLM, kinds.DEEPSEEK, kinds.MISTRAL):
        call = prepared(BODY, context(kind=kind)).call
        assert check_chat(call) == call


def test_the_clients_request_is_not_changed() -> None:
    before = copy.deepcopy(BODY)
    for kind in (kinds.OPENAI, kinds.VLLM):
        prepared(BODY, context(kind=kind))
    assert before == BODY


def test_there_is_one_call_with_the_name_as_sent() -> None:
    request = prepared(BODY).request
    assert [call["model"] for call in request.calls] == ["sent"]
    assert request.client["model"] == "gpt-5.4"
    assert request.client_param(0, None) is None
