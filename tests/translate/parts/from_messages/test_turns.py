"""Messages as turns."""

import pytest

from gateway.shapes import Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.from_messages.turns import Turn, hoisted, turns_of
from tests.translate.messages_prepared import TARGETS, context, prepared, refused
from tests.translate.messages_requests import asked, assistant, image, result, system, use, user


def turns(*messages: Json) -> tuple[list[Turn], Report]:
    report = Report(Shape.MESSAGES, Shape.CHAT)
    return turns_of(messages, context(), report), report


def shown(found: list[Turn]) -> list[tuple[str, str, list[str]]]:
    return [(turn.role, turn.path, [block.path for block in turn.blocks]) for turn in found]


def test_messages_of_one_role_in_a_row_are_one_turn() -> None:
    found, report = turns(user("a"), user("b", "c"), assistant("d"), assistant(""), system("e"))
    assert shown(found) == [
        ("user", "messages[0]", ["messages[0].content", *_content(1, 2)]),
        ("assistant", "messages[2]", ["messages[2].content"]),
        ("system", "messages[4]", ["messages[4].content"]),
    ]
    assert report.size == 0


def _content(position: int, count: int) -> list[str]:
    return [f"messages[{position}].content[{index}]" for index in range(count)]


def test_empty_texts_are_left_out_and_the_others_keep_their_places() -> None:
    """Claude Code's sessions have had some beside calls (claude-code#62396)."""
    said = assistant("", use("f"), "", "b")
    found, report = turns(user("", "a"), said, user("c"), assistant("", ""), user("d"))
    assert shown(found) == [
        ("user", "messages[0]", ["messages[0].content[1]"]),
        ("assistant", "messages[1]", ["messages[1].content[1]", "messages[1].content[3]"]),
        ("user", "messages[2]", ["messages[2].content", "messages[4].content"]),
    ]
    assert report.size == 0
    odd = {**image(), "text": ""}
    assert shown(turns(user(odd))[0]) == [("user", "messages[0]", ["messages[0].content[0]"])]


def test_roles_that_nobody_knows_are_the_users() -> None:
    found, report = turns({"role": "ctx", "content": "a"}, user("b"))
    assert [turn.role for turn in found] == ["user"]
    assert report.changed == ["messages[0].role:ctx->user"]


def test_unknown_fields_of_a_message_are_reported() -> None:
    _, report = turns({**user("a"), "id": "msg_1"})
    assert report.dropped == ["messages[0].id"]


def test_what_is_to_be_seen_until_the_user_says_more_is_left_out_behind_it() -> None:
    once = {**system("now"), "clear_at": "next_user_message"}
    found, report = turns(user("a"), once, user("b"), once)
    assert shown(found) == [
        ("user", "messages[0]", ["messages[0].content", "messages[2].content"]),
        ("system", "messages[3]", ["messages[3].content"]),
    ]
    assert report.emulated == ["messages[1].clear_at"]
    assert report.dropped == []
    always, report = turns(user("a"), {**system("now"), "clear_at": "never"}, user("b"))
    assert len(always) == 3
    assert report.size == 0


def test_a_message_that_only_sets_an_effort_is_not_a_turn() -> None:
    effort = {**system(), "output_config": {"effort": "low", "zzz": 1}}
    found, report = turns(user("a"), effort, user("b"))
    assert [turn.role for turn in found] == ["user"]
    assert report.dropped == ["messages[1].output_config.zzz"]


def test_results_come_before_all_else_that_the_user_says() -> None:
    found, report = turns(assistant(use("a")), user("b", result("a")))
    assert [block.path for block in found[1].results] == ["messages[1].content[1]"]
    assert [block.path for block in found[1].others] == ["messages[1].content[0]"]
    assert report.changed == ["messages[1].content:text first->results first"]


def test_what_the_system_says_between_a_call_and_its_result_comes_after_them() -> None:
    found, report = turns(
        assistant(use("a")), system("now"), user(result("a"), "b"), assistant("c"), system("d")
    )
    assert shown(found)[1:4] == [
        ("user", "messages[2]", ["messages[2].content[0]"]),
        ("system", "messages[1]", ["messages[1].content"]),
        ("user", "messages[2]", ["messages[2].content[1]"]),
    ]
    assert report.changed == ["messages[1]:before results->behind them"]
    only_results, _ = turns(assistant(use("a")), system("now"), user(result("a")))
    assert [turn.role for turn in only_results] == ["assistant", "user", "system"]


def test_what_the_system_says_can_be_moved_to_the_front() -> None:
    found, report = turns(system("a"), user("b"), system("c"), assistant("d"), system("e"))
    moved = hoisted(found, report)
    assert shown(moved)[0] == (
        "system",
        "messages[0]",
        ["messages[0].content", "messages[2].content", "messages[4].content"],
    )
    assert [turn.role for turn in moved] == ["system", "user", "assistant"]
    assert report.changed == [
        "messages[2]:in its place->first",
        "messages[4]:in its place->first",
    ]


def test_what_is_at_the_front_already_stays() -> None:
    found, report = turns(system("a"), user("b"))
    assert hoisted(found, report) == found
    assert hoisted(found[1:], report) == found[1:]
    assert report.size == 0


LEAVES_NOTHING = [
    [user({"type": "image", "source": {"type": "file", "file_id": "file_1"}})],
    [user({"type": "container_upload", "file_id": "file_1"})],
    [user({"type": "document", "source": {"type": "file", "file_id": "file_1"}})],
    [assistant("It is")],
    [assistant({"type": "thinking", "thinking": "hm", "signature": "x"})],
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("messages", LEAVES_NOTHING)
@pytest.mark.parametrize("more", [{}, {"system": "Be kind."}, {"stream": True}])
def test_a_conversation_of_which_nothing_is_left_is_refused(
    target: Shape, messages: list[Json], more: Json
) -> None:
    able = {"continues_last": False}
    of = context(target, able=able, settings={"on_unsupported": "drop"})
    error = refused(asked(*messages, **more), of, target)
    assert (error.status, error.param) == (400, "messages")
    assert "nothing is left" in error.message


@pytest.mark.parametrize("target", TARGETS)
def test_instructions_alone_are_sent_if_they_are_all_that_was_given(target: Shape) -> None:
    assert prepared(asked(system("Be kind.")), target=target).call
