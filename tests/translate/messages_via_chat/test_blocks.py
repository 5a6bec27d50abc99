"""What reasoning carries in its signature: the fields that its server wants back."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.parts.messages.signatures import unpack
from tests.translate.messages_client import context
from tests.translate.messages_via_chat.chat import PAIR
from tests.translate.responses_via_chat.chat_backend import chunk, completion, fragment, tool_call
from tests.translate.responses_via_chat.next_turn import SAID, SIGNED
from tests.translate.sealing import OpenSeal

READER = Capabilities(reasoning_field="reasoning_content")
TOOLS: Json = {"tools": frozenset({"ls", "now"})}
BARE = "gw1."


def sealing(able: Capabilities = READER) -> Context:
    return context(able, seal=OpenSeal())


def carried(block: Json) -> Json | None:
    """Return what a block that comes back carries."""
    text = block.get("thinking", "")
    return unpack(block.get("signature") or block["data"], text, sealing())


def first(reply: Json, of: Context | None = None, **asked: Any) -> Json:
    block: Json = PAIR.replied(reply, of or sealing(), **asked)["content"][0]
    return block


def test_shown_reasoning_that_its_server_reads_needs_nothing_else() -> None:
    block = first(completion("a", reasoning_content="hm"))
    assert block == {"type": "thinking", "thinking": "hm", "signature": BARE}


def test_the_servers_name_of_reasoning_is_carried_where_it_is_not_the_usual_one() -> None:
    assert carried(first(completion("a", reasoning="hm"))) == {
        "message": {"reasoning": "hm"},
        "calls": {},
        "goes_on": False,
    }


def test_hidden_reasoning_is_carried() -> None:
    block = first(completion("a", reasoning_content="hm"), thinking="omitted")
    assert block["thinking"] == ""
    content = carried(block)
    assert content is not None
    assert content["message"] == {"reasoning_content": "hm"}
    assert first(completion("a", reasoning="hm"), thinking="none")["type"] == "text"


@pytest.mark.parametrize("said", [said for name, said in SAID.items() if name != "reasoning"])
def test_fields_that_only_the_server_can_read_are_carried(said: Json) -> None:
    content = carried(first(completion("a", **said), sealing()))
    if said == SAID["reasoning_content"]:
        assert content is None
        return
    assert content is not None
    kept = {name.removeprefix("message."): value for name, value in content["message"].items()}
    assert kept.keys() >= said.keys() - {"reasoning"}


def test_fields_without_text_are_a_redacted_block() -> None:
    block = first(completion("a", **SIGNED))
    assert block["type"] == "redacted_thinking"
    assert carried(block) == {"message": SIGNED, "calls": {}, "goes_on": False}
    hidden = first(completion("a", **SIGNED), thinking="omitted")
    assert (hidden["type"], hidden["thinking"]) == ("thinking", "")
    assert carried(hidden) == carried(block)


def test_without_a_seal_nothing_is_carried() -> None:
    assert first(completion("a", **SIGNED), context())["type"] == "text"
    block = first(completion("a", reasoning="hm"), context())
    assert block["signature"] == BARE


def test_fields_of_calls_are_carried_by_the_clients_ids() -> None:
    call = tool_call("ls", "{}", "call_a")
    signed = {**call, **SIGNED}
    reply = completion(None, "tool_calls", reasoning_content="hm", tool_calls=[signed])
    content = carried(first(reply, **TOOLS))
    assert content is not None
    assert content["calls"] == {"call_a": SIGNED}


def test_a_signature_that_comes_late_is_carried_by_a_block_of_its_own() -> None:
    events = [
        chunk(reasoning_content="hm"),
        chunk("a"),
        chunk(tool_calls=[{**fragment(0, "", name="ls", call_id="call_a"), **SIGNED}]),
        chunk(tool_calls=[fragment(0, "{}")]),
        chunk(tool_calls=[fragment(1, "{}", name="now")]),
        chunk(finish="tool_calls"),
    ]
    message = PAIR.message(events, sealing, **TOOLS)
    kinds = [block["type"] for block in message["content"]]
    assert kinds == ["thinking", "text", "redacted_thinking", "tool_use", "tool_use"]
    assert carried(message["content"][2]) == {
        "message": {},
        "calls": {"call_a": SIGNED},
        "goes_on": True,
    }


def test_reasoning_waits_for_the_id_of_a_call_that_it_carries_fields_of() -> None:
    fold = PAIR.asking(sealing(), **TOOLS).stream()
    fold.feed(0, chunk(reasoning_content="hm"))
    piece = {**fragment(0, None, name="now"), **SIGNED}
    assert fold.feed(0, chunk(tool_calls=[piece])) == []
    events = fold.feed(0, chunk(tool_calls=[fragment(0, "{}", call_id="call_a")]))
    assert [event["type"] for event in events][:2] == ["content_block_delta", "content_block_stop"]
    signature = events[0]["delta"]["signature"]
    content = unpack(signature, "hm", sealing())
    assert content is not None
    assert content["calls"] == {"call_a": SIGNED}


def test_reasoning_after_calls_names_them() -> None:
    events = [
        chunk(tool_calls=[fragment(0, "{}", name="ls", call_id="call_a")]),
        chunk(reasoning_content="hm"),
        chunk(finish="tool_calls"),
    ]
    block = PAIR.message(events, sealing, **TOOLS)["content"][1]
    assert carried(block) == {
        "message": {"reasoning_content": "hm"},
        "calls": {"call_a": {}},
        "goes_on": True,
    }


def test_what_is_carried_opens_for_its_own_server_only() -> None:
    block = first(completion("a", **SIGNED))
    elsewhere = replace(sealing(), upstream="other")
    assert unpack(block["data"], "", elsewhere) is None
