"""Bodies that cannot be read: the errors that their senders get."""

import pytest

from gateway.errors import InvalidRequest
from gateway.exchange.bodies.request_fields import features_of, read_object, read_routed

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


def test_whole_characters_are_read() -> None:
    assert read_object(rb'{"a":"\ud83d\ude00"}') == {"a": "😀"}
