"""The chunks of chat streams."""

import pytest

from gateway.translate.stream.chat_chunks import ChatChunks


@pytest.mark.parametrize("include_usage", [False, True])
def test_only_a_client_that_wants_the_usage_gets_it(*, include_usage: bool) -> None:
    chunks = ChatChunks(include_usage=include_usage)
    before = chunks.identity
    chunks.begin("chatcmpl-1", 7, "m")
    (first,) = chunks.announced(1)
    assert not before
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert ("usage" in first) is include_usage
    assert chunks.end(None) == []
    found = [chunk["usage"] for chunk in chunks.end({"total_tokens": 3})]
    assert found == ([{"total_tokens": 3}] if include_usage else [])
