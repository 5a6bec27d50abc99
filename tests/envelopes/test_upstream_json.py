"""JSON of upstreams: what the fast decoder refuses is read, and is valid JSON afterwards."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.upstream_json import (
    LOWEST,
    NOT_JSON,
    decode,
    decode_halves,
    encode_halves,
    is_cut_off,
    read_with_bytes,
    valid_json,
    whole_bytes,
)

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'{"a": "cut \ud83d"}', {"a": "cut \ufffd"}),
        (rb'{"a": ["\ude00x", "\ud83d\ude00"]}', {"a": ["\ufffdx", "\U0001f600"]}),
        (rb'{"\ud83d": 1.5, "b": null}', {"\ufffd": 1.5, "b": None}),
        (rb'"\\ud83d"', "\\ud83d"),
    ],
)
def test_halves_of_characters_are_read(text: bytes, value: object) -> None:
    assert decode(text) == value
    assert msgspec.json.decode(valid_json(text)) == value


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_a_number_that_is_none_becomes_null(number: str) -> None:
    text = '{"a": %s, "b": [1, %s, 1.5], "c": "%s"}' % ((number,) * 3)
    assert decode(text.encode()) == {"a": None, "b": [1, None, 1.5], "c": number}
    assert decode(number.encode()) is None


@pytest.mark.parametrize("number", ["1" * 5000, "-" + "1" * 100_000])
def test_an_integer_that_nobody_reads_becomes_null(number: str) -> None:
    assert decode(number.encode()) is None


@pytest.mark.parametrize("number", [2**64, -(2**70), 10**300, 10**4000])
def test_a_long_integer_stays(number: int) -> None:
    assert decode(b'{"a": NaN, "b": %d}' % number) == {"a": None, "b": number}


@pytest.mark.parametrize(
    ("number", "logprob"),
    [
        *(("-Infinity", LOWEST), ("-1e400", LOWEST), ("NaN", LOWEST), ("Infinity", 0.0)),
        *(("1e400", 0.0), ("-2.5", -2.5), ("-20000", -20000)),
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        '{"logprob": %s}',
        '{"logprobs": {"content": [{"token": "a", "logprob": %s}]}}',
        '{"logprobs": {"token_logprobs": [null, %s]}}',
        '{"logprobs": {"top_logprobs": [{"a": %s}]}}',
        '{"meta_info": {"output_token_logprobs": [[%s, 17, "a"]]}}',
    ],
)
def test_a_logprob_becomes_the_nearest_that_there_is(
    form: str, number: str, logprob: float
) -> None:
    read = decode((BOM.decode() + form % number).encode())
    assert read == json.loads(form % logprob)


@pytest.mark.parametrize("value", [{}, [1], "text", {"a": "\u00e9"}, None])
def test_a_byte_order_mark_is_passed_over(value: object) -> None:
    assert decode(BOM + msgspec.json.encode(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"nan", b"+1", b"01", b"{'a': 1}", b'{"a": NaN', rb'{"b": "\ud83d"', b"\xff"),
        *(BOM, BOM + BOM + b"{}", b"{}" + BOM, b'{"a": -NaN}', b'{"a": Inf}'),
        *(b'"\\ud83d' + b"\xff", b'{"a": NaN, "b": ' + b"[" * 100_000),
    ],
)
def test_what_is_not_json_stays_none(text: bytes) -> None:
    for read in (decode, decode_halves, valid_json):
        with pytest.raises(NOT_JSON):
            read(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": "h\xffi"}', {"a": "h\ufffdi"}),
        (b'{"a": "cut \xf0\x9f"}', {"a": "cut \ufffd"}),
        (b'["\x98\x80 cut", "\xc3\xa9"]', ["\ufffd\ufffd cut", "\u00e9"]),
        (b'{"\xff": NaN}', {"\ufffd": None}),
        (b'"\\ud83d\xff\\ud83d\\ude00"', "\ufffd\ufffd\U0001f600"),
        (BOM + b'"\xe2\x82"', "\ufffd"),
    ],
)
def test_bytes_that_are_no_character_are_replaced(text: bytes, value: object) -> None:
    assert decode(text) == value
    assert msgspec.json.decode(valid_json(text)) == value


@pytest.mark.parametrize(
    ("text", "read", "has_bytes", "whole"),
    [
        (b'["\xf0\x9f", "\xc3\xa9"]', ["\udcf0\udc9f", "\u00e9"], True, ["\ufffd", "\u00e9"]),
        (b'{"\xff": 1}', {"\udcff": 1}, True, {"\ufffd": 1}),
        (b'["\\udc80"]', ["\udc80"], False, None),
        # Where a surrogate may be either, no byte is one.
        (b'["\\udc80\xff"]', ["\udc80\ufffd"], False, None),
        (b"[NaN]", [None], False, None),
    ],
)
def test_bytes_can_be_kept_for_what_comes_next(
    text: bytes, read: object, has_bytes: bool, whole: object
) -> None:
    assert read_with_bytes(text) == (read, has_bytes)
    if has_bytes:
        assert whole_bytes(read) == whole


numbers = st.floats() | st.integers() | st.integers(10**300, 10**320)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "logprobs", "\ud83d"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_whatever_pythons_json_writes_is_read_and_valid(value: object) -> None:
    read = decode(json.dumps(value).encode())
    assert msgspec.json.decode(msgspec.json.encode(read)) == read


@given(values)
def test_halves_of_characters_survive_being_passed_on(value: object) -> None:
    read = decode_halves(json.dumps(value).encode())
    assert decode_halves(encode_halves(read)) == read


@pytest.mark.parametrize(
    "whole",
    [
        b'{"a":[1,"\xc3\xa9\\ud83d\\ude00"],"b":null}',
        b"[true]",
        b'"x"',
        b'{"a":"\xff","b":"\xe2\x82"}',
    ],
)
def test_what_breaks_off_is_told_from_what_is_no_json(whole: bytes) -> None:
    assert not is_cut_off(whole)
    for length in range(1, len(whole)):
        assert is_cut_off(whole[:length]), whole[:length]


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b" \n", b"oops", b"{oops", b"12:30", b'{"a":1}}', b'"\\ud83d"', b"NaN"),
        *(b'{"a":"\\ud83d"}', b"[" * 100_000, b'"\xff"'),
    ],
)
def test_what_is_json_or_none_at_all_has_not_broken_off(text: bytes) -> None:
    assert not is_cut_off(text)
