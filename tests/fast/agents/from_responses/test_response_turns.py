"""The messages of agents' items."""

import pytest
from msgspec.json import decode, encode

from gateway.fast.agents.exchanges import joined, pieces_of
from gateway.fast.agents.from_responses.response_turns import TurnWriter
from gateway.fast.agents.from_responses.responses_requests import read_responses_request
from gateway.fast.agents.uncommon import UNCOMMON, Uncommon
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from tests.fast.agents.both import assert_same
from tests.fast.agents.from_responses.test_responses_via_chat import CONTEXTS
from tests.fast.agents.responses_traffic import (
    CALL,
    FULL,
    OUTPUT,
    SHELL,
    THOUGHT,
    THOUGHTFUL,
    sealed,
)

USER: Json = {"role": "user", "content": "Hi."}


def messages(*items: Json, known: str = "OpenAI") -> tuple[list[Json], Report]:
    report = Report(Shape.RESPONSES, Shape.CHAT)
    request = read_responses_request(encode({"input": items, "instructions": "Be brief."}))
    writer = TurnWriter(CONTEXTS[known], report)
    pieces = pieces_of(writer.messages(request.instructions, request.input), encode)
    return decode(joined("messages", pieces, encode, {"messages": None}))["messages"], report


CALL_2 = {**CALL, "call_id": "call_2"}
OUTPUT_2 = {**OUTPUT, "call_id": "call_2"}


def test_outputs_follow_the_message_with_their_calls() -> None:
    written, _ = messages(CALL, CALL_2, OUTPUT_2, USER, OUTPUT)
    assert [message["role"] for message in written] == [
        *("system", "assistant", "tool", "tool", "user")
    ]
    assert [message["tool_call_id"] for message in written[2:4]] == ["call_1", "call_2"]


def test_an_earlier_call_keeps_its_place_while_another_is_answered() -> None:
    written, _ = messages(CALL, USER, CALL_2, OUTPUT_2, OUTPUT)
    assert [message["role"] for message in written] == [
        *("system", "assistant", "tool", "user", "assistant", "tool")
    ]
    assert [written[at]["tool_call_id"] for at in (2, 5)] == ["call_1", "call_2"]


def test_messages_of_the_user_in_a_row_are_one_where_roles_must_alternate() -> None:
    for known, count in (("OpenAI", 2), ("joined turns", 1)):
        written, _ = messages(CALL, OUTPUT, USER, USER, known=known)
        assert [message["role"] for message in written[3:]] == ["user"] * count


def test_texts_and_calls_of_one_turn_are_one_message() -> None:
    written, report = messages(*FULL["input"])
    said = written[3]
    assert (said["content"], len(said["tool_calls"])) == ("Hm.", 2)
    assert report.dropped == ["input[2]"]


def test_reasoning_comes_back_where_the_server_takes_it() -> None:
    written, report = messages(THOUGHTFUL, CALL, OUTPUT, known="reasoner")
    assert written[1]["reasoning_content"] == 'Hm, "so".'
    assert report.dropped == ["input[0].encrypted_content"]
    silent = {"role": "assistant", "content": ""}
    assert messages(THOUGHTFUL, silent, CALL, OUTPUT, known="reasoner")[0][1]["content"] == ""
    opened, _ = messages(sealed({"thinking": "Hm."}), {"role": "assistant", "content": "So."})
    assert opened[1]["content"][1] == {"type": "text", "text": "So."}
    _, alone = messages(THOUGHTFUL, USER, known="reasoner")
    assert "input[0]" in alone.dropped


def test_a_server_may_require_reasoning() -> None:
    written, report = messages(CALL, OUTPUT, known="reasoning required")
    assert written[1]["reasoning_content"] == " "
    assert report.changed == ["reasoning_content:none->blank"]


def test_one_system_message_leads() -> None:
    developer = {"role": "developer", "content": "Use tools."}
    written, _ = messages({"role": "assistant", "content": "a"}, developer, USER, developer,
                          known="one system message")  # fmt: skip
    assert [message["role"] for message in written] == [
        *("system", "assistant", "user", "developer")
    ]
    assert written[0]["content"] == "Be brief.\n\nUse tools."
    unchanged, _ = messages(USER, known="one system message")
    assert unchanged[0]["content"] == "Be brief."


def test_a_shell_call_is_one_of_a_function() -> None:
    written, _ = messages(SHELL, OUTPUT)
    function = written[1]["tool_calls"][0]["function"]
    assert function["name"] == "local_shell"
    assert decode(function["arguments"])["command"] == ["ls", "é"]


@pytest.mark.parametrize(
    "items",
    [
        [CALL],
        [OUTPUT],
        [CALL, CALL, OUTPUT],
        [CALL, USER, CALL, OUTPUT, OUTPUT],
        [{**CALL, "arguments": {}}, OUTPUT],
        [{**THOUGHT, "content": [{"type": "text", "text": "x"}]}],
        [sealed({"reasoning": "a"}, goes_on=True), USER],
        [CALL, {"role": "assistant", "content": "a"}, OUTPUT],
        [CALL, CALL_2, OUTPUT, {"role": "assistant", "content": "a"}, OUTPUT_2],
    ],
)
def test_anything_else_is_not_admitted(items: list[Json]) -> None:
    with pytest.raises(Uncommon):
        messages(*items)


def test_texts_are_not_joined_here() -> None:
    said = {"role": "assistant", "content": "a"}
    with pytest.raises(Uncommon):
        messages(said, said, known="joined turns")
    parts = [{"type": "output_text", "text": text} for text in "ab"]
    with pytest.raises(Uncommon):
        messages({"role": "assistant", "content": parts}, known="joined turns")
    written, _ = messages(said, said, {"role": "assistant", "content": parts})
    assert [message["content"] for message in written[1:3]] == ["a", "a"]
    assert len(written[3]["content"]) == 2


@pytest.mark.parametrize(
    ("items", "roles"),
    [
        ([CALL, OUTPUT, CALL_2, OUTPUT_2], "assistant tool assistant tool"),
        ([{**CALL, "arguments": " "}, OUTPUT], "assistant tool"),
        ([CALL, {**OUTPUT, "output": [{"type": "input_text", "text": "a"}]}], "assistant tool"),
        ([{**CALL, "namespace": "mcp"}, OUTPUT], "assistant tool"),
        ([CALL, USER, OUTPUT], "assistant tool user"),
        ([CALL, USER, CALL_2, OUTPUT, OUTPUT_2], "assistant tool user assistant tool"),
        ([{"role": "assistant", "content": "a"}, CALL, OUTPUT], "assistant tool"),
        ([CALL, OUTPUT, {"role": "assistant", "content": "a"}], "assistant tool assistant"),
        ([{**CALL, "call_id": 'é"\\'}, {**OUTPUT, "call_id": 'é"\\'}], "assistant tool"),
    ],
)
@pytest.mark.parametrize("known", CONTEXTS)
def test_a_call_with_its_output_is_written_as_on_the_generic_path(
    items: list[Json], roles: str, known: str
) -> None:
    body = {"model": "asked", "instructions": "Be brief.", "input": items}
    assert assert_same(Shape.RESPONSES, Shape.CHAT, body, CONTEXTS[known]) or known != "OpenAI"
    written, _ = messages(*items)
    assert [message["role"] for message in written] == ["system", *roles.split()]


@pytest.mark.parametrize(
    "items",
    [
        [CALL, OUTPUT_2],
        [CALL, USER, CALL, OUTPUT],
        [CALL, {**OUTPUT, "output": 3}],
        [{**CALL, "arguments": 3}, OUTPUT],
        [CALL, OUTPUT, CALL_2],
    ],
)
def test_a_call_without_its_output_is_not_admitted(items: list[Json]) -> None:
    with pytest.raises(UNCOMMON):
        messages(*items)
