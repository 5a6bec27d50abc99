"""Messages of the user in a row are one at servers whose roles must alternate."""

from msgspec import Raw
from msgspec.json import decode, encode

from gateway.fast.agents.from_responses.chat_forms import Message
from gateway.fast.agents.from_responses.joined_users import joined_users
from gateway.fast.agents.from_responses.response_contents import TextPart

PIECES = (b",", b"{}")
LATE = Message("system", "d")


def test_texts_become_paragraphs() -> None:
    row = [Message("user", text) for text in ("a", Raw(b'"\\u00e9"'), "", Raw(b'""'), "b")]
    assert joined_users(row) == [Message("user", "a\n\né\n\nb")]


def test_with_other_parts_all_are_parts() -> None:
    row = [
        Message("user", content)
        for content in ("", Raw(b'""'), 'a"', Raw(b'"b"'), [TextPart(Raw(b'"c"'))])
    ]
    (joined,) = decode(encode(joined_users(row)))
    assert joined["content"] == [{"type": "text", "text": text} for text in ('a"', "b", "c")]


def test_whoever_speaks_between_keeps_them_apart() -> None:
    user = Message("user", Raw(b'"a"'))
    for between in (PIECES, LATE, {"role": "assistant", "content": "a"}):
        assert joined_users([user, between, user]) == [user, between, user]
        assert joined_users([between, user, user]) == [between, Message("user", "a\n\na")]
        assert joined_users([user, user, between]) == [Message("user", "a\n\na"), between]
