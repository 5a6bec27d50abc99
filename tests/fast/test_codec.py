"""What all codecs have in common."""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from msgspec import inspect

import gateway.fast
from gateway.fast.codec import fast_translation
from gateway.shapes import Json, Shape
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.plan import plan
from tests.fast.both_paths import CONTEXT, codec_of, made
from tests.fast.codecs import test_chat_via_responses as chat_responses
from tests.fast.codecs import test_completions_via_chat as completions_chat

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES

encode = msgspec.json.encode


def types_that_are_read() -> Iterator[inspect.StructType]:
    for each in pkgutil.walk_packages(gateway.fast.__path__, "gateway.fast."):
        for value in vars(importlib.import_module(each.name)).values():
            if isinstance(value, type) and issubclass(value, msgspec.Struct):
                with suppress(TypeError):  # of types that can only be written
                    info = inspect.type_info(value)
                    assert isinstance(info, inspect.StructType)
                    yield info


def alone(kind: inspect.Type) -> Iterator[type]:
    """Yield the types with a tag that a field of this type may have, if there is no other one."""
    if isinstance(kind, inspect.UnionType):
        named = [one for one in kind.types if isinstance(one, inspect.StructType)]
        for one in kind.types:
            if one not in named or len(named) == 1:
                yield from alone(one)
    elif isinstance(kind, inspect.CollectionType):
        yield from alone(kind.item_type)
    elif isinstance(kind, inspect.TupleType):
        for one in kind.item_types:
            yield from alone(one)
    elif isinstance(kind, inspect.StructType) and kind.tag is not None:
        yield kind.cls


def test_no_type_that_stands_alone_has_a_tag() -> None:
    # Objects without the tag would be taken, too.
    found = [
        (each.cls.__name__, field.name)
        for each in types_that_are_read()
        for field in each.fields
        if list(alone(field.type))
    ]
    assert found == []


def test_what_is_sent_can_be_had_decoded() -> None:
    translation = made(COMPLETIONS, CHAT, encode(completions_chat.FULL))
    assert translation.calls == [msgspec.json.decode(translation.sent)]
    assert translation.local_reply() is None


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
def test_what_is_not_a_common_request_is_left_to_the_generic_path(
    client: Shape, home: Shape, written: bytes
) -> None:
    assert fast_translation(codec_of(client, home), written, CONTEXT) is None


FOLDED = [
    (COMPLETIONS, CHAT, completions_chat.FULL, completions_chat.REPLY),
    (CHAT, RESPONSES, chat_responses.FULL, chat_responses.REPLY),
    (COMPLETIONS, RESPONSES, completions_chat.FULL, chat_responses.REPLY),
]


def with_field(reply: Json, field: bytes) -> bytes:
    return encode(reply)[:-1] + b"," + field + b"}"


@pytest.mark.parametrize(("client", "home", "asked", "reply"), FOLDED[:2])
def test_what_is_known_and_not_read_is_not_judged(
    client: Shape, home: Shape, asked: Json, reply: Json
) -> None:
    translation = made(client, home, encode(asked))
    expected = translation.decode_reply(encode(reply))
    assert expected is not None
    for field in (b'"provider":{"a":[1e5,null]}', b'"provider":123456789012345678901234567890'):
        assert translation.decode_reply(with_field(reply, field)) == expected


@pytest.mark.parametrize(("client", "home", "asked", "reply"), FOLDED[:2])
def test_what_is_not_known_is_the_generic_paths(
    client: Shape, home: Shape, asked: Json, reply: Json
) -> None:
    translation = made(client, home, encode(asked))
    for field in (b'"own":1', b'"own":null', b'"own":1e400', b'"own":"\xff"'):
        assert translation.decode_reply(with_field(reply, field)) is None


@pytest.mark.parametrize(("client", "home", "asked", "reply"), FOLDED[:2])
def test_what_is_not_valid_json_is_not_a_common_reply(
    client: Shape, home: Shape, asked: Json, reply: Json
) -> None:
    translation = made(client, home, encode(asked))
    for field in (b'"own":01', b'"own":"\\ud800"', b'"id":"\xff"', b'"own":' + b"[" * 100_000):
        assert translation.decode_reply(with_field(reply, field)) is None
    assert translation.decode_reply(encode(reply)[:-1]) is None
    assert translation.decode_reply(b"") is None
