"""The events of a response, as the endpoint sends them."""

import json
from typing import Any

import pytest
from openai.types.responses import Response

from tests.demo.endpoints.test_responses import CLOCK, LOGPROBS, SAY, response, streamed

STREAMED: list[tuple[str, dict[str, Any]]] = [
    ("hello 😀", {}),
    ("hello 😀", LOGPROBS),
    ("hello", {"model": "o1-pro"}),
    ("!refuse", {}),
    ("!count 50", {"max_output_tokens": 16}),
    ("!content-filter", {}),
    ("call clock and call clock", {"tools": [CLOCK]}),
    ("call clock", {"tools": [CLOCK], "model": "gpt-5-codex"}),
    ("call say 😀", {"tools": [SAY]}),
]


@pytest.mark.parametrize(("text", "body"), STREAMED)
def test_a_stream_ends_with_the_whole_response(text: str, body: dict[str, Any]) -> None:
    whole = response(text, **body)
    events = streamed(text, **body)
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    started, final = events[0]["response"], events[-1]["response"]
    assert (started["status"], started["output"], started["usage"]) == ("in_progress", [], None)
    assert events[-1]["type"] == f"response.{whole['status']}"
    Response.model_validate(final)
    same_ids = json.loads(json.dumps(final).replace(final["id"][5:], whole["id"][5:]))
    assert same_ids == whole


@pytest.mark.parametrize(("text", "body"), STREAMED)
def test_items_are_streamed_one_after_another_and_add_up(text: str, body: dict[str, Any]) -> None:
    events = streamed(text, **body)
    done: list[dict[str, Any]] = []
    texts = ""
    for event in events[2:-1]:
        kind = event["type"].removeprefix("response.")
        assert event["output_index"] == len(done)
        if kind == "output_item.added":
            assert event["item"].get("status") in ("in_progress", None)
        elif kind.endswith(".delta"):
            assert event["delta"] or event["logprobs"]
            texts += event["delta"]
        elif kind == "output_item.done":
            done.append(event["item"])
    assert done == events[-1]["response"]["output"]
    wholes = [
        part.get("text", part.get("refusal"))
        for item in done
        for part in item.get("content", [{"text": item.get("arguments", "")}])
    ]
    assert texts == "".join(wholes)


def test_logprobs_in_events_are_those_of_the_part() -> None:
    events = streamed("é", **LOGPROBS, top_logprobs=1)
    deltas = [e for e in events if e["type"] == "response.output_text.delta"]
    assert all(len(e["logprobs"]) == 1 for e in deltas)
    (part,) = events[-1]["response"]["output"][0]["content"]
    assert [one for e in deltas for one in e["logprobs"]] == part["logprobs"]


def test_deltas_are_padded_unless_that_is_switched_off() -> None:
    assert any("obfuscation" in event for event in streamed())
    unpadded = streamed(stream_options={"include_obfuscation": False})
    assert not any("obfuscation" in event for event in unpadded)


def test_a_failing_stream_says_so_twice_and_ends_failed() -> None:
    *before, error, failed = streamed("!fail-midstream")
    assert before[-1]["type"] == "response.output_text.delta"
    assert error["type"] == "error"
    assert error["message"] == error["error"]["message"]
    assert failed["type"] == "response.failed"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == "server_error"
    Response.model_validate(failed["response"])
