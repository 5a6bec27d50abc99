"""Built-in tools that the client runs: as functions, and back."""

import json

import pytest

from gateway.errors import UpstreamError
from gateway.shapes import Json
from tests.translate.responses_via_chat.chat_backend import (
    ROLE,
    USAGE,
    asking,
    call_of,
    chunk,
    completion,
    fragment,
    refused,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.tools.tools import APPLY, LOCAL_SHELL, SEARCH, SHELL

USER = {"type": "message", "role": "user", "content": "hi"}
F = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
PATCH = {"type": "custom", "name": "patch", "description": "Patches."}
UPDATE = {"type": "update_file", "path": "a.py", "diff": "@@\n-a\n+b"}
EXIT = {"stdout": "a.py\n", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}

CALLS: list[tuple[Json, Json, Json]] = [
    # The tool, the arguments of the function that stands for it, and what the call's item has.
    (
        LOCAL_SHELL,
        {"command": ["ls", "-l"], "timeout_ms": 100, "env": {"A": "b"}},
        {"action": {"type": "exec", "command": ["ls", "-l"], "timeout_ms": 100, "env": {"A": "b"}}},
    ),
    (
        LOCAL_SHELL,
        {"command": "ls | wc", "working_directory": "/srv", "timeout_ms": "5000", "env": None},
        {
            "action": {
                "type": "exec",
                "command": ["bash", "-lc", "ls | wc"],
                "working_directory": "/srv",
                "timeout_ms": 5000,
                "env": {},
            }
        },
    ),
    (
        LOCAL_SHELL,
        {"command": ["ls"], "env": {"A": 5, "B": 0.5, "C": True, "D": "d"}, "justification": "x"},
        {
            "action": {
                "type": "exec",
                "command": ["ls"],
                "env": {"A": "5", "B": "0.5", "C": "true", "D": "d"},
                "justification": "x",
            }
        },
    ),
    (
        SHELL,
        {"commands": "ls", "timeout_ms": 5.0, "max_output_length": None, "why": {"a": [1]}},
        {
            "action": {
                "commands": ["ls"],
                "timeout_ms": 5,
                "max_output_length": None,
                "why": {"a": [1]},
            },
            "environment": {"type": "local"},
        },
    ),
    (APPLY, {**UPDATE, "why": "x"}, {"operation": {**UPDATE, "why": "x"}}),
    (APPLY, {"operation": UPDATE, "why": "x"}, {"operation": {**UPDATE, "why": "x"}}),
    (
        SHELL,
        {"commands": ["ls", "pwd"], "timeout_ms": 100},
        {
            "action": {"commands": ["ls", "pwd"], "timeout_ms": 100, "max_output_length": None},
            "environment": {"type": "local"},
        },
    ),
    (
        SHELL,
        {"command": "ls"},
        {
            "action": {"commands": ["ls"], "timeout_ms": None, "max_output_length": None},
            "environment": {"type": "local"},
        },
    ),
    *(
        (
            SHELL,
            {"command": command},
            {
                "action": {"commands": [line], "timeout_ms": None, "max_output_length": None},
                "environment": {"type": "local"},
            },
        )
        for command, line in (
            (["bash", "-lc", "ls | wc -l"], "ls | wc -l"),
            (["sh", "-c", "pwd"], "pwd"),
            (["git", "commit", "-m", "a b"], "git commit -m 'a b'"),
        )
    ),
    (APPLY, UPDATE, {"operation": UPDATE}),
    (
        APPLY,
        {"operation": {"type": "delete_file", "path": "a", "diff": "x"}},
        {"operation": {"type": "delete_file", "path": "a"}},
    ),
    (SEARCH, {"query": "crm"}, {"execution": "client", "arguments": {"query": "crm"}}),
]
UNREADABLE: list[tuple[Json, str]] = [
    (LOCAL_SHELL, '{"command": []}'),
    (LOCAL_SHELL, '{"command": [1]}'),
    (LOCAL_SHELL, '{"command": "ls", "env": [1]}'),
    (LOCAL_SHELL, '{"command": "ls", "env": {"A": {}}}'),
    (LOCAL_SHELL, '{"command": "ls", "timeout_ms": "soon"}'),
    (LOCAL_SHELL, '{"command": "ls", "timeout_ms": 1e300}'),
    (LOCAL_SHELL, '{"command": "ls", "working_directory": 5}'),
    (SHELL, '{"command": "ls", "timeout_ms": true}'),
    (SHELL, "ls"),
    (SHELL, "{}"),
    (SHELL, '{"command": []}'),
    (SHELL, '{"command": ["ls", 1]}'),
    (SHELL, '["ls"]'),
    (APPLY, '{"type": "update_file", "path": ""}'),
    (APPLY, '{"type": "update_file", "path": "a"}'),
    (APPLY, '{"type": "rename", "path": "a", "diff": ""}'),
    (SEARCH, '{"query": '),
]


@pytest.mark.parametrize(("tool", "arguments", "fields"), CALLS)
def test_a_call_comes_back_as_the_item_of_its_type(
    tool: Json, arguments: Json, fields: Json
) -> None:
    kind = tool["type"]
    text = json.dumps(arguments)
    reply = completion(None, "tool_calls", tool_calls=[tool_call(kind, text)])
    (item,) = replied(reply, tools=[tool, F])["output"]
    head = {"type": f"{kind}_call", "status": "completed", "call_id": "call_a", "id": item["id"]}
    assert item == head | fields
    events = stream_of(
        [
            ROLE,
            chunk(tool_calls=[fragment(0, "", name=kind, call_id="call_a")]),
            *(chunk(tool_calls=[fragment(0, piece)]) for piece in (text[:5], text[5:])),
            chunk(finish="tool_calls"),
            USAGE,
        ],
        tools=[tool, F],
    )
    assert events[-1]["response"]["output"] == [item | {"id": events[2]["item"]["id"]}]
    assert [event["type"] for event in events[2:-1]] == [
        "response.output_item.added",
        "response.output_item.done",
    ]


@pytest.mark.parametrize(("tool", "arguments", "fields"), CALLS)
def test_a_call_in_the_history_is_one_of_the_function(
    tool: Json, arguments: Json, fields: Json
) -> None:
    kind = tool["type"]
    call = {"type": f"{kind}_call", "call_id": "a", "status": "completed", **fields}
    output = {"type": "function_call_output", "call_id": "a", "output": "done"}
    messages = call_of(tools=[tool], input=[USER, call, output])["messages"]
    (sent,) = messages[1]["tool_calls"]
    assert (sent["id"], sent["function"]["name"]) == ("a", kind)
    again = completion(None, "tool_calls", tool_calls=[sent])
    (item,) = replied(again, tools=[tool])["output"]
    assert {name: item[name] for name in fields} == fields
    assert messages[2] == {"role": "tool", "tool_call_id": "a", "content": "done"}


@pytest.mark.parametrize(
    ("call", "output", "shown"),
    [
        (
            {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}},
            {"output": '{"output":"a.py"}'},
            '{"output":"a.py"}',
        ),
        (
            {"type": "shell_call", "action": {"commands": ["ls"]}},
            {"output": [EXIT]},
            json.dumps([EXIT]),
        ),
        (
            {"type": "apply_patch_call", "operation": UPDATE},
            {"status": "failed", "output": "no such file"},
            '{"status": "failed", "output": "no such file"}',
        ),
        (
            {"type": "apply_patch_call", "operation": UPDATE},
            {"status": "completed"},
            '{"status": "completed"}',
        ),
    ],
)
def test_the_output_of_a_call_is_text_for_the_model(call: Json, output: Json, shown: str) -> None:
    items = [
        USER,
        {**call, "id": "i_1", "call_id": "a", "status": "completed"},
        {"type": f"{call['type']}_output", "call_id": "a", **output},
    ]
    messages = call_of(input=items)["messages"]
    assert messages[2] == {"role": "tool", "tool_call_id": "a", "content": shown}


def test_how_long_an_output_could_be_is_reported() -> None:
    call = {"type": "shell_call", "call_id": "a", "action": {"commands": ["ls"]}}
    output = {"type": "shell_call_output", "call_id": "a", "output": [], "max_output_length": 9}
    assert asking(input=[USER, call, output]).report.dropped == ["input[2].max_output_length"]


def test_where_a_shell_ran_is_reported_if_that_says_more_than_here() -> None:
    skill = {"name": "s", "description": "d", "path": "p"}
    for environment, dropped in (
        ({"type": "local", "skills": [skill]}, ["input[1].environment"]),
        ({"type": "container_reference", "container_id": "c"}, ["input[1].environment"]),
        ({"type": "local"}, []),
        (None, []),
    ):
        action = {"commands": ["ls"]}
        call = {"type": "shell_call", "call_id": "a", "action": action, "environment": environment}
        output = {"type": "shell_call_output", "call_id": "a", "output": []}
        assert asking(input=[USER, call, output]).report.dropped == dropped


def test_the_output_of_a_local_shell_may_name_the_item_of_its_call() -> None:
    action = {"type": "exec", "command": ["ls"], "env": {}}
    call = {"type": "local_shell_call", "id": "lsh_1", "call_id": "a", "action": action}
    output = {"type": "local_shell_call_output", "id": "lsh_1", "output": "ok"}
    messages = call_of(input=[USER, call, output])["messages"]
    assert messages[2] == {"role": "tool", "tool_call_id": "a", "content": "ok"}
    error = refused(input=[USER, call, output, output])
    assert (error.param, error.code) == ("input[3]", "invalid_value")


@pytest.mark.parametrize(("tool", "arguments"), UNREADABLE)
def test_a_call_that_no_item_can_hold_is_an_error(tool: Json, arguments: str) -> None:
    reply = completion(None, "tool_calls", tool_calls=[tool_call(tool["type"], arguments)])
    with pytest.raises(UpstreamError, match=tool["type"]):
        asking(tools=[tool]).reply([reply])


@pytest.mark.parametrize("tool", [LOCAL_SHELL, SHELL, APPLY, SEARCH])
def test_a_call_that_is_cut_off_is_an_incomplete_item(tool: Json) -> None:
    reply = completion(None, "length", tool_calls=[tool_call(tool["type"], '{"command')])
    response = replied(reply, tools=[tool])
    assert response["status"] == "incomplete"
    (item,) = response["output"]
    expected = "in_progress" if tool is APPLY else "incomplete"
    assert (item["type"], item["status"]) == (f"{tool['type']}_call", expected)


def test_definitions_tell_the_model_what_there_is() -> None:
    skill = {"name": "pdf", "path": "/skills/pdf", "description": "Reads PDF."}
    shell = {"type": "shell", "environment": {"type": "local", "skills": [skill]}}
    translation = asking(tools=[LOCAL_SHELL, shell, APPLY, SEARCH])
    functions = [tool["function"] for tool in translation.calls[0]["tools"]]
    assert [f["name"] for f in functions] == ["local_shell", "shell", "apply_patch", "tool_search"]
    assert "- pdf (/skills/pdf): Reads PDF." in functions[1]["description"]
    assert functions[3]["description"] == "Searches."
    assert functions[3]["parameters"] == SEARCH["parameters"]
    assert translation.report.emulated == [f"tools[{i}]" for i in range(4)]
    (bare,) = call_of(tools=[{"type": "tool_search", "execution": "client"}])["tools"]
    assert bare["function"]["parameters"]["required"] == ["query"]


def test_what_a_client_found_by_a_search_can_be_called() -> None:
    found = {"type": "namespace", "name": "crm", "description": "", "tools": [F]}
    items = [
        USER,
        {"type": "tool_search_call", "call_id": "a", "execution": "client", "arguments": {"q": 1}},
        {
            "type": "tool_search_output",
            "call_id": "a",
            "execution": "client",
            "status": "completed",
            "tools": [found, {"type": "apply_patch"}, PATCH],
        },
    ]
    call = call_of(tools=[SEARCH], input=items)
    names = [tool[tool["type"]]["name"] for tool in call["tools"]]
    assert names == ["tool_search", "crm__f", "apply_patch", "patch"]
    (searched,) = call["messages"][1]["tool_calls"]
    assert searched["function"] == {"name": "tool_search", "arguments": '{"q": 1}'}
    shown = {"role": "tool", "tool_call_id": "a"}
    assert call["messages"][2] == {
        **shown,
        "content": '{"tools": ["crm__f", "apply_patch", "patch"]}',
    }
    reply = completion(None, "tool_calls", tool_calls=[tool_call("crm__f", "{}")])
    (item,) = replied(reply, tools=[SEARCH], input=items)["output"]
    assert (item["namespace"], item["name"]) == ("crm", "f")


def test_a_search_by_the_server_is_a_record_whatever_the_tool_is() -> None:
    call: Json = {"type": "tool_search_call", "execution": "server", "arguments": {}}
    output = {"type": "tool_search_output", "execution": "server", "call_id": None, "tools": [F]}
    translation = asking(tools=[SEARCH], input=[USER, call, output])
    assert translation.report.dropped == ["input[1]", "input[2]"]
    assert len(translation.calls[0]["tools"]) == 1


def test_only_the_declared_make_a_call_one_of_theirs() -> None:
    reply = completion(None, "tool_calls", tool_calls=[tool_call("shell", '{"a": 1}')])
    (item,) = replied(reply, tools=[F])["output"]
    assert (item["type"], item["arguments"]) == ("function_call", '{"a": 1}')
    named = {"type": "namespace", "name": "n", "description": "", "tools": [{**F, "name": "shell"}]}
    (item,) = replied(reply, tools=[named])["output"]
    assert (item["type"], item["namespace"]) == ("function_call", "n")
