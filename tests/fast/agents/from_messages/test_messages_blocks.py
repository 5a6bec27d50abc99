"""Where blocks are, and what the generic path is given of them."""

from gateway.fast.agents.from_messages.messages_blocks import (
    blocks_as_json,
    path_of,
    path_of_message,
    signature_of,
)
from gateway.fast.agents.from_messages.messages_requests import (
    Assistant,
    RedactedThinking,
    Thinking,
    read_messages_request,
)

WRITTEN = rb'{"type":"tool_use","id":"a\u0062","name":"f","input":{"n":1.50}}'
PATHS = ["messages[0].content", "messages[1].content[0]"]


def test_the_place_of_a_block_is_its_messages_or_its_own() -> None:
    assert path_of(2, 1) == "messages[2].content[1]"
    assert path_of(PATHS, 1) == "messages[1].content[0]"
    assert (path_of_message(2), path_of_message(PATHS)) == ("messages[2]", "messages[0]")


def test_the_generic_path_has_ids_names_and_numbers_decoded() -> None:
    messages = b'[{"role":"assistant","content":[%b]}]' % WRITTEN
    body = b'{"model":"m","max_tokens":9,"messages":%b}' % messages
    (said,) = read_messages_request(body).messages
    assert isinstance(said, Assistant)
    assert not isinstance(said.content, str)
    (block,) = blocks_as_json(said.content, 3)
    assert block.json == {"type": "tool_use", "id": "ab", "name": "f", "input": {"n": 1.5}}
    assert block.path == "messages[3].content[0]"


def test_thinking_is_signed_or_not_shown() -> None:
    assert signature_of(Thinking("Hm.", "s")) == "s"
    assert signature_of(RedactedThinking("d")) == "d"
