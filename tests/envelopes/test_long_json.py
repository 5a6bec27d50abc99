"""Long texts are decoded in slices, and come out as whole ones do."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.envelopes import long_json
from gateway.envelopes.json_fields import MAX_ENTRIES, batches, last_object, objects, strings
from gateway.envelopes.long_json import LongList, check, decoded
from gateway.envelopes.slices import ENTRIES
from gateway.envelopes.upstream_json import NOT_JSON, decode
from gateway.resolve.metadata.fetch import _read
from gateway.resolve.metadata.jobs import read_checkpoints, read_jobs
from gateway.resolve.metadata.model_lists import read_models
from tests import kinds
from tests.resolve.payloads import JSON, finished

ENTRY = {"id": "m", "aliases": ['a]"}{[,', "\\"], "meta": {"n_ctx": 1, "more": [[], {}]}}


def whole(text: bytes) -> object:
    try:
        return decode(text)
    except NOT_JSON:
        return "malformed"


def in_parts(text: bytes, size: int = 4) -> object:
    """Decode a text in slices of `size` bytes, and put the parts of its lists together."""
    with patch.object(long_json, "SLICE_BYTES", size):
        try:
            payload = finished(decoded(bytearray(text)))
            finished(check(payload))
            if isinstance(payload, dict):
                return {key: joined(value) for key, value in payload.items()}
            return joined(payload)
        except NOT_JSON:
            return "malformed"


def joined(value: object) -> object:
    if not isinstance(value, LongList):
        return value
    return [entry for part in value.parts() for entry in part]


TEXTS = [
    b"[{},{}]",
    b' { "data" : [ {"a": [1]} , {"b": "]}"} ,\n{} ] , "n": 1 } ',
    b'{"models":[{},{},{}],"data":[{},{},{"x":[{},{}]}]}',
    b'{"data":[{},{},{}],"data":[{},{}]}',
    b'{"data":[{},{},{}],"data":1}',
    b'{"data":{"a":[{},{},{}]},"x":[{},{},{}]}',
    b'{"data":[[{},{}],[{},{}],[{},{}]]}',
    b'{"data":[1,2,{},{},3]}',
    b'{"data":[[0],[1],[2]]}',
    b'{"data":[],"models":[ ]}',
    b'["\\"]",{},{},"\xc3\xa9",{}]',
    b'"text"',
    b"[0]",
    b'\xef\xbb\xbf{"data":[{},{},{"a":NaN},{}],"n":1e400}',
    b'[{},{},"\\ud800",{}]',
    b"17",
]
MALFORMED = [
    b"[{},{},]",
    b"[{},,{}]",
    b"[,{},{}]",
    b"[{},{} {}]",
    b"[{},{}",
    b"[{},{}}",
    b"[{},{}]]",
    b"[{},{}]x",
    b'{"data":[{},{}]',
    b'{"data":[{},{}],}',
    b'{"data":[{},{}]"x":1}',
    b'{"data":[{},{}] , "x',
    b'[{},{},"\xff",{}]',
    b"[{},{}, 01]",
    b"",
    b"}{",
    b'["unterminated',
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_valid_comes_out_as_it_would_whole(text: bytes) -> None:
    assert in_parts(text) == whole(text) != "malformed"


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_malformed_is_refused_as_it_would_be_whole(text: bytes) -> None:
    assert in_parts(text) == whole(text)


def spelled(payload: object, indent: int | None) -> bytes:
    return json.dumps(payload, indent=indent).encode("utf-8", "surrogatepass")


@given(
    st.lists(JSON, max_size=6).map(lambda entries: {"object": "list", "data": entries})
    | st.lists(JSON, max_size=6)
    | JSON,
    st.sampled_from([None, 1]),
    st.sampled_from([1, 16, 64]),
)
@example({"data": [ENTRY] * 9}, 1, 16)
def test_any_json_comes_out_as_it_would_whole(
    payload: object, indent: int | None, size: int
) -> None:
    text = spelled(payload, indent)
    # Compared as text, for NaN equals nothing.
    assert repr(in_parts(text, size)) == repr(whole(text))


@given(
    st.lists(JSON, min_size=1, max_size=4).map(lambda entries: {"data": [*entries, ENTRY]}),
    st.integers(0),
    st.sampled_from([b"", b",", b"]", b"}", b"[", b"{", b'"', b"\\", b" ", b"\xff"]),
    st.booleans(),
)
def test_any_fault_is_found_as_it_would_be_whole(
    payload: object, place: int, inserted: bytes, drops: bool
) -> None:
    text = spelled(payload, None)
    at = place % len(text)
    text = text[:at] + inserted + text[at + drops :]
    assert repr(in_parts(text)) == repr(whole(text))


def test_a_short_text_is_decoded_at_once() -> None:
    work = decoded(b'{"data":[{},{}]}')
    with pytest.raises(StopIteration) as done:
        next(work)
    assert done.value.value == {"data": [{}, {}]}


def long_list(entries: list[Any]) -> LongList:
    text = msgspec.json.encode(entries)
    with patch.object(long_json, "SLICE_BYTES", 64):
        payload = finished(decoded(text))
    assert isinstance(payload, LongList)
    return payload


def test_a_long_list_is_read_as_others_are() -> None:
    entries: list[object] = [{"id": f"m{number}"} for number in range(500)]
    entries += ["x", {"id": "last"}]
    long = long_list(entries)
    assert list(objects(long)) == list(objects(entries))
    assert list(objects(long)) == list(objects(entries))
    assert max(len(batch) for batch in batches(long)) <= ENTRIES
    assert last_object(long) == last_object(entries) == {"id": "last"}
    assert last_object(long_list([*entries, "x"])) is last_object(["x"]) is last_object([]) is None
    texts = ["x", {}, *["text"] * 50, {}, {}] * 3
    assert strings({"k": long_list(texts)}, "k") == strings({"k": texts}, "k")


def test_of_a_list_without_end_the_first_entries_are_read() -> None:
    entries: list[object] = [{}] * (MAX_ENTRIES + 1000)
    assert sum(1 for _ in objects(long_list(entries))) == MAX_ENTRIES


def models(count: int) -> dict[str, Any]:
    return {"object": "list", "data": [{**ENTRY, "id": f"m-{n}"} for n in range(count)]}


def jobs(count: int) -> dict[str, Any]:
    made = ({"id": f"j{n}", "model": "b", "fine_tuned_model": f"m{n}"} for n in range(count))
    return {"object": "list", "data": list(made), "has_more": True}


READERS: list[tuple[dict[str, Any], Callable[[object], Any]]] = [
    (models(2000), lambda payload: read_models(payload, kinds.LLAMACPP)),
    (models(2000), lambda payload: read_models(payload, kinds.AUTO)),
    (jobs(2000), read_jobs),
    (jobs(2000), lambda payload: read_checkpoints(payload, "b")),
]


@pytest.mark.parametrize(("payload", "read"), READERS)
def test_no_slice_of_the_work_is_large(
    payload: dict[str, Any], read: Callable[[object], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: the bytes that are decoded and the entries that are read in a slice."""
    decoded_bytes = read_entries = 0
    decode = msgspec.json.decode

    def counting_decode(text: bytes | bytearray) -> Any:
        nonlocal decoded_bytes
        decoded_bytes += len(text)
        return decode(text)

    def counting_names(parent: dict[str, Any], key: str) -> str | None:
        nonlocal read_entries
        is_model = key == "id" and "meta" in parent
        read_entries += is_model or key in ("model", "fine_tuned_model_checkpoint")
        value = parent.get(key)
        return value if isinstance(value, str) else None

    monkeypatch.setattr(msgspec.json, "decode", counting_decode)
    monkeypatch.setattr("gateway.resolve.names.model_ids.text", counting_names)
    text = bytearray(msgspec.json.encode(payload))
    largest_entry = max(len(msgspec.json.encode(entry)) for entry in payload["data"])
    work = _read(text, (), lambda answer: read(answer.payload))
    slices = 0
    while True:
        decoded_bytes = read_entries = 0
        slices += 1
        try:
            next(work)
        except StopIteration:
            break
        # Two of each at most: what is recognised in the first part is decoded again to be read.
        assert decoded_bytes <= 2 * (long_json.SLICE_BYTES + largest_entry)
        assert read_entries <= 2 * ENTRIES
    assert slices > len(text) / long_json.SLICE_BYTES
    assert slices > len(payload["data"]) / ENTRIES
