"""Which of several endpoints suits a client best, before which server."""

import pytest

from gateway.resolve.endpoint_order import by_preference, home_order
from gateway.servers import PROFILES, Profile
from gateway.shapes import Shape
from tests import kinds

CHAT, COMPLETIONS, RESPONSES = Shape.CHAT, Shape.COMPLETIONS, Shape.RESPONSES
MESSAGES = Shape.MESSAGES
ORDERS = {
    COMPLETIONS: (COMPLETIONS, CHAT, RESPONSES),
    CHAT: (CHAT, RESPONSES, COMPLETIONS),
    RESPONSES: (RESPONSES, CHAT, COMPLETIONS),
    MESSAGES: (MESSAGES, RESPONSES, CHAT, COMPLETIONS),
}


@pytest.mark.parametrize("client", Shape)
@pytest.mark.parametrize("kind", PROFILES)
def test_a_clients_own_endpoint_comes_first_but_at_responses_that_lose_something(
    client: Shape, kind: Profile
) -> None:
    expected = ORDERS[client]
    if client is RESPONSES and kind in (kinds.LLAMACPP, kinds.OLLAMA):
        expected = (CHAT, RESPONSES, COMPLETIONS)
    if kind is kinds.ANTHROPIC:
        expected = (MESSAGES,)
    assert home_order(client, kind) == tuple(each for each in expected if each not in kind.lacks)


def test_an_endpoint_that_an_upstream_lacks_is_none_of_them() -> None:
    assert home_order(MESSAGES, kinds.OPENAI) == (RESPONSES, CHAT, COMPLETIONS)
    assert home_order(MESSAGES, kinds.OPENAI, frozenset()) == ORDERS[MESSAGES]
    assert home_order(MESSAGES, lacking={MESSAGES, RESPONSES}) == (CHAT, COMPLETIONS)


def test_behind_a_front_a_server_without_messages_is_asked_at_chat_first() -> None:
    assert home_order(MESSAGES, kinds.LITELLM) == ORDERS[MESSAGES]
    assert home_order(MESSAGES, kinds.LITELLM, {MESSAGES}) == (CHAT, RESPONSES, COMPLETIONS)
    assert home_order(MESSAGES, kinds.LITELLM, {MESSAGES, RESPONSES}) == (CHAT, COMPLETIONS)
    assert home_order(RESPONSES, kinds.LITELLM, {MESSAGES}) == (RESPONSES, CHAT, COMPLETIONS)
    assert home_order(MESSAGES, kinds.LITELLM, {RESPONSES}) == (MESSAGES, CHAT, COMPLETIONS)


def test_openais_clients_are_led_to_messages_by_evidence_only() -> None:
    assert MESSAGES not in home_order(CHAT, kinds.VLLM)
    assert by_preference(CHAT, (MESSAGES,)) == (MESSAGES,)
    assert by_preference(CHAT, (MESSAGES, COMPLETIONS)) == (COMPLETIONS, MESSAGES)


@pytest.mark.parametrize("client", Shape)
def test_a_server_that_is_not_known_keeps_what_each_shape_promises(client: Shape) -> None:
    assert home_order(client) == ORDERS[client]


@pytest.mark.parametrize(
    ("client", "kind", "shapes", "ordered"),
    [
        (RESPONSES, kinds.LLAMACPP, {RESPONSES, CHAT}, (CHAT, RESPONSES)),
        (RESPONSES, kinds.LLAMACPP, {RESPONSES}, (RESPONSES,)),
        (RESPONSES, kinds.LLAMACPP, {COMPLETIONS, RESPONSES}, (RESPONSES, COMPLETIONS)),
        (RESPONSES, kinds.OLLAMA, {RESPONSES, CHAT}, (CHAT, RESPONSES)),
        (RESPONSES, kinds.VLLM, {RESPONSES, CHAT}, (RESPONSES, CHAT)),
        (COMPLETIONS, kinds.LLAMACPP, {CHAT, COMPLETIONS}, (COMPLETIONS, CHAT)),
        (CHAT, kinds.LLAMACPP, set(), ()),
    ],
)
def test_a_models_endpoints_are_put_in_that_order(
    client: Shape, kind: Profile, shapes: set[Shape], ordered: tuple[Shape, ...]
) -> None:
    assert by_preference(client, shapes, kind) == ordered


def test_without_a_kind_any_server_is_meant() -> None:
    assert by_preference(RESPONSES, {CHAT, RESPONSES}) == (RESPONSES, CHAT)
