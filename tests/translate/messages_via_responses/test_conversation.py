"""Messages as instructions and input items."""

from typing import Any

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests import kinds
from tests.translate.messages_prepared import Prepared, prepared
from tests.translate.messages_prepared import context as context_of
from tests.translate.messages_requests import (
    CLAUDE_CODE,
    PDF,
    TOOL_TURN,
    asked,
    assistant,
    image,
    pdf,
    removed,
    result,
    system,
    text,
    use,
    user,
)

R = Shape.RESPONSES
OPENAI, VLLM = context_of(R), context_of(R, kinds.VLLM)
PNG: Json = {
    "type": "input_image",
    "image_url": "data:image/png;base64,iVBORw0=",
    "detail": "auto",
}


def part(words: str) -> Json:
    return {"type": "input_text", "text": words}


def said(role: str, content: Any) -> Json:
    return {"type": "message", "role": role, "content": content}


def sent_items(*messages: Json, of: Context = OPENAI, **parameters: Any) -> list[Json]:
    return list(prepared(asked(*messages, **parameters), of, R).call["input"])


def test_the_turn_of_claude_code() -> None:
    body = {**CLAUDE_CODE, "messages": [*CLAUDE_CODE["messages"], *TOOL_TURN]}
    call = prepared(body, OPENAI, R).call
    assert call["instructions"] == "You are an agent.\n\nUse tools."
    call_1 = {"type": "function_call", "call_id": "call_1", "name": "Bash"}
    call_2 = {"type": "function_call", "call_id": "call_2", "name": "Bash"}
    output = {"type": "function_call_output"}
    turn = [
        said("assistant", "Let me look."),
        {**call_1, "arguments": '{"command":"echo hi"}'},
        {**call_2, "arguments": '{"command":"false"}'},
        {**output, "call_id": "call_1", "output": "hi"},
        {**output, "call_id": "call_2", "output": "Error: Exit code 1"},
    ]
    asked_twice = [part("<system-reminder>Today.</system-reminder>"), part("Say OK")]
    developer = said("developer", [part("# Environment")])
    assert call["input"] == [said("user", asked_twice), developer, *turn]
    sent = prepared(body, VLLM, R)
    marked = part("<system>\n# Environment\n</system>")
    assert sent.call["input"] == [said("user", [*asked_twice, marked]), *turn]
    assert sent.report.changed == ["messages[1].role:system->user"]


def test_system_messages_at_the_beginning_are_instructions() -> None:
    sent = prepared(asked(system("b"), user("x"), system="a"), OPENAI, R)
    assert sent.call["instructions"] == "a\n\nb"
    assert sent.call["input"] == [said("user", "x")]
    assert "instructions" not in prepared(asked(), OPENAI, R).call


@pytest.mark.parametrize(
    ("policy", "instructions", "roles"),
    [
        ("keep", "a", ["user", "developer"]),
        ("user", "a", ["user", "user"]),
        ("hoist", "a\n\nb", ["user"]),
    ],
)
def test_the_operator_says_what_becomes_of_late_system_messages(
    policy: str, instructions: str, roles: list[str]
) -> None:
    of = context_of(R, settings={"late_system": policy})
    call = prepared(asked(user("x"), system("b"), system="a"), of, R).call
    assert call["instructions"] == instructions
    assert [each["role"] for each in call["input"]] == roles


def test_a_server_without_developers_has_systems() -> None:
    of = context_of(R, able={"developer_role": False})
    assert sent_items(user("x"), system("a"), of=of)[1]["role"] == "system"


def test_images_and_files_stay_inside_of_results() -> None:
    items = sent_items(
        user("x"),
        assistant(use("1"), use("2"), use("3")),
        user(result("1", [text("a"), image(), pdf()]), result("2", None), result("3", [text("b")])),
    )
    file = {"type": "input_file", "filename": "document.pdf", "file_data": PDF}
    assert [item["output"] for item in items[4:]] == [[part("a"), PNG, file], "", "b"]


def test_one_text_is_a_string_however_it_comes() -> None:
    assert sent_items(user("a")) == sent_items(user(text("a"))) == [said("user", "a")]
    assert sent_items(user("a", image())) == [said("user", [part("a"), PNG])]


def test_where_roles_must_alternate_what_the_user_says_is_one_message() -> None:
    history = (user("a"), system("b"), user("c"), assistant("d"), user("e"))
    marked = part("<system>\nb\n</system>")
    assert sent_items(*history, of=VLLM) == [
        said("user", [part("a"), marked, part("c")]),
        said("assistant", "d"),
        said("user", "e"),
    ]
    assert len(sent_items(*history)) == 5


def test_a_turn_of_which_nothing_is_sent_leaves_no_item() -> None:
    foreign = {"type": "thinking", "thinking": "Hm.", "signature": "EqoB"}
    sent = prepared(asked(user("a"), assistant(foreign), user("b")), OPENAI, R)
    assert sent.call["input"] == [said("user", "a"), said("user", "b")]
    assert sent.report.dropped == ["messages[1].content[0]"]


def test_an_earlier_turn_is_sent_as_it_was() -> None:
    begins = [*CLAUDE_CODE["messages"]]
    for of in (OPENAI, VLLM):
        first: Prepared = prepared({**CLAUDE_CODE, "messages": begins}, of, R)
        second = prepared({**CLAUDE_CODE, "messages": [*begins, *TOOL_TURN]}, of, R)
        known = first.call["input"]
        assert second.call["input"][: len(known)] == known
        assert second.call["instructions"] == first.call["instructions"]


def test_a_change_of_a_servers_tools_says_nothing() -> None:
    change = removed(type="mcp_toolset_reference", server_name="m")
    for of in (OPENAI, VLLM):
        sent = sent_items(user("a"), system(change), assistant("b"), user("c"), of=of)
        assert [each["role"] for each in sent] == ["user", "assistant", "user"]


def test_what_a_summary_stands_for_is_not_sent() -> None:
    summary = {"type": "compaction", "content": "So far: a."}
    turns = (user("x"), assistant("y"), user("z"), assistant(summary), user("q"))
    assert sent_items(*turns) == [said("user", [part("So far: a."), part("q")])]
