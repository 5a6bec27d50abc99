"""Common requests for messages endpoints, put together."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec.json import decode

from gateway.fast.codecs.to_messages import encode_texts
from gateway.fast.forms.response_text_requests import ResponseText, ResponseTextRequest
from gateway.shapes import Json
from gateway.translate.limits.capabilities import Capabilities
from tests.fast.both_paths import CONTEXT

HELLO = ResponseText("user", "hello")


def sent(
    system: list[str], said: list[ResponseText], able: Capabilities, **given: Any
) -> Json | None:
    request = ResponseTextRequest(model="m", input="-", **given)
    made = encode_texts(system, said, request, 9, replace(CONTEXT, capabilities=able))
    return None if made is None else decode(made)


@pytest.mark.parametrize(
    ("system", "shown"),
    [
        (["Be brief."], "Be brief."),
        (["", " ", "Be brief."], "Be brief."),
        (["a", "b"], [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
    ],
)
def test_instructions_are_a_string_or_blocks(system: list[str], shown: object) -> None:
    made = sent(system, [HELLO], Capabilities())
    assert made is not None
    assert made["system"] == shown


def test_blank_instructions_are_left_out() -> None:
    said = [{"role": "user", "content": "hello"}]
    expected = {"model": "sent", "messages": said, "max_tokens": 9}
    assert sent([" "], [HELLO], Capabilities(), user="") == expected


@pytest.mark.parametrize("said", [[], [ResponseText("user", "")], [HELLO, ResponseText("a", " ")]])
def test_a_conversation_without_text_is_not_common(said: list[ResponseText]) -> None:
    assert sent(["Be brief."], said, Capabilities()) is None


@pytest.mark.parametrize(
    ("able", "given"),
    [
        (Capabilities(temperature=False), {"temperature": 0.5}),
        (Capabilities(max_temperature=1), {"temperature": 1.5}),
        (Capabilities(top_p=False), {"top_p": 0.5}),
        (Capabilities(temperature_with_top_p=False), {"top_p": 0.5, "temperature": 1}),
    ],
)
def test_what_a_model_does_not_take_is_not_common(able: Capabilities, given: Json) -> None:
    assert sent([], [HELLO], able, **given) is None
    assert sent([], [HELLO], Capabilities(), **given) is not None


def test_one_of_the_two_is_taken_alone() -> None:
    made = sent([], [HELLO], Capabilities(temperature_with_top_p=False), top_p=0.5, user="x")
    assert made is not None
    assert made["top_p"] == 0.5
    assert made["metadata"] == {"user_id": "x"}


def test_a_server_is_asked_to_cache_or_not_to_stream() -> None:
    made = sent([], [HELLO], Capabilities(cache_auto=True, may_stream_unasked=True))
    assert made is not None
    assert made["cache_control"] == {"type": "ephemeral"}
    assert made["stream"] is False
