"""The messages client's paths, whichever endpoint names them.

Those of real requests are tested with the translations (`test_origins.py`).
"""

import pytest

from gateway.shapes import Shape
from gateway.translate.parts.from_messages.client_paths import below_block
from tests.translate.messages_prepared import prepared
from tests.translate.messages_requests import asked, text, tool, user

ASKED = asked(user("a"), system=[text("b")], tools=[tool("f")])


@pytest.mark.parametrize(
    ("target", "said", "first"), [(Shape.CHAT, "messages", 1), (Shape.RESPONSES, "input", 0)]
)
def test_what_was_said_has_the_name_that_the_endpoint_gives_it(
    target: Shape, said: str, first: int
) -> None:
    sent = prepared(ASKED, target=target)
    assert sent.named(said) == "messages"
    assert sent.named(f"{said}[{first}]") == "messages[0]"
    assert sent.named(f"{said}[99].content") == "messages"
    other = "input" if said == "messages" else "messages"
    assert sent.named(f"{other}[0].content") is None
    assert sent.named("tools[0].function.name") == sent.named("tools[0].name") == "tools[0].name"
    assert sent.named("max_tokens") == "max_tokens"


@pytest.mark.parametrize("target", [Shape.CHAT, Shape.RESPONSES])
def test_only_responses_have_instructions(target: Shape) -> None:
    named = prepared(ASKED, target=target).named("instructions")
    assert named == (None if target is Shape.CHAT else "system")


@pytest.mark.parametrize(
    ("path", "rest", "client"),
    [
        ("messages[0].content", ".text", "messages[0].content"),
        ("m[0]", ".text", "m[0].text"),
        ("m[0]", ".filename", "m[0].title"),
        ("m[0]", ".file.filename", "m[0].title"),
        ("m[0]", ".file.file_data", "m[0].source"),
        ("m[0]", ".file_url", "m[0].source"),
        ("m[0]", ".image_url.url", "m[0].source"),
        ("m[0]", ".detail", "m[0].source"),
        ("m[0]", ".type", "m[0]"),
    ],
)
def test_a_part_is_its_block(path: str, rest: str, client: str) -> None:
    assert below_block(path, rest) == client
