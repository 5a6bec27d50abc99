from typing import Any

import pytest

from tests.demo.messages_client import ADAPTIVE, refused, say

PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
TEXT = {"type": "text", "text": "x"}
CACHED = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
TAGS = "'text', 'image', 'document', 'search_result', 'tool_result', 'container_upload'"


@pytest.mark.parametrize(
    "block",
    [
        {**TEXT, **CACHED, "citations": []},
        {"type": "image", "source": PNG, **CACHED},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {**PNG, "media_type": "application/pdf"}, "title": "A"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}},
        {"type": "document", "source": {"type": "content", "content": [TEXT]}},
        {"type": "search_result", "source": "s", "title": "t", "content": [TEXT]},
    ],
)
def test_users_blocks_are_taken(block: Any) -> None:
    assert say([block]).status == 200


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({**TEXT, "text": ""}, "messages: text content blocks must be non-empty"),
        ({**TEXT, "text": 1}, "messages.0.content.0.text.text: Input should be a valid string"),
        (
            {**TEXT, "cache_control": {"type": "ephemeral", "ttl": "2h"}},
            "messages.0.content.0.text.cache_control.ttl: Input should be '5m' or '1h'",
        ),
        (
            {"type": "image_url", "image_url": {}},
            (
                "messages.0.content.0: Input tag 'image_url' found using 'type' does not match any"
                f" of the expected tags: {TAGS}"
            ),
        ),
        (
            {"type": "tool_use", "id": "a", "name": "b", "input": {}},
            (
                "messages.0.content.0: Input tag 'tool_use' found using 'type' does not match any"
                f" of the expected tags: {TAGS}"
            ),
        ),
        (
            {"type": "image", "source": {**PNG, "data": "?"}},
            "messages.0.content.0.image.source.data: Invalid base64 data",
        ),
        (
            {"type": "image", "source": {**PNG, "media_type": "image/bmp"}},
            (
                "messages.0.content.0.image.source.media_type: Input should be 'image/jpeg',"
                " 'image/png', 'image/gif' or 'image/webp'"
            ),
        ),
    ],
)
def test_a_wrong_block_is_named(block: Any, text: str) -> None:
    assert refused([block]) == text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (1, "messages.0: Input should be a valid dictionary"),
        ({"content": "x"}, "messages.0.role: Field required"),
        ({"role": "user"}, "messages.0.content: Field required"),
        (
            {"role": "tool", "content": "x"},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        (
            {"role": "user", "content": "x", "name": "y"},
            "messages.0.name: Extra inputs are not permitted",
        ),
    ],
)
def test_a_wrong_message_is_named(message: Any, text: str) -> None:
    assert refused("", messages=[message]) == text


def test_ids_of_calls_match_a_pattern() -> None:
    call = {"type": "tool_use", "id": "call|1", "name": "b", "input": {}}
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [call]}]
    assert refused(messages) == (
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    )


def test_system_messages_have_texts_only() -> None:
    late = {"role": "system", "content": [{"type": "image", "source": PNG}]}
    text = refused([{"role": "user", "content": "x"}, late], model=ADAPTIVE)
    assert text.startswith("messages.1.content.0: Input tag 'image' found")
