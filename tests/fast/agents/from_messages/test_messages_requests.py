"""The types of agents' messages requests."""

import pytest
from msgspec import DecodeError
from msgspec.json import decode, encode

from gateway.fast.agents.from_messages.messages_requests import (
    PARAMETERS,
    Image,
    MessagesRequest,
    User,
    read_messages_request,
)
from gateway.translate.schema.messages import MESSAGES_PARAMETERS
from tests.fast.agents.messages_agents import FULL, LEAST, LINKED, PICTURE, TEXT, UNTYPED
from tests.fast.both_paths import changed


def test_every_parameter_is_left_to_the_generic_functions() -> None:
    assert set(PARAMETERS) <= MESSAGES_PARAMETERS.keys()
    others = {"messages", "system", "tools", "tool_choice"}
    assert set(MessagesRequest.__struct_fields__) == {*PARAMETERS, *others}


def test_a_conversation_is_read_block_by_block() -> None:
    request = read_messages_request(encode(FULL))
    assert [type(message).__name__ for message in request.messages[:2]] == ["User", "Assistant"]
    assert decode(encode(request.messages[2]))["content"][1]["tool_use_id"] == "toolu_2"


@pytest.mark.parametrize(
    ("block", "url"), [(PICTURE, "data:image/png;base64,aGk="), (LINKED, "https://a/b.png")]
)
def test_a_picture_has_a_url(block: object, url: str) -> None:
    (message,) = read_messages_request(
        encode(changed(LEAST, [("messages.0.content", [block])]))
    ).messages
    assert isinstance(message, User)
    picture = message.content[0]
    assert isinstance(picture, Image)
    assert picture.url == url


@pytest.mark.parametrize("place", ["system", "messages.0.content"])
@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_a_block_has_its_type(place: str, role: str) -> None:
    body = changed(LEAST, [("messages.0.role", role), (place, [TEXT])])
    assert read_messages_request(encode(body)).model == "asked"
    with pytest.raises(DecodeError):
        read_messages_request(encode(changed(body, [(place, [UNTYPED])])))


def test_what_is_not_of_these_types_is_not_admitted() -> None:
    with pytest.raises(DecodeError):
        read_messages_request(encode({**FULL, "own": 1}))
