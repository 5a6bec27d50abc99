"""The fields that common chunks may have beside what they say."""

from typing import Any

import msgspec
import pytest

from gateway.fast.agents.replies.messages_chunks import _Chunk as ChunkWithArguments
from gateway.fast.deltas.text_events import _ChatEvent, _CompletionsEvent
from gateway.fast.forms.chat_chunk_fields import ChunkFields
from gateway.fast.streams.chat_as_completions import Chunk
from gateway.shapes import Json

HEAD: Json = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CALL = {"index": 0, "function": {"arguments": "{"}}
CHUNKS: list[tuple[type[ChunkFields], Json]] = [
    (Chunk, {"index": 0, "delta": {"content": "a"}}),
    (_ChatEvent, {"index": 0, "delta": {"content": "a"}}),
    (_CompletionsEvent, {"index": 0, "text": "a"}),
    (ChunkWithArguments, {"index": 0, "delta": {"tool_calls": [CALL]}}),
]


def is_common(kind: type[ChunkFields], chunk: Any) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(chunk), type=kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize(("kind", "choice"), CHUNKS)
def test_chunks_of_all_kinds_have_the_same_fields(kind: type[ChunkFields], choice: Json) -> None:
    chunk = {**HEAD, "choices": [choice]}
    assert is_common(kind, chunk)
    for name in ("system_fingerprint", "service_tier", "provider", "obfuscation", "p"):
        assert is_common(kind, {**chunk, name: "x"})
        assert is_common(kind, {name: None, **chunk})
    for name in ("error", "prompt_token_ids", "kv_transfer_params"):
        assert is_common(kind, {**chunk, name: None})
        assert not is_common(kind, {**chunk, name: "x"})
    assert not is_common(kind, {**chunk, "zzz": None})
    assert is_common(kind, {**chunk, "usage": None})
