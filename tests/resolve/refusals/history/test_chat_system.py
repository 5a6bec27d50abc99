"""One system message leads in a chat request, or none, and others are the user's."""

from typing import Any

import pytest

from gateway.resolve.refusals.history.chat_system import with_one_system, without_system
from gateway.shapes import Json
from gateway.texts import in_system_tags

IMAGE: Json = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
SAID: Json = {"role": "assistant", "content": "So"}
RESULT: Json = {"role": "tool", "tool_call_id": "c", "content": "r"}


def text(said: str, **more: Any) -> Json:
    return {"type": "text", "text": said, **more}


def system(content: Any) -> Json:
    return {"role": "system", "content": content}


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def fixed(*messages: Any) -> list[Any]:
    before = repr(messages)
    made = list(with_one_system([*messages]))
    assert repr(messages) == before
    return made


def test_those_that_lead_become_one() -> None:
    assert fixed(system("a"), system("b"), user("c")) == [system("a\n\nb"), user("c")]
    kept = text("b", cache_control={"type": "ephemeral"})
    assert fixed(system("a"), system(""), system([kept])) == [system([text("a"), kept])]
    assert fixed(system("a"), user("b")) == [system("a"), user("b")]


def test_later_ones_are_said_by_the_user_beside_them() -> None:
    so = in_system_tags("é")
    assert fixed(user("a"), system("é"), SAID) == [user(f"a\n\n{so}"), SAID]
    assert fixed(user("a"), SAID, system("é"), user("b")) == [
        *(user("a"), SAID, user(f"{so}\n\nb")),
    ]
    assert fixed(RESULT, system("é"), system("é"), SAID) == [RESULT, user(f"{so}\n\n{so}"), SAID]
    seen = user([text("a"), IMAGE])
    assert fixed(seen, system("é"), user("b")) == [user([text("a"), IMAGE, text(so), text("b")])]
    assert fixed(user("a"), system([text("é"), text("é")])) == [
        user([text("a"), text(so), text(so)])
    ]


def test_all_are_where_the_model_takes_none() -> None:
    developer = {"role": "developer", "content": "b"}
    messages = [system("a"), developer, user("c"), SAID, developer, user("d")]
    assert list(without_system([*messages])) == [
        user(f"{in_system_tags('a')}\n\n{in_system_tags('b')}\n\nc"),
        *(SAID, user(f"{in_system_tags('b')}\n\nd")),
    ]
    assert list(without_system([system("a"), SAID])) == [user(in_system_tags("a")), SAID]
    assert fixed(developer, system("a"), SAID, developer) == [
        *({**developer, "content": "b\n\na"}, SAID, user(in_system_tags("b"))),
    ]


def test_other_messages_of_the_user_stay_apart() -> None:
    others = [user("a"), user("b"), SAID, user("c"), user("d")]
    assert fixed(*others) == others
    assert fixed(*others, system("é")) == [*others[:-1], user(f"d\n\n{in_system_tags('é')}")]


@pytest.mark.parametrize("odd", [None, 7, "x", {}, {"role": "user"}, user(7)])
def test_what_has_no_text_stays(odd: Any) -> None:
    assert fixed(odd) == [odd]
    assert fixed(SAID, odd, SAID) == [SAID, odd, SAID]
    assert fixed(SAID, system(odd), SAID)[1]["role"] == "user"


def test_there_may_be_no_message() -> None:
    assert fixed() == []
