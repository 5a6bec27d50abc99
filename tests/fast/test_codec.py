"""What all codecs have in common, and the one that is two in a row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import TranslationSettings
from gateway.fast.codec import FastCodec, FastTranslation, fast_translation
from gateway.fast.paths import fast_paths
from gateway.shapes import Json, Shape
from gateway.translate.capabilities import Capabilities
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from tests.fast import test_chat_via_responses as chat_responses
from tests.fast import test_completions_via_chat as completions_chat
from tests.fast.both_paths import by_fast_path, by_generic_path, changed, outcome

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
CONTEXT = Context("asked", "sent", new_id=lambda: "f" * 32, now=1_700_000_000)

encode = msgspec.json.encode


def codec_of(client: Shape, home: Shape, context: Context = CONTEXT) -> FastCodec:
    found = fast_paths(client, home, context).codec
    assert found is not None
    return found


def made(client: Shape, home: Shape, request: bytes) -> FastTranslation:
    translation = fast_translation(codec_of(client, home), request, CONTEXT)
    assert translation is not None
    return translation


def test_what_is_sent_can_be_had_decoded() -> None:
    translation = made(COMPLETIONS, CHAT, encode(completions_chat.FULL))
    assert translation.calls == [msgspec.json.decode(translation.sent)]
    assert translation.local_reply() is None


def test_a_pair_without_a_codec_has_none() -> None:
    assert fast_paths(CHAT, COMPLETIONS, CONTEXT).codec is None
    assert fast_paths(CHAT, CHAT, CONTEXT).codec is None


def test_where_nothing_is_common_there_is_no_codec() -> None:
    prompted = replace(CONTEXT, settings=TranslationSettings(completion_system_prompt="Go on."))
    for client, home in ((COMPLETIONS, CHAT), (CHAT, RESPONSES), (COMPLETIONS, RESPONSES)):
        assert fast_paths(client, home, CONTEXT).codec is not None
        assert (fast_paths(client, home, prompted).codec is None) is (client is COMPLETIONS)


@pytest.mark.parametrize("home", [CHAT, RESPONSES])
def test_what_a_model_does_not_take_is_the_generic_paths(home: Shape) -> None:
    unable = Capabilities(temperature=False, top_p=False, penalties=False, seed=False)
    context = replace(CONTEXT, capabilities=unable)
    codec = codec_of(COMPLETIONS, home, context)
    asked = {"model": "m", "prompt": "Once", "max_tokens": 50}
    assert fast_translation(codec, encode(asked), context) is not None
    for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed"):
        assert fast_translation(codec, encode({**asked, name: 1}), context) is None


@pytest.mark.parametrize(
    ("client", "home", "written"),
    [
        *[
            (COMPLETIONS, CHAT, written)
            for written in (
                b' {"model" : "m",\n"prompt":"a\\u00e9\\n\\"\xc3\xa9 \\ud83d\\ude00","seed":-0} ',
                b'{"model":"m","prompt":"a","prompt":"b","max_tokens":2,"max_tokens":3}',
                b'{"model":"m","prompt":"a","temperature":1e0,"top_p":5E-1}',
                b'{"model":"m","prompt":"a","temperature":1.0,"presence_penalty":-0.0}',
                b'{"model":"m","prompt":"a","temperature":0.10000000000000000000001}',
                b'{"model":"m","prompt":"a","seed":-9223372036854775808}',
            )
        ],
        *[
            (CHAT, RESPONSES, written)
            for written in (
                b'{"messages":[{"content":"\\u2028\xf0\x9f\x98\x80","role":"user"}],"model":"m"}',
                b'{"model":"m","messages":[{"role":"us\\u0065r","content":""}],"n":1,"n":1}',
                b'{"model":"m","messages":[{"role":"user","role":"system","content":"a"}],"n":1}',
            )
        ],
    ],
)
def test_however_a_common_request_is_written_the_same_is_sent(
    client: Shape, home: Shape, written: bytes
) -> None:
    generic = plan(client, home, msgspec.json.decode(written), CONTEXT)
    assert made(client, home, written).sent == encode(generic.calls[0])


@pytest.mark.parametrize(
    ("client", "home", "written"),
    [
        (COMPLETIONS, CHAT, b'{"model":"m","prompt":"a","temperature":1e400}'),
        (COMPLETIONS, CHAT, b'{"model":"m","prompt":"a","max_tokens":1e2}'),
        (COMPLETIONS, CHAT, b'{"model":"m","prompt":"a","prompt":3}'),
        (COMPLETIONS, CHAT, b'{"model":"m","prompt":"\\ud800"}'),
        (COMPLETIONS, CHAT, b'{"model":"m","prompt":"\xff"}'),
        (COMPLETIONS, CHAT, b'{"model":"m","prompt":"a","\xff":1}'),
        (CHAT, RESPONSES, b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}'),
        *[
            (client, home, written)
            for client, home in ((COMPLETIONS, CHAT), (CHAT, RESPONSES), (COMPLETIONS, RESPONSES))
            for written in (b'{"model":"m","prompt":"a"', b'["m"]', b"")
        ],
    ],
)
def test_what_is_no_common_request_is_left_to_the_generic_path(
    client: Shape, home: Shape, written: bytes
) -> None:
    assert fast_translation(codec_of(client, home), written, CONTEXT) is None


FOLDED = [
    (COMPLETIONS, CHAT, completions_chat.FULL, completions_chat.REPLY),
    (CHAT, RESPONSES, chat_responses.FULL, chat_responses.REPLY),
    (COMPLETIONS, RESPONSES, completions_chat.FULL, chat_responses.REPLY),
]


def spoilt(reply: Json, field: bytes) -> bytes:
    return encode(reply)[:-1] + b"," + field + b"}"


@pytest.mark.parametrize(("client", "home", "asked", "reply"), FOLDED[:2])
def test_what_is_known_and_not_read_is_not_judged(
    client: Shape, home: Shape, asked: Json, reply: Json
) -> None:
    translation = made(client, home, encode(asked))
    expected = translation.decode_reply(encode(reply))
    assert expected is not None
    for field in (b'"provider":{"a":[1e5,null]}', b'"provider":123456789012345678901234567890'):
        assert translation.decode_reply(spoilt(reply, field)) == expected


@pytest.mark.parametrize(("client", "home", "asked", "reply"), FOLDED[:2])
def test_what_is_not_known_is_the_generic_paths(
    client: Shape, home: Shape, asked: Json, reply: Json
) -> None:
    translation = made(client, home, encode(asked))
    for field in (b'"own":1', b'"own":null', b'"own":1e400', b'"own":"\xff"'):
        assert translation.decode_reply(spoilt(reply, field)) is None


@pytest.mark.parametrize(("client", "home", "asked", "reply"), FOLDED[:2])
def test_what_is_not_valid_json_is_no_common_reply(
    client: Shape, home: Shape, asked: Json, reply: Json
) -> None:
    translation = made(client, home, encode(asked))
    for field in (b'"own":01', b'"own":"\\ud800"', b'"id":"\xff"', b'"own":' + b"[" * 100_000):
        assert translation.decode_reply(spoilt(reply, field)) is None
    assert translation.decode_reply(encode(reply)[:-1]) is None
    assert translation.decode_reply(b"") is None


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
    chained = fast_paths(COMPLETIONS, RESPONSES, CONTEXT).codec
    assert chained is not None
    found = outcome(by_fast_path(chained), body, context, received, PARAMS)
    assert found == outcome(by_generic_path(chained), body, context, received, PARAMS)


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
