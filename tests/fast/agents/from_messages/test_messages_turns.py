"""The turns of an agent's conversation."""

from typing import Any

import pytest
from msgspec.json import decode, encode

from gateway.shapes import Json, Shape
from tests.fast.agents import messages_agents as agents
from tests.fast.agents.messages_agents import (
    CALL,
    CONTEXTS,
    FULL,
    MARKED,
    OTHER_CALL,
    OTHER_RESULT,
    PICTURE,
    RESULT,
    SYSTEM,
    TEXT,
    codec_to,
)
from tests.fast.both_paths import changed


def sent(odd: tuple[str, Any], context: str = "OpenAI") -> list[Json]:
    made = codec_to(Shape.CHAT).translation(encode(changed(FULL, [odd])), CONTEXTS[context])
    assert made is not None
    messages: list[Json] = decode(made.sent)["messages"]
    return messages


def is_common(odd: tuple[str, Any]) -> bool:
    body = encode(changed(FULL, [odd]))
    return codec_to(Shape.CHAT).translation(body, CONTEXTS["OpenAI"]) is not None


def test_messages_of_one_role_in_a_row_are_one_turn() -> None:
    messages = sent(("messages.3", {"role": "user", "content": [TEXT]}))
    assert [each["role"] for each in messages[-3:]] == ["tool", "tool", "user"]
    assert [part["text"] for part in messages[-1]["content"]] == ["Go on.", "Go on.", "Again."]


def test_a_failure_is_said_in_the_text() -> None:
    message = sent(("messages.2.content.0.is_error", True))[3]
    assert message == {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: 1\tx"}


@pytest.mark.parametrize("target", [Shape.CHAT, Shape.RESPONSES])
def test_a_result_stays_as_it_is_written(target: Shape) -> None:
    written = rb'"\u00e9\/\ud83d\ude00 \n"'
    given = encode(changed(FULL, [("messages.2.content.0.content", "Here.")]))
    made = codec_to(target).translation(given.replace(b'"Here."', written), CONTEXTS["OpenAI"])
    assert made is not None
    assert written in made.sent


@pytest.mark.parametrize("wrong", [b'"\xff"', b'"\xc3', b"null", b"3", b"[3]"])
def test_a_result_that_is_neither_text_nor_parts_is_uncommon(wrong: bytes) -> None:
    given = encode(changed(FULL, [("messages.2.content.0.content", "Here.")]))
    body = given.replace(b'"Here."', wrong)
    assert codec_to(Shape.CHAT).translation(body, CONTEXTS["OpenAI"]) is None


@pytest.mark.parametrize(
    "odd",
    [
        ("messages.1.content", [CALL, CALL, OTHER_CALL]),
        ("messages.1.content", [CALL]),
        ("messages.2.content", [RESULT]),
        ("messages.2.content", [RESULT, OTHER_RESULT, RESULT]),
        ("messages.2", SYSTEM),
        ("messages", [*FULL["messages"][:2], {"role": "user", "content": [RESULT]}]),
        ("messages", [*FULL["messages"][:2], FULL["messages"][4]]),
        ("messages.0", SYSTEM),
        ("messages.4", {"role": "assistant", "content": "Well,"}),
        ("messages", [FULL["messages"][0], FULL["messages"][1]]),
        ("messages", [{"role": "assistant", "content": "a"}, SYSTEM]),
        ("messages", [*FULL["messages"][:1], {"role": "assistant", "content": [CALL]}, SYSTEM]),
    ],
)
def test_calls_without_results_and_the_like_are_left_to_the_generic_path(
    odd: tuple[str, Any],
) -> None:
    assert not is_common(odd)


def test_a_system_message_stays_or_becomes_the_users() -> None:
    odd = "messages.3", SYSTEM
    assert sent(odd)[-2] == SYSTEM
    told = {"role": "user", "content": "<system>\nBe quick.\n</system>"}
    assert sent(odd, "vLLM")[-2] == told


def test_a_long_id_is_the_same_in_a_call_and_its_result() -> None:
    named = changed(
        FULL,
        [
            ("messages.1.content.2.id", "i" * 65),
            ("messages.2.content.0.tool_use_id", "i" * 65),
        ],
    )
    _, _, said, result, *_ = sent(("messages", named["messages"]))
    assert said["tool_calls"][0]["id"] == result["tool_call_id"]
    assert len(result["tool_call_id"]) < 65


ONE_CALL: Json = {
    **FULL,
    "messages": [
        FULL["messages"][0],
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [RESULT]},
        *FULL["messages"][3:],
    ],
}


@pytest.mark.parametrize("target", [Shape.CHAT, Shape.RESPONSES])
@pytest.mark.parametrize(
    ("odd", "is_admitted"),
    [
        (("messages.2.content", [RESULT, TEXT]), True),
        (("messages.2.content", [RESULT, MARKED, PICTURE]), True),
        (("messages.2.content", [TEXT, RESULT]), True),
        (("messages.2.content", [RESULT, RESULT]), False),
        (("messages.2.content", "x"), False),
        (("messages.2", SYSTEM), False),
        (("messages.1.content.0.cache_control", {"type": "ephemeral"}), True),
        (("messages.1.content.0.input", {"a": 1.5, "b": '"\\\u2028'}), True),
        (("messages.1.content.0.name", "n" * 65), True),
        (("messages.1.content.0.name", 3), False),
        (("messages.1.content.0.id", "i" * 65), False),
        (("messages.1.content.0.id", 3), False),
        (("messages.2.content.0.cache_control", {"type": "ephemeral"}), True),
        (("messages.2.content.0.is_error", True), True),
        (("messages.2.content.0.content", [TEXT, TEXT]), True),
        (("messages.2.content.0.content", 3), False),
        (("messages.2.content.0.tool_use_id", "toolu_9"), False),
    ],
)
def test_a_call_with_its_result_is_sent_as_on_the_generic_path(
    target: Shape, odd: tuple[str, Any], is_admitted: bool
) -> None:
    body = changed(ONE_CALL, [odd])
    codec = codec_to(target)
    for context in ("OpenAI", "roles alternate", "no hints"):
        agents.assert_same(codec, body, CONTEXTS[context])
    made = codec.translation(encode(body), CONTEXTS["OpenAI"])
    assert (made is not None) is is_admitted


def test_a_call_alone_has_the_reasoning_that_a_server_requires() -> None:
    agents.assert_same(codec_to(Shape.CHAT), ONE_CALL, CONTEXTS["required"])
    body = changed(ONE_CALL, [("messages.2.content", [RESULT, OTHER_RESULT])])
    agents.assert_same(codec_to(Shape.CHAT), body, CONTEXTS["required"])


@pytest.mark.parametrize("target", [Shape.CHAT, Shape.RESPONSES])
@pytest.mark.parametrize("context", ["OpenAI", "required", "vLLM"])
@pytest.mark.parametrize(
    "odd",
    [
        [("messages.2.content", [TEXT, RESULT])],
        [("messages.1.content", [CALL, TEXT]), ("messages.2.content", [TEXT, RESULT])],
        [("messages.2.content", [TEXT, RESULT]), ("messages.4", SYSTEM)],
    ],
)
def test_what_has_changed_is_reported_in_the_order_of_the_generic_path(
    target: Shape, context: str, odd: list[tuple[str, Any]]
) -> None:
    body = changed(ONE_CALL, odd)
    agents.assert_same(codec_to(target), body, CONTEXTS[context])
    assert codec_to(target).translation(encode(body), CONTEXTS[context]) is not None


@pytest.mark.parametrize("written", [b"3", b"null", rb'"\ud800"', b'"' + b"i" * 65 + b'"'])
def test_an_exchange_has_an_id_that_can_be_read(written: bytes) -> None:
    body = encode(ONE_CALL).replace(b'"toolu_1"', written)
    made = codec_to(Shape.CHAT).translation(body, CONTEXTS["OpenAI"])
    assert (made is not None) is (len(written) > 60)
    assert made is None or len(decode(made.sent)["messages"][3]["tool_call_id"]) < 65


def test_an_id_that_is_written_in_two_ways_is_uncommon() -> None:
    body = encode(ONE_CALL).replace(b'"toolu_1"', rb'"\u0074oolu_1"', 1)
    assert codec_to(Shape.CHAT).translation(body, CONTEXTS["OpenAI"]) is None
