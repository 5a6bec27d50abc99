from typing import Any

import pytest

from gateway.demo.endpoints.messages import THOUGHT, input_tokens
from gateway.demo.generation.turns import REFUSAL
from tests.demo.messages_client import (
    ADAPTIVE,
    BUDGETED,
    CLOCK,
    PLAIN,
    USER,
    message,
    refusal,
    refused,
    say,
    send,
)

ENABLED = {"type": "enabled", "budget_tokens": 1024}
NOON = [{"type": "text", "text": "noon"}]
DICE: Any = {
    "name": "dice",
    "input_schema": {"type": "object", "properties": {"sides": {"type": "integer"}}},
}


def test_a_reply_has_all_that_a_message_has() -> None:
    whole = message("hi")
    assert whole["id"].startswith("msg_")
    assert whole | {"id": ""} == {
        "id": "",
        "type": "message",
        "role": "assistant",
        "model": "claude-demo-sonnet-4-5",
        "content": [{"type": "text", "text": "You said: hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 4,
            "service_tier": "standard",
        },
    }


def test_tools_are_called_at_once_or_one_by_one() -> None:
    calls = message("call dice, then call clock", tools=[CLOCK, DICE])
    assert calls["stop_reason"] == "tool_use"
    assert [(block["name"], block["input"]) for block in calls["content"]] == [
        ("dice", {"sides": 1}),
        ("clock", {}),
    ]
    serial = {"type": "auto", "disable_parallel_tool_use": True}
    (only,) = message("call dice, call clock", tools=[CLOCK, DICE], tool_choice=serial)["content"]
    assert only["name"] == "dice"
    conversation = [
        {"role": "user", "content": "call dice, then call clock"},
        {"role": "assistant", "content": calls["content"]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": block["id"], "content": result}
                for block, result in zip(calls["content"], ("4", NOON), strict=True)
            ],
        },
    ]
    told = message(conversation, tools=[CLOCK, DICE])
    assert told["content"][0]["text"] == "The tool said: noon"


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ({"type": "any"}, ["clock"]),
        ({"type": "tool", "name": "dice"}, ["dice"]),
        ({"type": "none"}, [None]),
        ({"type": "auto"}, [None]),
    ],
)
def test_a_choice_of_tools_is_followed(choice: Any, called: list[str | None]) -> None:
    blocks = message("hi", tools=[CLOCK, DICE], tool_choice=choice)["content"]
    assert [block.get("name") for block in blocks] == called


def test_thinking_is_signed_and_taken_back() -> None:
    thought = message("call clock", thinking=ENABLED, tools=[CLOCK])
    thinking, call = thought["content"]
    assert (thinking["type"], thinking["thinking"]) == ("thinking", THOUGHT)
    assert thought["usage"]["output_tokens_details"] == {"thinking_tokens": 8}
    conversation: list[Any] = [
        {"role": "user", "content": "call clock"},
        {"role": "assistant", "content": [thinking, call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"]}]},
    ]
    assert message(conversation, thinking=ENABLED, tools=[CLOCK])["stop_reason"] == "end_turn"
    for changed in ({"signature": "Zm9v"}, {"signature": "gw1.x"}, {"thinking": "else"}):
        conversation[1]["content"] = [{**thinking, **changed}, call]
        assert refused(conversation, tools=[CLOCK]) == (
            "messages.1.content.0: Invalid `signature` in `thinking` block"
        )


def test_thinking_can_be_omitted_or_redacted_and_is_taken_back() -> None:
    omitted = {"type": "adaptive", "display": "omitted"}
    for words, thinking in (("hi", omitted), ("!redact hi", {"type": "adaptive"})):
        first = message(words, model=ADAPTIVE, thinking=thinking)["content"]
        assert len(first) == 2
        assert not first[0].get("thinking")
        again = [
            {"role": "user", "content": words},
            {"role": "assistant", "content": first},
            {"role": "user", "content": "more"},
        ]
        assert message(again, model=ADAPTIVE)["content"][0]["text"] == "You said: more"
    redacted = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]},
        {"role": "user", "content": "more"},
    ]
    assert refused(redacted) == "messages.1.content.0: Invalid `data` in `redacted_thinking` block"


def test_the_stop_sequence_that_matched_is_named() -> None:
    cut = message("one two", stop_sequences=["zero", " two"])
    assert cut["content"][0]["text"] == "You said: one"
    assert (cut["stop_reason"], cut["stop_sequence"]) == ("stop_sequence", " two")


def test_limits_cut_texts_and_calls() -> None:
    cut = message("!count 99", max_tokens=3)
    assert (cut["content"][0]["text"], cut["stop_reason"]) == ("1 2 3", "max_tokens")
    nothing = message("hi", max_tokens=0)
    assert (nothing["content"], nothing["stop_reason"]) == ([], "max_tokens")
    half = message("call dice, call clock", tools=[CLOCK, DICE], max_tokens=2)
    assert (half["content"], half["stop_reason"]) == ([], "max_tokens")


def test_a_schema_is_satisfied() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "schema": schema}
    assert message("hi", output_config={"format": form})["content"][0]["text"] == '{"a": 1}'


def test_refusals_say_what_they_are() -> None:
    refusing = message("!refuse hi")
    assert (refusing["content"], refusing["stop_reason"]) == ([], "refusal")
    assert refusing["stop_details"]["explanation"] == REFUSAL
    filtered = message("!content-filter hi")
    assert filtered["stop_reason"] == "refusal"
    assert filtered["content"]
    assert filtered["stop_details"] == {"type": "refusal", "category": None, "explanation": None}


def test_pictures_and_documents_are_seen() -> None:
    png = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
    content = [
        {"type": "text", "text": "see "},
        {"type": "image", "source": png},
        {"type": "document", "source": pdf},
    ]
    assert message(content)["content"][0]["text"] == "You said: see [image][document]"


def test_what_stands_before_the_last_message_is_read_from_the_cache() -> None:
    block = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    usage = message("hi", system=[block])["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (4, 6)


@pytest.mark.parametrize(
    ("command", "status", "kind", "text"),
    [
        ("!500", 500, "api_error", "Internal server error"),
        ("!fail-midstream", 500, "api_error", "Internal server error"),
        ("!503", 503, "overloaded_error", "Overloaded"),
        ("!529", 529, "overloaded_error", "Overloaded"),
    ],
)
def test_the_service_fails_when_it_is_told_to(
    command: str, status: int, kind: str, text: str
) -> None:
    assert refusal(say(command)) == (status, kind, text)


def test_too_many_requests_say_when_to_come_back() -> None:
    reply = say("!429")
    assert refusal(reply)[:2] == (429, "rate_limit_error")
    assert reply.headers["retry-after"] == "20"
    assert reply.headers["anthropic-ratelimit-requests-remaining"] == "0"


def test_a_context_that_is_too_small_is_named() -> None:
    assert refused("a" + " a" * 198_999, model=PLAIN, max_tokens=8192) == (
        "input length and `max_tokens` exceed context limit: 199003 + 8192 > 200000, decrease input"
        " length or `max_tokens` and try again"
    )
    assert refused("a" + " a" * 199_999, model=PLAIN) == (
        "prompt is too long: 200003 tokens > 200000 maximum"
    )


def test_a_call_names_its_caller_which_may_be_sent_back() -> None:
    """As Anthropic's do, so that the SDK's `model_dump` has no null there, which is refused."""
    made = message("call clock", tools=[CLOCK])["content"][0]
    assert made["caller"] == {"type": "direct"}
    answer = {"type": "tool_result", "tool_use_id": made["id"], "content": "noon"}
    turns = [USER, {"role": "assistant", "content": [made]}, {"role": "user", "content": [answer]}]
    body: Any = {"model": BUDGETED, "max_tokens": 9, "tools": [CLOCK], "messages": turns}
    assert send(**body).status == 200
    made["caller"] = None
    assert refusal(send(**body))[2].startswith("messages.1.content.0.tool_use.caller: ")


def test_calls_and_results_count_as_input() -> None:
    call = {"type": "tool_use", "id": "a", "name": "clock", "input": {"zone": "UTC"}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": "noon sharp"}
    body: Any = {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]
    }
    alone = input_tokens(body)
    assert input_tokens({**body, "tools": [CLOCK]}) > alone > input_tokens({"messages": []}) == 0
