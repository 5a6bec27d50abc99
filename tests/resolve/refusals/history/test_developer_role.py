"""Refusals of the developer's role, in the words of many servers."""

import pytest

from gateway.resolve.refusals.classify import classify
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.history.developer_role import DEVELOPER, ITEMS_DEVELOPER, SENT
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Shape
from tests.resolve.recorded_errors import in_openai_envelope

SENT_AT_CHAT = {"model", "messages", SENT}
TAKEN = "'system', 'user', 'assistant', 'tool'"
TEXTS = [
    (
        "Failed to deserialize the JSON body into the target type: messages[0].role: unknown "
        "variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at line 1"
    ),
    "messages[0]: unknown role: developer at line 1 column 16943",
    (
        "invalid parameter 'messages[0].role': invalid role 'developer', must be one of: system, "
        "user, assistant, tool"
    ),
    f"developer is not one of [{TAKEN}] - 'messages.['0].role'",
    (
        "body.messages.0: Input tag 'developer' found using 'role' does not match any of the "
        f"expected tags: {TAKEN}"
    ),
    "messages.0.role: Input should be 'system', 'user' or 'assistant'",
    "Invalid value: 'developer'. Supported values are: 'system', 'assistant' and 'user'.",
    "invalid params, chat content has invalid message role: developer",
    "Unsupported role: developer",
    "The role 'developer' is not supported",
    "developer role is not supported",
    "chat template rejected the request: Unexpected message role.",
    "Unexpected message role.",
]
OTHERS = [
    f"Input should be {TAKEN}",
    "messages.0.role: Input should be 'developer', 'system', 'user' or 'assistant'",
    f"develop is not one of [{TAKEN}]",
    "Invalid value: 'developer'. Supported values are: 'system' and 'developer'.",
    "invalid role 'banana', must be one of: system, user, assistant, tool",
]


@pytest.mark.parametrize("message", TEXTS)
def test_it_becomes_the_systems_at_chat_and_responses(message: str) -> None:
    body = in_openai_envelope(message)
    refusal = classify(Shape.CHAT, 400, body, model="m-1", sent=SENT_AT_CHAT)
    assert refusal.fixes == (ParameterFix("fill", DEVELOPER),)
    assert refusal.model_is_here is False
    at_responses = message.replace("messages", "input")
    refusal = classify(
        Shape.RESPONSES, 400, in_openai_envelope(at_responses), model="m-1", sent={"input", SENT}
    )
    assert refusal.fixes == (ParameterFix("fill", ITEMS_DEVELOPER),)


@pytest.mark.parametrize("message", TEXTS)
def test_it_is_about_something_else_where_no_developer_speaks(message: str) -> None:
    for sent, text in (({"messages"}, message), (SENT_AT_CHAT, f"You wrote: {message}")):
        refusal = classify(Shape.CHAT, 400, in_openai_envelope(text), model="m-1", sent=sent)
        assert refusal.fixes == ()


@pytest.mark.parametrize("message", OTHERS)
def test_other_roles_are_the_clients_to_mend(message: str) -> None:
    body = in_openai_envelope(message)
    assert classify(Shape.CHAT, 400, body, model="m-1", sent=SENT_AT_CHAT).fixes == ()


def test_a_code_for_any_wrong_value_says_nothing() -> None:
    body = in_openai_envelope(TEXTS[6], "invalid_value", "invalid_request_error")
    refusal = classify(Shape.CHAT, 400, body, model="m-1", sent=SENT_AT_CHAT)
    assert refusal.fixes == (ParameterFix("fill", DEVELOPER),)


@pytest.mark.parametrize(("name", "field"), [(DEVELOPER, "messages"), (ITEMS_DEVELOPER, "input")])
def test_the_messages_themselves_are_copied(name: str, field: str) -> None:
    said = {"role": "developer", "content": "Be brief."}
    others = [{"role": "user", "content": "developer"}, "odd"]
    body = {field: [said, *others], "model": "m-1"}
    fixed = apply_fixes(body, (ParameterFix("fill", name),))
    system = {"role": "system", "content": "Be brief."}
    assert fixed == {
        field: [system, {"role": "user", "content": "developer"}, "odd"],
        "model": "m-1",
    }
    assert said["role"] == "developer"
    assert apply_fixes({field: "Hi"}, (ParameterFix("fill", name),)) == {field: "Hi"}
