"""Which fast paths there are between two shapes, and the codec that is two in a row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import TranslationSettings
from gateway.fast.pairs import pair_paths
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from tests.fast import both_paths
from tests.fast.both_paths import (
    CONTEXT,
    changed,
    made,
)
from tests.fast.codecs import test_chat_via_responses as chat_responses
from tests.fast.codecs import test_completions_via_chat as completions_chat

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES


encode = msgspec.json.encode


def test_a_pair_without_a_codec_has_none() -> None:
    paths = pair_paths(CHAT, COMPLETIONS, CONTEXT)
    assert paths.codec is None
    assert paths.agents is None
    assert paths.translation(encode(chat_responses.FULL), CONTEXT) is None
    assert paths.text_deltas


def test_where_nothing_is_common_there_is_no_codec() -> None:
    prompted = replace(CONTEXT, settings=TranslationSettings(completion_system_prompt="Go on."))
    for client, home in ((COMPLETIONS, CHAT), (CHAT, RESPONSES), (COMPLETIONS, RESPONSES)):
        assert pair_paths(client, home, CONTEXT).codec is not None
        assert (pair_paths(client, home, prompted).codec is None) is (client is COMPLETIONS)


CONTEXTS = {
    **chat_responses.CONTEXTS,
    **{f"completions, {name}": known for name, known in completions_chat.CONTEXTS.items()},
}


PARAMS = [*chat_responses.PARAMS, "max_output_tokens", "input"]


def asks_for_something(body: Json) -> bool:
    return body.get("max_tokens") != 0  # which the gateway answers by itself


bodies = st.builds(
    changed, completions_chat.bodies, st.lists(completions_chat.parameters, max_size=2)
).filter(asks_for_something)


replies = st.builds(changed, st.just(chat_responses.REPLY), st.lists(chat_responses.faults))


def assert_same(body: Json, context: Context, *received: Any) -> None:
    """Check that both paths show the same of a completions request, answered at responses."""
    chained = pair_paths(COMPLETIONS, RESPONSES, CONTEXT).codec
    assert chained is not None
    both_paths.assert_same(chained, body, context, received, PARAMS)


@given(bodies, st.sampled_from(sorted(CONTEXTS)), replies)
def test_two_codecs_in_a_row_are_as_good_as_one(body: Json, context: str, reply: Json) -> None:
    assert_same(body, CONTEXTS[context], reply)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_two_codecs_in_a_row_judge_every_odd_parameter(context: Context) -> None:
    for odd in completions_chat.ODD_PARAMETERS:
        body = changed(completions_chat.FULL, [odd])
        if asks_for_something(body):
            assert_same(body, context, chat_responses.REPLY)


def test_two_codecs_in_a_row_judge_every_odd_reply() -> None:
    odd_ones: Sequence[tuple[str, Any]] = chat_responses.ODD_REPLIES
    for odd in odd_ones:
        reply = changed(chat_responses.REPLY, [odd])
        assert_same({"model": "asked", "prompt": "Once", "max_tokens": 300}, CONTEXT, reply)


def test_common_traffic_takes_both_codecs() -> None:
    asked = {"model": "asked", "prompt": "Once", "max_tokens": 300, "temperature": 0.5}
    translation = made(COMPLETIONS, RESPONSES, encode(asked))
    assert translation.header == "from=completions; to=responses"
    folded = translation.decode_reply(encode(chat_responses.REPLY))
    assert folded is not None
    assert msgspec.json.decode(folded)["choices"][0]["text"] == "Hi."


def test_the_upstreams_name_survives_both_codecs() -> None:
    own_name = replace(CONTEXT, settings=TranslationSettings(echo_model="upstream"))
    assert_same({"model": "asked", "prompt": "Once"}, own_name, chat_responses.REPLY)


def test_common_requests_take_the_codec() -> None:
    request = encode(completions_chat.FULL)
    translation = pair_paths(COMPLETIONS, CHAT, CONTEXT).translation(request, CONTEXT)
    assert translation is not None
    assert not translation.fell_back
    assert not translation.is_agents
