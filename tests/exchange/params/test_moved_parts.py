"""An error about a part that a mend has moved is about the client's."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import GatewayError
from gateway.exchange.params.moved_parts import before_fixing
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.history.earlier_thinking import ITEMS, THINKING
from gateway.resolve.refusals.history.history_fields import (
    ANSWER,
    CONTENT,
    LAST,
    ROLE,
)
from gateway.resolve.refusals.history.system_turns import FIRST, USERS
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_earlier_calls import BODIES, ID
from tests.fakes import Answer, error_reply

TEXT: Json = {"type": "text", "text": "x"}
THOUGHT: Json = {"type": "thinking", "thinking": "hm"}
RESULT: Json = {"type": "tool_result", "tool_use_id": "a"}
CHAT: list[Any] = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": ""},
    {"role": "tool", "content": "r"},
    {"role": "user", "content": [TEXT, "odd", TEXT]},
    "odd",
]
MESSAGES: list[Any] = [
    {"role": "system", "content": [TEXT]},
    {"role": "assistant", "content": [THOUGHT]},
    {"role": "assistant", "content": [THOUGHT, TEXT]},
    {"role": "user", "content": [TEXT]},
    {"role": "system", "content": [TEXT, TEXT]},
    {"role": "user", "content": [RESULT]},
    {"role": "assistant", "content": "z"},
]
LATE: list[Any] = [
    *({"role": "system", "content": said} for said in "ab"),
    {"role": "user", "content": "c"},
    {"role": "system", "content": [TEXT]},
    {"role": "assistant", "content": "d"},
]
ITEM_LIST: list[Any] = [{"type": "reasoning"}, {"type": "message", "content": [TEXT]}]


@pytest.mark.parametrize(
    ("fix", "given", "sent", "was"),
    [
        (ParameterFix("fill", CONTENT), CHAT, "messages[1].content", "messages[2].content"),
        (ParameterFix("fill", CONTENT), CHAT, "messages[0]", "messages[0]"),
        (ParameterFix("fill", CONTENT), CHAT, "messages[3]", "messages"),
        (ParameterFix("fill", CONTENT), CHAT, "messages[9].role", "messages[9].role"),
        (ParameterFix("fill", ANSWER), CHAT, "messages[3].content", "messages"),
        (
            ParameterFix("fill", ANSWER),
            CHAT,
            "messages[4].content[2].text",
            "messages[3].content[2].text",
        ),
        (ParameterFix("fill", ANSWER), CHAT, "messages[4].content[1]", "messages[3].content"),
        (ParameterFix("fill", ANSWER), CHAT, "messages[4].content[7].x", "messages[3].content.x"),
        (ParameterFix("fill", ANSWER), CHAT, "messages[3].content[0].x", "messages"),
        (ParameterFix("fill", ROLE), LATE, "messages[0].content", "messages[0].content"),
        (
            ParameterFix("fill", ROLE),
            LATE,
            "messages[1].content[1].text",
            "messages[3].content[0].text",
        ),
        (
            ParameterFix("fill", ROLE),
            LATE,
            "messages[1].content[0]",
            "messages[2].content",
        ),
        (ParameterFix("fill", ROLE), LATE, "messages[2].content", "messages[4].content"),
        (ParameterFix("fill", LAST), MESSAGES, "messages[6].content", "messages[6].content"),
        (ParameterFix("fill", LAST), MESSAGES, "messages[7].content", "messages"),
        (
            ParameterFix("strip", THINKING),
            MESSAGES,
            "messages[1].content[0].text",
            "messages[2].content[1].text",
        ),
        (ParameterFix("retell", "role", FIRST), MESSAGES, "messages[0].role", "messages[1].role"),
        (ParameterFix("retell", "role", FIRST), MESSAGES, "messages[3].role", "messages[5].role"),
        (ParameterFix("retell", "role", USERS), MESSAGES, "messages[3].role", "messages[5].role"),
        (
            ParameterFix("retell", "role", USERS),
            MESSAGES,
            "messages[3].content[2].text",
            "messages[4].content[0].text",
        ),
        (ParameterFix("strip", ITEMS), ITEM_LIST, "input[0].content[0]", "input[1].content[0]"),
        (ParameterFix("strip", ITEMS), "Hi", "input[0]", "input[0]"),
        (ParameterFix("fill", CONTENT), CHAT, "tools[1].name", "tools[1].name"),
        (ParameterFix("rename", "messages", "input"), CHAT, "messages[1]", "messages[1]"),
    ],
)
def test_a_part_has_the_place_that_it_had(
    fix: ParameterFix, given: Any, sent: str, was: str
) -> None:
    body = {"model": "m", sent.partition("[")[0]: given}
    before = repr(body)
    assert before_fixing(body, (fix,), sent) == was
    assert repr(body) == before
    assert "\0" not in repr(apply_fixes(body, (fix,)))


def mistral(status: int) -> Callable[[UpstreamCall], Answer]:
    """Want an answer to a result, then refuse the user's last message."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET" or call.path != "/chat/completions":
            return error_reply(404, "Not Found")
        assert isinstance(call.body, bytes)
        messages = msgspec.json.decode(call.body)["messages"]
        if [each["role"] for each in messages[-2:]] == ["tool", "user"]:
            return error_reply(400, "Unexpected role 'user' after role 'tool'", code="3230")
        last = len(messages) - 1
        return error_reply(status, "This cannot be said.", param=f"messages[{last}].content")

    return answer


@pytest.mark.parametrize("alias", [False, True])
@pytest.mark.parametrize(
    ("client", "param"),
    [
        (Shape.CHAT, "messages[3].content"),
        (Shape.RESPONSES, "input[3].content"),
        (Shape.MESSAGES, "messages[2].content[1]"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 200])
def test_the_error_names_the_clients_part(
    client: Shape, param: str, status: int, *, alias: bool, stream: bool
) -> None:
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.MISTRAL)
    rule = ModelRule("m", "served" if alias else None, endpoints=(Shape.CHAT,))
    stage = Scene(mistral(status), upstream, rules=(rule,))
    for _ in range(2):
        with pytest.raises(GatewayError) as raised:
            stage.generate(client, {"model": "m", "stream": stream, **BODIES[client]})
        assert raised.value.param is not None
        assert raised.value.param.startswith(param)
        assert raised.value.message.startswith("This cannot be said")
        assert ID not in raised.value.message
