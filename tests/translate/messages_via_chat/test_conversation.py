"""Messages as those of chat, in the order that chat requires."""

from typing import Any

import pytest

from gateway.shapes import Json
from tests import kinds
from tests.translate.messages_prepared import Prepared, context, prepared
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

VLLM, LLAMA = context(kind=kinds.VLLM), context(kind=kinds.LLAMACPP)
PNG: Json = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}}


def part(words: str) -> Json:
    return {"type": "text", "text": words}


def sent_messages(*messages: Json, of: Any = None, **parameters: Any) -> list[Json]:
    return list(prepared(asked(*messages, **parameters), of).call["messages"])


def test_the_turn_of_claude_code() -> None:
    body = {**CLAUDE_CODE, "messages": [*CLAUDE_CODE["messages"], *TOOL_TURN]}
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "Bash", "arguments": '{"command":"echo hi"}'},
    }
    second = {
        "id": "call_2",
        "type": "function",
        "function": {"name": "Bash", "arguments": '{"command":"false"}'},
    }
    asked_twice = [part("<system-reminder>Today.</system-reminder>"), part("Say OK")]
    turn = [
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call, second]},
        {"role": "tool", "tool_call_id": "call_1", "content": "hi"},
        {"role": "tool", "tool_call_id": "call_2", "content": "Error: Exit code 1"},
    ]
    assert prepared(body).call["messages"] == [
        {"role": "system", "content": [part("You are an agent."), part("Use tools.")]},
        {"role": "user", "content": asked_twice},
        {"role": "system", "content": "# Environment"},
        *turn,
    ]
    # Where only the first message may be the system's.
    sent = prepared(body, LLAMA)
    marked = part("<system>\n# Environment\n</system>")
    assert sent.call["messages"] == [
        {"role": "system", "content": "You are an agent.\n\nUse tools."},
        {"role": "user", "content": [*asked_twice, marked]},
        *turn,
    ]
    assert sent.report.changed == ["messages[1].role:system->user"]


@pytest.mark.parametrize(
    ("able", "role"),
    [
        ({"reasoning": True}, "developer"),
        ({"reasoning": False}, "system"),
        ({"reasoning": True, "developer_role": False}, "system"),
    ],
)
def test_instructions_have_the_role_that_the_model_knows(able: Json, role: str) -> None:
    of = context(able=able)
    sent = sent_messages(user("x"), system("b"), assistant("c"), user("d"), of=of, system="a")
    assert [each["role"] for each in sent] == [role, "user", role, "assistant", "user"]


def test_system_messages_at_the_beginning_are_instructions() -> None:
    begins = (system("b"), user("x"))
    assert sent_messages(*begins, system="a")[0]["content"] == [part("a"), part("b")]
    assert sent_messages(*begins)[0] == {"role": "system", "content": "b"}
    assert sent_messages(*begins, system="a", of=VLLM)[0]["content"] == "a\n\nb"
    assert sent_messages(*begins, of=VLLM)[0]["content"] == "b"
    assert sent_messages(*begins, system="a", of=context(is_pivot=True))[0]["content"] == "a\n\nb"
    assert [each["role"] for each in sent_messages(system("b"))] == ["system"]


@pytest.mark.parametrize(
    ("policy", "roles"),
    [
        ("keep", ["system", "user", "system"]),
        ("user", ["system", "user", "user"]),
        ("hoist", ["system", "user"]),
    ],
)
def test_the_operator_says_what_becomes_of_late_system_messages(
    policy: str, roles: list[str]
) -> None:
    of = context(settings={"late_system": policy})
    sent = sent_messages(user("x"), system("b"), of=of, system="a")
    assert [each["role"] for each in sent] == roles


def test_one_text_is_a_string_however_it_comes() -> None:
    assert sent_messages(user("a")) == sent_messages(user(text("a")))
    assert sent_messages(user("a", "b"))[0]["content"] == [part("a"), part("b")]


def test_results_come_directly_after_their_calls() -> None:
    sent = prepared(
        asked(
            user("x"),
            assistant(use("1"), use("2")),
            user("first", result("2", "two"), result("1", None)),
        )
    )
    assert sent.call["messages"][2:] == [
        {"role": "tool", "tool_call_id": "2", "content": "two"},
        {"role": "tool", "tool_call_id": "1", "content": ""},
        {"role": "user", "content": "first"},
    ]
    assert sent.report.changed == ["messages[2].content:text first->results first"]


def test_texts_of_a_result_are_lines() -> None:
    sent = sent_messages(
        user("x"), assistant(use("1")), user(result("1", [text("a"), text("b")], is_error=True))
    )
    assert sent[2]["content"] == "Error: a\nb"


def test_what_a_result_cannot_hold_comes_in_the_next_message_of_the_user() -> None:
    history = (
        user("x"),
        assistant(use("1"), use("2")),
        user(result("1", [text("a"), image()]), result("2", [pdf()]), "See?"),
    )
    file = {"type": "file", "file": {"filename": "document.pdf", "file_data": PDF}}
    assert sent_messages(*history)[2:] == [
        {
            "role": "tool",
            "tool_call_id": "1",
            "content": "a\n[image: see next message]",
        },
        {"role": "tool", "tool_call_id": "2", "content": "[file: see next message]"},
        {"role": "user", "content": [PNG, file, part("See?")]},
    ]
    assert sent_messages(*history, of=VLLM)[2]["content"] == [part("a"), PNG]


def test_where_roles_must_alternate_what_the_user_says_is_one_message() -> None:
    history = (user("a"), system("b"), user("c", image()), assistant("d"), user("e"))
    contents = [each["content"] for each in sent_messages(*history, of=VLLM)]
    marked = part("<system>\nb\n</system>")
    assert contents == [[part("a"), marked, part("c"), PNG], "d", "e"]
    assert len(sent_messages(*history)) == 5


def test_a_turn_of_which_nothing_is_sent_leaves_no_message() -> None:
    foreign = {"type": "thinking", "thinking": "Hm.", "signature": "EqoB"}
    sent = prepared(asked(user("a"), assistant(foreign), user("b")))
    assert [each["role"] for each in sent.call["messages"]] == ["user", "user"]
    assert sent.report.dropped == ["messages[1].content[0]"]


@pytest.mark.parametrize("nothing", ["", []])
def test_where_the_assistant_has_said_nothing_the_user_goes_on(nothing: Any) -> None:
    silent: Json = {"role": "assistant", "content": nothing}
    assert sent_messages(user("a"), silent, user("b")) == [
        {"role": "user", "content": [part("a"), part("b")]}
    ]


def test_an_earlier_turn_is_sent_as_it_was() -> None:
    begins = [*CLAUDE_CODE["messages"]]
    for of in (None, VLLM):
        first: Prepared = prepared({**CLAUDE_CODE, "messages": begins}, of)
        second = prepared({**CLAUDE_CODE, "messages": [*begins, *TOOL_TURN]}, of)
        known = first.call["messages"]
        assert second.call["messages"][: len(known)] == known
        assert second.call.get("prompt_cache_key") == first.call.get("prompt_cache_key")


def test_a_change_of_a_servers_tools_says_nothing() -> None:
    change = removed(type="mcp_toolset_reference", server_name="m")
    for of in (None, VLLM):
        sent = sent_messages(user("a"), system(change), assistant("b"), user("c"), of=of)
        assert [each["role"] for each in sent] == ["user", "assistant", "user"]


@pytest.mark.parametrize("of", [context(), VLLM])
def test_what_a_summary_stands_for_is_not_sent(of: Any) -> None:
    summary = {"type": "compaction", "content": "So far: a."}
    turns = (user("x"), assistant(use("1")), user(result("1")), assistant("y", summary, "z"))
    sent = prepared(asked(*turns, user("q"), system=[text("S")]), of)
    lead, *said = sent.call["messages"]
    assert lead["content"] == "S"
    assert said == [
        {"role": "user", "content": "So far: a."},
        {"role": "assistant", "content": "z"},
        {"role": "user", "content": "q"},
    ]
    assert sent.named("messages[1].content") == "messages[3].content[1]"
