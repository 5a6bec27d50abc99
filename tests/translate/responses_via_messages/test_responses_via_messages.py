"""Properties of the pair, whatever is said."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.shapes import Json
from tests.translate.chat_via_messages.test_chat_via_messages import BLOCKS, INPUTS, SAID
from tests.translate.messages_upstreams import events_of, message, sealing, text, thinking, tool_use
from tests.translate.responses_via_chat.client_stream import read
from tests.translate.responses_via_messages.cases import (
    ENCRYPTED,
    HELLO,
    TOOLS,
    call_of,
    streamed,
    whole,
)
from tests.translate.responses_via_messages.test_stream import without_ids

BODY: Json = {"tools": [*TOOLS, {**TOOLS[0], "name": "g"}], **ENCRYPTED}


@given(
    st.lists(BLOCKS, max_size=5),
    st.sampled_from(("end_turn", "tool_use", "max_tokens", "refusal")),
    st.integers(1, 7),
)
def test_streams_are_folded_to_the_whole_reply(blocks: list[Json], reason: str, size: int) -> None:
    made = message(*blocks, reason=reason)
    response = read(streamed(BODY, events_of(made, size), sealing()))
    assert without_ids(response) == without_ids(whole(BODY, made, sealing()))


@given(
    st.lists(
        st.one_of(
            st.just(("redacted", "xx")),
            st.tuples(st.just("thinking"), SAID),
            st.tuples(st.just("text"), SAID),
            st.tuples(st.sampled_from(("f", "g")), INPUTS),
        ),
        max_size=6,
    )
)
def test_what_a_model_says_comes_back_to_it_as_it_was(given: list[tuple[str, Any]]) -> None:
    """Through a client that sends back the output, as Codex does, and nothing is stored."""
    blocks: list[Json] = []
    for position, (kind, said) in enumerate(given):
        if kind == "redacted":
            blocks.append({"type": "redacted_thinking", "data": said})
        elif kind == "thinking":
            blocks.append(thinking(said))
        elif kind == "text":
            if not (blocks and blocks[-1]["type"] == "text"):
                blocks.append(text(said))
        else:
            blocks.append(tool_use(kind, said, f"toolu_{position}"))
    of = sealing()
    output = whole(BODY, message(*blocks), of)["output"]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "done"}
        for item in output
        if item["type"] == "function_call"
    ]
    sent = call_of({**BODY, "input": [*HELLO, *output, *results]}, of)["messages"]
    said_before = [message for message in sent if message["role"] == "assistant"]
    if all(block["type"] in ("thinking", "redacted_thinking") for block in blocks):
        assert said_before == []
        return
    (turn,) = said_before
    content = turn["content"]
    assert (blocks if isinstance(content, list) else blocks[0]["text"]) == content
