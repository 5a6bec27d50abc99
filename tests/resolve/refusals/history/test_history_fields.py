"""Fields of reasoning that servers demand in earlier messages, or refuse there."""

from typing import Any

import pytest

from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.fixed_bodies import apply_fixes
from gateway.resolve.refusals.history.history_fields import demanded_field
from gateway.resolve.refusals.history.template_words import is_of_template
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape

MISSING = {
    "The `reasoning_content` in the thinking mode must be passed back to the API.": (
        "reasoning_content"
    ),
    "The reasoning_content in the thinking mode must be passed back to the API.": (
        "reasoning_content"
    ),
    "thinking is enabled but reasoning_content is missing in assistant tool call message at index"
    " 2": "reasoning_content",
    "Missing `reasoning_content` field in the assistant message at message index 1.": (
        "reasoning_content"
    ),
    "Function call is missing a thought_signature in functionCall parts. This is required": (
        "thought_signature"
    ),
    "Function call `default_api:f` in the `2.` content block is missing a `thought_signature`.": (
        "thought_signature"
    ),
    # opencode#1680, ironclaw#1241
    "Tool call id was call_PTLP8xhu3uwZk4l3nlnrrJha but must be a-z, A-Z, 0-9, with a length of 9."
    "": "tool_call_id",
    "Tool call id was  but must be a-z, A-Z, 0-9, with a length of 9.": "tool_call_id",
    # kimi-code#1985, AstrBot#7200
    "The message at position 307 with role 'assistant' must not be empty": "content",
    "Invalid request: the message at position 0 with role 'system' must not be empty": "content",
    # pi#5468, codegraff#752, vllm#33268
    "invalid params, invalid function arguments json string, tool_call_id: call_1 (2013)": (
        "arguments"
    ),
    "messages.70.tool_calls.0.function.arguments: arguments must be a valid JSON object string": (
        "arguments"
    ),
    "Expecting value: line 1 column 1 (char 0)": "arguments",
    "Unterminated string starting at: line 1 column 12 (char 11)": "arguments",
    "Expecting ',' delimiter: line 2 column 3 (char 44)": "arguments",
    # hermes-agent#20154, zed#37021
    "Unexpected role 'user' after role 'tool'": "messages",
    "Unexpected role user after role tool": "messages",
    # Llama's template, as of NVIDIA's services
    "This model only supports single tool-calls at once!": "tool_calls",
    "Jinja Exception: This model only supports single tool-calls at once!": "tool_calls",
    # llama.cpp#20733
    "System message must be at the beginning.": "role",
    "invalid params, chat content has invalid message role: system (2013)": "role",
    "Unable to apply.\nError: Jinja Exception: System message must be at the beginning.": "role",
    # vllm#2964, vscode#258088
    "System role not supported": "roles",
    "Only user and assistant roles are supported!": "roles",
    "Unable to apply.\nError: Jinja Exception: System role not supported": "roles",
    # lmstudio-bug-tracker#1586, text-generation-inference#3198, mistral.rs#45, janhq/jan#6254
    'Error rendering prompt with jinja template: "System message must be at the beginning.".': (
        "role"
    ),
    "Template error: syntax error: System role not supported (in <string>:1)": "roles",
    "invalid operation: System role not supported (in chat_template:1)": "roles",
    "Only user, assistant and tool roles are supported, got system.": "role",
    "System message must be at the beginning. at row 19, column 27:\n {%- if -%}": "role",
    "Developer instruction is not enabled for models/gemma-3-27b-it": "roles",
}


@pytest.mark.parametrize(("message", "field"), MISSING.items())
def test_a_demand_is_known_by_its_text(message: str, field: str) -> None:
    assert demanded_field(message, Shape.CHAT) == field
    body = {"error": {"message": message, "code": "invalid_request_error"}}
    refusal = classify(Shape.CHAT, 400, body, model="m", sent={"messages"})
    assert refusal.verdict is Verdict.UNSUPPORTED_PARAMETER
    assert refusal.fixes == (ParameterFix("fill", field),)
    assert refusal.model_is_here
    assert classify(Shape.COMPLETIONS, 400, body, model="m").verdict is Verdict.OTHER
    at_500 = Verdict.UNSUPPORTED_PARAMETER if is_of_template(message) else Verdict.OTHER
    assert classify(Shape.CHAT, 500, body, model="m").verdict is at_500
    assert classify(Shape.CHAT, 503, body, model="m").verdict is Verdict.OTHER


@pytest.mark.parametrize(
    "message",
    [
        "",
        "What is reasoning_content?",
        "messages is missing",
        "Unexpected role 'tool' after role 'user'",
        "Unexpected role 'system' after role 'tool'",
        "Tool call id was call_1 but has no response",
        "Expecting value",
        "The user asks why the system role is not supported",
        "Error rendering prompt with jinja template: The system role is not supported",
        "Template error: System role",
        "The user wrote that system messages must be at the beginning",
        "Invalid request: the message at position 1 with role 'user' must not be empty",
    ],
)
def test_other_texts_demand_nothing(message: str) -> None:
    assert demanded_field(message, Shape.CHAT) is None
    assert demanded_field(message, Shape.MESSAGES) is None


@pytest.mark.parametrize(
    "message",
    [
        "This model does not support assistant message prefill. The conversation must end with …",
        "messages: final assistant content cannot end with trailing whitespace",
    ],
)
def test_claude_demands_that_the_user_speaks_last(message: str) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    refusal = classify(Shape.MESSAGES, 400, body, model="m", sent={"messages"})
    assert refusal.fixes == (ParameterFix("fill", "messages[-1]"),)
    assert refusal.model_is_here
    for called in (Shape.CHAT, Shape.RESPONSES, None):
        assert classify(called, 400, body, model="m", sent={"messages"}).fixes == ()


@pytest.mark.parametrize(
    ("message", "at_messages", "at_chat"),
    [
        (
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
            "tool_use.id",
            "tool_call_id",
        ),
        (
            "messages: text content blocks must contain non-whitespace text",
            "content[text]",
            "content[text]",
        ),
    ],
)
def test_claude_takes_not_all_that_other_models_have_written(
    message: str, at_messages: str, at_chat: str
) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    for called, name in ((Shape.MESSAGES, at_messages), (Shape.CHAT, at_chat)):
        refusal = classify(called, 400, body, model="m", sent={"messages"})
        assert refusal.fixes == (ParameterFix("fill", name),)
    assert classify(Shape.RESPONSES, 400, body, model="m", sent={"messages"}).fixes == ()


def test_what_it_takes_is_made_of_that() -> None:
    use = {"type": "tool_use", "id": "a:b", "name": "f", "input": {}}
    answer = {"type": "tool_result", "tool_use_id": "a:b"}
    given = {"role": "assistant", "content": [{"type": "text", "text": ""}, use]}
    (called, result) = fixed("fill", "tool_use.id", given, {"role": "user", "content": [answer]})
    assert called["content"][1]["id"] == result["content"][0]["tool_use_id"] != "a:b"
    assert fixed("fill", "content[text]", given) == [{**given, "content": [use]}]


def test_the_user_asks_the_assistant_to_go_on() -> None:
    last = {"role": "assistant", "content": "So"}
    go_on = {"role": "user", "content": "Continue."}
    assert fixed("fill", "messages[-1]", USER, last) == [USER, last, go_on]
    for others in ((USER,), (), (last, USER), (USER, 3)):
        assert fixed("fill", "messages[-1]", *others) == list(others)


USER: Json = {"role": "user", "content": "x"}
SIGNED = {"google": {"thought_signature": "s"}}
DUMMY = {"google": {"thought_signature": "skip_thought_signature_validator"}}


def said(*calls: Any, **more: Any) -> Json:
    return {"role": "assistant", "tool_calls": list(calls), **more}


def fixed(action: Any, name: str, *messages: Any) -> list[Any]:
    body = {"messages": list(messages)}
    made = apply_fixes(body, (ParameterFix(action, name),))
    assert body == {"messages": list(messages)}
    filled: list[Any] = made["messages"]
    return filled


def test_a_blank_reasoning_is_put_where_calls_have_none() -> None:
    call = {"id": "c"}
    given = (
        USER,
        said(call),
        said(call, reasoning_content=""),
        said(call, reasoning="hm"),
        said(call, reasoning_content="so"),
    )
    assert fixed("fill", "reasoning_content", *given) == [
        USER,
        said(call, reasoning_content=" "),
        said(call, reasoning_content=" "),
        said(call, reasoning="hm", reasoning_content="hm"),
        said(call, reasoning_content="so"),
    ]


def test_messages_that_say_nothing_are_left_out() -> None:
    empty = {"role": "assistant", "content": ""}
    full = [
        USER,
        {"role": "user", "content": ""},
        {"role": "tool", "tool_call_id": "c", "content": ""},
        said({"id": "c"}),
        {"role": "assistant", "content": None, "function_call": {"name": "f"}},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": "a"},
        3,
    ]
    nothing: list[Any] = [" \n", None, []]
    blank = [{**empty, "content": each} for each in nothing]
    system = {"role": "system", "content": ""}
    bare = {"role": "assistant", "content": "", "tool_calls": []}
    assert fixed("fill", "content", empty, *full, *blank, system, bare) == full


def test_what_mistral_demands_is_done_to_all_messages() -> None:
    result = {"role": "tool", "tool_call_id": "abcdefgh1", "content": "r"}
    done = {"role": "assistant", "content": "Done."}
    assert fixed("fill", "messages", result, USER) == [result, done, USER]
    assert fixed("fill", "tool_call_id", result, USER) == [result, USER]
    cut = said({"function": {"arguments": "{"}})
    whole = said({"function": {"arguments": '{"INVALID_JSON": "{"}'}})
    assert fixed("fill", "arguments", cut, USER) == [whole, USER]


def test_the_first_call_of_a_message_gets_a_dummy_signature() -> None:
    first, second = {"id": "c"}, {"id": "d"}
    given = (said(first, second), said({**first, "extra_content": SIGNED}), said("odd"))
    assert fixed("fill", "thought_signature", *given) == [
        said({**first, "extra_content": DUMMY}, second),
        *given[1:],
    ]


@pytest.mark.parametrize("odd", [3, {}, {"tool_calls": []}, {"tool_calls": {}}])
def test_what_is_not_a_message_with_calls_stays(odd: Any) -> None:
    for field in ("reasoning_content", "thought_signature"):
        assert fixed("fill", field, odd) == [odd]
    assert apply_fixes(
        {"messages": 3}, (ParameterFix("fill", "x"), ParameterFix("strip", "x"))
    ) == {"messages": 3}


def test_a_refused_field_is_taken_out_everywhere() -> None:
    thought = {"role": "assistant", "content": "a", "reasoning_content": "hm"}
    bare = {"role": "assistant", "content": "a"}
    assert fixed("strip", "reasoning_content", USER, thought, 3, thought) == [USER, bare, 3, bare]


def test_marks_for_caches_are_taken_out_wherever_they_may_be() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    schema = {"type": "object", "properties": {"cache_control": {"type": "string"}}}
    function = {"name": "f", "parameters": schema}
    text, call = {"type": "text", "text": "A"}, {"id": "c", "function": {"name": "f"}}
    body: Json = {
        "messages": [
            {"role": "system", "content": [{**text, **mark}, text, 3], **mark},
            {"role": "assistant", "content": "A", "tool_calls": [{**call, **mark}]},
            "odd",
        ],
        "tools": [{"type": "function", "function": {**function, **mark}, **mark}],
        "metadata": mark,
    }
    assert apply_fixes(body, (ParameterFix("strip", "cache_control"),)) == {
        "messages": [
            {"role": "system", "content": [text, text, 3]},
            {"role": "assistant", "content": "A", "tool_calls": [call]},
            "odd",
        ],
        "tools": [{"type": "function", "function": function}],
        "metadata": mark,
    }
    assert body["messages"][0]["content"][0] == {**text, **mark}
    assert apply_fixes({"tools": 3}, (ParameterFix("strip", "cache_control"),)) == {"tools": 3}


@pytest.mark.parametrize(
    "words", ["System role not supported", "Jinja Exception: System role not supported"]
)
def test_without_a_prompt_it_is_the_message_within_the_conversation(words: str) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
    told = classify(Shape.MESSAGES, 400, body, model="m", sent={"messages"})
    assert told.fixes == (ParameterFix("retell", "role", "user"),)
    assert told.model_is_here
    prompt = classify(Shape.MESSAGES, 400, body, model="m", sent={"messages", "system"})
    assert prompt.fixes == (ParameterFix("fill", "roles"),)
