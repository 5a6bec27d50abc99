"""Numbers that no double holds, wherever agents' requests have them: the generic path says so."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import DecodeError
from msgspec.json import decode, encode

from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests.fast.agents import chat_traffic, messages_agents, responses_traffic
from tests.fast.agents.both import admitted
from tests.fast.agents.messages_contexts import CONTEXTS as AT_MESSAGES
from tests.fast.both_paths import changed
from tests.translate.completions_via_chat.chat_backend import make_context

TRAFFIC: dict[Shape, tuple[Json, str]] = {
    Shape.CHAT: (
        changed(chat_traffic.FULL, [("metadata", {"a": "b"})]),
        "tools.0.function.parameters",
    ),
    Shape.MESSAGES: (
        changed(messages_agents.FULL, [("messages.1.content.2.input", {"a": [1.5, {}]})]),
        "tools.0.input_schema",
    ),
    Shape.RESPONSES: (responses_traffic.FULL, "tools.0.parameters"),
}
"""Per shape of the client, a request and where its first schema is."""
HOMES: dict[Shape, Context] = {
    Shape.CHAT: make_context(),
    Shape.RESPONSES: make_context(),
    Shape.MESSAGES: AT_MESSAGES["Claude"],
}
PAIRS = [(client, home) for client in TRAFFIC for home in HOMES if client is not home]
NUMBERS = [b"1e400", b"-1e999", b"1E+0400", b"9" * 310 + b".5", b"9" * 5000]
FITTING = [b"1e308", b"-1.5E-400", b"0e999", b"9" * 300]
HERE = "the number is here"

pairs = pytest.mark.parametrize(("client", "home"), PAIRS)


def written(client: Shape, path: str, number: bytes) -> bytes:
    body = changed(TRAFFIC[client][0], [(path, HERE)])
    return encode(body).replace(b'"%b"' % HERE.encode(), number)


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every value that holds no others."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in inner:
        if isinstance(each, dict | list) and each:
            yield from leaves(each, f"{path}{key}.")
        else:
            yield f"{path}{key}"


@pairs
def test_they_are_admitted_nowhere(client: Shape, home: Shape) -> None:
    for path in leaves(TRAFFIC[client][0]):
        for number in NUMBERS[:2]:
            assert admitted(client, home, written(client, path, number), HOMES[home]) is None, path


@pairs
@pytest.mark.parametrize("place", ["default", "maximum", "properties", "properties.path.enum"])
def test_they_are_admitted_in_no_place_of_a_schema(client: Shape, home: Shape, place: str) -> None:
    path = f"{TRAFFIC[client][1]}.{place}"
    for number in (*NUMBERS, b'["", [%b]]' % NUMBERS[0], b'{"a": {"b": %b}}' % NUMBERS[0]):
        body = written(client, path, number)
        with pytest.raises(DecodeError):
            decode(body)
        # The second time a schema may be known.
        for _ in range(2):
            assert admitted(client, home, body, HOMES[home]) is None


@pairs
@pytest.mark.parametrize("number", FITTING, ids=lambda number: str(number[:9]))
def test_what_a_double_holds_is_admitted(client: Shape, home: Shape, number: bytes) -> None:
    body = written(client, f"{TRAFFIC[client][1]}.default", number)
    made = admitted(client, home, body, HOMES[home])
    assert made is not None
    assert number in made.sent
