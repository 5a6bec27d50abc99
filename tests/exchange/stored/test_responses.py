"""Conversations as items: before they are stored, and as a request continues them."""

import pytest

from gateway.exchange.stored.responses import (
    StoredResponse,
    at_rest,
    continued,
    conversation,
    for_client,
    input_items,
    may_refer,
    references,
    since_compaction,
)
from gateway.shapes import ItemNames, Json
from tests.translate.sealing import OpenSeal

SEALED: Json = {
    "type": "compaction",
    "id": "cmp_1",
    "encrypted_content": OpenSeal().close({"a": 1}),
}


@pytest.mark.parametrize(
    ("given", "items"),
    [
        ({"input": "Hi"}, [{"type": "message", "role": "user", "content": "Hi"}]),
        ({"input": [{"role": "user", "content": "Hi"}, 3]}, [{"role": "user", "content": "Hi"}]),
        ({"input": 3}, []),
        ({}, []),
    ],
)
def test_the_input_as_items(given: Json, items: list[Json]) -> None:
    assert input_items(given) == items


def test_a_conversation_is_input_then_output_with_ids() -> None:
    ids = iter("123456789")
    message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": []}
    response = {"id": "resp_1", "output": [reasoning, {**message, "content": []}, "odd"]}
    given: list[Json] = [
        {"role": "user", "content": "Hi", "id": "theirs"},
        {"type": "function_call_output", "call_id": "c", "output": ""},
        {"type": "message", "role": "assistant", "content": "a", "id": "msg_0"},
    ]
    stored = conversation({"input": given}, response, {"msg_0"}, lambda: next(ids))
    numbered = {"id": "function_call_output_1", **given[1]}
    assert stored.items == [given[0], numbered, given[2], *response["output"][:2]]
    assert stored.items_before_output == stored.items[:3]
    # What a client calls its own items is not what references find.
    assert stored.own_ids == ["function_call_output_1", "msg_0", "msg_1", "rs_1"]
    assert conversation({}, {"output": None}, (), str).items == []


def test_a_request_goes_on_after_what_was_said_before() -> None:
    asked = {"input": "More", "previous_response_id": "resp_1", "temperature": 0}
    items: list[Json] = [{"type": "message", "role": "user", "content": "Hi", "id": "msg_1"}]
    more = {"type": "message", "role": "user", "content": "More"}
    named = ItemNames(["previous_response_id", "input"])
    assert continued(asked, items, {}) == ({"input": [*items, more], "temperature": 0}, named)
    reference, other = {"type": "item_reference", "id": "msg_1"}, {"id": "msg_2"}
    again = continued({"input": [reference, other]}, items, {"msg_2": more})
    assert again == ({"input": [*items, more]}, ItemNames(["previous_response_id", "input[1]"]))
    alone = continued({"input": [reference, more]}, [], {"msg_1": more})
    assert alone == ({"input": [more, more]}, ItemNames(["input[0]", 1]))
    assert continued({}, items, {}) == ({"input": items}, ItemNames(["previous_response_id"]))
    # Anything but an item, or a list of them, is for the checks to refuse.
    assert continued({"input": [3]}, [], {}) == ({"input": [3]}, ItemNames([0]))
    assert continued({"input": 3}, items, {}) == ({"input": 3}, None)
    # A text has become an item before, as for a compaction.
    texts = continued({"input": [more, other]}, items, {"msg_2": more}, ItemNames(["input"] * 2))
    assert texts[1] == ItemNames(["previous_response_id", "input", "input"])


def test_a_call_that_the_conversation_ends_with_is_there_once() -> None:
    call = {"type": "function_call", "call_id": "call_1", "name": "clock", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
    stored = {**call, "id": "fc_1"}
    whole, names = continued({"input": [call, output]}, [stored], {})
    assert whole["input"] == [stored, output]
    assert names == ItemNames(["previous_response_id", 1])
    whole, _ = continued({"input": [call, output]}, [stored, output], {})
    assert whole["input"] == [stored, output, call, output]


def test_references_are_items_of_that_type_or_of_none() -> None:
    given: list[Json] = [
        {"type": "item_reference", "id": "msg_1"},
        {"role": "user", "content": "Hi", "id": "msg_2"},
        {"id": "msg_3"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "item_reference"},
    ]
    assert references({"input": [*given, 3]}) == {"msg_1": 0, "msg_3": 2}
    assert references({"input": "Hi"}) == references({}) == {}


def test_sealed_content_is_stored_open_and_sealed_again_for_the_client() -> None:
    seal = OpenSeal()
    message: Json = {"type": "message", "role": "user", "content": "Hi"}
    stored = at_rest([SEALED, message], seal)
    assert "encrypted_content" not in stored[0]
    assert stored[1] == message
    assert for_client(stored, seal) == [SEALED, message]
    # Under another secret the client gets another text, with the same content.
    (anew,) = for_client(stored[:1], OpenSeal("later"))
    assert OpenSeal("later").open(anew["encrypted_content"]) == {"a": 1}


def test_what_another_has_sealed_is_stored_as_it_is() -> None:
    foreign: Json = {"type": "reasoning", "encrypted_content": "gAAAA"}
    assert at_rest([foreign], OpenSeal()) == [foreign]
    assert for_client([foreign], OpenSeal()) == [foreign]


def test_a_client_cannot_write_what_passes_for_opened_content() -> None:
    (opened,) = at_rest([SEALED], OpenSeal())
    (stored,) = at_rest([opened], OpenSeal())
    assert stored == {"type": "compaction", "id": "cmp_1"}


def test_a_conversation_is_continued_from_its_last_compaction() -> None:
    (compaction,) = at_rest([SEALED], OpenSeal())
    message: Json = {"type": "message", "role": "user", "content": "Hi"}
    items = [compaction, message, compaction, message]
    assert since_compaction(items) == items[2:]
    # One that the gateway cannot read replaces nothing.
    assert since_compaction([message, SEALED]) == [message, SEALED]


def test_the_input_of_a_response_of_an_older_release_is_all_but_its_output() -> None:
    user: Json = {"type": "message", "role": "user", "content": "Hi"}
    message: Json = {"type": "message", "role": "assistant", "content": []}
    reasoning: Json = {"type": "reasoning", "summary": []}
    stored = StoredResponse({"output": [reasoning, message]}, [user, message])
    assert stored.items_before_output == [user]
    assert StoredResponse({"output": "odd"}, [user]).items_before_output == [user]


@pytest.mark.parametrize(
    ("given", "may"),
    [
        (b'"Hi"', False),
        (b"null", False),
        (b"[]", False),
        (b'[{"role":"user","id":"i","content":[{"id":"x","type":"item_reference"}]}]', False),
        (b'[{"type":"message","id":"i"},{"type":"item_reference","id":null}]', False),
        (b'[{"type":"item_reference","id":"i"}]', True),
        (b'[{"type":null,"id":"i"}]', True),
        (b"[3]", True),
        (b"{}", True),
        (b"[", True),
    ],
)
def test_references_are_looked_for_without_decoding_the_items(given: bytes, may: bool) -> None:
    assert may_refer(b'{"model":"m","input":%b}' % given) is may


def test_a_request_without_input_refers_to_nothing() -> None:
    assert not may_refer(b'{"model":"m"}')
