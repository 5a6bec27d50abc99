"""What the signature of a reasoning item carries, so that the next turn can bring the item back."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.messages.signatures import unpack
from tests.translate.chat_via_responses.cases import (
    ending,
    events_of,
    function_call,
    item_events,
    message,
    opening,
    reasoning,
    response,
    text,
)
from tests.translate.messages_client import context, kinds, texts
from tests.translate.messages_via_responses.responses import PAIR
from tests.translate.sealing import OpenSeal

SEALED: Json = {"encrypted_content": "gAAAA"}
ITEM: Json = {"type": "reasoning", "id": "rs_1", **SEALED}


def sealing(able: Capabilities | None = None) -> Context:
    return context(able, seal=OpenSeal())


def taking_text() -> Context:
    return sealing(Capabilities(reasoning_items=True))


def first(item: Json, of: Callable[[], Context] = sealing, **asked: Any) -> Json:
    """Return the block of an item, which a stream must have too."""
    reply = response(item, message(text("a")))
    block: Json = PAIR.replied(reply, of(), **asked)["content"][0]
    streamed = PAIR.message(events_of(reply), of, **asked)
    assert streamed["content"][0] == block
    return block


def carried(block: Json) -> Json | None:
    text_of = block.get("thinking", "")
    content = unpack(block.get("signature") or block["data"], text_of, sealing())
    return content and content["item"]


def test_the_item_is_carried_beside_its_summary() -> None:
    block = first(reasoning(summary=["hm"], **SEALED))
    assert block["thinking"] == "hm"
    assert carried(block) == ITEM


def test_parts_of_a_summary_are_carried_as_they_were() -> None:
    block = first(reasoning(summary=["One.", "Two."], **SEALED))
    assert block["thinking"] == "One.\n\nTwo."
    summary = [{"type": "summary_text", "text": each} for each in ("One.", "Two.")]
    assert carried(block) == {**ITEM, "summary": summary}


def test_a_summary_that_is_hidden_is_carried() -> None:
    block = first(reasoning(summary=["hm"], **SEALED), thinking="omitted")
    assert (block["type"], block["thinking"]) == ("thinking", "")
    assert carried(block) == {**ITEM, "summary": [{"type": "summary_text", "text": "hm"}]}
    empty = first(reasoning(**SEALED), thinking="omitted")
    assert (empty["type"], carried(empty)) == ("thinking", {**ITEM, "summary": []})


def test_an_item_without_text_is_redacted() -> None:
    block = first(reasoning(**SEALED))
    assert block["type"] == "redacted_thinking"
    assert carried(block) == {**ITEM, "summary": []}


def test_the_text_of_reasoning_is_not_a_summary() -> None:
    assert carried(first(reasoning("hm", **SEALED))) == {**ITEM, "summary": []}
    assert first(reasoning("hm"))["signature"] == "gw1."


def test_hidden_text_is_carried_to_servers_that_take_it() -> None:
    assert carried(first(reasoning("h", "m"), taking_text, thinking="omitted")) == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
    }
    assert carried(first(reasoning("hm"), thinking="omitted")) is None
    assert first(reasoning("hm"), taking_text)["signature"] == "gw1."


def test_an_item_without_an_id_has_none() -> None:
    item = reasoning(summary=["hm"], **SEALED)
    del item["id"]
    block = PAIR.replied(response(item), sealing())["content"][0]
    assert carried(block) == {"type": "reasoning", **SEALED}


def test_without_a_seal_nothing_is_carried() -> None:
    assert first(reasoning(**SEALED), context)["type"] == "text"
    assert first(reasoning(summary=["hm"], **SEALED), context)["signature"] == "gw1."
    assert first(reasoning(summary=["hm"], **SEALED), thinking="none")["type"] == "text"


def test_of_a_text_and_its_summary_the_first_is_shown_and_the_other_reported() -> None:
    translation = PAIR.asking(sealing())
    reply = response(reasoning("hm", summary=["sum"], **SEALED))
    assert texts(translation.reply([reply])) == ["<hm>"]
    assert translation.report.dropped == ["reasoning.summary"]


def test_each_item_is_signed_once_at_its_end() -> None:
    one, two = (reasoning(summary=["hm"], **{**SEALED, "id": f"rs_{k}"}) for k in (1, 2))
    call = function_call("f", "{}")
    sent = PAIR.streamed(events_of(response(one, call, two)), sealing, tools=frozenset({"f"}))
    assert kinds(sent).count("signature_delta") == 2
    assert kinds(sent).count("redacted_thinking") == 0


@pytest.mark.parametrize("last", [True, False])
def test_what_is_sealed_may_be_in_any_of_the_last_events(last: bool) -> None:
    item = reasoning(summary=["hm"], **SEALED)
    bare = {name: value for name, value in item.items() if name != "encrypted_content"}
    events = [*opening(response()), *item_events(bare if last else item, 0)]
    reply = response(item if last else bare)
    block = PAIR.message([*events, ending(reply)], sealing)["content"][0]
    assert carried(block) == ITEM


def test_an_item_that_ends_late_has_its_signature_in_a_block_of_its_own() -> None:
    item, said = reasoning(summary=["hm"], **SEALED), message(text("a"))
    *begun, _ = item_events(item, 0)
    unannounced = [event for event in begun if not event["type"].endswith("item.added")]
    events = [*opening(response()), *unannounced, *item_events(said, 1)]
    sent = PAIR.message([*events, ending(response(item, said))], sealing)
    assert [block["type"] for block in sent["content"]] == [
        *("thinking", "text", "redacted_thinking")
    ]
    assert sent["content"][0]["signature"] == "gw1."
    assert carried(sent["content"][2]) == {**ITEM, "summary": []}
