"""The parameters of agents' messages requests."""

from typing import Any

import pytest
from msgspec.json import decode, encode

from gateway.fast.agents.codec import AgentTranslation
from gateway.shapes import Json, Shape
from tests.fast.agents.messages_agents import BILLING, CONTEXTS, FULL, MARK, TEXT, codec_to
from tests.fast.both_paths import ABSENT, changed


def made(*odd: tuple[str, Any], context: str = "OpenAI") -> AgentTranslation:
    body = encode(changed(FULL, odd))
    translation = codec_to(Shape.CHAT).translation(body, CONTEXTS[context])
    assert translation is not None
    return translation


def sent(*odd: tuple[str, Any]) -> Json:
    body: Json = decode(made(*odd).sent)
    return body


def test_what_is_not_sent_is_reported() -> None:
    assert made().header == (
        "from=messages; to=chat; dropped=system[0],messages[1].content[0],"
        "thinking.budget_tokens,metadata,tools[1].strict;"
        " emulated=cache_control"
    )
    assert made(context="no hints").report.dropped[-2:] == ["cache_control", "tools[1].strict"]


def test_the_block_for_anthropics_servers_is_left_out() -> None:
    parts = sent()["messages"][0]["content"]
    assert [part["text"] for part in parts] == ["Go on.", "Go on."]
    assert sent(("system", [{**TEXT, "text": BILLING}]))["messages"][0]["role"] == "user"


def test_the_session_is_the_key_of_the_cache() -> None:
    keys = {
        sent()["prompt_cache_key"],
        sent(("metadata", {"user_id": "other"}))["prompt_cache_key"],
        sent(("metadata", ABSENT))["prompt_cache_key"],
        sent(("metadata", ABSENT), ("system", "Other."))["prompt_cache_key"],
        decode(made(context="session").sent)["prompt_cache_key"],
    }
    assert len(keys) == 5
    assert sent()["prompt_cache_key"] == sent(("temperature", 0))["prompt_cache_key"]


@pytest.mark.parametrize(
    "odd",
    [
        ("cache_control", MARK),
        ("system", [{**TEXT, "cache_control": MARK}]),
        ("tools.1.cache_control", MARK),
        ("messages.2.content.1.content.0.cache_control", MARK),
        ("messages.1.content.2.cache_control", MARK),
    ],
)
def test_a_mark_anywhere_is_reported_once(odd: tuple[str, Any]) -> None:
    unmarked = [
        ("system", "Be brief."),
        ("tools.0.cache_control", ABSENT),
        ("messages.0.content.1.cache_control", ABSENT),
        ("messages.2.content.2.cache_control", ABSENT),
    ]
    assert made(*unmarked).report.emulated == []
    assert made(*unmarked, odd).report.emulated == ["cache_control"]


def test_two_tools_that_would_have_one_name_are_left_to_the_generic_path() -> None:
    named = {**FULL["tools"][0], "name": "n" * 65}
    short = decode(made(("tools", [named])).sent)["tools"][0]["function"]["name"]
    body = encode({**FULL, "tools": [named, {**named, "name": short}]})
    assert codec_to(Shape.CHAT).translation(body, CONTEXTS["OpenAI"]) is None


def test_a_tool_is_called_by_its_own_name() -> None:
    translation = made(("tools.0.name", "n" * 65))
    name = decode(translation.sent)["tools"][0]["function"]["name"]
    called = {"name": name, "arguments": "{}"}
    message = {"role": "assistant", "tool_calls": [{"id": "c", "function": called}]}
    reply = translation.reply(
        [{"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}]
    )
    assert reply["content"][0]["name"] == "n" * 65


def test_a_call_has_an_id_that_the_conversation_has_not() -> None:
    called = {"id": "toolu_1", "function": {"name": "Read", "arguments": "{}"}}
    message = {"role": "assistant", "tool_calls": [called]}
    reply = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    assert made().reply([reply])["content"][0]["id"] == f"toolu_{CONTEXTS['OpenAI'].new_id()}"
