from dataclasses import replace

import pytest

from gateway.errors import InvalidRequest
from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.to_messages.conversation import (
    Block,
    Turn,
    Written,
    safe_tool_id,
    written,
)
from tests.translate.messages_upstreams import CLAUDE, OLDER, UNKNOWN, context


def turn(role: str, *words: str, at: int = 0) -> Turn:
    path = f"messages[{at}]"
    return Turn(role, path, [Block({"type": "text", "text": word}, path) for word in words])


def called(*results: str | None, at: int = 0) -> Turn:
    """Return an assistant's turn with as many calls as results; None: the call has none."""
    made = Turn("assistant", f"messages[{at}]")
    for k, result in enumerate(results):
        path = f"messages[{at}].tool_calls[{k}]"
        call = made.call(Block({"type": "tool_use", "id": f"c{k}"}, path))
        if result is not None:
            sent = {"type": "tool_result", "tool_use_id": f"c{k}", "content": result}
            call.output = Block(sent, f"messages[{at + 1 + k}]", {"content": "content"})
    return made


def sent(*turns: Turn, late: bool = True) -> tuple[Json, Report]:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    able = CLAUDE if late else OLDER
    return written(turns, "messages", context(able), report).fields(), report


def shown(fields: Json) -> list[str]:
    """Return messages as `role: contents`."""
    lines = []
    for message in fields["messages"]:
        content = message["content"]
        blocks = [content] if isinstance(content, str) else content
        words = [
            block if isinstance(block, str) else block.get("text") or block["type"]
            for block in blocks
        ]
        lines.append(f"{message['role']}: {' '.join(words)}")
    return lines


def test_the_operator_may_have_all_instructions_at_the_front() -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    turns = [
        turn("system", "a"),
        turn("user", "b", at=1),
        turn("system", "c", at=2),
        turn("user", "d", at=3),
    ]
    fields = written(turns, "messages", context(CLAUDE, late_system="hoist"), report).fields()
    assert [block["text"] for block in fields["system"]] == ["a", "c"]
    assert shown(fields) == ["user: b", "user: d"]
    assert report.changed == ["messages[2]:in its place->first"]


def test_leading_instructions_are_the_system() -> None:
    fields, report = sent(turn("system", "a"), turn("user", "b"))
    assert fields == {"system": "a", "messages": [{"role": "user", "content": "b"}]}
    fields, _ = sent(turn("system", "a"), turn("system", "b"), turn("user", "c"))
    assert [block["text"] for block in fields["system"]] == ["a", "b"]
    assert not report.size


def ids(fields: Json) -> list[tuple[list[str], list[str]]]:
    """Return the ids of each turn's calls, and of the results after them."""
    lists = [message["content"] for message in fields["messages"]]
    calls, results = (
        [[block[name] for block in blocks if name in block] for blocks in lists]
        for name in ("id", "tool_use_id")
    )
    return list(zip(calls[::2], results[1::2], strict=True))


def test_no_two_calls_have_the_same_id() -> None:
    one, two, three = (called("a", "b", at=at) for at in (0, 4, 8))
    fields, report = sent(one, two, three)
    found = ids(fields)
    assert all(calls == results for calls, results in found)
    assert found[0][0] == ["c0", "c1"]
    assert len({each for calls, _ in found for each in calls}) == 6
    assert not report.size
    # Those of earlier turns stay the same in later ones.
    assert ids(sent(called("a", "b"), called("a", "b", at=4))[0]) == found[:2]


def test_a_repeated_call_without_a_result_has_an_id_of_its_own() -> None:
    fields, _ = sent(called("a"), called(None, at=4))
    own = [block["id"] for block in fields["messages"][2]["content"]]
    assert own != ["c0"]
    assert len(own) == 1


def test_turns_without_blocks_are_left_out() -> None:
    fields, _ = sent(turn("system"), turn("user", "a"), turn("assistant"), turn("user", "b"))
    assert shown(fields) == ["user: a", "user: b"]
    assert "system" not in fields


def test_instructions_alone_are_said_by_the_user() -> None:
    fields, report = sent(turn("system", "a"), turn("system", "b", at=1))
    assert fields == {"system": "a", "messages": [{"role": "user", "content": "b"}]}
    assert report.changed == ["messages[1].role:system->user"]


@pytest.mark.parametrize("turns", [(), (turn("user"), turn("system"))])
def test_there_must_be_a_text(turns: tuple[Turn, ...]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sent(*turns)
    assert refused.value.param == "messages"


def test_results_are_one_message_and_precede_the_users_text() -> None:
    fields, _ = sent(
        turn("user", "a"), called("x", "y", at=1), turn("user", "b", at=4), turn("user", "c", at=5)
    )
    assert shown(fields) == [
        "user: a",
        "assistant: tool_use tool_use",
        "user: tool_result tool_result b c",
    ]


def test_neighbours_are_one_message_where_a_template_wants_roles_to_alternate() -> None:
    turns = (
        *(turn("user", "a"), turn("system", "s", at=1), turn("user", "b", at=2)),
        *(turn("assistant", "c", at=3), called("x", at=4), turn("user", "d", at=6)),
        *(turn("assistant", "e", at=7), turn("user", "f", at=8)),
    )
    for able in (replace(OLDER, roles_in_a_row=False), UNKNOWN):
        report = Report(Shape.CHAT, Shape.MESSAGES)
        made = written(turns, "messages", context(able), report)
        assert shown(made.fields()) == [
            "user: a <system>\ns\n</system> b",
            "assistant: c tool_use",
            "user: tool_result d",
            "assistant: e",
            "user: f",
        ]
        assert made.client_path("messages[0].content[2].text") == "messages[2]"
        assert made.client_path("messages[1].content[1]") == "messages[4].tool_calls[0]"


def test_neighbours_stay_apart_without_results() -> None:
    fields, _ = sent(
        turn("user", "a"), turn("user", "b"), turn("assistant", "c"), turn("assistant", "d")
    )
    assert shown(fields) == ["user: a", "user: b", "assistant: c", "assistant: d"]
    fields, _ = sent(
        turn("user", "a"), called("x", at=1), turn("assistant", "b"), turn("user", "c")
    )
    assert shown(fields)[2:] == ["user: tool_result", "assistant: b", "user: c"]
    fields, _ = sent(turn("user", "a"), called(None, at=1), turn("user", "b"))
    assert shown(fields) == ["user: a", "assistant: tool_use", "user: b"]


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((turn("user", "a"), turn("system", "s", at=1)), "system: s"),
        ((turn("user", "a"), turn("system", "s", at=1), turn("assistant", "b")), "system: s"),
        ((turn("user", "a"), called("x", at=1), turn("system", "s", at=1)), "system: s"),
        (
            (turn("user", "a"), turn("system", "s", at=1), turn("system", "t", at=2)),
            "system: s t",
        ),
        (
            (turn("user", "a"), turn("system", "s", at=1), turn("user", "b")),
            "user: <system>\ns\n</system>",
        ),
        (
            (turn("user", "a"), turn("assistant", "b"), turn("system", "s", at=1)),
            "user: <system>\ns\n</system>",
        ),
        ((turn("assistant", "b"), turn("system", "s", at=1)), "user: <system>\ns\n</system>"),
    ],
)
def test_later_instructions_keep_a_place_that_is_allowed(
    turns: tuple[Turn, ...], expected: str
) -> None:
    fields, report = sent(*turns)
    assert expected in shown(fields)
    moved = expected.startswith("user")
    assert report.changed == (["messages[1].role:system->user"] if moved else [])
    # Other models take none.
    fields, report = sent(*turns, late=False)
    assert not any(line.startswith("system") for line in shown(fields))
    assert report.changed == ["messages[1].role:system->user"]


def conversation() -> Written:
    turns = [
        Turn(
            "system",
            "messages[0]",
            [Block({"type": "text", "text": "s"}, "messages[0]", {"text": "content"})],
        ),
        Turn(
            "user",
            "messages[1]",
            [
                Block({"type": "text", "text": "a"}, "messages[1].content[0]", {"text": "text"}),
                Block(
                    {"type": "image", "source": {}},
                    "messages[1].content[1]",
                    {"source": "image_url.url"},
                ),
            ],
        ),
        called("x", at=2),
    ]
    return written(turns, "messages", context(), Report(Shape.CHAT, Shape.MESSAGES))


@pytest.mark.parametrize(
    ("param", "path"),
    [
        ("system", "messages[0]"),
        ("system[0].text", "messages[0].content"),
        ("system[7].text", "messages"),
        ("messages", "messages"),
        ("messages[0]", "messages[1]"),
        ("messages[0].content", "messages[1]"),
        ("messages[0].content[0].text", "messages[1].content[0].text"),
        ("messages[0].content[1].source", "messages[1].content[1].image_url.url"),
        (
            "messages[0].content[1].image.source.base64.media_type",
            "messages[1].content[1].image_url.url",
        ),
        ("messages[0].content[1].zzz", "messages[1].content[1]"),
        ("messages[0].content[7]", "messages[1]"),
        ("messages[1].content[0].id", "messages[2].tool_calls[0]"),
        ("messages[2].content[0].content", "messages[3].content"),
        ("messages[2]", "messages[3]"),
        ("messages[9].content[0]", "messages"),
        ("messages.x", "messages"),
        ("top_p", None),
        ("tools[0].name", None),
    ],
)
def test_upstream_paths_are_the_clients(param: str, path: str | None) -> None:
    assert conversation().client_path(param) == path


@pytest.mark.parametrize(
    ("turns", "lacks"),
    [
        ((turn("user", "a"),), False),
        ((turn("user", "a"), turn("assistant", "b")), False),
        ((turn("user", "a"), called("x", at=1)), True),
        ((turn("user", "a"), called("x", at=1), turn("assistant", "b")), False),
    ],
)
def test_calls_without_thinking_are_known(turns: tuple[Turn, ...], lacks: bool) -> None:
    report = Report(Shape.CHAT, Shape.MESSAGES)
    made = written(turns, "messages", context(), report)
    assert made.ends_in_calls_without_thinking is lacks


def test_calls_with_thinking_are_known() -> None:
    calls = called("x", at=1)
    calls.blocks.insert(0, Block({"type": "redacted_thinking", "data": "d"}, "p"))
    made = written(
        (turn("user", "a"), calls), "input", context(), Report(Shape.RESPONSES, Shape.MESSAGES)
    )
    assert not made.ends_in_calls_without_thinking


@pytest.mark.parametrize("call_id", ["toolu_01A", "call-1", "a"])
def test_ids_that_fit_stay(call_id: str) -> None:
    assert safe_tool_id(call_id) == call_id


@pytest.mark.parametrize("call_id", ["a|b", "a b", "ä", "a\n", ""])
def test_other_ids_become_one_that_fits(call_id: str) -> None:
    assert safe_tool_id(call_id) == safe_tool_id(call_id) != call_id
    assert safe_tool_id(safe_tool_id(call_id)) == safe_tool_id(call_id)
