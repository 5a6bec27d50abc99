"""System messages that lead are one."""

from msgspec import Raw

from gateway.fast.agents.from_responses.chat_forms import Message
from gateway.fast.agents.from_responses.leading_system import merge_leading

PIECES = (b",", b"{}")
USER = Message("user", "Hi.")


def test_those_before_the_first_user_are_one_at_the_beginning() -> None:
    late = Message("system", "d")
    messages: list[object] = [
        Message("system", "a"),
        PIECES,
        Message("developer", Raw(b'"b"')),
        USER,
        late,
    ]
    merge_leading(messages)
    assert messages == [Message("system", "a\n\nb"), PIECES, USER, late]


def test_one_that_comes_late_is_the_first() -> None:
    messages: list[object] = [PIECES, Message("system", "a")]
    merge_leading(messages)
    assert messages == [Message("system", "a"), PIECES]


def test_nothing_changes_where_one_leads_or_none() -> None:
    cases: list[list[object]] = [[Message("system", "a"), USER], [USER], [PIECES]]
    for messages in cases:
        unchanged = list(messages)
        merge_leading(messages)
        assert messages == unchanged
