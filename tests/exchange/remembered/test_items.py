"""Items of conversations as bytes: what is known of them, and how they are joined."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.remembered.items import (
    OwnInput,
    continuing,
    joined,
    own_input,
    segment_of,
    with_output,
)
from gateway.exchange.stored.responses import continued
from gateway.shapes import ItemNames, Json

CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "clock",
    "arguments": "{}",
}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def own(value: Any) -> OwnInput:
    found = own_input(raw(value))
    assert found is not None
    return found


def said(text: str, **more: Any) -> Json:
    return {"type": "message", "role": "user", "content": text, **more}


def test_a_text_stands_for_a_message_and_has_no_items_of_its_own() -> None:
    found = own("Hi")
    assert found.is_text
    assert [msgspec.json.decode(item.raw) for item in found.segment.items] == [said("Hi")]


@pytest.mark.parametrize("value", [5, {"type": "message"}, True])
def test_other_values_are_not_an_input(value: Any) -> None:
    assert own_input(raw(value)) is None


@pytest.mark.parametrize("given", [None, msgspec.Raw(b""), msgspec.Raw(b"null"), raw([])])
def test_an_input_can_be_empty(given: msgspec.Raw | None) -> None:
    found = own_input(given)
    assert found is not None
    assert found.segment.items == ()


@pytest.mark.parametrize(
    ("item", "facts"),
    [
        (said("Hi", id="msg_1"), ("msg_1", False, False, False)),
        ({"type": "item_reference", "id": "msg_1"}, ("msg_1", True, False, False)),
        ({"id": "msg_1"}, ("msg_1", True, False, False)),
        ({"type": "item_reference"}, (None, False, False, False)),
        ({"id": 5}, (None, False, False, False)),
        ({"type": "reasoning", "id": "rs_1", "summary": []}, ("rs_1", False, True, False)),
        ({"type": "reasoning", "encrypted_content": None}, (None, False, True, False)),
        ({"type": "reasoning", "encrypted_content": ""}, (None, False, True, False)),
        ({"type": "reasoning", "encrypted_content": "x"}, (None, False, False, False)),
        ({"type": "compaction", "encrypted_content": "x"}, (None, False, False, True)),
        ("words", (None, False, False, False)),
        (5, (None, False, False, False)),
        (CALL, ("fc_1", False, False, False, "call_1")),
        (OUTPUT, (None, False, False, False, None, "call_1")),
    ],
)
def test_of_an_item_is_known_what_counts(item: Any, facts: tuple[object, ...]) -> None:
    (found,) = segment_of([raw(item)]).items
    assert found[1:] == (*facts, None, None)[:6]
    assert msgspec.json.decode(found.raw) == item


def test_items_keep_their_bytes() -> None:
    text = b'[ {"type":"message",  "role": "user", "content": "\\u00e9", "n": 1e400} ]'
    found = own_input(msgspec.Raw(text))
    assert found is not None
    whole, names = joined([], found, bare_reasoning=True)
    assert bytes(whole) == b"[" + text[2:-2] + b"]"
    assert names == ItemNames([0])


def test_reasoning_without_content_is_left_out_where_no_server_can_read_it() -> None:
    earlier = segment_of([raw({"type": "reasoning", "id": "rs_1"}), raw(said("Hi"))])
    whole, names = joined([earlier], own([said("More")]), bare_reasoning=False)
    assert msgspec.json.decode(whole) == [said("Hi"), said("More")]
    assert names.items == ["previous_response_id", 0]
    whole, _ = joined([earlier], own("More"), bare_reasoning=True)
    assert len(msgspec.json.decode(whole)) == 3


def test_names_of_a_text_are_the_inputs() -> None:
    _, names = joined([segment_of([raw(said("Hi"))])], own("More"), bare_reasoning=True)
    assert names.items == ["previous_response_id", "input"]


def test_a_reference_to_an_item_that_is_there_is_left_out() -> None:
    earlier = segment_of([raw(said("Hi", id="msg_1"))])
    given = [{"type": "item_reference", "id": "msg_1"}, {"id": "msg_2"}, said("More")]
    whole, names = joined([earlier], own(given), bare_reasoning=True)
    assert msgspec.json.decode(whole) == [said("Hi", id="msg_1"), {"id": "msg_2"}, said("More")]
    assert names.items == ["previous_response_id", 1, 2]


def test_a_call_that_is_there_is_left_out() -> None:
    """LiveKit's agents give it again beside its output, without its id."""
    earlier = segment_of([raw(said("Hi")), raw(CALL)])
    given = own([{**CALL, "id": None}, OUTPUT, {**CALL, "call_id": "call_2"}])
    found = continuing([earlier], given)
    whole, names = joined([earlier], found, bare_reasoning=True)
    other = {**CALL, "call_id": "call_2"}
    assert msgspec.json.decode(whole) == [said("Hi"), CALL, OUTPUT, other]
    assert names.items == ["previous_response_id", "previous_response_id", 1, 2]
    # Once it has an output, its id is that of another call.
    answered = segment_of([raw(CALL), raw(OUTPUT)])
    assert continuing([answered], given) is given
    assert continuing([earlier], own([OUTPUT])).segment.items[0].answered == "call_1"


ITEMS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                ["message", "function_call", "function_call_output", "item_reference"]
            )
        },
        optional={
            "id": st.sampled_from(["a", "b"]),
            "call_id": st.sampled_from(["a", "b"]),
            "role": st.just("user"),
        },
    ),
    max_size=4,
)


@given(ITEMS, ITEMS)
def test_joined_items_are_those_of_a_stored_conversation(
    earlier: list[Json], new: list[Json]
) -> None:
    known = {item.get("id") for item in earlier}
    new = [i for i in new if i["type"] != "item_reference" or i.get("id") in known or "id" not in i]
    before = [segment_of(map(raw, earlier))]
    whole, names = joined(before, continuing(before, own(new)), bare_reasoning=True)
    expected, expected_names = continued({"input": new}, earlier, {})
    assert msgspec.json.decode(whole) == expected["input"]
    assert expected_names is not None
    assert list(names.items) == list(expected_names.items)


def test_a_compaction_in_the_output_replaces_what_was_before() -> None:
    compaction = {"type": "compaction", "encrypted_content": "x"}
    given = segment_of([raw(said("1")), raw(compaction), raw(said("2"))])
    output = segment_of([raw(said("3")), raw(compaction), raw(compaction), raw(said("4"))])
    (rest,) = with_output([given], output)
    assert [msgspec.json.decode(item.raw) for item in rest.items] == [compaction, said("4")]
    other = segment_of([raw(said("5"))])
    assert with_output([given], other) == (given, other)
