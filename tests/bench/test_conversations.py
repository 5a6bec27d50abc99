"""What agents send in the bench: valid, of the size that the rows say, and translated by all."""

import json

import pytest

from bench.cases import PAIRS, Pair
from bench.conversations import AGENT_TURN, Conversation, small_turns
from gateway.shapes import Shape
from gateway.translate.contract import Context
from gateway.translate.plan import plan

SHAPES = (Shape.CHAT, Shape.RESPONSES, Shape.MESSAGES)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_agents_turn_has_110_kilobytes(shape: Shape) -> None:
    assert 105_000 < len(AGENT_TURN.body(shape, "m")) < 115_000


@pytest.mark.parametrize("shape", SHAPES)
def test_three_thousand_small_turns_have_1_6_megabytes(shape: Shape) -> None:
    assert 1_500_000 < len(small_turns(3_000).body(shape, "m")) < 1_700_000


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_conversation_is_the_same_bytes(shape: Shape) -> None:
    again = Conversation(AGENT_TURN.turns, AGENT_TURN.tools, AGENT_TURN.result_bytes)
    assert again.body(shape, "m") == AGENT_TURN.body(shape, "m")


def test_tools_have_names_of_their_own() -> None:
    tools = json.loads(AGENT_TURN.body(Shape.CHAT, "m"))["tools"]
    assert len({tool["function"]["name"] for tool in tools}) == AGENT_TURN.tools == 30


def test_a_stream_is_asked_for() -> None:
    assert json.loads(small_turns(1).body(Shape.CHAT, "m", streamed=True))["stream"] is True


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.agents], ids=lambda p: p.title)
@pytest.mark.parametrize("turns", [1, 60])
def test_every_call_and_result_is_translated(pair: Pair, turns: int) -> None:
    conversation = Conversation(turns, tools=30, result_bytes=1050)
    client, home = pair.client, pair.home
    body = json.loads(conversation.body(client, "m"))
    (sent,) = plan(client, home, body, Context("m", "m")).calls
    text = json.dumps(sent, ensure_ascii=False)
    for number, name, _, result in conversation.calls():
        assert json.dumps(result, ensure_ascii=False) in text
        assert text.count(f"{number:024d}") == 2
        assert f'"{name}"' in text
    assert len(sent["tools"]) == 30
