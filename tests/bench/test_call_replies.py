"""Replies with calls, as the growth bench has them translated."""

import json
import re
from collections.abc import Iterator

import pytest

from bench import call_replies
from bench.cases import PAIRS, Pair
from bench.conversations import small_turns
from bench.growth_replies import feeding, translating
from bench.in_process import applications, attempts
from gateway.app import Application
from gateway.shapes import Shape
from tests.rows import module_fixture

AGENTS = [pair for pair in PAIRS if pair.agents]


@module_fixture
def built() -> Iterator[tuple[Application, Application]]:
    """One pair for all: to set the collector apart takes half a second among thousands of tests."""
    with applications() as both:
        yield both


@pytest.mark.parametrize("pair", AGENTS, ids=lambda pair: pair.title)
def test_every_call_of_a_whole_reply_is_translated(
    built: tuple[Application, Application], pair: Pair
) -> None:
    request = small_turns(1).body(pair.client, pair.model)
    for application in built:
        build = attempts(application, pair, request)
        reply = translating(build, call_replies.whole(pair.home, 3))()
        given = json.loads(call_replies.arguments(300))
        assert given_in(pair.client, reply) == [given] * 3


@pytest.mark.parametrize("pair", AGENTS, ids=lambda pair: pair.title)
def test_all_arguments_of_a_stream_are_translated(
    built: tuple[Application, Application], pair: Pair
) -> None:
    request = small_turns(1).body(pair.client, pair.model, streamed=True)
    for application in built:
        build = attempts(application, pair, request)
        events = call_replies.events(pair.home, 41)
        told = arguments_in(pair.client, feeding(build, pair.client, events)())
        assert told == [call_replies.arguments(call_replies.DELTA * count) for count in (21, 20)]


def given_in(shape: Shape, reply: bytes) -> list[object]:
    """Return what the calls of a whole reply give to their tools."""
    whole = json.loads(reply)
    if shape is Shape.MESSAGES:
        return [block["input"] for block in whole["content"]]
    if shape is Shape.RESPONSES:
        return [json.loads(item["arguments"]) for item in whole["output"]]
    (choice,) = whole["choices"]
    return [json.loads(call["function"]["arguments"]) for call in choice["message"]["tool_calls"]]


def arguments_in(shape: Shape, stream: bytes) -> list[str]:
    """Return the arguments of both calls, put together of their deltas."""
    told = ["", ""]
    for payload in re.findall(r"^data: (\{.*)$", stream.decode(), re.MULTILINE):
        event = json.loads(payload)
        if shape is Shape.CHAT:
            for choice in event["choices"]:
                for call in choice["delta"].get("tool_calls", ()):
                    told[call["index"]] += call["function"].get("arguments", "")
        elif event["type"] == "response.function_call_arguments.delta":
            told[event["output_index"]] += event["delta"]
        elif event["type"] == "content_block_delta":
            told[event["index"]] += event["delta"]["partial_json"]
    return told
