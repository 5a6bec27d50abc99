"""Whatever the gateway sends and says is valid by OpenAI's own description, in every pair.

The emulator checks each upstream request a second time, as strictly as the real server
(`demo_upstream`); what a client gets is read by `what_clients_see`, which checks every reply and
every event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import pytest

from gateway.config.settings import ModelRule
from gateway.errors import GatewayError, InvalidRequest
from gateway.shapes import Json, Shape
from tests.exchange.scene import Exchanged, Scene
from tests.translate.demo_upstream import DemoUpstream
from tests.translate.openai_schema import check_schema
from tests.translate.test_pairs import MODELS, PAIRS, WEATHER
from tests.translate.what_clients_see import Seen, reply_seen, stream_seen

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
PERSON: Json = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TEXT_ANSWERED: Mapping[Shape, Json] = {
    COMPLETIONS: {"prompt": "Hello", "max_tokens": 40},
    CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    RESPONSES: {"input": "Hello"},
}


@dataclass(frozen=True)
class Variant:
    """What is asked for beside a text, by client shape; a shape that is missing has no such thing.

    `refused` maps pairs to the parameter that a 400 names: they cannot do it.
    """

    asked: Mapping[Shape, Json]
    refused: Mapping[tuple[Shape, Shape], str]


TEXT_ONLY = Variant({shape: {} for shape in Shape}, {})
TOOLS = Variant(
    {
        CHAT: {
            "messages": [{"role": "user", "content": "call weather"}],
            "tools": [{"type": "function", "function": WEATHER}],
            "tool_choice": "required",
            "parallel_tool_calls": False,
        },
        RESPONSES: {
            "input": "call weather",
            "tools": [{"type": "function", **WEATHER}],
            "tool_choice": {"type": "function", "name": "weather"},
            "parallel_tool_calls": False,
        },
    },
    {(CHAT, COMPLETIONS): "tools", (RESPONSES, COMPLETIONS): "tools"},
)
SECOND_TURN = Variant(
    {
        CHAT: {
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": "call weather"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            ],
            "tools": [{"type": "function", "function": WEATHER}],
        },
        RESPONSES: {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "call weather"}]},
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "weather",
                    "arguments": '{"city": "Oslo"}',
                },
                {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
            ],
            "tools": [{"type": "function", **WEATHER}],
        },
    },
    {(CHAT, COMPLETIONS): "messages[2]", (RESPONSES, COMPLETIONS): "input[1]"},
)
SEVERAL = Variant({COMPLETIONS: {"n": 2}, CHAT: {"n": 2}}, {})
LOGPROBS = Variant(
    {
        COMPLETIONS: {"logprobs": 2},
        CHAT: {"logprobs": True, "top_logprobs": 2},
        RESPONSES: {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
    },
    {},
)
STRUCTURED = Variant(
    {
        CHAT: {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "person", "schema": PERSON, "strict": True},
            }
        },
        RESPONSES: {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "person",
                    "schema": PERSON,
                    "strict": True,
                }
            }
        },
    },
    {(CHAT, COMPLETIONS): "response_format", (RESPONSES, COMPLETIONS): "text.format"},
)
TUNED = Variant(
    {
        COMPLETIONS: {"temperature": 0.5, "top_p": 0.5, "user": "u", "stop": ["\n\n"]},
        CHAT: {
            "temperature": 0.5,
            "top_p": 0.5,
            "user": "u",
            "stop": ["\n\n"],
            "metadata": {"a": "b"},
            "store": False,
        },
        RESPONSES: {
            "temperature": 0.5,
            "top_p": 0.5,
            "user": "u",
            "metadata": {"a": "b"},
            "store": False,
            "truncation": "disabled",
        },
    },
    {},
)
VARIANTS = {
    "text": TEXT_ONLY,
    "tools": TOOLS,
    "the turn after a tool call": SECOND_TURN,
    "n=2": SEVERAL,
    "logprobs": LOGPROBS,
    "structured output": STRUCTURED,
    "sampling and hints": TUNED,
}
ASKED = [
    pytest.param(client, home, variant, id=f"{client} to {home}, {name}")
    for client, home in PAIRS
    for name, variant in VARIANTS.items()
    if client in variant.asked
]


def played(
    client: Shape, home: Shape, variant: Variant, *, stream: bool
) -> tuple[Exchanged, DemoUpstream]:
    """Play a request; the network checks what is sent."""
    upstream = DemoUpstream()
    scene = Scene(upstream.answer, rules=(ModelRule(MODELS[home], endpoints=(home,)),))
    body = {"model": MODELS[home], **TEXT_ANSWERED[client], **variant.asked[client]}
    if client is not COMPLETIONS:
        # The client's own request is no nonsense either; `user` and `metadata` are in all shapes.
        check_schema(
            {CHAT: "CreateChatCompletionRequest", RESPONSES: "CreateResponse"}[client], body
        )
    if stream:
        body["stream"] = True
        if client is not RESPONSES:
            body["stream_options"] = {"include_usage": True}
    return scene.generate(client, body), upstream


def refusal(client: Shape, home: Shape, variant: Variant, *, stream: bool) -> str | None:
    """Check that a pair refuses a variant that it cannot do; return None if it can."""
    param = variant.refused.get((client, home))
    if param is None:
        return None
    with pytest.raises(InvalidRequest) as refused:
        played(client, home, variant, stream=stream)
    check_schema("ErrorResponse", refused.value.envelope())
    assert refused.value.param == param
    return param


@pytest.mark.parametrize(("client", "home", "variant"), ASKED)
def test_whole_replies_are_valid(client: Shape, home: Shape, variant: Variant) -> None:
    if refusal(client, home, variant, stream=False):
        return
    answer, upstream = played(client, home, variant, stream=False)
    assert upstream.requests
    check_content(client, variant, answer, reply_seen(client, answer.json))


@pytest.mark.parametrize(("client", "home", "variant"), ASKED)
def test_streams_are_valid_and_say_the_same(client: Shape, home: Shape, variant: Variant) -> None:
    if refusal(client, home, variant, stream=True):
        return
    answer, _ = played(client, home, variant, stream=True)
    seen = stream_seen(client, answer)
    whole, _ = played(client, home, variant, stream=False)
    assert seen == reply_seen(client, whole.json)


def check_content(client: Shape, variant: Variant, answer: Exchanged, seen: list[Seen]) -> None:
    """Check that what was asked for is there, not only allowed to be."""
    assert len(seen) == variant.asked[client].get("n", 1)
    assert all(each.text or each.calls for each in seen)
    if variant is TOOLS:
        assert seen[0].calls == ['weather {"city": "call weather"}']
    if variant is SECOND_TURN:
        assert seen[0].text == "The tool said: sunny"
    if variant is STRUCTURED:
        assert seen[0].text == '{"name": "Hello", "age": 1}'
    if variant is LOGPROBS:
        tokens = tokens_of(client, answer.json)
        assert "".join(tokens) == seen[0].text
        assert len(tokens) > 1


def tokens_of(client: Shape, reply: Json) -> list[str]:
    if client is RESPONSES:
        (item,) = reply["output"]
        return [entry["token"] for entry in item["content"][0]["logprobs"]]
    logprobs: Json = reply["choices"][0]["logprobs"]
    if client is COMPLETIONS:
        return list(logprobs["tokens"])
    return [entry["token"] for entry in logprobs["content"]]


@pytest.mark.parametrize(("client", "home"), list(permutations(Shape, 2)))
def test_errors_are_valid_and_name_what_the_client_sent(client: Shape, home: Shape) -> None:
    variant = Variant({client: {"temperature": 99}}, {})
    upstream = DemoUpstream()
    scene = Scene(upstream.answer, rules=(ModelRule(MODELS[home], endpoints=(home,)),))
    body = {"model": MODELS[home], **TEXT_ANSWERED[client], **variant.asked[client]}
    with pytest.raises(GatewayError) as failed:
        scene.generate(client, body)
    check_schema("ErrorResponse", failed.value.envelope())
    assert (failed.value.status, failed.value.param) == (400, "temperature")
