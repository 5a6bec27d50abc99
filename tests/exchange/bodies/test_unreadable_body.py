"""Bodies that cannot be read: the errors that their senders get."""

import msgspec
import pytest

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.apart import LARGE_BYTES
from gateway.exchange.bodies.request_fields import (
    check_encoding,
    decode_field,
    features_of,
    read_object,
    read_routed,
)
from gateway.exchange.bodies.unreadable_body import nested_too_deeply

HALVES = [
    (rb'{"model":"m","input":"a\ud83d"}', "input", "d83d"),
    (rb'{"model":"m","input":"a\uDE00\ud83d"}', "input", "de00"),
    (rb'{"messages":[{"content":"a"},{"content":"\ud83d b"}]}', "messages[1].content", "d83d"),
    (rb'{"n":1,"s":"a","l":[true,null,{}],"input":"\udFFF"}', "input", "dfff"),
    (rb'{"metadata":{"a":{"b":["\ud83dx"]}}}', "metadata.a.b[0]", "d83d"),
]


@pytest.mark.parametrize(("body", "param", "half"), HALVES)
def test_half_a_character_is_called_that_and_its_place_named(
    body: bytes, param: str, half: str
) -> None:
    for read in (read_object, read_routed):
        with pytest.raises(InvalidRequest) as refused:
            read(body)
        assert f"'{param}' has half a character, \\u{half}" in refused.value.message
        assert "truncated" not in refused.value.message
        assert (refused.value.param, refused.value.code) == (param, "invalid_json")


def test_in_a_field_that_was_skipped_too() -> None:
    with pytest.raises(InvalidRequest, match="has half a character") as refused:
        features_of(read_routed(rb'{"model": "m", "reasoning": {"effort": "\ud800"}}'))
    assert refused.value.param == "reasoning.effort"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b'\xef\xbb\xbf{"model":"m"}', "begins with a byte order mark"),
        (rb'{"a\ud83d":1}', "a name has half a character"),
        (rb'{"a":"\ud83d\ude00"', "truncated"),
        (rb'{"a":"\\ud83d",}', "trailing comma"),
        (rb'{"a":1,}', "trailing comma"),
        (b"[" * 100_000, "nested too deeply"),
        (rb'{"a":"\ud83d"' + b":[" * 100_000, "We could not parse"),
        (b"[" * 5_000 + rb'"\ud83d"' + b"]" * 5_000, "We could not parse"),
    ],
)
def test_other_faults_have_their_own_words(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason) as refused:
        read_object(body)
    assert refused.value.param is None


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"null", b"1"])
def test_another_value_than_an_object_is_said_to_be_one(body: bytes) -> None:
    for read in (read_object, read_routed):
        with pytest.raises(InvalidRequest, match=r": it is not an object\. The body must be"):
            read(body)


def test_whole_characters_are_read() -> None:
    assert read_object(rb'{"a":"\ud83d\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"temperature":1e999}', "temperature"),
        (b'{"a":1,"messages":[{"n":2.5},{"n":-1e400}]}', "messages[1].n"),
        (b'{"seed":' + b"9" * 4301 + b"}", "seed"),
        (b'{"tools":[[-' + b"9" * 4400 + b"]]}", "tools[0][0]"),
    ],
)
def test_a_number_that_nobody_can_read_is_named(body: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_object(body)
    assert f"'{param}' is a number that is out of range" in refused.value.message
    assert "$" not in refused.value.message
    assert refused.value.param == param


def test_a_large_body_is_not_searched_for_numbers() -> None:
    with pytest.raises(InvalidRequest, match="out of range") as refused:
        read_object(b'{"a":[%b],"n":1e999}' % (b"1," * LARGE_BYTES)[:-1])
    assert refused.value.param is None


@pytest.mark.parametrize("size", [0, 10, 100_000])
@pytest.mark.parametrize("text", [b"caf\xe9", b"\xe9", b"\xed\xa0\xbd", b"\xc3"])
def test_the_first_byte_that_is_not_utf8_is_named(text: bytes, size: int) -> None:
    body = b'{"a":"%b","b":"%b"}' % ("é".encode() * size, text)
    at = body.rindex(text) + len(text.rstrip(b"\xe9\xed\xa0\xbd\xc3"))
    for read in (read_object, check_encoding):
        with pytest.raises(InvalidRequest) as refused:
            read(body)
        message = refused.value.message
        assert f"it is not UTF-8 (byte {at}: 0x{body[at]:02x})" in message
        assert "codec" not in message


def test_a_field_that_is_not_utf8_is_named() -> None:
    with pytest.raises(InvalidRequest, match="'reasoning' is not UTF-8"):
        decode_field(msgspec.Raw(b'"\xe9"'), "reasoning")


def test_what_is_too_deep_for_what_follows_has_the_same_words() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_object(b"[" * 100_000)
    assert refused.value.message == nested_too_deeply().message
